"""The schema: what migrations make is what the tables say, and a worker refuses any other."""

import subprocess
import sys
import threading

import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import create_engine, make_url

from labstow.workers.kit.database import SchemaRefused, check, current, upgrade
from labstow.workers.kit.tables import SCHEMA, metadata
from labstow.workers.resource import tables  # noqa: F401  (registers its table)
from labstow.workers.template import tables as _  # noqa: F401
from tests.servers import Servers


def test_the_migrations_make_what_the_tables_say(migrated: str) -> None:
    """A column, constraint or index that stands in one of them only is a mistake."""
    engine = create_engine(make_url(migrated).set(drivername="postgresql+psycopg"))
    with engine.connect() as connection:
        options = {
            "version_table_schema": SCHEMA,
            "include_schemas": True,
            "include_name": lambda name, kind, _: kind != "schema" or name == SCHEMA,
            "compare_type": True,
        }
        assert compare_metadata(MigrationContext.configure(connection, opts=options), metadata) == []
    engine.dispose()


def test_upgrading_twice_or_from_many_hosts_at_once_is_harmless(servers: Servers) -> None:
    """I59: one migration at a time; the others find it done."""
    with servers.database() as url:
        many = [threading.Thread(target=upgrade, args=(url,)) for _ in range(4)]
        for one in many:
            one.start()
        for one in many:
            one.join(timeout=30)
        check(url)
        upgrade(url)
        assert current(url) == "0004"


def test_a_database_that_is_not_ours_is_left_as_it_was(servers: Servers) -> None:
    """I57: tables of others stay, whatever they are called."""
    with servers.database() as url:
        with psycopg.connect(url, autocommit=True) as db:
            db.execute("create table public.resource (mine text)")
            db.execute("insert into public.resource values ('kept')")
        upgrade(url)
        with psycopg.connect(url) as db:
            assert db.execute("select * from public.resource").fetchall() == [("kept",)]


@pytest.mark.parametrize(
    ("statement", "says"),
    [
        ("drop table labstow.alembic_version", "run `labstow db upgrade`"),
        ("update labstow.alembic_version set version_num = '9999'", "use the newer labstow"),
        ("alter database {name} set synchronous_commit = off", "synchronous_commit off"),
    ],
)
def test_a_worker_refuses_a_database_it_does_not_know(postgres_url: str, statement: str, says: str) -> None:
    """I60: older, newer, or not durable: one sentence with what to do, exit 1, and nothing is written.

    Seen to fail without `check` in the worker's `main`: it went on to wait for its NATS server.
    """
    with psycopg.connect(postgres_url, autocommit=True) as db:
        db.execute(statement.format(name=db.info.dbname).encode())
    with pytest.raises(SchemaRefused, match=says):
        check(postgres_url)
    environment = {"LABSTOW_POSTGRES_URL": postgres_url, "LABSTOW_NATS_URL": "nats://127.0.0.1:1", "PATH": "/usr/bin"}
    worker = [sys.executable, "-m", "labstow.workers", "resource"]
    ended = subprocess.run(worker, env=environment, capture_output=True, text=True, timeout=30, check=False)
    assert (ended.returncode, "Traceback" in ended.stderr) == (1, False)
    assert says in ended.stderr


def test_a_newer_database_is_not_upgraded(postgres_url: str) -> None:
    """I60: nor does `labstow db upgrade` touch it."""
    with psycopg.connect(postgres_url, autocommit=True) as db:
        db.execute("update labstow.alembic_version set version_num = '9999'")
    with pytest.raises(SchemaRefused, match="newer"):
        upgrade(postgres_url)


def test_a_schema_of_our_name_that_is_not_ours_is_refused(servers: Servers) -> None:
    """I57: somebody else's tables are named, and left alone."""
    with servers.database() as url:
        with psycopg.connect(url, autocommit=True) as db:
            db.execute("create schema labstow")
            db.execute("create table labstow.tubes (id int)")
        with pytest.raises(SchemaRefused, match="not ours, such as tubes"):
            upgrade(url)
