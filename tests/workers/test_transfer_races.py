"""Transfers, and everything else that is done to the same things, at the same moment, from several workers.

The long form: LABSTOW_RACES=50 pytest tests/workers/test_transfer_races.py --timeout=0
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from random import Random
from typing import Any, Final

import psycopg
import pytest

from labstow.contracts.capabilities import Capabilities
from labstow.contracts.errors import Refusal
from labstow.contracts.location import Attach, Detach, InitLocation, RemoveLocation, Represent
from labstow.contracts.lock import Acquire, Release
from labstow.contracts.message import Command
from labstow.contracts.placing import Move, Pop, Push, Take
from labstow.contracts.resource import NewResource, Remove
from labstow.contracts.transfer import AbortTransfer, CompleteTransfer, Configure
from labstow.workers.kit.database import connect
from labstow.workers.kit.leases import hashed
from labstow.workers.kit.pipeline import Pipeline
from labstow.workers.transfer.lab import Footprint
from labstow.workers.transfer.repository import Repository as Places
from labstow.workers.transfer.resolve import NoteOverdue
from labstow.workers.transfer.transfer import gripper_of
from tests.conftest import until
from tests.workers.calls import sql
from tests.workers.lease_desk import Json, held_up
from tests.workers.place_desk import ARM, Desk, beginning
from tests.workers.test_lease_races import in_turn
from tests.workers.test_location_races import TIMES, codes, crowd, desks, race

__all__ = ["crowd", "desks"]

HINDERED: Final = "transfer.hindered"


async def over(desk: Desk, told: list[Json]) -> None:
    """Have what was begun put back."""
    for each in told:
        if each["status"] == 200:
            await desk.abort(each)


async def test_of_eight_nodes_one_carries_a_thing(desks: list[Desk]) -> None:
    """I16: to eight places, by one caller, who may do all that.

    Seen to fail with neither the row of the thing nor those who begin locked: the database objected.
    """
    thing = await desks[0].add(into=await desks[0].add("container"))
    for number in range(8):
        await desks[0].nest(f"deck-{number}")
    for round_ in range(10 * TIMES):
        wishes = [beginning(thing, f"deck-{number}", f"node-{number}") for number in range(8)]
        told = await race(desks, *wishes, together=1 + round_ % 2)
        assert codes(told) == {"": 1, HINDERED: 7}
        await over(desks[0], told)


@pytest.mark.parametrize("target", ["slot", "stack", "bare", "linked", "nowhere"])
async def test_one_of_four_things_goes_where_there_is_room_for_one(desks: list[Desk], target: str) -> None:
    """I15, I17: a slot, a stack with a capacity of one, a place with nothing, one that has two names, and a row that is
    at no place; also for somebody who may write to the target, as he presents a lease on it.

    Seen to fail where transfers that are under way are not looked at.
    """
    desk = desks[0]
    home = await desk.nest("home", "container")
    things = [await desk.add(into=home) for _ in range(4)]
    to, leases, names = "deck", list[str](), ["deck"] * 4
    if target in ("bare", "linked"):
        await desk.place("deck")
        await desk.place("deck.too")
        if target == "linked":
            await desk.ask(Configure(capabilities=Capabilities(linked=(("deck", "deck.too"),))))
            names = ["deck", "deck.too"] * 2
    elif target == "nowhere":
        to = await desk.add("row", columns=5)
        leases = [await desk.have(to, ttl_s=3600)]
        names = [to] * 4
    else:
        to = await desk.nest("deck", target, capacity=1)
        leases = [await desk.have(to, ttl_s=3600)]
    for round_ in range(10 * TIMES):
        wishes = [(desks[n], beginning(thing, names[n], f"node-{n}")) for n, thing in enumerate(things)]
        told = await asyncio.gather(*(each.told(wish, leases=leases) for each, wish in wishes))
        assert Counter(told) == {"": 1, HINDERED: 3}
        begun = under_way(desk)
        if round_ % 2:
            await desk.abort(begun, leases=leases)
        else:
            await desk.complete(begun, leases=leases)
            await desk.complete(await desk.begin(begun["resource_id"], home, leases=leases), leases=leases)


def under_way(desk: Desk) -> Json:
    """The one transfer that is."""
    with sql(desk.url) as db:
        ((key, thing),) = db.execute("select id, resource_id from transfer where state = 'begun'").fetchall()
    return {"transfer_id": key, "resource_id": thing}


async def test_a_gripper_carries_one_of_eight_things(desks: list[Desk]) -> None:
    """I15: also when it is not there yet, or no more, and when somebody took out what it carried.

    Seen to fail without the advisory lock of those who begin: two made the gripper, and the database objected.
    """
    homes = [await desks[0].nest(f"home-{number}", "container") for number in range(8)]
    for number in range(8):
        await desks[0].nest(f"deck-{number}")
    for round_ in range(10 * TIMES):
        node, things = f"arm-{round_ // 2}", [await desks[0].add(into=home) for home in homes]
        if round_ % 4 == 3:
            await desks[0].ask(Remove(resource_id=gripper_of(node)))
        wishes = [beginning(thing, f"deck-{number}", node, due_s=1) for number, thing in enumerate(things)]
        told = await race(desks, *wishes, together=1)
        assert codes(told) == {"": 1, HINDERED: 7}
        (begun,) = (each for each in told if each["status"] == 200)
        if round_ % 2:
            await desks[0].ask(Move(resource_id=begun["resource_id"], container_id=None), leases=[begun["lease_id"]])
            others = [each for each in wishes if each.errand.resource_id != begun["resource_id"]]
            assert codes(await race(desks, *others, together=1)) == {HINDERED: 7}
        await desks[0].abort(begun)


async def test_what_is_left_in_a_gripper_only_its_node_carries_on(desks: list[Desk]) -> None:
    """I16: seven other nodes want it at the moment when it is left there, and afterwards; its own node begins.

    Seen to fail where it does not matter whose gripper it is in.
    """
    desk = desks[0]
    thing = await desk.add(into=await desk.add("container"))
    for number in range(8):
        await desk.nest(f"deck-{number}")
    others = [beginning(thing, f"deck-{number}", f"node-{number}") for number in range(1, 8)]
    begun = await desk.begin(thing, "deck-0")
    for _ in range(10 * TIMES):
        left = AbortTransfer(transfer_id=begun["transfer_id"], left="gripper")
        assert codes(await race(desks, left, *others, together=1)) == {"": 1, HINDERED: 7}
        told = await race(desks, beginning(thing, "deck-0"), *others, together=1)
        assert codes(told) == {"": 1, HINDERED: 7}
        (begun,) = (each for each in told if each["status"] == 200)
        assert begun["node"] == ARM
    await desk.abort(begun)


@pytest.mark.parametrize("kind", ["stack", "queue"])
async def test_what_is_put_back_into_a_line_has_its_old_place_whoever_comes_and_goes(
    desks: list[Desk], kind: str
) -> None:
    """I19: of ten, the fifth goes back while others push four and pop two, from two workers.

    Seen to fail where it goes to the end.
    """
    desk = desks[0]
    await desk.nest("deck")
    for round_ in range(4 * TIMES):
        line = await desk.nest(f"line-{round_}", kind)
        things = [await desk.add(into=line) for _ in range(10)]
        begun = await desk.begin(things[4], "deck")
        back = AbortTransfer(transfer_id=begun["transfer_id"], left="source", reason="stuck")
        pushes = [Push(container_id=line, resource=NewResource(name=f"{number}")) for number in range(4)]
        told = await race(desks, back, *pushes, *[Pop(container_id=line)] * 2, together=1 + round_ % 2)
        assert codes(told) == {"": 7}
        with sql(desk.url) as db:
            rows = db.execute("select id, order_seq from resource where parent_id = %s order by order_seq", [line])
            left = dict(rows.fetchall())
        assert (len(left), len(set(left.values()))) == (12, 12)
        assert [each for each in left if each in things] == [each for each in things if each in left]


async def test_one_robot_at_a_time_is_in_a_zone(desks: list[Desk]) -> None:
    for number in range(4):
        await desks[0].nest(f"home-{number}", "container")
        await desks[0].nest(f"deck-{number}")
    zone = Capabilities(exclusive=(tuple(f"deck-{number}" for number in range(4)),))
    await desks[0].ask(Configure(capabilities=zone))
    with sql(desks[0].url) as db:
        homes = dict(db.execute("select name, resource_id from location").fetchall())
    things = [await desks[0].add(into=homes[f"home-{number}"]) for number in range(4)]
    for _ in range(10 * TIMES):
        wishes = [beginning(thing, f"deck-{n}", f"node-{n}") for n, thing in enumerate(things)]
        told = await race(desks, *wishes, together=1)
        assert codes(told) == {"": 1, HINDERED: 3}
        await over(desks[0], told)


Scene = dict[str, str]


async def scene(desk: Desk, number: int) -> Scene:
    """A tube on top of a stack, and a slot."""
    stack = await desk.nest(f"hotel-{number}", "stack")
    await desk.add(into=stack)
    tube = await desk.add(into=stack)
    slot = await desk.nest(f"deck-{number}")
    await desk.place(f"bench-{number}")
    box = await desk.add("container")
    return {"stack": stack, "tube": tube, "slot": slot, "box": box, "number": str(number)}


OTHERS: Final[dict[str, tuple[Callable[[Scene], Command[Any]], set[tuple[str, str]]]]] = {
    # What somebody else does; what may come of the transfer that begins at the same moment, and of that.
    "move": (
        lambda at: Move(resource_id=at["tube"], container_id=at["box"]),
        {("", "resource.locked"), (HINDERED, ""), ("", "")},
    ),
    "take": (
        lambda at: Take(container_id=at["stack"], resource_id=at["tube"]),
        {("", "resource.locked"), (HINDERED, ""), ("", "resource.not_there"), ("", "resource.elsewhere")},
    ),
    "pop": (lambda at: Pop(container_id=at["stack"]), {("", ""), (HINDERED, ""), ("", "resource.locked")}),
    "push": (
        lambda at: Push(container_id=at["slot"], resource=NewResource(name="other")),
        {("", "resource.locked"), (HINDERED, "")},
    ),
    "lock the thing": (lambda at: Acquire(resource_ids=(at["tube"],)), {("", "lock.held"), (HINDERED, "")}),
    "lock the target": (lambda at: Acquire(resource_ids=(at["slot"],)), {("", "lock.held"), (HINDERED, "")}),
    "lock the source": (lambda at: Acquire(resource_ids=(at["stack"],)), {("", ""), (HINDERED, "")}),
    "remove": (lambda at: Remove(resource_id=at["tube"]), {("", "resource.locked"), ("resource.removed", "")}),
}


@pytest.mark.parametrize("other", OTHERS)
async def test_a_transfer_that_begins_and_what_others_do_take_turns(
    desks: list[Desk], postgres_url: str, other: str
) -> None:
    """I2, I16, I19: whoever comes first; who looks again for what he needs may come second.

    Seen to fail where the row of the thing is not locked.
    """
    command, allowed = OTHERS[other]
    for number, first in enumerate(["begin", "other"] * 2 * TIMES):
        at = await scene(desks[0], number)
        meeting = at["slot"] if other in ("push", "lock the target") else at["tube"]
        begin = desks[0].told(beginning(at["tube"], f"deck-{number}", f"arm-{number}"))
        pair = [begin, desks[1].told(command(at), by="bob")]
        if other in ("pop", "lock the source"):
            meeting = at["stack"]
        told = await in_turn(postgres_url, meeting, *(pair if first == "begin" else pair[::-1]))
        outcome = tuple(told if first == "begin" else told[::-1])
        assert outcome in allowed, outcome
        if outcome[0] == "":
            with sql(postgres_url) as db:
                found = db.execute("select parent_id from resource where id = %s", [at["tube"]]).fetchone()
            assert found == (gripper_of(f"arm-{number}"),)


@asynccontextmanager
async def place_held(url: str, name: str) -> AsyncIterator[Callable[[int], Awaitable[None]]]:
    """Nobody changes a location meanwhile. Gives what waits until so many wait for that."""
    options = "-c search_path=labstow"
    async with await psycopg.AsyncConnection.connect(url, options=options) as db, held_up(url) as waiting:
        await db.execute("select from location where name = %s for update", [name])
        yield waiting
        await db.commit()


@pytest.mark.parametrize("other", ["attach", "remove"])
async def test_a_transfer_that_begins_and_a_change_of_its_target_take_turns(
    desks: list[Desk], postgres_url: str, other: str
) -> None:
    """I46: something else is attached to the bare place it is to go to, or that is removed.

    Seen to fail without `for no key update` of locations.
    """
    for number, first in enumerate(["begin", "other"] * 2 * TIMES):
        at = await scene(desks[0], number)
        bench, thing = f"bench-{number}", await desks[0].add()
        attach, remove = Attach(location=bench, resource_id=thing), RemoveLocation(location=bench)
        begin = desks[0].told(beginning(at["tube"], bench, f"arm-{number}"))
        pair = [begin, desks[1].told(attach if other == "attach" else remove, by="bob")]
        async with place_held(postgres_url, bench) as waiting:
            tasks = []
            for count, each in enumerate(pair if first == "begin" else pair[::-1], start=1):
                tasks.append(asyncio.create_task(each))
                await waiting(count)
        told = await asyncio.gather(*tasks)
        outcome = tuple(told if first == "begin" else told[::-1])
        lost = HINDERED if other == "attach" else "location.not_found"
        assert outcome in {("", "location.reserved"), (lost, "")}, outcome


@pytest.mark.parametrize("what", ["attach", "detach"])
async def test_who_attaches_a_thing_and_who_locks_it_take_turns(
    desks: list[Desk], postgres_url: str, what: str
) -> None:
    """I2: whoever comes first; then nobody else says where it is.

    Seen to fail where the guard is not asked; and with leases that are read before the row is locked.
    """
    for number, first in enumerate(["lock", "other"] * 2 * TIMES):
        thing = await desks[0].add()
        name = f"bench-{number}"
        await desks[0].place(name, thing if what == "detach" else None)
        lock = desks[0].told(Acquire(resource_ids=(thing,)))
        command = Attach(location=name, resource_id=thing) if what == "attach" else Detach(location=name)
        pair = [lock, desks[1].told(command, by="bob")]
        told = await in_turn(postgres_url, thing, *(pair if first == "lock" else pair[::-1]))
        assert told == (["", "resource.locked"] if first == "lock" else ["", ""])


async def test_what_is_locked_is_attached_by_who_holds_it_however_many_try(
    desks: list[Desk], postgres_url: str
) -> None:
    """I2: the journal has who held the thing when it was attached or detached.

    Seen to fail where the guard is not asked; and with leases that are read before the row is locked.
    """
    thing = await desks[0].add()
    for name in ("bench", "shelf"):
        await desks[0].place(name)
    told = Counter[str]()

    async def work(desk: Desk, by: str) -> None:
        dice = Random(by)
        for _ in range(20 * TIMES):
            leases, where = list[str](), dice.choice(["bench", "shelf"])
            if dice.random() < 0.5:
                with suppress(Refusal):
                    leases = [await desk.have(thing, by=by)]
            for command in (Attach(location=where, resource_id=thing), Detach(location=where)):
                told[await desk.told(command, by, leases)] += 1
            for lease in leases:
                await desk.told(Release(lease_id=lease), by)

    await asyncio.gather(*(work(desk, f"robot {number}") for number, desk in enumerate(desks)))
    assert told[""] > 3, told
    assert told["resource.locked"] > 3, told
    with sql(postgres_url) as db:
        entries = db.execute(
            "select noun, what, actor, token, state->>'holder', (state->>'token')::bigint, changes->'resource_id'"
            " from journal where entity_id = %s or (noun = 'location' and what in ('attached', 'detached'))"
            " order by seq",
            [thing],
        ).fetchall()
    holder, token = None, None
    for noun, what, actor, shown, held_by, own, moved in entries:
        if noun == "lock":
            holder, token = held_by, own if held_by else None
        elif noun == "location" and thing in moved.values():
            assert (shown, actor) == (token, holder or actor), what


async def test_a_transfer_is_over_once(desks: list[Desk], postgres_url: str) -> None:
    """Completed twice and aborted twice, by who began it and by others: it is in one place."""
    for number in range(8 * TIMES):
        at = await scene(desks[0], number)
        begun = await desks[0].begin(at["tube"], f"deck-{number}", node=f"arm-{number}")
        done = CompleteTransfer(transfer_id=begun["transfer_id"])
        back = AbortTransfer(transfer_id=begun["transfer_id"], left="source", reason="stuck")
        told = await asyncio.gather(*(desk.told(each) for desk, each in zip(desks, [back, done] * 2, strict=True)))
        assert Counter(told) == {"": 1, "transfer.over": 3}
        with sql(postgres_url) as db:
            ((state, parent, version),) = db.execute(
                "select state, parent_id, transfer.version from transfer join resource on resource.id = resource_id"
                " where transfer.id = %s",
                [begun["transfer_id"]],
            ).fetchall()
        assert (parent, version) == (at["slot"] if state == "completed" else at["stack"], 2)


async def test_a_late_complete_and_who_locks_the_target_take_turns(desks: list[Desk], postgres_url: str) -> None:
    """I2, I4: the lease is over. Whoever comes first; the other one is refused."""
    begun = []
    for number in range(6 * TIMES):
        at = await scene(desks[0], number)
        transfer = await desks[0].begin(at["tube"], f"deck-{number}", node=f"arm-{number}", due_s=1)
        begun.append((at["slot"], CompleteTransfer(transfer_id=transfer["transfer_id"])))
    await due(postgres_url)
    for number, (slot, complete) in enumerate(begun):
        pair = [desks[0].told(complete), desks[1].told(Acquire(resource_ids=(slot,)), by="bob")]
        told = await in_turn(postgres_url, slot, *(pair if number % 2 else pair[::-1]))
        outcome = tuple(told if number % 2 else told[::-1])
        assert outcome in {("", ""), ("resource.locked", "")}


async def test_what_a_lease_led_to_and_has_no_more_is_not_taken_for_known(desks: list[Desk], postgres_url: str) -> None:
    """I2: a row that was waited for, because a lease named it; meanwhile somebody else was granted that. What binds it
    was not read.

    Seen to fail where everything that was locked counts as loaded: nothing seemed to bind it.
    """
    thing = await desks[0].add()
    lease = hashed(await desks[0].have(thing))
    repository, footprint = Places({}), Footprint(leases={lease}, callers={"ada"})
    asks, db = repository.loads(footprint), Pipeline(await connect(postgres_url))
    found = dict(zip(asks, await db.exchange(*asks.values()), strict=True))
    await db.close()
    assert thing in repository.lab(footprint, found).things
    assert thing not in repository.lab(footprint, {**found, "leases": []}).things


async def test_what_is_overdue_is_told_once_by_all_workers(desks: list[Desk], postgres_url: str) -> None:
    """Seen to fail without `for update` of transfers: the database objected."""
    at = await scene(desks[0], 0)
    begun = await desks[0].begin(at["tube"], "deck-0", due_s=1)
    note = NoteOverdue(transfer_ids=(begun["transfer_id"],))
    await race(desks, note, note, together=1)
    await due(postgres_url)
    await race(desks, *(note for _ in range(8)), CompleteTransfer(transfer_id=begun["transfer_id"]), together=1)
    with sql(postgres_url) as db:
        told = db.execute("select what from journal where noun = 'transfer' order by seq").fetchall()
    assert told in ([("begun",), ("overdue",), ("completed",)], [("begun",), ("completed",)])


async def due(url: str, transfer_id: str = "%") -> None:
    """Wait until a transfer, or every one, should have been over."""

    async def it_is() -> bool:
        with sql(url) as db:
            early = "select from transfer where due_at > clock_timestamp() and id like %s"
            return db.execute(early, [transfer_id]).fetchone() is None

    await until(it_is)


@pytest.mark.parametrize("seed", range(TIMES))
async def test_a_busy_laboratory_is_in_order(desks: list[Desk], postgres_url: str, seed: int) -> None:
    """I2, I16, I17, I46: three robots carry plates between stacks, nests and bare places, while people move, lock,
    attach, teach and remove whatever they find. The journal tells that no thing was ever in two places.
    """
    desk = desks[0]
    taught: Json = {"representations": {f"{ARM}-{n}": None for n in range(3)}}
    homes = [await desk.nest(f"home-{n}", "stack", capacity=4) for n in range(2)]
    nests = [await desk.nest(f"nest-{n}") for n in range(2)]
    benches = [(f"bench-{n}", await desk.place(f"bench-{n}", **taught))[0] for n in range(3)]
    plates = [await desk.add("grid", into=homes[n % 2], name=f"plate {n}") for n in range(5)]
    names = ["home-0", "home-1", "nest-0", "nest-1", *benches]
    linked = Capabilities(linked=(("bench-0", "bench-1"),), exclusive=(("nest-0", "bench-2"),))
    await desk.ask(Configure(capabilities=linked))
    told = Counter[str]()

    async def robot(number: int) -> None:
        own, by, dice = desks[number], f"robot {number}", Random(seed * 7 + number)
        for _ in range(40):
            plate, leases = dice.choice(plates), list[str]()
            try:
                if dice.random() < 0.2:
                    leases = [await own.have(plate, by=by)]
                node = f"{ARM}-{number if dice.random() < 0.9 else 0}"
                begun = await own.begin(plate, dice.choice(names), by, leases, node=node, due_s=dice.choice([1, 60]))
                told["begun"] += 1
                if dice.random() < 0.7:
                    await own.complete(begun, by, leases=leases)
                    told["completed"] += 1
                else:
                    await own.abort(begun, dice.choice(["source", "gripper", "nowhere"]), by, leases=leases)
                    told["aborted"] += 1
            except Refusal as refusal:
                told.update(each["code"] for each in refusal.facts.get("findings", ({"code": refusal.code},)))
            for lease in leases:
                await own.told(Release(lease_id=lease), by)

    async def people() -> None:
        dice = Random(seed)
        for number in range(60):
            plate, name = dice.choice(plates), dice.choice(names)
            init = {"location": {"name": "bench-2", **taught}}
            commands: list[Command[Any]] = [
                Move(resource_id=plate, container_id=dice.choice([*homes, *nests])),
                Attach(location=name, resource_id=plate),
                Detach(location=dice.choice(benches)),
                Represent(location=name, node=f"{ARM}-{number % 3}", representation=number)
                if name in benches
                else RemoveLocation(location="bench-2"),
                InitLocation.model_validate(init),
            ]
            told[await desks[3].told(dice.choice(commands), "people")] += 1
            try:
                lease = await desks[3].have(plate, by="people")
            except Refusal:
                continue
            await desks[3].told(Release(lease_id=lease), "people")

    await asyncio.gather(*(robot(number) for number in range(3)), people())
    with sql(postgres_url) as db:
        left = db.execute("select id from transfer where state = 'begun'").fetchall()
    for (key,) in left:  # whoever could not complete what he began
        assert await desk.told(AbortTransfer(transfer_id=key, left="gripper", reason="over"), "operator") == ""
    assert min(told[each] for each in ("completed", "aborted")) > 3, told
    assert not {"internal", "worker.contended", "outcome.unknown"} & told.keys(), told
