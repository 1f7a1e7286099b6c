"""The database: how sessions are set up, how the schema gets there, and what a worker refuses to work on."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import orjson
import psycopg
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from psycopg.types.json import set_json_dumps, set_json_loads
from sqlalchemy import Connection, create_engine, inspect, make_url, text

from labstow.workers.kit.tables import SCHEMA

MIGRATIONS: Final = Path(__file__).parent.parent / "migrations"
MIGRATION_LOCK: Final = 0x6C616201
DURABLE: Final = ("fsync", "full_page_writes", "synchronous_commit")

SESSION: Final = f"-c search_path={SCHEMA} -c timezone=UTC -c jit=off -c idle_in_transaction_session_timeout=10s"
"""For every session of ours: UTC, our schema, and no transaction that is forgotten."""

HOT: Final = f"{SESSION} -c plan_cache_mode=force_generic_plan -c enable_seqscan=off -c synchronous_commit=on"
"""For sessions that run the prepared statements of the hot path: a plan made on an empty table must not last."""

LINK: Final[dict[str, Any]] = {
    "connect_timeout": 5,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,
}
"""For every connection: a host that is gone is noticed within seconds, not hours."""

set_json_loads(orjson.loads)
set_json_dumps(orjson.dumps)


class SchemaRefused(RuntimeError):
    """The database is not one this version of labstow can work on; the text says why and what to do."""


def upgrade(url: str) -> None:
    """Bring the schema to this version. One migration at a time runs on a database, from however many hosts.

    Raises:
        SchemaRefused: the database is from a newer version, or its schema `labstow` is not ours.
    """
    with _connection(url) as connection:
        connection.execute(text("select pg_advisory_lock(:lock)"), {"lock": MIGRATION_LOCK})
        script = _script()
        found = _revision(connection)
        _known(found, script)
        if found is None and (strangers := inspect(connection).get_table_names(schema=SCHEMA)):
            raise SchemaRefused(
                f"the schema {SCHEMA} holds tables that are not ours, such as {strangers[0]}: use another database"
            )
        connection.execute(text(f"create schema if not exists {SCHEMA}"))
        connection.commit()
        config = Config()
        config.set_main_option("script_location", str(MIGRATIONS))
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
        connection.commit()


def check(url: str) -> None:
    """Refuse a database that is older, newer, foreign or not durable, before anything is written to it.

    Raises:
        SchemaRefused: with what was found and what to do.
    """
    with _connection(url) as connection:
        script = _script()
        found = _revision(connection)
        _known(found, script)
        if found != (head := script.get_current_head()):
            raise SchemaRefused(
                f"the database is at schema {found or 'none'}, this version needs {head}: run `labstow db upgrade`"
            )
        for setting in DURABLE:
            value = connection.execute(text(f"show {setting}")).scalar_one()
            if value == "off":
                raise SchemaRefused(f"the database has {setting} off: acknowledged writes could be lost")


def current(url: str) -> str | None:
    """The schema revision a database is at; None where there is nothing of ours."""
    with _connection(url) as connection:
        return _revision(connection)


async def connect(url: str, *, statement_timeout_s: int = 5) -> psycopg.AsyncConnection:
    """A psycopg connection for the hot path: every statement prepared at its first use.

    It waits for what others have locked for a fifth of the time, so that there is time to try again.
    """
    limits = {
        "statement_timeout": statement_timeout_s * 1_000,
        "lock_timeout": statement_timeout_s * 200,
        "idle_in_transaction_session_timeout": max(10, statement_timeout_s) * 1_000,
    }
    return await psycopg.AsyncConnection.connect(
        url,
        options=" ".join((HOT, *(f"-c {name}={limit_ms}" for name, limit_ms in limits.items()))),
        prepare_threshold=0,
        **LINK,
    )


@contextmanager
def _connection(url: str) -> Iterator[Connection]:
    bound = create_engine(make_url(url).set(drivername="postgresql+psycopg"))
    try:
        with bound.connect() as connection:
            yield connection
    finally:
        bound.dispose()


def _script() -> ScriptDirectory:
    return ScriptDirectory(str(MIGRATIONS))


def _revision(connection: Connection) -> str | None:
    context = MigrationContext.configure(connection, opts={"version_table_schema": SCHEMA})
    return context.get_current_revision()


def _known(found: str | None, script: ScriptDirectory) -> None:
    known = {revision.revision for revision in script.walk_revisions()}
    if found is not None and found not in known:
        raise SchemaRefused(
            f"the database is at schema {found}, which this version of labstow does not know: use the newer labstow"
            " that made it"
        )
