"""Many want one thing at once: one gets it, in the order in which they came, and nobody for longer than agreed.

A few of each in every run. As many as was promised:

    LOCK_RACES=10000 pytest tests/locks/test_races.py
"""

import asyncio
import os
import statistics
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from datetime import datetime, timedelta
from random import Random
from typing import Any, Final

import httpx
import psycopg
import pytest

from labstow.client.bus import Bus
from labstow.contracts.batch import Batch
from labstow.contracts.lock import Acquire, Await, Break, Release
from labstow.contracts.message import Request
from labstow.contracts.placing import Move, Push
from labstow.contracts.quantities import ChangeQuantity
from labstow.contracts.resource import Add, NewResource, Patch, Remove, Update
from labstow.contracts.ulids import new_ulid
from labstow.infra.embedded.valkey import ValkeyServer
from tests.conftest import Lab, running_gateway, running_lab
from tests.locks.auditor_locks import audit_locks
from tests.locks.doors import Door, Nats, Rest, Told, settle
from tests.servers import Servers, fresh_nats, short_folder

ALL: Final = 10_000
MANY: Final = int(os.environ.get("LOCK_RACES", "1000"))
"""How many races and tries; of what takes longer, a share as large."""
SHARE: Final = MANY / ALL
WIDE: Final = 8
"""How many of them at the same time."""

pytestmark = [pytest.mark.system, pytest.mark.timeout(60 + MANY / 20)]


class Robot:
    """Somebody who asks, in one name, through one door."""

    def __init__(self, name: str, door: Door) -> None:
        self.name, self._door = name, door

    async def ask(self, command: Any, lease: str | None = None) -> Told:
        """What comes of it, be it a refusal."""
        told = await settle(self._door, command, self.name, lease=lease)
        assert told is not None
        return told

    async def acquire(self, *things: str, ttl: float = 60.0, wait: float = 0.0, session: str | None = None) -> Told:
        """What comes of it at once: a lease, a place in line, or a refusal."""
        return await self.ask(Acquire(resource_ids=things, ttl_s=ttl, wait_s=wait, session=session or self.name))

    async def stand_in_line(self, told: Told) -> Told:
        """What comes of waiting."""
        while told.body.get("state") == "queued":
            told = await self.ask(Await(ticket=told.body["ticket"]))
        return told

    async def have(self, *things: str, **how: Any) -> str:
        """A lease on things that are free."""
        told = await self.acquire(*things, **how)
        assert told.body.get("state") == "granted", told
        return str(told.body["lease_id"])

    async def release(self, lease_id: str) -> Told:
        """Give a lease back."""
        return await self.ask(Release(lease_id=lease_id))


@pytest.fixture(scope="module")
def redis() -> Iterator[ValkeyServer]:
    """A Redis of its own, that a test may end."""
    with short_folder() as folder:
        server = ValkeyServer(folder / "valkey", folder / "valkey.log")
        server.start()
        yield server
        server.stop()


@pytest.fixture(scope="module")
def two(servers: Servers, migrated: str, redis: ValkeyServer) -> Iterator[Lab]:
    """Two replicas of all workers."""
    with pytest.MonkeyPatch.context() as patch, servers.database(template=migrated) as url, fresh_nats() as nats:
        patch.setenv("LABSTOW_REDIS_URL", redis.url)
        with running_lab(nats.url, url, replicas=2) as lab:
            yield lab


@pytest.fixture(scope="module")
async def robots(two: Lab) -> AsyncIterator[list[Robot]]:
    """Eight robots, each with a connection of its own."""
    await two.ready()
    async with AsyncExitStack() as stack:
        buses = [await stack.enter_async_context(Bus(two.nats_url)) for _ in range(8)]
        yield [Robot(f"robot {number}", Nats(bus)) for number, bus in enumerate(buses)]


@pytest.fixture(scope="module")
async def by_rest(two: Lab, robots: list[Robot]) -> AsyncIterator[Door]:
    """The other way in."""
    with running_gateway(two) as gateway:
        async with httpx.AsyncClient(base_url=gateway.url, timeout=10) as http:
            yield Rest(http)


async def things(owner: Robot, count: int = 1, **fields: Any) -> list[str]:
    """Things that are new, and free."""
    ids = [new_ulid() for _ in range(count)]
    added = (owner.ask(Add(resource=NewResource(resource_id=each, name="thing", **fields))) for each in ids)
    assert {told.code for told in await asyncio.gather(*added)} == {""}
    return ids


