"""Waiting for a turn: who asks about his place in line is answered when it comes, or when his time is up."""

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

import orjson
import psycopg
import pytest

from labstow.contracts.lock import Acquire, Await, Break, Cancel, Release, Status
from labstow.contracts.ulids import new_ulid
from labstow.workers.kit.call import Answered, Call, Result
from labstow.workers.kit.database import connect
from labstow.workers.kit.noun import By
from labstow.workers.kit.pipeline import Pipeline
from labstow.workers.lock import room as rooms
from labstow.workers.lock.policy import Policy
from labstow.workers.lock.reading import status
from labstow.workers.lock.room import Room
from tests.conftest import refusal, until
from tests.locks.auditor_locks import audit_locks
from tests.servers import Servers
from tests.workers.calls import nobody
from tests.workers.lease_desk import Desk, Json, lock_worker


@pytest.fixture
async def desk(postgres_url: str) -> AsyncIterator[Desk]:
    """A worker that is asked directly; in the end all is in order."""
    asked = Desk(postgres_url)
    yield asked
    await asked.close()
    with psycopg.connect(postgres_url) as connection:
        assert audit_locks(connection) == []


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody is looked after now and then: who waits is called, or waits on."""
    monkeypatch.setattr(rooms, "POLL_S", 3600)


@pytest.mark.usefixtures("patient")
async def test_the_next_is_called_when_his_turn_comes(desk: Desk, postgres_url: str) -> None:
    """When it is given back, broken, or over, or when who is before him gives up. Nobody has to look for that."""
    async with lock_worker(postgres_url) as worker:
        for how in ("released", "broken", "over", "left"):
            thing, other = await desk.add(), await desk.add()
            held = thing if how != "left" else other
            lease = await desk.have(held, ttl_s=1 if how == "over" else 60)
            before = await desk.queue(other, thing, by="cyd") if how == "left" else ""
            ticket = await desk.queue(thing)
            waiting = worker.put(Await(ticket=ticket))
            await worker.kept(1)
            if how == "released":
                await worker.put(Release(lease_id=lease), "ada")
            elif how == "broken":
                await worker.put(Break(resource_id=thing, reason="stuck"), "cyd")
            elif how == "left":
                await worker.put(Cancel(ticket=before), "cyd")
            told = await waiting
            assert (told["state"], told["lease_id"]) == ("granted", ticket)


@pytest.mark.usefixtures("patient")
async def test_who_waits_for_all_in_a_thing_is_called_when_a_part_is_given_back(desk: Desk, postgres_url: str) -> None:
    shelf = await desk.add("container")
    tube = await desk.add(into=shelf)
    lease = await desk.have(tube)
    async with lock_worker(postgres_url) as worker:
        waiting = worker.put(Await(ticket=await desk.queue(shelf, scope="subtree")))
        await worker.kept(1)
        await worker.put(Release(lease_id=lease), "ada")
        assert (await waiting)["state"] == "granted"


@pytest.mark.usefixtures("patient")
async def test_the_next_is_called_from_another_worker(desk: Desk, postgres_url: str, servers: Servers) -> None:
    """Over Redis: who waits asked one worker, and it is given back to the other."""
    thing = await desk.add()
    lease = await desk.have(thing)
    async with (
        lock_worker(postgres_url, servers.redis.url) as here,
        lock_worker(postgres_url, servers.redis.url) as there,
    ):
        waiting = here.put(Await(ticket=await desk.queue(thing)))
        await here.kept(1)
        await here.hears(there)
        await there.put(Release(lease_id=lease), "ada")
        assert (await waiting)["state"] == "granted"


async def test_without_redis_the_next_has_it_within_a_second(desk: Desk, postgres_url: str) -> None:
    """I7: another worker took it back, and nobody told this one; it looks."""
    thing = await desk.add()
    lease = await desk.have(thing)
    async with lock_worker(postgres_url) as worker:
        waiting = worker.put(Await(ticket=await desk.queue(thing)))
        await worker.kept(1)
        await desk.ask(Release(lease_id=lease))
        started = time.monotonic()
        assert (await waiting)["state"] == "granted"
        assert time.monotonic() - started < 1.5  # a second, and what a busy machine takes for it


async def test_who_waits_in_vain_is_told_that_his_time_is_up(desk: Desk, postgres_url: str) -> None:
    """I10: within a second, and in these words, although tickets are swept meanwhile.

    Seen to fail: the sweeper came first, and who waited was told that there was no such ticket.
    """
    thing = await desk.add()
    await desk.have(thing, purpose="weighing")
    async with lock_worker(postgres_url) as worker:
        tickets = [await desk.queue(thing, wait_s=0.2 * number) for number in range(1, 6)]
        started = time.monotonic()
        told = await asyncio.gather(*(refusal(worker.put(Await(ticket=each))) for each in tickets))
        assert time.monotonic() - started < 2.5
        assert [(one.code, one.facts["purpose"]) for one in told] == [("lock.wait_timeout", "weighing")] * 5

        async def swept() -> bool:
            return await desk.told(Await(ticket=tickets[0]), by="bob") == "lock.ticket_gone"

        await until(swept)


async def test_a_worker_that_stops_tells_those_who_wait_where_they_stand(desk: Desk, postgres_url: str) -> None:
    """They ask the next one. Seen to fail without closing the room: nobody answered them."""
    thing = await desk.add()
    await desk.have(thing)
    async with lock_worker(postgres_url) as worker:
        waiting = [worker.put(Await(ticket=await desk.queue(thing))) for _ in range(3)]
        await worker.kept(3)
    told = [one.result() for one in waiting]
    assert [(one["state"], one["position"]) for one in told] == [("queued", 1), ("queued", 2), ("queued", 3)]


async def test_who_asks_again_and_again_has_one_lease(desk: Desk, postgres_url: str) -> None:
    """I32: as clients do while they hear nothing, with one operation id, here and there. Each is answered in the end,
    and what was asked before is not kept beside what was asked last.
    """
    thing = await desk.add()
    lease = await desk.have(thing)
    ticket, op_id = await desk.queue(thing), new_ulid()
    async with lock_worker(postgres_url) as here, lock_worker(postgres_url) as there:
        asked: list[asyncio.Future[Json]] = []

        async def all_but_two_answered() -> bool:
            return [one.done() for one in asked] == [True] * (len(asked) - 2) + [False, False]

        for worker in (here, there, here, there, here):
            asked.append(worker.put(Await(ticket=ticket), op_id=op_id))
            await (until(all_but_two_answered) if len(asked) > 1 else here.kept(1))
        await there.kept(1)
        await desk.ask(Release(lease_id=lease))
        told = await asyncio.gather(*asked)
        assert [one["state"] for one in told] == ["queued"] * 3 + ["granted"] * 2
        assert told[3]["tokens"] == told[4]["tokens"] == {thing: 2}


class Lane:
    """Where a call is put back."""

    def __init__(self) -> None:
        self.calls: list[Call[Any]] = []

    def put(self, call: Call[Any], *, first: bool) -> None:
        assert first
        self.calls.append(call)


class Alone:
    """A waiting room without a worker: what is decided is up to the test."""

    def __init__(self) -> None:
        self.room, self.lane = Room(), Lane()
        self.room.lane_of = lambda call: self.lane  # type: ignore[assignment,return-value]
        self.thing = new_ulid()
        self.heard: frozenset[str] = frozenset()
        """What is heard of while it is decided."""

    def call(self, by: str = "bob", ticket: str | None = None, op_id: str = "again", **how: Any) -> Call[Any]:
        return Call(Await(ticket=ticket or self.thing), By(by, "test", op_id), nobody, **how)

    async def run(
        self, *calls: Call[Any], status: int = 200, state: str = "queued", number: int = 1
    ) -> list[Call[Any]]:
        """Who is answered at once."""

        async def decided(batch: list[Call[Any]]) -> Result:
            self.room.heard(self.heard)
            body = orjson.dumps({"state": state, "resource_ids": [self.thing], "number": number})
            return Result([Answered(each, status, body) for each in batch], [])

        return [each.call for each in (await self.room.beside(decided)(list(calls))).answers]


async def test_who_is_told_to_wait_is_kept_until_something_happens() -> None:
    alone = Alone()
    call = alone.call()
    assert await alone.run(call) == []
    alone.room.heard(frozenset({new_ulid()}))
    assert alone.lane.calls == []
    alone.room.heard(frozenset({alone.thing}))
    assert alone.lane.calls == [call]


async def test_only_who_is_first_is_called() -> None:
    """He has the lowest number; a line of fifty must not be decided whole whenever one thing is given back."""
    alone = Alone()
    for number in (3, 1, 2, 1):
        await alone.run(alone.call(op_id=f"{number}", by=new_ulid()), number=number)
    for first in ("1", "2", "3"):
        alone.lane.calls.clear()
        alone.room.heard(frozenset({alone.thing}))
        assert {each.by.op_id for each in alone.lane.calls} == {first}
    assert alone.lane.calls


async def test_whoever_has_a_better_answer_is_not_kept() -> None:
    alone = Alone()
    assert len(await alone.run(alone.call(), state="granted")) == 1
    assert len(await alone.run(alone.call(), status=503)) == 1
    other = Call(Acquire(resource_ids=(alone.thing,)), By("bob", "test", new_ulid()), alone.call().answer)
    assert await alone.run(other) == [other]


async def test_what_happened_while_one_was_decided_is_not_missed() -> None:
    """He looks once more. Seen to fail: he was kept, and had to be looked after a second later."""
    alone = Alone()
    alone.heard = frozenset({alone.thing})
    call = alone.call()
    assert await alone.run(call) == []
    assert alone.lane.calls == [call]
    alone.heard = frozenset({new_ulid()})
    assert await alone.run(call) == []
    assert alone.lane.calls == [call]


async def test_who_asks_again_is_kept_once() -> None:
    """What was asked before is answered: by who he is, what he asks about, and for which intent."""
    alone = Alone()
    first, second = alone.call(), alone.call()
    others = [alone.call(by="cyd"), alone.call(ticket=new_ulid()), alone.call(op_id="other")]
    assert await alone.run(first, *others) == []
    assert await alone.run(second) == [first]
    alone.room.heard(frozenset({alone.thing}))
    assert {id(each) for each in alone.lane.calls} == {id(each) for each in (second, *others)}


async def test_nobody_is_kept_for_longer_than_he_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """He is answered before nobody hears it, and within the time that is promised to all."""
    alone = Alone()
    hurried, relaxed = alone.call(op_id="a", deadline=time.time() + 1), alone.call(op_id="b", deadline=time.time() + 60)
    assert await alone.run(hurried, relaxed) == [hurried]
    monkeypatch.setattr(rooms, "POLL_WITHIN_S", 0)
    assert await alone.run(alone.call(op_id="b")) != []


async def test_a_room_remembers_nobody_who_does_not_come_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """Called, and then answered elsewhere, because nobody waited for it any more. Seen to fail: it was a leak."""
    alone = Alone()
    monkeypatch.setattr(rooms, "POLL_S", 0.001)
    await alone.run(*(alone.call(op_id=f"{number}") for number in range(10)))
    monkeypatch.setattr(rooms, "POLL_WITHIN_S", 0)
    looking = asyncio.create_task(alone.room.run())

    async def forgotten() -> bool:
        return not alone.room._since and not alone.room._parked

    await until(forgotten)
    assert len(alone.lane.calls) == 10
    looking.cancel()


async def test_what_is_over_is_shown_as_it_is_before_anybody_noted_it(desk: Desk, postgres_url: str) -> None:
    """Somebody who asks how things stand is told what an acquire would be. Seen to fail: `free`, and then refused."""
    policies = {"plate": Policy(hold_for_operator=True)}
    plate, other = await desk.add(resource_class="plate"), await desk.add()
    await desk.have(plate, other, ttl_s=1)
    db = Pipeline(await connect(postgres_url))

    async def states() -> list[str]:
        told = orjson.loads(await status(policies, db, Status(resource_ids=(plate, other))))
        return [one["state"] for one in told["locks"]]

    async def over() -> bool:
        return "held" not in await states()

    assert await states() == ["held", "held"]
    await until(over)
    assert await states() == ["cooling", "free"]
    await db.close()
