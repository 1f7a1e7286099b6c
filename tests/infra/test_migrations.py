"""A start that looks at the database itself sees the schema of this version, and no other."""

import psycopg
from alembic.script import ScriptDirectory

from labstow.infra import migrations
from labstow.workers.kit.database import MIGRATIONS, upgrade
from tests.servers import Servers


def test_files_are_named_after_the_schemas_that_alembic_finds_in_them() -> None:
    revisions = [revision.revision for revision in ScriptDirectory(str(MIGRATIONS)).walk_revisions()]
    assert migrations.known() == revisions[::-1]


def test_a_database_is_done_when_it_is_at_the_schema_of_this_version(servers: Servers) -> None:
    with servers.database() as url:
        assert not migrations.done(url)
        upgrade(url)
        assert migrations.done(url)
        with psycopg.connect(url) as connection:
            connection.execute("update labstow.alembic_version set version_num = '0099'")
        assert not migrations.done(url)


def test_one_that_does_not_answer_is_not_done() -> None:
    assert not migrations.done("postgresql://127.0.0.1:1/labstow")
