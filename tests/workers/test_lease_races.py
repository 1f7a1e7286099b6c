"""Grants, writes and breaks at the same moment, from several workers: one comes first, and the other knows it.

The long form: LABSTOW_RACES=50 pytest tests/workers/test_lease_races.py --timeout=0
"""

import asyncio
import os
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Coroutine
from random import Random
from typing import Any, Final

import psycopg
import pytest

from labstow.contracts.lock import Acquire, Await, Break, Release
from labstow.contracts.message import Command
from labstow.contracts.placing import Move
from labstow.contracts.resource import Add, NewResource
from tests.conftest import until
from tests.locks.auditor_locks import audit_locks
from tests.workers.auditor import audit
from tests.workers.calls import settle, sql
from tests.workers.lease_desk import Desk, Json, answer, call, held_up, renamed
from tests.workers.lease_order import audit_whole

TIMES: Final = int(os.environ.get("LABSTOW_RACES", "1"))
WHOLE: Final = {"scope": "subtree"}
NEW: Final = NewResource(name="new")


@pytest.fixture
async def desks(postgres_url: str) -> AsyncIterator[list[Desk]]:
    """Three workers; in the end all is in order, and nobody ever waited in a circle."""
    three = [Desk(postgres_url) for _ in range(3)]
    yield three
    for desk in three:
        await desk.close()
    with psycopg.connect(postgres_url) as connection:
        assert [*audit(connection), *audit_locks(connection), *audit_whole(connection)] == []
    units = [unit for desk in three for unit in (desk.locks, desk.things)]
    assert "40P01" not in sum((unit.retries for unit in units), start=Counter[str]())


@pytest.fixture
def desk(desks: list[Desk]) -> Desk:
    return desks[0]


async def race(desks: list[Desk], *commands: Command[Any]) -> list[Json]:
    """What comes of commands that different robots send at the same moment, each to one of the workers."""
    calls = [call(command, f"robot {number}") for number, command in enumerate(commands)]
    shares = [calls[number :: len(desks)] for number in range(len(desks))]
    answers = await asyncio.gather(*(settle(desk.locks, *share) for desk, share in zip(desks, shares, strict=True)))
    told = {each.call: each for some in answers for each in some}
    return [answer(200, told[each].body) for each in calls]


async def test_of_eight_who_race_for_a_lock_one_gets_it(desks: list[Desk]) -> None:
    """I1, I3, I5: on one thing, and on several that overlap, over three workers.

    Seen to fail without `for no key update` in LOCK: two were granted the same token.
    """
    one, *others = [await desks[0].add() for _ in range(4)]
    for number in range(20 * TIMES):
        told = await race(desks, *(Acquire(resource_ids=(one,)) for _ in range(8)))
        granted = [each for each in told if "lease_id" in each]
        assert [each["tokens"] for each in granted] == [{one: number + 1}]
        assert Counter(each.get("code") for each in told) == {None: 1, "lock.held": 7}
        await desks[0].ask(Release(lease_id=granted[0]["lease_id"]), by=f"robot {told.index(granted[0])}")
    dice = Random(7)
    for _ in range(20 * TIMES):
        told = await race(desks, *(Acquire(resource_ids=tuple(dice.sample(others, 2))) for _ in range(8)))
        granted = [each for each in told if "lease_id" in each]
        assert len(granted) == 1  # any two of three things overlap
        await desks[0].ask(Release(lease_id=granted[0]["lease_id"]), by=f"robot {told.index(granted[0])}")


async def test_of_eight_who_wait_the_first_gets_it(desks: list[Desk]) -> None:
    """I9: all ask at once, also twice, as soon as it is free."""
    thing = await desks[0].add()
    for _ in range(5 * TIMES):
        lease = await desks[0].have(thing)
        tickets = [await desks[n % 3].queue(thing, by=f"robot {n}") for n in range(8)]
        await desks[1].ask(Release(lease_id=lease))
        for turn in range(8):
            told = await race(desks, *(Await(ticket=each) for each in tickets))
            assert [each.get("state") for each in told[turn:]] == ["granted", *["queued"] * (7 - turn)]
            await desks[2].ask(Release(lease_id=tickets[turn]), by=f"robot {turn}")


async def in_turn(url: str, thing: str, *asked: Coroutine[Any, Any, str]) -> list[str]:
    """What comes of commands that wait for a thing, one behind the other, until all are there."""
    tasks = []
    async with held_up(url, thing) as waiting:
        for number, each in enumerate(asked, start=1):
            tasks.append(asyncio.create_task(each))
            await waiting(number)
    return list(await asyncio.gather(*tasks))


async def test_a_write_that_waited_for_a_grant_is_refused(desks: list[Desk], postgres_url: str) -> None:
    """I2: it had begun before, when the thing was free; and if it came first, the lease is granted after it.

    Seen to fail when leases are read before the rows are locked.
    """
    desk, other, _ = desks
    for first in ("grant", "write"):
        thing = await desk.add()
        grant = desk.told(Acquire(resource_ids=(thing,)))
        write = other.told(renamed(thing), by="bob")
        if first == "grant":
            assert await in_turn(postgres_url, thing, grant, write) == ["", "resource.locked"]
        else:
            assert await in_turn(postgres_url, thing, write, grant) == ["", ""]


