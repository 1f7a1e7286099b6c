"""The relay against real servers."""

import asyncio
import random
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any

import nats
import psycopg
import pytest
from nats.aio.client import Client
from nats.js.errors import NotFoundError

from labstow.contracts.subjects import EVENT_STREAM, OUTBOX_PING
from labstow.contracts.ulids import new_ulid
from labstow.infra.embedded.nats import NatsServer
from labstow.workers.kit import relay, stream
from labstow.workers.kit.outbox import Outbox, Outgoing
from labstow.workers.kit.relay import Relay
from tests.servers import short_folder
from tests.workers.journals import LEADERS, check, committed, entry, stored, unpublished, until, write


@dataclass
class Place:
    """A database of our own, and a NATS server without a stream."""

    postgres: str
    nats: str
    client: Client

    def write(self, *entries: dict[str, Any]) -> None:
        with psycopg.connect(self.postgres) as connection:
            write(connection, *entries)

    async def holds_all(self) -> None:
        """Wait until nothing waits; then the stream must be what the journal is."""
        await until(lambda: unpublished(self.postgres) == 0)
        check(await stored(self.nats), committed(self.postgres))

    def end_leader(self) -> None:
        with psycopg.connect(self.postgres, autocommit=True) as connection:
            connection.execute(f"select pg_terminate_backend(pid) from ({LEADERS}) leaders")


@pytest.fixture
async def place(server: NatsServer, postgres_url: str) -> AsyncIterator[Place]:
    client = await nats.connect(server.url, max_reconnect_attempts=-1, reconnect_time_wait=0.1)
    with suppress(NotFoundError):
        await client.jetstream().delete_stream(EVENT_STREAM)
    yield Place(postgres_url, server.url, client)
    await client.close()


@asynccontextmanager
async def running(*relays: Relay) -> AsyncIterator[None]:
    tasks = [asyncio.create_task(each.run()) for each in relays]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        ended = await asyncio.gather(*tasks, return_exceptions=True)
        assert all(isinstance(each, asyncio.CancelledError) for each in ended), ended


