"""Places changed at the same moment, from several workers: one comes first, and the others know it.

The long form: LABSTOW_RACES=50 pytest tests/workers/test_location_races.py --timeout=0
"""

import asyncio
import os
from collections import Counter
from collections.abc import AsyncIterator, Iterable
from random import Random
from typing import Any, Final

import orjson
import psycopg
import pytest

from labstow.contracts.capabilities import Capabilities
from labstow.contracts.lab_file import ApplyLab
from labstow.contracts.location import (
    AddLocation,
    Attach,
    Detach,
    InitLocation,
    RemoveLocation,
    Represent,
    Unrepresent,
    UpdateLocation,
)
from labstow.contracts.message import Command
from labstow.contracts.pattern import CreateRepresentationTemplate, RemoveRepresentationTemplate
from labstow.contracts.resource import Remove
from labstow.contracts.transfer import Configure
from labstow.contracts.ulids import new_ulid
from labstow.workers.transfer.resolve import Resolve
from tests.locks.auditor_locks import audit_locks
from tests.workers.auditor import audit
from tests.workers.calls import settle, sql
from tests.workers.errand_order import audit_errands
from tests.workers.lease_desk import Json, call
from tests.workers.place_desk import Desk, beginning
from tests.workers.test_lease_races import in_turn

TIMES: Final = int(os.environ.get("LABSTOW_RACES", "1"))


@pytest.fixture
async def crowd(postgres_url: str) -> AsyncIterator[list[Desk]]:
    """Four workers; in the end all is in order, and nobody ever waited in a circle."""
    four = [Desk(postgres_url) for _ in range(4)]
    yield four
    for desk in four:
        await desk.close()
    with psycopg.connect(postgres_url) as connection:
        assert [*audit(connection), *audit_locks(connection), *audit_errands(connection)] == []
    assert "40P01" not in retries(four)


@pytest.fixture
async def desks(crowd: list[Desk]) -> AsyncIterator[list[Desk]]:
    """The same; and the database never had to object to what two had decided at once."""
    yield crowd
    assert not retries(crowd)


def retries(desks: list[Desk]) -> Counter[str]:
    """How often something was decided again, by SQLSTATE."""
    return sum((unit.retries for desk in desks for unit in desk.units), start=Counter[str]())


async def race(desks: list[Desk], *commands: Command[Any], together: int = 64) -> list[Json]:
    """What comes of commands that are sent at the same moment to several workers, which take so many at a time; in
    their order.
    """
    calls = [call(command) for command in commands]
    told: dict[Any, Json] = {}

    async def work(desk: Desk, share: list[Any]) -> None:
        for start in range(0, len(share), together):
            batch = share[start : start + together]
            for unit in desk.units:
                own = [each for each in batch if desk.unit_of(each.request) is unit]
                for answered in await settle(unit, *own) if own else ():
                    told[answered.call] = {"status": answered.status, **orjson.loads(answered.body)}

    await asyncio.gather(*(work(desk, calls[number :: len(desks)]) for number, desk in enumerate(desks)))
    return [told[each] for each in calls]


def codes(told: Iterable[Json]) -> Counter[str]:
    """How often what was answered; "" where it is done."""
    return Counter("" if each["status"] == 200 else each["code"] for each in told)


def linking(*linked: list[str]) -> Configure:
    return Configure(capabilities=Capabilities.model_validate({"linked": linked}))


def added(name: str, **fields: Any) -> AddLocation:
    return AddLocation.model_validate({"location": {"name": name, **fields}})


