"""A laboratory in memory with places where things are, and robots that carry them."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from typing import Any

import orjson

from labstow.contracts.capabilities import Capabilities
from labstow.contracts.location import AddLocation, Attach, Detach
from labstow.contracts.message import Command
from labstow.contracts.transfer import AbortTransfer, BeginTransfer, CheckTransfer, CompleteTransfer, Configure, Errand
from labstow.contracts.ulids import derived_ulid, is_ulid
from labstow.workers.kit.journal import changes, dumps, verify
from labstow.workers.kit.memory import MemoryUnit
from labstow.workers.kit.noun import By
from labstow.workers.lock.noun import LOCK
from labstow.workers.resource.noun import RESOURCE
from labstow.workers.transfer.lab import Lab
from labstow.workers.transfer.location import Location
from labstow.workers.transfer.noun import TRANSFER
from labstow.workers.transfer.transfer import Transfer, gripper_of
from tests.rules import lock_room, room
from tests.rules.errand_loading import at_once, decision
from tests.rules.lock_room import LockRoom
from tests.rules.room import Json

ARM, RAIL = "arm", "rail"


class ErrandRoom(LockRoom):
    """Where a test works: `place`, `begin`, `complete` and so on ask as a client would, `location` looks inside."""

    lab: Lab

    def __init__(self) -> None:
        super().__init__()
        whole = Lab(complete=True)
        self.lab = self.locks = whole
        entries = self.unit.entries
        self.unit = MemoryUnit(RESOURCE, whole, lambda: self.now)
        self.rules = MemoryUnit(LOCK, whole, lambda: self.now)
        self.errands: MemoryUnit[Any] = MemoryUnit(TRANSFER, whole, lambda: self.now)
        self.unit.entries = self.rules.entries = self.errands.entries = entries

    def place(self, name: str, thing: str | None = None, **fields: Any) -> str:
        """The id of a new location, with something that is there."""
        new = {"location_id": derived_ulid(name), "name": name, "resource_id": thing, **fields}
        return str(self.ask(AddLocation.model_validate({"location": new}))["location_id"])

    def configure(self, **capabilities: Any) -> Json:
        return self.ask(Configure(capabilities=Capabilities.model_validate(capabilities)))

    def attach(self, location: str, thing: str, **how: Any) -> Json:
        return self.ask(Attach(location=location, resource_id=thing), **how)

    def detach(self, location: str, **how: Any) -> Json:
        return self.ask(Detach(location=location), **how)

    def check(self, thing: str, target: str, *, present: bool = False, **how: Any) -> list[str]:
        """The codes of what stands in the way of a transfer."""
        errand, how = _errand(thing, target, how)
        found = self.ask(CheckTransfer(errand=errand, present=present), **how)
        assert found["ok"] is not bool(found["findings"])
        return [each["code"] for each in found["findings"]]

    def begin(self, thing: str, target: str, **how: Any) -> Json:
        """A thing under way."""
        command, how = beginning(thing, target, **how)
        return self.ask(command, **how)

    def complete(self, transfer: Json, position: Any = None, **how: Any) -> Json:
        return self.ask(CompleteTransfer(transfer_id=transfer["transfer_id"], position=position), **how)

    def abort(self, transfer: Json, left: str | None = "source", **how: Any) -> Json:
        fields: Json = {name: how.pop(name) for name in ("container_id", "position", "reason") if name in how}
        command = {"transfer_id": transfer["transfer_id"], "left": left, **fields}
        return self.ask(AbortTransfer.model_validate(command), **how)

    def location(self, name: str) -> Location:
        return self.lab.location(name)

    def gripper(self, node: str = ARM) -> list[str]:
        """What is in the gripper of a node."""
        return [*self.inside(gripper_of(node))]

    def where(self, thing: str) -> tuple[str | None, str | None, str | None]:
        """What a thing is in, where in that, and the location that has it attached."""
        found = self.thing(thing)
        place = next((each.name for each in self.lab.locations.values() if each.resource_id == thing), None)
        return found.parent_id, found.position, place

    def open(self) -> list[Transfer]:
        return [each for each in self.lab.transfers.values() if each.open]

    def _unit_of(self, command: Command[Any]) -> MemoryUnit[Any]:
        return self.errands if type(command) in TRANSFER.rules else super()._unit_of(command)

    def _decided(self, command: Command[Any], by: By) -> tuple[object, object]:
        if type(command) not in TRANSFER.rules:
            return super()._decided(command, by)
        return decision(self.lab, command, self.now, by).comes_to, at_once(self.lab, command, self.now, by)

    def _count(self) -> None:
        super()._count()
        here = (each for each in self.lab.locations.values() if each.resource_id is not None)
        self.lab.attached = {str(each.resource_id): each.name for each in here}

    def _picture(self) -> tuple[Any, ...]:
        lab = self.lab
        return (*super()._picture(), dict(lab.locations), lab.setting, dict(lab.patterns), dict(lab.transfers))


def beginning(thing: str, target: str, **how: Any) -> tuple[BeginTransfer, Json]:
    """A command that begins a transfer to a location, by name, or into a container; and how to ask it."""
    errand, how = _errand(thing, target, how)
    fields = {name: how.pop(name) for name in ("due_s", "purpose", "present") if name in how}
    return BeginTransfer.model_validate({"errand": errand.model_dump(exclude_unset=True), **fields}), how


def _errand(thing: str, target: str, how: Json) -> tuple[Errand, Json]:
    how = dict(how)
    fields: Json = {"resource_id": thing, "node": how.pop("node", ARM), "position": how.pop("position", None)}
    fields["container_id" if is_ulid(target) else "target"] = target
    return Errand.model_validate(fields), how


def audit(used: ErrandRoom) -> None:
    """What holds after every command, whatever was asked (I1, I5, I14 to I18, I22, I30, I35, I36, I46)."""
    room.stand(used)
    lock_room.whole(used.lab.leases.values())
    for lease in used.lab.leases.values():
        lock_room.journal(lease, used.entries(lease.id))
    places(used)
    journal(used)
    said = dumps(used.unit.entries).decode()
    assert not [secret for secret in used.secrets if secret in said]


def places(used: ErrandRoom) -> None:
    """A thing is at one location at most, and is there; what is under way is in one gripper."""
    live = [each for each in used.lab.locations.values() if each.removed_at is None]
    assert len({each.name for each in live}) == len(live)
    attached = [each.resource_id for each in used.lab.locations.values() if each.resource_id is not None]
    assert len(set(attached)) == len(attached)
    assert all(used.thing(each).removed_at is None for each in attached)
    assert all(each.resource_id is None for each in used.lab.locations.values() if each.removed_at is not None)
    grippers = {each.gripper_id for each in used.lab.transfers.values()}
    assert not {used.thing(each).parent_id for each in attached} & grippers, "in a gripper, and at a location"
    under_way = used.open()
    for what in ("resource_id", "gripper_id"):
        assert not [each for each, times in Counter(getattr(one, what) for one in under_way).items() if times > 1]
    assert not {each.resource_id for each in under_way} & set(attached), "on its way, and at a location"
    assert all(each.ended_at is None and each.left_at is None for each in under_way)


def journal(used: ErrandRoom) -> None:
    """One entry a version, chained, and the newest tells what is: of places, transfers and all the rest."""
    lab = used.lab
    every: Iterable[Any] = (
        *(each for each in lab.things.values() if each is not None),
        *lab.locations.values(),
        *lab.patterns.values(),
        *lab.transfers.values(),
        *([lab.setting] if lab.setting is not None else []),
    )
    now = {(TRANSFER.kinds[type(each)].name, each.id): each for each in every}
    chains = defaultdict(list)
    for entry in used.unit.entries:
        if entry["noun"] != "lock":
            chains[entry["noun"], entry["entity_id"]].append(entry)
    gone = chains.keys() - now.keys()
    assert {noun for noun, _ in gone} <= {"pattern"}, "a pattern that was removed is remembered by name only"
    assert now.keys() <= chains.keys()
    for key, thing in now.items():
        told: Json | None = None
        hashes = [""]
        for entry in chains[key]:
            assert verify(entry, orjson.dumps(entry["changes"]).decode(), orjson.dumps(entry["state"]).decode())
            assert entry["prev_hash"] == hashes[-1]
            assert entry["changes"] == changes(told, entry["state"])
            hashes.append(entry["hash"])
            told = entry["state"]
        assert [entry["version"] for entry in chains[key]] == [*range(1, thing.version + 1)]
        assert thing.head == hashes[-1]
        assert told == orjson.loads(dumps(TRANSFER.kinds[type(thing)].state(thing)))
