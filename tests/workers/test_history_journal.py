"""The journal is append-only (I37): nothing that is in it changes or goes."""

import psycopg
import pytest

from labstow.contracts.ulids import new_ulid
from tests.workers.journals import committed, entry, write


@pytest.mark.parametrize(
    "statement",
    [
        "update labstow.journal set actor = 'somebody else'",
        "update labstow.journal set seq = default where false",
        "delete from labstow.journal",
        "truncate labstow.journal cascade",
        "merge into labstow.journal using (select 1) one on true when matched then delete",
        "insert into labstow.journal select * from labstow.journal on conflict (seq) do update set actor = ''",
    ],
)
def test_no_entry_is_changed_or_deleted(postgres_url: str, statement: str) -> None:
    with psycopg.connect(postgres_url) as connection:
        write(connection, entry(new_ulid(), 3))
    before = committed(postgres_url)
    with psycopg.connect(postgres_url) as connection, pytest.raises(psycopg.Error):
        connection.execute(statement)
    assert committed(postgres_url) == before


def test_the_trigger_is_what_refuses(postgres_url: str) -> None:
    """The guard removed: without the trigger, and it alone, an entry can be altered."""
    with psycopg.connect(postgres_url) as connection:
        write(connection, entry(new_ulid()))
        with (
            pytest.raises(psycopg.errors.InsufficientPrivilege, match="append-only: UPDATE refused"),
            connection.transaction(),
        ):
            connection.execute("update labstow.journal set actor = ''")
        connection.execute("drop trigger journal_append_only on labstow.journal")
        assert connection.execute("update labstow.journal set actor = ''").rowcount == 1


def test_a_version_is_written_once(postgres_url: str) -> None:
    """I35: whoever misses the lock of a thing cannot write a version that is there already."""
    thing = new_ulid()
    copy = (
        "insert into labstow.journal (event_id, noun, entity_id, version, what, at, actor, via, op_id, changes, state,"
        " prev_hash, hash) select %s, noun, entity_id, version, what, at, actor, via, op_id, changes, state, prev_hash,"
        " hash from labstow.journal"
    )
    with psycopg.connect(postgres_url) as connection:
        write(connection, entry(thing))
        with pytest.raises(psycopg.errors.UniqueViolation, match="journal_version"):
            connection.execute(copy, [new_ulid()])