async def test_of_two_thousand_edits_none_is_lost(desks: list[Desk], postgres_url: str) -> None:
    """I45, G7: of 40 nodes at 3 locations, over four workers, in batches and alone; each is an entry of its own.

    Seen to fail without `for no key update` of locations: the journal's unique key refused most of them.
    """
    places = [await desks[0].place(name) for name in "abc"]
    dice = Random(45)
    edits = [(dice.choice(places), f"n{number % 40}", number) for number in range(2_000 * TIMES)]
    commands = [Represent(location=place, node=node, representation={"edit": n}) for place, node, n in edits]
    # A node edits from one worker, one edit after the other: the last one must be there.
    share = [[each for each in commands if int(each.node[1:]) % 4 == worker] for worker in range(4)]
    done = await asyncio.gather(
        *(
            race([desk], *mine, together=16 if number else 1)
            for number, (desk, mine) in enumerate(zip(desks, share, strict=True))
        )
    )
    assert codes(each for told in done for each in told) == {"": len(edits)}
    expected: dict[str, Json] = {place: {} for place in places}
    for place, node, number in edits:
        expected[place][node] = {"edit": number}
    with sql(postgres_url) as db:
        rows = db.execute("select id, representations, version from location").fetchall()
    assert {id_: known for id_, known, _ in rows} == expected
    counts = Counter(place for place, _, _ in edits)
    assert {id_: version - 1 for id_, _, version in rows} == counts


async def test_all_edits_of_a_location_go_together(desks: list[Desk], postgres_url: str) -> None:
    """I45: taught, forgotten, renamed, described, attached and detached at once; nobody undoes what another one did."""
    place, thing = await desks[0].place("nest"), await desks[0].add()
    commands: list[Command[Any]] = []
    for number in range(20 * TIMES):
        commands += [
            Represent(location=place, node=f"n{number}", representation=number),
            Represent(location=place, node=f"gone{number}", representation=number),
            UpdateLocation.model_validate({"location": place, "changes": {"description": f"{number}"}}),
            UpdateLocation.model_validate({"location": place, "changes": {"owner": {"n": number}}}),
            Attach(location=place, resource_id=thing),
            UpdateLocation.model_validate({"location": place, "changes": {"representations": {f"u{number}": None}}}),
        ]
    assert codes(await race(desks, *commands, together=8)) == {"": len(commands)}
    forget = [Unrepresent(location=place, node=f"gone{number}") for number in range(20 * TIMES)]
    assert codes(await race(desks, *forget, *forget)) == {"": len(forget), "representation.not_found": len(forget)}
    with sql(postgres_url) as db:
        ((known, resource_id),) = db.execute("select representations, resource_id from location").fetchall()
    assert known.keys() == {f"{kind}{number}" for kind in "nu" for number in range(20 * TIMES)}
    assert resource_id == thing


async def test_one_of_eight_gets_a_name(desks: list[Desk]) -> None:
    """I34: added, renamed to, or found.

    Seen to fail without the advisory lock of a name: the database objected.
    """
    for number in range(15 * TIMES):
        name, others = f"nest-{number}", [await desks[0].place(f"other-{number}-{n}") for n in range(3)]
        rename = [UpdateLocation.model_validate({"location": each, "changes": {"name": name}}) for each in others]
        told = codes(await race(desks, *rename, *(added(name) for _ in range(5)), together=2))
        assert told == {"": 1, "location.exists": 7}
        init = [InitLocation.model_validate({"location": {"name": f"init-{number}"}}) for _ in range(8)]
        assert len({each["location_id"] for each in await race(desks, *init, together=1)}) == 1


async def test_one_of_eight_gets_an_id(crowd: list[Desk]) -> None:
    """I41: of a location, or of a pattern; there the database objects, and who comes second looks again."""
    for number in range(10 * TIMES):
        key = new_ulid()
        told = codes(await race(crowd, *(added(f"{number}-{n}", location_id=key) for n in range(8)), together=1))
        assert told == {"": 1, "location.exists": 7}
        told = codes(await race(crowd, *(pattern(name=f"{number} {n}", template_id=key) for n in range(8)), together=1))
        assert told == {"": 1, "pattern.exists": 7}


def pattern(**fields: Any) -> CreateRepresentationTemplate:
    return CreateRepresentationTemplate.model_validate({"template": fields})


async def test_names_of_patterns_are_given_once(desks: list[Desk]) -> None:
    """Made, and removed.

    Seen to fail without the advisory lock of a name: the database objected.
    """
    for number in range(10 * TIMES):
        told = await race(desks, *(pattern(name=f"reach {number}") for _ in range(8)), together=1)
        assert codes(told) == {"": 1, "pattern.exists": 7}
        remove = [RemoveRepresentationTemplate(name=f"reach {number}") for _ in range(8)]
        assert codes(await race(desks, *remove, together=1)) == {"": 1, "pattern.not_found": 7}