async def test_of_many_who_race_for_a_lock_one_gets_it(two: Lab, robots: list[Robot]) -> None:
    """G2, I1, I3: two to eight at once, again and again, on eight things at the same time.

    Seen to fail, two were granted the same token, without the row locks and without the journal's one entry a version;
    either guards alone.
    """
    plates = await things(robots[0], WIDE)

    async def race(plate: str) -> None:
        dice = Random(plate)
        for _ in range(MANY // WIDE):
            racers = dice.sample(robots, dice.randint(2, 8))
            told = await asyncio.gather(*(one.acquire(plate) for one in racers))
            assert Counter(one.code for one in told) == {"": 1, "lock.held": len(racers) - 1}
            winner = next(number for number, one in enumerate(told) if not one.code)
            assert (await racers[winner].release(told[winner].body["lease_id"])).code == ""

    await asyncio.gather(*map(race, plates))
    with psycopg.connect(two.postgres_url) as connection:
        tokens = connection.execute("select distinct token from labstow.lease where id = any(%s)", [plates])
        assert tokens.fetchall() == [(MANY // WIDE,)]


@pytest.mark.parametrize("by", ["nats", "rest"])
async def test_who_does_not_hold_it_changes_nothing(two: Lab, robots: list[Robot], by_rest: Door, by: str) -> None:
    """G3, I2, I4, I12: without a lease, with one that is over, with somebody else's, or with one of something else.

    Seen to fail without the guard of the rules: all was done.
    """
    alice, bob = robots[:2] if by == "nats" else (Robot(name, by_rest) for name in ("alice", "bob"))
    (stack,), (tips,) = await things(alice, base_type="stack"), await things(alice, base_type="discrete_consumable")
    plate, own, free = await things(alice, 3)
    kept = await alice.have(stack, tips, plate, ttl=600.0)
    leases = {None, kept, await bob.have(own, ttl=600.0)}
    over = [await _over(bob, free, how) for how in ("expired", "released", "broken")]
    refused: Counter[str] = Counter()

    async def try_it(number: int) -> None:
        dice = Random(number)
        for _ in range(MANY // 2 // WIDE):
            told = await bob.ask(_harm(dice, plate, tips, stack, free), lease=dice.choice([*leases, *over]))
            refused[told.code] += 1
        told = await bob.ask(_renamed(free), lease=dice.choice(over))
        refused[told.code] += 1

    await asyncio.gather(*map(try_it, range(WIDE)))
    assert refused.keys() == {"resource.locked", "lock.lost", "lock.not_yours"}
    with psycopg.connect(two.postgres_url) as connection:
        versions = "select distinct version from labstow.resource where id = any(%s)"
        assert connection.execute(versions, [[stack, tips, plate, free]]).fetchall() == [(1,)]
        assert audit_locks(connection) == []
    assert (await alice.ask(_renamed(plate), lease=kept)).code == ""


async def _over(robot: Robot, thing: str, how: str) -> str:
    """A lease that has ended."""
    lease_id = await robot.have(thing, ttl=1.0)
    if how == "released":
        await robot.release(lease_id)
    elif how == "broken":
        await robot.ask(Break(resource_id=thing, reason="for the test"))
    else:
        after = await robot.stand_in_line(await robot.acquire(thing, wait=10.0, session="another"))
        await robot.release(after.body["lease_id"])
    return lease_id


def _renamed(thing: str) -> Update:
    return Update(resource_id=thing, changes=Patch(name=new_ulid()))


def _harm(dice: Random, plate: str, tips: str, stack: str, free: str) -> Request[Any]:
    """Something that changes a plate, tips or a stack."""
    rename = {"verb": "update", "command": {"resource_id": plate, "changes": {"name": new_ulid()}}}
    return dice.choice(
        [
            _renamed(plate),
            Batch.model_validate({"steps": [rename]}),
            ChangeQuantity(resource_id=tips, by=1),
            Remove(resource_id=plate),
            Push(container_id=stack, resource=NewResource(name="one more")),
            Move(resource_id=free, container_id=stack),
            Move(resource_id=plate, container_id=stack),
        ]
    )


async def test_who_came_first_is_served_first(two: Lab, robots: list[Robot]) -> None:
    """G8, I9: fifty in one line, twenty times; the next one has it within a tenth of a second.

    Seen to fail with those left out who came earlier: the line was served in no order.
    """
    took: list[float] = []
    for _ in range(max(2, round(20 * SHARE))):
        took += await _line(robots, 50)
    _say("handed over", took)
    assert statistics.median(took) <= 0.1


async def test_who_waits_gets_it_within_a_second_without_redis(
    two: Lab, robots: list[Robot], redis: ValkeyServer
) -> None:
    """G8, I7: nobody hears the bell."""
    redis.kill()
    try:
        took = await _line(robots, max(8, round(50 * SHARE)))
    finally:
        redis.start()
    _say("handed over without Redis", took)
    assert max(took) <= 1.1


async def _line(robots: list[Robot], length: int) -> list[float]:
    """How long each of those who wait in a line had to wait for its turn after the one before was done."""
    (plate,) = await things(robots[0])
    first = await robots[0].have(plate)
    served: list[int] = []
    released: list[float] = []
    took: list[float] = []
    waiting = [
        await robots[number % len(robots)].acquire(plate, wait=250.0, session=f"session {number}")
        for number in range(length)
    ]
    assert [told.body["position"] for told in waiting] == list(range(1, length + 1))

    async def wait(number: int) -> None:
        robot = robots[number % len(robots)]
        granted = await robot.stand_in_line(waiting[number])
        took.append(time.monotonic() - released[-1])
        served.append(number)
        released.append(time.monotonic())
        await robot.release(granted.body["lease_id"])

    async with asyncio.TaskGroup() as group:
        for number in range(length):
            group.create_task(wait(number))
        released.append(time.monotonic())
        await robots[0].release(first)
    assert served == list(range(length))
    return took


async def test_a_lease_ends_when_it_is_over_and_not_before(robots: list[Robot]) -> None:
    """G9, I4, I6: by the clock of the database, and whoever waits has it within a second.

    Seen to fail with 50 ms taken from the life of a lease, and with 1.5 s added.
    """
    late: list[float] = []

    async def trial(robot: Robot, thing: str, *, patient: bool) -> None:
        first = (await robot.acquire(thing, ttl=Random(thing).uniform(1.0, 3.0))).body
        if patient:
            told = await robot.stand_in_line(await robot.acquire(thing, wait=10.0, session="the next one"))
        else:
            told = await robot.acquire(thing, session="the next one")
            while told.code == "lock.held":
                await asyncio.sleep(min(0.2, told.body["expires_in_ms"] / 1e3))
                told = await robot.acquire(thing, session="the next one")
        over, then = datetime.fromisoformat(first["expires_at"]), datetime.fromisoformat(told.body["at"])
        assert then >= over
        late.append((then - over) / timedelta(seconds=1))
        await robot.release(told.body["lease_id"])

    for _ in range(max(1, round(5 * SHARE))):  # 25 things of each robot at a time: nobody may hold too many
        plates = await things(robots[0], 200)
        async with asyncio.TaskGroup() as group:
            for number, plate in enumerate(plates):
                group.create_task(trial(robots[number % 8], plate, patient=number % 16 < 8))
    _say("granted after the end of a lease", late)
    assert max(late) <= 1.0


async def test_nobody_waits_for_ever(two: Lab, robots: list[Robot]) -> None:
    """G10, I10: eight who take more while they hold something, in any order: each answer comes in time.

    Seen to fail without the search for circles: nobody was told of a deadlock, and half of them waited in vain.
    """
    plates = await things(robots[0], 6)
    overdue: list[float] = []
    told: Counter[str] = Counter()

    async def take(robot: Robot) -> None:
        dice = Random(robot.name)
        asked = 0
        while asked < MANY // len(robots):
            wanted, leases = dice.sample(plates, dice.randint(2, 4)), []
            for plate in wanted:
                wait, called = dice.uniform(0.2, 1.0), time.monotonic()
                answer = await robot.stand_in_line(await robot.acquire(plate, wait=wait))
                overdue.append(time.monotonic() - called - wait)
                told[answer.code or answer.body["state"]] += 1
                asked += 1
                if answer.code:
                    break
                leases.append(answer.body["lease_id"])
            for lease_id in leases:
                await robot.release(lease_id)

    await asyncio.gather(*map(take, robots))
    print(f"nested acquisitions: {dict(told)}, at most {max(overdue):.2f} s after the time they were ready to wait")
    assert told.keys() <= {"granted", "lock.deadlock", "lock.wait_timeout"}
    assert told["lock.deadlock"] > 0
    assert max(overdue) <= 1.0
    with psycopg.connect(two.postgres_url) as connection:
        assert audit_locks(connection) == []


def _say(what: str, seconds: list[float]) -> None:
    ordered = sorted(seconds)
    p99 = ordered[int(len(ordered) * 0.99)]
    print(f"{what}: {len(ordered)} times, median {statistics.median(ordered) * 1e3:.0f} ms, p99 {p99 * 1e3:.0f} ms")
