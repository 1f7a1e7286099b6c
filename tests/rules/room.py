"""A laboratory in memory, and an audit of everything that is ever written in it."""

from collections import Counter, defaultdict
from collections.abc import Coroutine
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any, Final, TypeVar

import orjson
import pytest

from labstow.contracts.base_types import CONSUMABLES, CONTAINERS, LINED, BaseType
from labstow.contracts.errors import Refusal
from labstow.contracts.message import Command
from labstow.contracts.positions import canonical, index
from labstow.contracts.resource import (
    MAX_DEPTH,
    Add,
    Init,
    NewResource,
    Patch,
    Remove,
    Replace,
    Resource,
    Update,
    Upsert,
)
from labstow.workers.kit.journal import changes, dumps, verify
from labstow.workers.kit.memory import MemoryUnit
from labstow.workers.kit.noun import Change
from labstow.workers.resource.lab import Lab
from labstow.workers.resource.noun import RESOURCE
from labstow.workers.resource.thing import Thing, state
from labstow.workers.resource.units import Units
from tests.rules.loading import decision, told

Json = dict[str, Any]
T = TypeVar("T")

SIZES: Final[dict[BaseType, Json]] = {
    BaseType.ROW: {"columns": 24},
    BaseType.GRID: {"rows": 8, "columns": 12},
    BaseType.VOXEL_GRID: {"rows": 4, "columns": 4, "layers": 2},
}
PLACES: Final[dict[BaseType, list[Any]]] = {
    BaseType.CONTAINER: ["shelf", "door", None, "box 1"],
    BaseType.COLLECTION: ["shelf", "door", "lid", "box 1"],
    BaseType.POOL: ["first", "second", "third", "fourth"],
    BaseType.ROW: [0, "2", "C", 23],
    BaseType.GRID: [[0, 0], "A2", ["B", "1"], "H12"],
    BaseType.VOXEL_GRID: [[0, 0, 0], "A2:1", ["B", "1", "2"], "D4:2"],
    BaseType.SLOT: [None],
    BaseType.STACK: [None, None, None, None],
    BaseType.QUEUE: [None, None, None, None],
}
"""Positions that are free at first, for each type of container."""


def settled(coroutine: Coroutine[Any, Any, T]) -> T:
    """The result of a coroutine that never waits."""
    try:
        coroutine.send(None)
    except StopIteration as done:
        result: T = done.value
        return result
    raise AssertionError("it waits")


class Room:
    """Where a test works: `add`, `replace` and so on ask as a client would, `thing` and `history` look inside."""

    def __init__(self) -> None:
        self.lab = Lab(complete=True)
        self.now = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)
        self.unit: MemoryUnit[Thing] = MemoryUnit(RESOURCE, self.lab, lambda: self.now)

    def ask(self, command: Command[Any], *, op_id: str | None = None) -> Json:
        """The answer; it is a resource that can be read, and a refusal leaves no trace.

        A worker that loads only what it needs would have decided the same.
        """
        self.now += timedelta(seconds=1)
        before, length = dict(self.lab.things), len(self.unit.entries)
        expected = None if op_id else decision(self.lab, command, self.now).comes_to
        try:
            answer: Json = settled(self.unit.ask(command, op_id=op_id))
        except Refusal as refusal:
            assert (self.lab.things, len(self.unit.entries)) == (before, length)
            assert expected in (None, refusal.code)  # noqa: PT017
            raise
        command.answer.model_validate(answer)
        if expected is not None:
            entries = self.unit.entries[length:]
            changed = tuple(Change(self.thing(entry["entity_id"]), entry["what"]) for entry in entries)
            assert told(changed) == expected, (told(changed), expected)
        return answer

    def refused(self, command: Command[Any]) -> Refusal:
        """The refusal that a command ends in."""
        with pytest.raises(Refusal) as refused:
            self.ask(command)
        return refused.value

    def add(self, kind: str = "resource", into: str | None = None, **fields: Any) -> str:
        """The id of a new thing."""
        return str(self.ask(Add(resource=new(kind, **fields), parent_id=into))["resource_id"])

    def init(self, kind: str = "resource", **fields: Any) -> Json:
        return self.ask(Init(resource=new(kind, **fields)))

    def upsert(self, resource_id: str | None, kind: str, into: str | None = None, **fields: Any) -> Json:
        return self.ask(Upsert(resource=new(kind, resource_id=resource_id, **fields), parent_id=into))

    def update(self, resource_id: str, expected_version: int | None = None, **fields: Any) -> Json:
        changes = Patch.model_validate(fields)
        return self.ask(Update(resource_id=resource_id, changes=changes, expected_version=expected_version))

    def replace(self, resource_id: str, kind: str, **fields: Any) -> Json:
        return self.ask(Replace(resource=new(kind, resource_id=resource_id, **fields)))

    def remove(self, resource_id: str, **fields: Any) -> Json:
        return self.ask(Remove(resource_id=resource_id, **fields))

    def thing(self, resource_id: str) -> Thing:
        found = self.lab.things[resource_id]
        assert found is not None
        return found

    def inside(self, container_id: str) -> dict[str, str | None]:
        """Positions of what is in a container, by id."""
        things = (thing for thing in self.lab.things.values() if thing is not None)
        return {each.id: each.position for each in things if each.parent_id == container_id and each.removed_at is None}

    def history(self, resource_id: str) -> list[Json]:
        """Journal entries of a thing, oldest first."""
        return [entry for entry in self.unit.entries if entry["entity_id"] == resource_id]

    def versions(self) -> dict[str, int]:
        return {thing.id: thing.version for thing in self.lab.things.values() if thing is not None}