async def test_a_resource_is_attached_to_one_of_many_locations(desks: list[Desk]) -> None:
    """I46: attached, or added with it; and a location has one of many resources.

    Seen to fail where the row of the resource is not locked, or the location that has it is not looked for: the
    database objected to what two had decided.
    """
    for number in range(20 * TIMES):
        things = [await desks[0].add() for _ in range(4)]
        names = [f"{number}-{n}" for n in range(4)]
        for name in names:
            await desks[0].place(name)
        one = [Attach(location=name, resource_id=things[0]) for name in names]
        also = [added(f"{name}-new", resource_id=things[0]) for name in names]
        told = codes(await race(desks, *one, *also, together=1 + number % 2))
        assert told == {"": 1, "resource.attached": 7}
        name = f"{number}-nest"
        await desks[0].place(name)
        told = codes(await race(desks, *(Attach(location=name, resource_id=each) for each in things[1:]), together=1))
        assert told == {"": 1, "location.occupied": 2}


async def test_linked_locations_get_one_resource(desks: list[Desk]) -> None:
    """I46: whatever name each of four uses.

    Seen to fail where the other names are read without a lock.
    """
    names = [f"n{n}" for n in range(4)]
    for name in names:
        await desks[0].place(name)
    await desks[0].ask(linking(names[:2], names[1:3], names[2:]))
    for _ in range(20 * TIMES):
        things = [await desks[0].add() for _ in names]
        wishes = [Attach(location=name, resource_id=thing) for name, thing in zip(names, things, strict=True)]
        told = await race(desks, *wishes, together=1)
        assert codes(told) == {"": 1, "location.occupied": 3}
        (there,) = (each["name"] for each in told if each["status"] == 200)
        await desks[0].ask(Detach(location=there))


async def test_places_become_one_only_where_one_thing_is(desks: list[Desk]) -> None:
    """I46: two are linked while something is attached to each, or is on its way there; it is one of both.

    Seen to fail where what is linked is read without a lock.
    """
    seen = Counter[str]()
    for number in range(30 * TIMES):
        names = [f"{number}-{n}" for n in range(3)]
        things = [await desks[0].add() for _ in names]
        for name, thing in zip(names, [None, None, things[2]], strict=True):
            await desks[0].place(name, thing)
        under_way = beginning(things[2], names[1], node=f"arm-{number}")
        commands = [
            Attach(location=names[0], resource_id=things[0]),
            under_way if number % 2 else Attach(location=names[1], resource_id=things[1]),
            linking(names[:2]),
        ]
        turn = number % 3
        told = codes(await race(desks[:3], *commands[turn:], *commands[:turn], together=1))
        assert told[""] == 2
        assert told.keys() <= {"", "location.occupied", "transfer.hindered", "location.reserved"}
        seen.update(told)
        await desks[0].ask(linking())
    assert len(seen) > 1


async def test_a_name_that_is_taken_makes_no_place_of_two(desks: list[Desk]) -> None:
    """I46: a location is added, or gets another name, by which two would be one, while they are linked by that name.

    Seen to fail where names are taken beside whoever sets what is linked.
    """
    for number in range(30 * TIMES):
        one, other, name = (f"{number}-{n}" for n in range(3))
        for each in (one, other):
            await desks[0].place(each, await desks[0].add())
        await desks[0].place(old := f"{number}-old")
        rename = UpdateLocation.model_validate({"location": old, "changes": {"name": name}})
        commands = [added(name) if number % 3 else rename, linking([one, name], [name, other])]
        told = await race(desks[:2], *commands[:: 1 if number % 2 else -1], together=1)
        assert codes(told) == {"": 1, "location.occupied": 1}
        await desks[0].ask(linking())


