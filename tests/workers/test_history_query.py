"""Questions to the journal."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest

from labstow.contracts.history import Entries, Entry, QueryHistory
from labstow.contracts.ulids import new_ulid
from labstow.workers.history import queries
from labstow.workers.history.entries import KnownEntries
from labstow.workers.kit.database import connect
from labstow.workers.kit.pipeline import Pipeline
from tests.workers.journals import committed, entry, write

LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
REMOVED = '{"removed_at": "2026-01-01T00:00:00Z"}'
PRESENT = '{"removed_at": null}'


@pytest.fixture
async def database(postgres_url: str) -> AsyncIterator[Pipeline]:
    pipeline = Pipeline(await connect(postgres_url))
    yield pipeline
    await pipeline.close()


async def query(database: Pipeline, asked: QueryHistory, *, room: int = 6_500_000) -> bytes:
    """The answer of a worker that knows nothing yet, which is that of one that has read it all before."""
    known = KnownEntries()
    answer = await queries.query(known, database, asked, room=room)
    assert await queries.query(known, database, asked, room=room) == answer
    return answer


def put(url: str, *entries: dict[str, Any]) -> None:
    with psycopg.connect(url) as connection:
        for each in entries:
            write(connection, each)


async def ask(database: Pipeline, *, room: int = 6_500_000, **filters: Any) -> Entries:
    return Entries.model_validate_json(await query(database, QueryHistory(**filters), room=room))


async def all_pages(database: Pipeline, *, room: int = 6_500_000, **filters: Any) -> tuple[list[Entry], int]:
    """Everything, oldest first, and in how many pages it came."""
    found: list[Entry] = []
    pages, before = 0, None
    while True:
        page = await ask(database, room=room, before=before, **filters)
        pages += 1
        found = [*page.entries, *found]
        if (before := page.previous) is None:
            return found, pages


async def test_without_entries_the_answer_is_empty(database: Pipeline) -> None:
    assert await ask(database) == Entries(entries=(), previous=None)
    assert await ask(database, entity_id=new_ulid()) == Entries(entries=(), previous=None)


async def test_the_newest_entries_come_oldest_first(database: Pipeline, postgres_url: str) -> None:
    thing = new_ulid()
    put(postgres_url, entry(thing, 10))
    page = await ask(database, entity_id=thing, limit=4)
    assert [each.version for each in page.entries] == [7, 8, 9, 10]
    assert page.previous == page.entries[0].seq
    page = await ask(database, entity_id=thing, limit=6, before=page.previous)
    assert [each.version for each in page.entries] == [1, 2, 3, 4, 5, 6]
    assert page.previous is None


async def test_an_entry_is_answered_as_it_was_written(database: Pipeline, postgres_url: str) -> None:
    thing = new_ulid()
    put(postgres_url, entry(thing, what="added", actor="bob", state='{"b": 1e22,  "a": "µ"}'))
    raw = await query(database, QueryHistory(entity_id=thing))
    assert '"state":{"b": 1e22,  "a": "µ"}'.encode() in raw
    (found,) = Entries.model_validate_json(raw).entries
    assert (found.event_id, found.entity_id, found.version) == committed(postgres_url)[0]
    assert (found.noun, found.what, found.actor, found.via, found.group_id) == (
        "resource",
        "added",
        "bob",
        "nats",
        None,
    )


async def test_filters_add_up(database: Pipeline, postgres_url: str) -> None:
    plate, tip, lock = new_ulid(), new_ulid(), new_ulid()
    put(
        postgres_url,
        entry(plate, what="added", state=PRESENT),
        entry(tip, what="added", actor="bob", state=PRESENT),
        entry(plate, 3, state=PRESENT),
        entry(tip, what="removed", state=REMOVED),
        entry(lock, noun="lock", what="acquired"),
    )

    async def found(**filters: Any) -> list[tuple[str, int]]:
        return [(each.entity_id, each.version) for each in (await ask(database, **filters)).entries]

    everything = await found()
    assert everything == [(plate, 1), (tip, 1), (plate, 2), (plate, 3), (plate, 4), (tip, 2), (lock, 1)]
    assert await found(noun="lock") == [(lock, 1)]
    assert await found(entity_id=tip) == [(tip, 1), (tip, 2)]
    assert await found(entity_id=plate, version=3) == [(plate, 3)]
    assert await found(what="added") == [(plate, 1), (tip, 1)]
    assert await found(what="added", actor="bob") == [(tip, 1)]
    assert await found(actor="nobody") == []
    assert await found(removed=True) == [(tip, 2)]
    assert await found(removed=False) == [each for each in everything if each != (tip, 2)]
    assert await found(removed=False, entity_id=tip) == [(tip, 1)]
    third = (await ask(database)).entries[2].at
    assert await found(since=third, until=third, version=2) == [(plate, 2)]
    assert await found(since=datetime.now(UTC)) == []
    assert await found(until=LONG_AGO) == []


async def test_paging_gives_every_entry_once(database: Pipeline, postgres_url: str) -> None:
    """I40. Page sizes that divide the number of entries, do not, or exceed it."""
    one, other = new_ulid(), new_ulid()
    put(postgres_url, *(entry(thing, 20, state=PRESENT) for thing in (one, other, one, other, one)))
    rows = committed(postgres_url)
    cases: list[dict[str, Any]] = [{}, {"noun": "resource"}, {"removed": False}, {"entity_id": one}]
    for filters in cases:
        wanted = [row for row in rows if row[1] in filters.get("entity_id", row[1])]
        for limit in (1, 7, 10, 100, 1000):
            found, pages = await all_pages(database, limit=limit, **filters)
            assert [(each.event_id, each.entity_id, each.version) for each in found] == wanted
            assert pages == -(-len(wanted) // limit)


async def test_a_page_is_cut_by_its_bytes_and_says_so(database: Pipeline, postgres_url: str) -> None:
    """I40: what does not fit into a message is on the next page, also when one entry alone is larger than a page."""
    thing = new_ulid()
    put(
        postgres_url,
        entry(thing, 5, state='{"text": "' + 30_000 * "x" + '"}'),
        entry(thing, state='{"text": "' + 300_000 * "x" + '"}'),
        entry(thing, 5, state='{"text": "' + 30_000 * "µ" + '"}'),
    )
    raw = await query(database, QueryHistory(limit=1000), room=100_000)
    assert len(raw) < 100_000
    found, pages = await all_pages(database, limit=1000, room=100_000)
    assert [each.version for each in found] == list(range(1, 12))
    assert pages >= 8


async def test_a_full_page_of_large_entries_fits_into_a_message(database: Pipeline, postgres_url: str) -> None:
    put(postgres_url, entry(new_ulid(), 60, state='{"text": "' + 200_000 * "x" + '"}'))
    raw = await query(database, QueryHistory(limit=1000))
    assert 6_000_000 < len(raw) < 7_000_000
    found, pages = await all_pages(database, limit=1000)
    assert (len(found), pages) == (60, 2)
