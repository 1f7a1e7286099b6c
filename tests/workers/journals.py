"""Writing journal entries with SQL of its own, and holding the stream against them."""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Any

import nats
import psycopg
from nats.js.api import AckPolicy, ConsumerConfig

from labstow.contracts.events import Event
from labstow.contracts.subjects import EVENT_STREAM
from labstow.contracts.ulids import new_ulid

# The row lock of an entity is an advisory lock here: its next version, and its seq, are taken while it is held.
LOCK = "select pg_advisory_xact_lock(hashtext(%(entity)s))"
WRITE = """
with written as (
    insert into labstow.journal (event_id, noun, entity_id, version, what, at, actor, via, op_id, parent_id,
                                 changes, state, prev_hash, hash)
    select new.id, %(noun)s, %(entity)s, before.version + new.n, %(what)s, clock_timestamp(), %(actor)s, 'nats', new.id,
           null, '{}', %(state)s, '', ''
    from unnest(%(ids)s::text[]) with ordinality new(id, n),
         (select coalesce(max(version), 0) as version from labstow.journal where entity_id = %(entity)s) before
    order by new.n
    returning seq
)
insert into labstow.outbox (seq) select seq from written
"""
COMMITTED = "select event_id, entity_id, version from labstow.journal order by seq"
LEADERS = "select pid from pg_stat_activity where application_name = 'labstow-relay' and datname = current_database()"


def entry(
    entity: str, count: int = 1, *, noun: str = "resource", what: str = "updated", actor: str = "ann", state: str = "{}"
) -> dict[str, Any]:
    """Parameters of `LOCK` and `WRITE`: the next `count` versions of an entity."""
    ids = [new_ulid() for _ in range(count)]
    return {"entity": entity, "ids": ids, "noun": noun, "what": what, "actor": actor, "state": state}


def write(connection: psycopg.Connection[Any], *entries: dict[str, Any]) -> None:
    """Write entries in one transaction, in the order of their entities so that writers do not deadlock."""
    with connection.transaction():
        for each in sorted(entries, key=lambda entry: entry["entity"]):
            connection.execute(LOCK, each)
            connection.execute(WRITE, each)


async def stored(nats_url: str) -> list[Event]:
    """All events of the stream, in its order."""
    client = await nats.connect(nats_url)
    try:
        config = ConsumerConfig(ack_policy=AckPolicy.NONE, mem_storage=True, inactive_threshold=30)
        reader = await client.jetstream().pull_subscribe("labstow.evt.>", stream=EVENT_STREAM, config=config)
        waiting = (await reader.consumer_info()).num_pending or 0
        events: list[Event] = []
        while waiting:
            messages = await reader.fetch(500, timeout=5)
            events += [Event.model_validate_json(message.data) for message in messages]
            waiting = messages[-1].metadata.num_pending
        return events
    finally:
        await client.close()


def committed(url: str) -> list[tuple[str, str, int]]:
    """Event id, entity and version of every journal entry."""
    with psycopg.connect(url) as connection:
        return connection.execute(COMMITTED).fetchall()


def unpublished(url: str) -> int:
    """How many entries wait for the relay."""
    with psycopg.connect(url) as connection:
        row = connection.execute("select count(*) from labstow.outbox").fetchone()
        return row[0] if row else 0


def check(events: Iterable[Event], rows: list[tuple[str, str, int]]) -> None:
    """I50: every committed entry is in the stream exactly once, per thing in order, and nothing else is."""
    published = [(event.id, event.subject, event.version) for event in events]
    assert len(published) == len(set(published)), f"{len(published) - len(set(published))} events are there twice"
    assert set(published) - set(rows) == set(), "events of what was never committed"
    assert set(rows) - set(published) == set(), "committed, but not in the stream"
    versions = defaultdict(list)
    for _, entity, version in published:
        versions[entity].append(version)
    for entity, seen in versions.items():
        assert seen == list(range(1, len(seen) + 1)), f"{entity} is out of order"


async def until(condition: Callable[[], bool], patience: float = 15) -> None:
    """Wait for a condition; fail when it does not come true in time."""
    async with asyncio.timeout(patience):
        while not condition():
            await asyncio.sleep(0.01)
