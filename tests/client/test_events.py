"""Events are read in order and without a gap, from wherever one left off, through restarts of the server."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing
from datetime import UTC, datetime

import nats
import orjson
import pytest
from nats.errors import ConnectionClosedError
from nats.js.errors import NotFoundError

from labstow.client import events as events_module
from labstow.client.bus import Bus
from labstow.client.events import Gap, events
from labstow.contracts import subjects
from labstow.contracts.ulids import derived_ulid, new_ulid
from labstow.infra.embedded.nats import NatsServer
from labstow.workers.kit.stream import ensure
from tests.client.until import until
from tests.servers import fresh_nats

THINGS = [derived_ulid("event", str(number)) for number in range(2)]


@pytest.fixture
def server() -> Iterator[NatsServer]:
    with fresh_nats() as server:
        yield server


@pytest.fixture
async def bus(server: NatsServer) -> AsyncIterator[Bus]:
    async with Bus(server.url) as bus:
        await ensure(bus.nats)
        yield bus


async def happen(bus: Bus, numbers: range) -> None:
    """Publish an event for each number, in turn about two things."""
    for number in numbers:
        thing, what = THINGS[number % 2], "added" if number < 3 else "updated"
        event = {
            "specversion": "1.0",
            "id": new_ulid(),
            "source": "/labstow",
            "type": f"labstow.resource.{what}.v1",
            "subject": thing,
            "time": datetime.now(UTC).isoformat(),
            "datacontenttype": "application/json",
            "version": number,
            "seq": number,
            "actor": "me",
            "via": "nats",
            "opid": new_ulid(),
            "groupid": None,
            "reason": None,
            "traceparent": None,
            "data": {"changes": {}, "state": {}},
        }
        await bus.nats.jetstream().publish(subjects.event("resource", what, thing), orjson.dumps(event))


async def test_all_events_are_read_to_the_end(bus: Bus) -> None:
    await happen(bus, range(1, 301))
    read = [(number, event.seq) async for number, event in events(bus.nats, follow=False)]
    assert read == [(number, number) for number in range(1, 301)]


async def test_nothing_to_read_is_no_event(bus: Bus) -> None:
    assert [event async for event in events(bus.nats, follow=False)] == []
    await happen(bus, range(1, 3))
    assert [event async for event in events(bus.nats, noun="lock", follow=False)] == []
    assert [event async for event in events(bus.nats, after=2, follow=False)] == []


async def test_events_are_read_from_a_number_from_a_moment_and_by_subject(bus: Bus) -> None:
    await happen(bus, range(1, 5))
    moment = datetime.now(UTC)
    await happen(bus, range(5, 7))

    async def read(**arguments: object) -> list[int]:
        found = events(bus.nats, follow=False, **arguments)  # type: ignore[arg-type]
        return [number async for number, _ in found]

    assert await read(after=3) == [4, 5, 6]
    assert await read(since=moment) == [5, 6]
    assert await read(what="added") == [1, 2]
    assert await read(entity_id=THINGS[0], after=2) == [4, 6]
    assert await read(noun="resource", what="updated", entity_id=THINGS[1]) == [3, 5]


async def test_a_position_that_the_stream_does_not_reach_is_a_gap(bus: Bus) -> None:
    await happen(bus, range(1, 3))
    with pytest.raises(Gap, match="position 7"):
        await anext(events(bus.nats, after=7))


async def test_a_follower_hears_at_once_and_outlives_a_crash_of_the_server(
    bus: Bus, server: NatsServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events_module, "HEARTBEAT", 0.3)
    await happen(bus, range(1, 3))
    async with aclosing(events(bus.nats)) as heard, asyncio.timeout(20):
        assert [(await anext(heard))[0] for _ in range(2)] == [1, 2]
        waiting = asyncio.ensure_future(anext(heard))
        await happen(bus, range(3, 4))
        assert (await waiting)[0] == 3

        server.kill()
        await asyncio.to_thread(server.start)
        await until(lambda: bus.connected)
        await patiently(bus, range(4, 8))
        assert [(await anext(heard))[1].seq for _ in range(4)] == [4, 5, 6, 7]


async def test_a_consumer_that_somebody_deletes_is_made_again(bus: Bus) -> None:
    await happen(bus, range(1, 2))
    js = bus.nats.jetstream()
    async with aclosing(events(bus.nats)) as heard, asyncio.timeout(20):
        await anext(heard)
        for consumer in await js.consumers_info(subjects.EVENT_STREAM):
            await js.delete_consumer(subjects.EVENT_STREAM, consumer.name)
        await happen(bus, range(2, 3))
        assert (await anext(heard))[0] == 2


async def test_a_follower_is_told_when_the_stream_was_made_anew(bus: Bus) -> None:
    await happen(bus, range(1, 4))
    async with aclosing(events(bus.nats)) as heard, asyncio.timeout(20):
        for _ in range(3):
            await anext(heard)
        waiting = asyncio.ensure_future(anext(heard))
        await bus.nats.jetstream().delete_stream(subjects.EVENT_STREAM)
        await ensure(bus.nats)
        await happen(bus, range(1, 6))
        with pytest.raises(Gap, match="made anew"):
            await waiting


async def test_without_a_stream_there_is_nothing_to_follow(bus: Bus) -> None:
    await bus.nats.jetstream().delete_stream(subjects.EVENT_STREAM)
    with pytest.raises(NotFoundError):
        await anext(events(bus.nats))


@pytest.mark.parametrize("strange", [b"", b"\xff", b"[]", b'{"specversion": "1.0"}'])
async def test_what_is_no_event_is_left_out_with_a_warning(
    bus: Bus, strange: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    await happen(bus, range(1, 2))
    await bus.nats.jetstream().publish(subjects.event("resource", "added", THINGS[0]), strange)
    await happen(bus, range(2, 3))
    await bus.nats.jetstream().publish(subjects.event("resource", "added", THINGS[0]), strange)
    assert [number async for number, _ in events(bus.nats, follow=False)] == [1, 3]
    assert "number 2 of the stream" in caplog.text
    assert "number 4 of the stream" in caplog.text


async def test_a_client_that_is_closed_hears_nothing(bus: Bus) -> None:
    await bus.close()
    async with asyncio.timeout(10):
        with pytest.raises(ConnectionClosedError):
            await anext(events(bus.nats))


@pytest.mark.parametrize("down", [False, True])
async def test_a_follower_ends_when_its_client_is_closed(bus: Bus, server: NatsServer, down: bool) -> None:
    heard: list[int] = []

    async def follow() -> None:
        async for number, _ in events(bus.nats):
            heard.append(number)

    await happen(bus, range(1, 3))
    if down:
        await asyncio.to_thread(server.kill)
        await until(lambda: not bus.connected)
    follower = asyncio.create_task(follow())
    await (asyncio.sleep(0) if down else until(lambda: len(heard) == 2))
    await bus.close()
    async with asyncio.timeout(10):
        await follower


async def test_a_reader_that_is_interrupted_before_the_end_is_told(bus: Bus) -> None:
    await happen(bus, range(1, 3))
    async with aclosing(events(bus.nats, follow=False)) as heard:
        await anext(heard)
        await bus.close()
        with pytest.raises(ConnectionClosedError):
            await anext(heard)


async def patiently(bus: Bus, numbers: range) -> None:
    """Publish as soon as the stream is there again."""
    while True:
        try:
            await bus.nats.jetstream().stream_info(subjects.EVENT_STREAM)
        except (nats.errors.Error, nats.js.errors.APIError):
            await asyncio.sleep(0.05)
        else:
            break
    await happen(bus, numbers)