def new(kind: str = "resource", **fields: Any) -> NewResource:
    """A new thing of a type, of some size if it needs one."""
    return NewResource.model_validate({"name": f"a {kind}", "base_type": kind} | SIZES.get(BaseType(kind), {}) | fields)


def audit(room: Room) -> None:
    """What holds after every command, whatever was asked (I14, I15, I17, I18, I22, I25, I28, I30, I35, I36, I41)."""
    stand(room)
    journal(room)


def stand(room: Room) -> None:
    """Everything can be read, is somewhere, and is counted."""
    things = {thing.id: thing for thing in room.lab.things.values() if thing is not None}
    inside = defaultdict(list)
    for thing in things.values():
        Resource.model_validate_json(dumps(state(thing)))
        refuse_line(things, thing)
        if thing.parent_id is not None and thing.removed_at is None:
            inside[thing.parent_id].append(thing)
    for thing in things.values():
        count(thing, inside[thing.id], room.lab.units)


def refuse_line(things: dict[str, Thing], thing: Thing) -> None:
    """A thing is in a line of live containers that ends."""
    seen = [thing]
    while (above := seen[-1].parent_id) is not None:
        assert things[above] not in seen, f"{thing.name} is in itself"
        assert things[above].base_type in CONTAINERS
        assert thing.removed_at is not None or things[above].removed_at is None
        seen.append(things[above])
    assert sum(each.is_container for each in seen) <= MAX_DEPTH


def count(thing: Thing, children: list[Thing], units: Units) -> None:
    """The quantity of a thing is what it should be, and its children stand where they can."""
    if thing.removed_at is not None:
        return
    quantity = thing.quantity
    assert (quantity is not None) is (thing.base_type in CONTAINERS | CONSUMABLES)
    if quantity is not None:
        assert quantity.is_finite()
        assert quantity >= 0
        assert thing.capacity is None or quantity <= thing.capacity
        assert thing.base_type is not BaseType.DISCRETE_CONSUMABLE or quantity == int(quantity)
    if thing.base_type is BaseType.POOL:
        shares = [units.convert(child.quantity or Decimal(0), child.unit, thing.unit, "") for child in children]
        assert quantity is not None
        assert Fraction(quantity) == sum(map(Fraction, shares))
        assert {child.base_type for child in children} <= CONSUMABLES
    elif thing.base_type in CONTAINERS:
        assert quantity == len(children)
        assert thing.base_type is not BaseType.SLOT or len(children) <= 1
    places = Counter(child.position for child in children if child.position is not None)
    assert not [place for place, there in places.items() if there > 1]
    for place in places:
        assert canonical(thing.geometry, place) == place
        index(thing.geometry, place)
    orders = [child.order_seq for child in children if child.order_seq is not None]
    assert len(orders) == len(set(orders)) == (len(children) if thing.base_type in LINED else 0)


def journal(room: Room) -> None:
    """One entry a version, chained, and the newest tells what is."""
    things = {thing.id: thing for thing in room.lab.things.values() if thing is not None}
    events = [entry["event_id"] for entry in room.unit.entries]
    assert len(events) == len(set(events))
    chains = defaultdict(list)
    for entry in room.unit.entries:
        chains[entry["entity_id"]].append(entry)
    assert chains.keys() == things.keys()
    for thing_id, entries in chains.items():
        assert [entry["version"] for entry in entries] == [*range(1, things[thing_id].version + 1)]
        told: Json | None = None
        for entry, before in zip(entries, [None, *entries], strict=False):
            changed, after = orjson.dumps(entry["changes"]).decode(), orjson.dumps(entry["state"]).decode()
            assert verify(entry, changed, after)
            assert entry["prev_hash"] == (before["hash"] if before else "")
            assert entry["changes"] == changes(told, entry["state"])
            told = replayed(told, entry)
            assert told == entry["state"]
            assert entry["parent_id"] == told["parent_id"]
        assert told == orjson.loads(dumps(state(things[thing_id])))


def replayed(told: Json | None, entry: Json) -> Json:
    """The state after an entry, from the state before it and what it says has changed."""
    if told is None:
        return dict(entry["state"])
    after = {name: change["after"] for name, change in entry["changes"].items()}
    own = {"version": entry["version"], "updated_at": entry["state"]["updated_at"]}
    assert all(told[name] == change["before"] for name, change in entry["changes"].items())
    return told | after | own