@pytest.mark.parametrize("first", ["attach", "remove"])
@pytest.mark.parametrize("inside", [False, True])
async def test_what_is_attached_is_not_removed_meanwhile(
    desks: list[Desk], postgres_url: str, inside: bool, first: str
) -> None:
    """I46: a resource, or the box it is in with other things; whoever comes first. Who looks again for what he needs
    may come second.

    Seen to fail where attaching does not lock the row of the resource; and where removing looks at what is attached
    before it locks what it removes.
    """
    desk, other, *_ = desks
    for number in range(3 * TIMES):
        box = await desk.add("container") if inside else None
        thing = await desk.add(into=box)
        for _ in range(5 if inside else 0):
            await desk.add(into=box)
        await desk.place(f"nest-{number}")
        attach = desk.told(Attach(location=f"nest-{number}", resource_id=thing))
        remove = other.told(Remove(resource_id=box or thing))
        if first == "attach":
            told = await in_turn(postgres_url, thing, attach, remove)
            assert told == ["", "resource.attached"] or (inside and told == ["resource.removed", ""])
        else:
            told = await in_turn(postgres_url, thing, remove, attach)
            assert told == ["", "resource.removed"] or (inside and told == ["resource.attached", ""])


async def test_a_location_is_not_removed_while_something_is_attached(desks: list[Desk]) -> None:
    """I46.

    Seen to fail without `for no key update` of locations: the database objected.
    """
    seen = Counter[str]()
    for number in range(40 * TIMES):
        name, thing = f"nest-{number}", await desks[0].add()
        await desks[0].place(name)
        commands: list[Command[Any]] = [RemoveLocation(location=name), Attach(location=name, resource_id=thing)]
        workers = desks[:2] if number % 4 > 1 else desks[:1]  # one worker does one after the other
        told = await race(workers, *(commands if number % 2 else commands[::-1]))
        outcome = tuple("" if each["status"] == 200 else each["code"] for each in (told if number % 2 else told[::-1]))
        assert outcome in {("", "location.not_found"), ("location.attached", "")}
        seen[outcome[0]] += 1
    assert len(seen) == 2, seen


async def test_a_resource_is_made_once_from_its_template(desks: list[Desk], postgres_url: str) -> None:
    """All workers notice at once that the template is there; and two may ask for a location at the same moment."""
    ids = [await desks[0].place(f"nest-{number}", resource_template_name="Nest") for number in range(5)]
    await desks[0].template("Nest")
    told = await race(desks, *(Resolve(location_ids=tuple(ids)) for _ in range(8)), together=1)
    assert codes(told) == {"": 8}
    init = {"location": {"name": "late", "resource_template_name": "nest"}}
    await race(desks, *(InitLocation.model_validate(init) for _ in range(8)), together=1)
    with sql(postgres_url) as db:
        assert db.execute("select count(*), count(resource_id), max(version) from location").fetchone() == (6, 6, 2)
        assert db.execute("select count(*) from resource").fetchone() == (6,)


async def test_lab_files_and_everything_else_go_together(desks: list[Desk], postgres_url: str) -> None:
    """I47: a lab file is applied again and again while everybody teaches, configures, attaches and renames. What was
    taught is there, each capability is one that somebody set, and nobody waits in a circle.
    """
    arm = {"transfer_templates": [{"node_name": "arm", "action": "transfer"}]}
    entries = [{"location_name": f"n{n}", "representations": {"arm": "file"}} for n in range(6)]
    file = ApplyLab.model_validate({"places": {"locations": entries, "transfer_capabilities": arm}})
    await desks[0].ask(file)
    commands: list[Command[Any]] = []
    for number in range(12 * TIMES):
        thing = await desks[0].add()
        commands += [
            file,
            Represent(location=f"n{number % 6}", node="arm", representation=number),
            Configure(capabilities=Capabilities.model_validate(arm)),
            Attach(location=f"n{number % 6}", resource_id=thing),
            Represent(location=f"n{(number + 3) % 6}", node=f"rail{number}", representation=number),
            InitLocation.model_validate({"location": {"name": f"more-{number}"}}),
            Detach(location=f"n{number % 6}"),
        ]
    Random(47).shuffle(commands)
    told = codes(await race(desks, *commands, together=4))
    assert told.keys() <= {"", "location.occupied", "location.nothing_attached"}
    with sql(postgres_url) as db:
        known = dict(db.execute("select name, representations from location where name like 'n_'").fetchall())
    assert all(known[f"n{n}"]["arm"] != "file" for n in range(6))
    assert sum(len(each) - 1 for each in known.values()) == 12 * TIMES