@pytest.fixture
def short_window(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that the stream's memory of message ids cannot hide that something was published twice."""
    monkeypatch.setattr(stream, "DUPLICATE_WINDOW_S", 0.1)


async def test_every_entry_becomes_an_event_once_and_in_order(place: Place) -> None:
    """I50: eight writers, every fifth transaction rolled back."""
    things = [new_ulid() for _ in range(12)]

    def writer() -> None:
        with psycopg.connect(place.postgres) as connection:
            for _ in range(25):
                with suppress(ZeroDivisionError), connection.transaction():
                    write(connection, *(entry(thing, random.randint(1, 3)) for thing in random.sample(things, 2)))
                    1 / random.randrange(5)

    one = Relay(place.postgres, place.client)
    async with running(one):
        await asyncio.gather(*(asyncio.to_thread(writer) for _ in range(8)))
        await place.holds_all()
    assert one.published == len(committed(place.postgres)) > 100


async def test_an_event_says_what_the_journal_says(place: Place) -> None:
    thing = new_ulid()
    place.write(entry(thing, what="added", state='{"name": "Plate  1", "attributes": {"x": 1e22}}'))
    async with running(Relay(place.postgres, place.client)):
        await place.holds_all()
    message = await place.client.jetstream().get_msg(EVENT_STREAM, seq=1)
    (event,) = await stored(place.nats)
    assert message.subject == f"labstow.evt.resource.added.{thing}"
    assert message.headers is not None
    assert message.headers["Nats-Msg-Id"] == event.id
    assert message.headers["content-type"] == "application/cloudevents+json"
    assert (event.type, event.subject, event.version, event.actor) == ("labstow.resource.added.v1", thing, 1, "ann")
    assert b'{"name": "Plate  1", "attributes": {"x": 1e22}}' in (message.data or b"")


async def test_a_ping_wakes_the_relay(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(relay, "POLL_S", 3600)
    one = Relay(place.postgres, place.client)
    async with running(one):
        await until(lambda: one.leading)
        place.write(entry(new_ulid()))
        await place.client.publish(OUTBOX_PING, b"")
        await place.holds_all()


async def test_a_batch_stays_below_its_bytes(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    sizes: list[int] = []
    store = stream.store

    async def seen(client: Client, batch: list[Outgoing], after: int) -> int:
        sizes.append(sum(len(event.payload) for event in batch))
        return await store(client, batch, after)

    monkeypatch.setattr(stream, "store", seen)
    place.write(entry(new_ulid(), 30, state='{"text": "' + 400_000 * "x" + '"}'))
    async with running(Relay(place.postgres, place.client)):
        await place.holds_all()
    assert len(sizes) >= 3
    assert max(sizes) < 4_500_000


async def test_a_deleted_stream_is_refilled(
    place: Place, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """I50: losing the event store loses no event. Purging it is no way to lose one either."""
    monkeypatch.setattr(relay, "STREAM_CHECK_S", 0.2)
    things = [new_ulid() for _ in range(7)]
    place.write(*(entry(thing, 100) for thing in things))
    async with running(Relay(place.postgres, place.client)):
        await place.holds_all()
        for lose in (place.client.jetstream().delete_stream, place.client.jetstream().purge_stream):
            caplog.clear()
            await lose(EVENT_STREAM)
            await until(lambda: any("are published again" in record.message for record in caplog.records))
            place.write(entry(things[0]))
            await place.holds_all()


async def test_a_stream_that_lost_its_end_gets_it_back_in_order(place: Place) -> None:
    """I50. The end was lost while nobody looked, and the next entries were written meanwhile."""
    thing, js = new_ulid(), place.client.jetstream()
    place.write(entry(thing, 100))
    async with running(Relay(place.postgres, place.client)):
        await place.holds_all()
    kept = [await js.get_msg(EVENT_STREAM, seq=number) for number in range(1, 61)]
    await js.delete_stream(EVENT_STREAM)
    await stream.ensure(place.client)
    for message in kept:
        await js.publish(
            message.subject or "", message.data or b"", headers=message.headers and only_id(message.headers)
        )
    place.write(entry(thing, 10))
    async with running(Relay(place.postgres, place.client)):
        await place.holds_all()


def only_id(headers: dict[str, str]) -> dict[str, Any]:
    return {"Nats-Msg-Id": headers["Nats-Msg-Id"]}


async def test_a_refill_by_hand_repeats_nothing(place: Place) -> None:
    """The stream remembers the ids (10201); the relay then looks at what it has instead of trying for ever."""
    place.write(entry(new_ulid(), 700))
    async with running(Relay(place.postgres, place.client)):
        await place.holds_all()
        with psycopg.connect(place.postgres) as connection:
            connection.execute("insert into labstow.outbox select seq from labstow.journal on conflict do nothing")
        await place.holds_all()


async def test_one_of_two_relays_leads_and_the_other_takes_over(place: Place) -> None:
    first, second = Relay(place.postgres, place.client), Relay(place.postgres, place.client)
    thing = new_ulid()
    async with running(first, second):
        await until(lambda: first.leading or second.leading)
        leader, other = (first, second) if first.leading else (second, first)
        place.write(entry(thing))
        await place.holds_all()
        assert (leader.published, other.published) == (1, 0)
        assert not other.leading
        leader._url = "postgresql://nobody@127.0.0.1:1/nowhere"
        place.end_leader()
        await until(lambda: other.leading and not leader.leading)
        assert leader.problem is not None
        assert other.problem is None
        place.write(entry(thing))
        await place.holds_all()
        assert (leader.published, other.published) == (1, 1)


class Crash(Outbox):
    """Ends the session after a batch was stored, before the database knows: the worst moment."""

    left = 3

    async def next(self, stored: list[Outgoing]) -> list[Outgoing]:
        if stored and Crash.left:
            Crash.left -= 1
            await asyncio.sleep(0.2)  # the duplicate window passes
            raise psycopg.OperationalError("crashed")
        return await super().next(stored)


class Forgetful(Relay):
    """A relay without the guard: takes an open batch for unpublished."""

    async def _settle(self, outbox: Outbox) -> list[Outgoing]:
        self._last = (await self._state()).last_seq
        return await outbox.claimed()


@pytest.mark.usefixtures("short_window")
@pytest.mark.parametrize("kind", [Relay, Forgetful])
async def test_a_crash_between_stored_and_known_repeats_nothing(
    kind: type[Relay], place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """I50. Without the look at the stream's end each crash leaves its batch there twice."""
    monkeypatch.setattr(Crash, "left", 3)
    monkeypatch.setattr(relay, "Outbox", Crash)
    place.write(*(entry(new_ulid(), 300) for _ in range(5)))
    async with running(kind(place.postgres, place.client)):
        await until(lambda: unpublished(place.postgres) == 0)
    assert Crash.left == 0
    await holds_or_not(place, guarded=kind is Relay, complaint="1500 events are there twice")


async def holds_or_not(place: Place, *, guarded: bool, complaint: str) -> None:
    if guarded:
        await place.holds_all()
        return
    with pytest.raises(AssertionError, match=complaint):
        await place.holds_all()


@pytest.mark.usefixtures("short_window")
@pytest.mark.parametrize("fenced", [True, False])
async def test_a_leader_who_wakes_up_late_cannot_publish(
    fenced: bool, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """I50. The first leader pauses with a claimed batch and loses its session; the second publishes that batch.

    Without the expected sequence on a batch the first one, woken up, publishes it once more.
    """
    paused, go_on = asyncio.Event(), asyncio.Event()
    asleep = await nats.connect(place.nats)
    store, headers = stream.store, stream._headers

    async def pausing(client: Client, batch: list[Outgoing], after: int) -> int:
        if client is asleep:
            paused.set()
            await go_on.wait()
        return await store(client, batch, after)

    def unfenced(*about: Any) -> dict[str, str]:
        return {name: text for name, text in headers(*about).items() if name != "Nats-Expected-Last-Sequence"}

    monkeypatch.setattr(stream, "store", pausing)
    if not fenced:
        monkeypatch.setattr(stream, "_headers", unfenced)
    first, second = Relay(place.postgres, asleep), Relay(place.postgres, place.client)
    thing = new_ulid()
    place.write(entry(thing, 40))
    async with running(first):
        await paused.wait()
        async with running(second):
            place.end_leader()
            await until(lambda: second.published == 40)
            place.write(entry(thing, 3))
            await until(lambda: second.published == 43)
            await asyncio.to_thread(threading.Event().wait, 0.2)  # the duplicate window passes
            go_on.set()
            await until(lambda: not first.leading)
            await holds_or_not(place, guarded=fenced, complaint="40 events are there twice")
    await asleep.close()


async def test_a_batch_that_arrived_late_is_not_lost_or_repeated(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """I50. The bytes of a relay that is gone arrive after its successor looked, and before it publishes.

    Without the look at the refusal (which carries a sequence, 0) all later entries were taken for stored: lost.
    """
    store, late = stream.store, [True]

    async def overtaken(client: Client, batch: list[Outgoing], after: int) -> int:
        if late and late.pop():
            await store(client, batch, after)
        return await store(client, batch, after)

    monkeypatch.setattr(stream, "store", overtaken)
    place.write(entry(new_ulid(), 1200))
    async with running(Relay(place.postgres, place.client)):
        await place.holds_all()


async def test_an_event_that_does_not_fit_is_complained_about_and_not_left_out(
    place: Place, caplog: pytest.LogCaptureFixture
) -> None:
    with short_folder() as folder:
        server = SmallNats(folder / "nats", folder / "nats.log")
        server.start()
        client = await nats.connect(server.url, max_reconnect_attempts=-1, reconnect_time_wait=0.1)
        place = Place(place.postgres, server.url, client)
        place.write(entry(new_ulid(), state='{"text": "' + 100_000 * "x" + '"}'))
        one = Relay(place.postgres, client)
        async with running(one):
            await until(lambda: one.problem is not None)
            assert "max_payload" in (one.problem or "")
            assert [record.levelname for record in caplog.records if "max_payload" in record.message] == ["ERROR"]
            assert unpublished(place.postgres) == 1
            server.kill()
            server.largest = "8MB"
            server.start()
            await place.holds_all()
        await client.close()
        server.stop()


class SmallNats(NatsServer):
    largest = "64KB"

    def prepare(self) -> None:
        super().prepare()
        text = self.configuration.read_text()
        assert "max_payload: 8MB" in text
        self.configuration.write_text(text.replace("max_payload: 8MB", f"max_payload: {self.largest}"))


async def test_answers_are_forgotten_after_a_day(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(relay, "HOUSEKEEPING_S", 0)
    insert = "insert into labstow.operation values (%s, 'ann', '', 200, '', clock_timestamp() - %s::interval)"
    with psycopg.connect(place.postgres, autocommit=True) as connection:
        connection.execute(insert, ["old", "24 hours 1 second"])
        connection.execute(insert, ["young", "23 hours 59 minutes"])

        def kept() -> list[tuple[Any, ...]]:
            return connection.execute("select op_id from labstow.operation").fetchall()

        async with running(Relay(place.postgres, place.client)):
            await until(lambda: kept() == [("young",)])
