"""What is at a location: one resource, which is at no other location, and exists."""

from collections.abc import Iterable
from datetime import datetime
from itertools import pairwise
from typing import Any, NamedTuple

from labstow.contracts.errors import Elsewhere
from labstow.contracts.location import Attach, Detach
from labstow.contracts.place_errors import AttachedElsewhere, NothingAttached, OtherAttached, Reserved, UnderWay
from labstow.workers.kit.noun import By, Change, Outcome
from labstow.workers.resource.guard import Guard
from labstow.workers.resource.nesting import line
from labstow.workers.resource.thing import Thing
from labstow.workers.transfer.lab import Footprint, Lab
from labstow.workers.transfer.location import Location
from labstow.workers.transfer.rules.linking import linked
from labstow.workers.transfer.transfer import Transfer, gripper_of


def attach(lab: Lab, command: Attach, now: datetime, by: By) -> Outcome[Any]:
    """A location with a resource."""
    guard = Guard(lab, now, by)
    known = lab.find_location(command.location)
    if known is not None and known.resource_id == command.resource_id:
        return Outcome(known, ())
    token, bypassed = admitted(guard, lab.find(command.resource_id))
    location = lab.location(command.location)
    refuse_unattachable(lab, location, command.resource_id)
    new, changes = attached(location, command.resource_id, now, token)
    return Outcome(new, (*changes, *bypassed))


def detach(lab: Lab, command: Detach, now: datetime, by: By) -> Outcome[Any]:
    """A location with nothing."""
    guard = Guard(lab, now, by)
    location = lab.location(command.location)
    if location.resource_id is None:
        raise NothingAttached(location=command.location)
    lab.want(Footprint(rows={location.resource_id}, setting=True, under_way=True))
    token, bypassed = admitted(guard, lab.find(location.resource_id))
    refuse_in_use(lab, location)
    new, changes = attached(location, None, now, token)
    return Outcome(new, (*changes, *bypassed))


def admitted(guard: Guard, thing: Thing | None) -> tuple[int | None, tuple[Change[Any], ...]]:
    """The token of the lease under which somebody may change a thing, and what notes that he passed one by.

    Raises:
        Locked, LeaseLost: he may not.
    """
    if thing is None:
        return None, ()
    allowed, *bypassed = guard.pass_(Outcome(None, (Change(thing, ""),))).changes
    return allowed.token, tuple(bypassed)


def refuse_unattachable(lab: Lab, location: Location, resource_id: str, *, by: str | None = None) -> None:
    """Refuse to attach what is not there, or is elsewhere, or where something else is. A transfer (`by`) brings a thing
    where nobody else may.

    Raises:
        NotFound, Removed, AttachedElsewhere, OtherAttached
        UnderWay, Elsewhere, Reserved: a gripper has it, or something else is on its way there.
    """
    thing = lab.thing(resource_id)
    if (elsewhere := lab.attached_at(resource_id)) is not None and elsewhere.id != location.id:
        facts = {"resource_id": resource_id, "location_id": elsewhere.id}
        raise AttachedElsewhere(name=thing.name, location=elsewhere.name, **facts)
    places = linked(lab, location)
    for place in places:
        if place.resource_id is not None:
            facts = {"location_id": place.id, "resource_id": place.resource_id}
            raise OtherAttached(location=place.name, name=lab.thing(place.resource_id).name, **facts)
    if by is None:
        refuse_carried(lab, thing)
    if (coming := reserved(lab, places)) is not None and coming.id != by:
        raise _reserved(location, coming)


class Gripped(NamedTuple):
    """What is in a gripper."""

    thing: Thing
    node: str
    """Whose gripper it is."""


def in_gripper(lab: Lab, thing: Thing) -> Gripped | None:
    """The thing, or what it is in, whichever is in a gripper; None if none of that is."""
    around = line(lab, thing)
    lab.want(Footprint(rows=set(around)))
    for inner, outer in pairwise(map(lab.thing, around)):
        if gripper_of(node := str(outer.owner.get("node"))) == outer.id:
            return Gripped(inner, node)
    return None


def refuse_carried(lab: Lab, thing: Thing) -> None:
    """Refuse what is in a gripper, or in something that is: where that will be is not known.

    Raises:
        UnderWay, Elsewhere: it, or what it is in, is on its way, or was left in the gripper.
    """
    gripped = in_gripper(lab, thing)
    under_way = {transfer.resource_id: transfer for transfer in lab.under_way()}
    for each in line(lab, thing):
        if (transfer := under_way.get(each)) is not None:
            facts = {"resource_id": thing.id, "transfer_id": transfer.id}
            raise UnderWay(name=thing.name, holder=transfer.holder, node=transfer.node, **facts)
    if gripped is not None:
        raise Elsewhere(resource_id=thing.id, name=thing.name, parent_id=gripped.thing.parent_id)


def refuse_in_use(lab: Lab, location: Location) -> None:
    """Refuse to take away from under a transfer where it leads to, or where it may have to go back.

    Raises:
        Reserved
    """
    names = {place.id for place in linked(lab, location)}
    for transfer in lab.under_way():
        if names & {transfer.source["location_id"], transfer.target["location_id"]}:
            raise _reserved(location, transfer)


def reserved(lab: Lab, places: Iterable[Location]) -> Transfer | None:
    """The transfer that is to attach something to one of these locations."""
    ids = {place.id for place in places}
    bare = (each for each in lab.under_way() if each.target["container_id"] is None)
    return next((each for each in bare if each.target["location_id"] in ids), None)


def attached(
    location: Location, resource_id: str | None, now: datetime, token: int | None = None
) -> tuple[Location, tuple[Change[Any], ...]]:
    """A location with a resource, or without, and the change that makes it so."""
    fields: dict[str, Any] = {"resource_id": resource_id, "awaits_template": False, "updated_at": now}
    new = location._replace(version=location.version + 1, **fields)
    return new, (Change(new, "detached" if resource_id is None else "attached", token=token),)


def _reserved(location: Location, transfer: Transfer) -> Reserved:
    facts = {"location_id": location.id, "transfer_id": transfer.id}
    return Reserved(location=location.name, holder=transfer.holder, **facts)