async def test_grants_and_writes_at_random_never_pass_each_other(desks: list[Desk]) -> None:
    """I2: what was written without proof was written before the grant, or after its end: the journal tells."""
    things = [await desks[0].add() for _ in range(2)]

    async def write(desk: Desk) -> Counter[str]:
        return Counter([await desk.told(renamed(things[n % 2]), by="bob") for n in range(40 * TIMES)])

    async def hold(desk: Desk) -> None:
        for _ in range(20 * TIMES):
            lease = await desk.have(*things)
            assert await desk.told(renamed(things[0]), leases=[lease]) == ""
            await desk.ask(Release(lease_id=lease))

    told, *_ = await asyncio.gather(write(desks[1]), hold(desks[0]))
    assert told.keys() <= {"", "resource.locked"}


class Scene:
    """A shelf with a box with a tube in it; a tray with a lid, that is nowhere."""

    def __init__(self, shelf: str, box: str, tube: str, tray: str, lid: str) -> None:
        self.shelf, self.box, self.tube, self.tray, self.lid = shelf, box, tube, tray, lid


async def scene(desk: Desk) -> Scene:
    shelf = await desk.add("container")
    box = await desk.add("container", shelf)
    tray = await desk.add("container")
    return Scene(shelf, box, await desk.add(into=box), tray, await desk.add(into=tray))


def whole(thing: str) -> Acquire:
    """A wish for a thing and everything in it."""
    return Acquire(resource_ids=(thing,), scope="subtree")


@pytest.mark.parametrize("first", [0, 1])
async def test_a_grant_of_the_whole_and_what_happens_in_it_take_turns(
    desks: list[Desk], postgres_url: str, first: int
) -> None:
    """I13, rule 4: a change deep inside, something new in there, a full box that comes, a lease on a part. Whoever
    comes first; who looks again for what he needs may come second (`audit_whole` has the last word).

    Seen to fail when what is in the thing is not locked with it.
    """
    desk, other, _ = desks
    cases: list[tuple[Callable[[Scene], tuple[str, Command[Any]]], set[tuple[str, str]]]] = [
        (lambda at: (at.tube, renamed(at.tube)), {("", ""), ("", "resource.locked")}),
        (lambda at: (at.box, Add(resource=NEW, parent_id=at.box)), {("", ""), ("", "resource.locked")}),
        (lambda at: (at.box, Move(resource_id=at.tray, container_id=at.box)), {("", ""), ("", "resource.locked")}),
        (lambda at: (at.tube, Acquire(resource_ids=(at.tube,))), {("", "lock.held"), ("lock.held", "")}),
        (lambda at: (at.box, whole(at.box)), {("", "lock.held"), ("lock.held", "")}),
    ]
    for case, allowed in cases:
        at = await scene(desk)
        meeting, command = case(at)
        pair = [desk.told(whole(at.shelf)), other.told(command, by="bob")]
        told = await in_turn(postgres_url, meeting, *(pair if first == 0 else pair[::-1]))
        assert tuple(told if first == 0 else told[::-1]) in allowed, command


@pytest.mark.parametrize("first", [0, 1])
async def test_what_comes_into_a_whole_is_not_had_by_somebody_else(
    desks: list[Desk], postgres_url: str, first: int
) -> None:
    """I13: a tray with a lid that cyd has comes just before the shelf is granted, or is refused."""
    desk, other, _ = desks
    at = await scene(desk)
    lid = await desk.have(at.lid, by="cyd")
    come, grant = other.told(Move(resource_id=at.tray, container_id=at.box), by="bob"), desk.told(whole(at.shelf))
    told = await in_turn(postgres_url, at.box, *((come, grant) if first == 0 else (grant, come)))
    assert sorted(told) in (["", "lock.held"], ["", "resource.locked"])
    assert await desk.told(renamed(at.lid), by="cyd", leases=[lid]) == ""


@pytest.mark.parametrize("first", [0, 1])
async def test_a_full_box_that_comes_into_the_whole_and_what_is_in_it_take_turns(
    desks: list[Desk], postgres_url: str, first: int
) -> None:
    """I13: a change of what is in it, or a lease on that, comes before, or is refused.

    Seen to fail when what is moved into a leased whole is not locked with all that is in it.
    """
    desk, other, _ = desks
    for command, allowed in (
        (renamed, {("", ""), ("", "resource.locked")}),
        (whole, {("", "lock.held"), ("resource.locked", "")}),
    ):
        at = await scene(desk)
        shelf = await desk.have(at.shelf, **WHOLE)
        come = desk.told(Move(resource_id=at.tray, container_id=at.box), leases=[shelf])
        theirs = other.told(command(at.lid), by="bob")
        told = await in_turn(postgres_url, at.lid, *([come, theirs] if first == 0 else [theirs, come]))
        assert tuple(told if first == 0 else told[::-1]) in allowed, command


@pytest.mark.parametrize("first", [0, 1])
@pytest.mark.parametrize("where", ["tube", "shelf"])
async def test_a_break_and_a_write_of_the_holder_take_turns(
    desks: list[Desk], postgres_url: str, where: str, first: int
) -> None:
    """I2, I4: of who has the thing, and of who has the whole of what it is in.

    Seen to fail when the row of what is leased whole is not locked by who changes something in it.
    """
    desk, other, _ = desks
    at = await scene(desk)
    thing = getattr(at, where)
    lease = await desk.have(thing, **(WHOLE if where == "shelf" else {}))
    force = other.told(Break(resource_id=thing, reason="stuck"), by="bob")
    write = desk.told(renamed(at.tube), leases=[lease])
    told = await in_turn(postgres_url, thing, *([force, write] if first == 0 else [write, force]))
    assert tuple(told if first == 0 else told[::-1]) in {("", ""), ("", "lock.lost")}


async def test_breaks_and_writes_at_random_never_pass_each_other(desks: list[Desk]) -> None:
    """I2, I4: 30 times a shelf is broken while its holder writes what is in it, as fast as he can."""
    at = await scene(desks[0])
    for _ in range(15 * TIMES):
        lease = await desks[0].have(at.shelf, **WHOLE)

        async def write(lease: str = lease) -> list[str]:
            told: list[str] = []
            while not told or told[-1] == "":
                told.append(await desks[1].told(renamed(at.tube), leases=[lease]))
            return told

        writing = asyncio.create_task(write())
        await asyncio.sleep(0)
        await desks[2].ask(Break(resource_id=at.shelf, reason="stuck"))
        assert (await writing)[-1] == "lock.lost"


async def test_what_ended_while_one_waited_is_over(desk: Desk, desks: list[Desk], postgres_url: str) -> None:
    """I1, I4: the clock is read when the rows are locked. A lease was in force when the holder wrote and when somebody
    else asked for it, and is over when their turn comes.

    Seen to fail with `now()` for the clock: that is when the transaction began.
    """
    for write in (True, False):
        thing = await desk.add()
        lease = await desk.have(thing, ttl_s=1)
        asked = desk.told(renamed(thing), leases=[lease]) if write else desks[1].told(whole(thing), by="bob")
        async with held_up(postgres_url, thing) as waiting:
            task = asyncio.create_task(asked)
            await waiting(1)
            await over(postgres_url, thing)
        assert await task == ("lock.lost" if write else "")


async def over(url: str, thing: str) -> None:
    """Wait until a lease is over, by the clock of the database."""
    query = "select expires_at < clock_timestamp() from lease where id = %s"
    with sql(url) as db:

        async def it_is() -> bool:
            return db.execute(query, [thing]).fetchone() == (True,)

        await until(it_is)


@pytest.mark.parametrize("asked", ["write", "acquire"])
async def test_what_is_being_renewed_is_not_over(desks: list[Desk], postgres_url: str, asked: str) -> None:
    """I13: a lease on a whole shelf is renewed in the last moment; who asks for something on it before that is
    committed waits for it. Seen to fail when a lease that seems to be over is not looked at under its lock.
    """
    desk, other, _ = desks
    at = await scene(desk)
    await desk.have(at.shelf, ttl_s=1, **WHOLE)
    renewal = "update lease set expires_at = expires_at + interval '1 minute'"
    async with held_up(postgres_url, at.shelf, doing=renewal) as waiting:
        await over(postgres_url, at.shelf)
        command = renamed(at.tube) if asked == "write" else whole(at.tube)
        task = asyncio.create_task(other.told(command, by="bob"))
        await waiting(1)
    assert await task == ("resource.locked" if asked == "write" else "lock.held")


@pytest.mark.parametrize("hours", [-1, 1])
async def test_a_clock_that_is_wrong_changes_nothing(
    desk: Desk, postgres_url: str, monkeypatch: pytest.MonkeyPatch, hours: int
) -> None:
    """I6: that of a worker, by an hour. Nobody gets a lease earlier or later, or keeps it for longer.

    Seen to fail with the worker's clock in the place of the database's.
    """
    seconds, nanoseconds = time.time, time.time_ns
    monkeypatch.setattr(time, "time", lambda: seconds() + hours * 3600)
    monkeypatch.setattr(time, "time_ns", lambda: nanoseconds() + hours * 3600 * 10**9)
    thing = await desk.add()
    lease = await desk.have(thing, ttl_s=2)
    assert await desk.told(Acquire(resource_ids=(thing,)), by="bob") == "lock.held"
    with sql(postgres_url) as db:
        left = "select expires_at - clock_timestamp() between '0 s' and '2 s' from lease where id = %s"
        assert db.execute(left, [thing]).fetchone() == (True,)
    assert await desk.told(renamed(thing), leases=[lease]) == ""
    await over(postgres_url, thing)
    assert await desk.told(renamed(thing), leases=[lease]) == "lock.lost"
    assert await desk.told(Acquire(resource_ids=(thing,)), by="bob") == ""
