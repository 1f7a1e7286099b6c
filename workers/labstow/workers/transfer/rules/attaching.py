"""What is at a location: one resource, which is at no other location, and exists."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from labstow.contracts.errors import NoTemplate, Refusal
from labstow.contracts.location import Attach, Detach
from labstow.contracts.place_errors import AttachedElsewhere, NothingAttached, OtherAttached, Reserved, UnderWay
from labstow.contracts.resource import NewResource
from labstow.contracts.template import Instance, Instantiate
from labstow.workers.kit.noun import By, Change, Outcome
from labstow.workers.resource.rules import templates
from labstow.workers.transfer.lab import Footprint, Lab
from labstow.workers.transfer.location import Location
from labstow.workers.transfer.resolve import Resolve
from labstow.workers.transfer.rules.linking import linked
from labstow.workers.transfer.transfer import Transfer


def attach(lab: Lab, command: Attach, now: datetime, by: By) -> Outcome[Any]:
    """A location with a resource."""
    location = lab.location(command.location)
    if location.resource_id == command.resource_id:
        return Outcome(location, ())
    refuse_unattachable(lab, location, command.resource_id)
    return Outcome(*attached(location, command.resource_id, now))


def detach(lab: Lab, command: Detach, now: datetime, by: By) -> Outcome[Any]:
    """A location with nothing."""
    location = lab.location(command.location)
    if location.resource_id is None:
        raise NothingAttached(location=command.location)
    refuse_in_use(lab, location)
    return Outcome(*attached(location, None, now))


def resolve(lab: Lab, command: Resolve, now: datetime, by: By) -> Outcome[Any]:
    """Locations whose template is there by now, with what is made from it."""
    changes: list[Change[Any]] = []
    waiting = lab.find_locations(command.location_ids)
    named = {str(each.resource_template_name).casefold() for each in waiting if each.awaits_template}
    lab.want(Footprint(templates={(name, None) for name in named}, setting=True, under_way=True))
    for key in command.location_ids:
        location = lab.find_location(key)
        if location is None or not location.awaits_template or reserved(lab, linked(lab, location)) is not None:
            continue
        try:
            filled, made = from_template(lab, location, now, by)
        except Refusal:  # the template asks for what is not given here: others need not wait for that
            continue
        if made:
            new = filled._replace(version=location.version + 1, updated_at=now)
            changes += [*made, Change(new, "attached")]
    return Outcome({}, tuple(changes))


def refuse_unattachable(lab: Lab, location: Location, resource_id: str, *, by: str | None = None) -> None:
    """Refuse to attach what is not there, or is elsewhere, or where something else is. A transfer (`by`) brings a thing
    where nobody else may.

    Raises:
        NotFound, Removed, AttachedElsewhere, OtherAttached
        UnderWay, Reserved: it is on its way, or something else is on its way there.
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
    for transfer in lab.under_way():
        if transfer.resource_id == resource_id and transfer.id != by:
            facts = {"resource_id": resource_id, "transfer_id": transfer.id}
            raise UnderWay(name=thing.name, holder=transfer.holder, node=transfer.node, **facts)
    if (coming := reserved(lab, places)) is not None and coming.id != by:
        raise _reserved(location, coming)


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


def attached(location: Location, resource_id: str | None, now: datetime) -> tuple[Location, tuple[Change[Any], ...]]:
    """A location with a resource, or without, and the change that makes it so."""
    fields: dict[str, Any] = {"resource_id": resource_id, "awaits_template": False, "updated_at": now}
    new = location._replace(version=location.version + 1, **fields)
    return new, (Change(new, "detached" if resource_id is None else "attached"),)


def from_template(lab: Lab, location: Location, now: datetime, by: By) -> tuple[Location, tuple[Change[Any], ...]]:
    """A location with what is made from its template; it awaits the template where that is not there."""
    name = location.resource_template_name
    if name is None or any(place.resource_id is not None for place in linked(lab, location)):
        return location, ()
    given = dict(location.resource_template_overrides or {})
    more = {key: given.pop(key) for key in [*given] if key not in NewResource.model_fields}
    if more and isinstance(known := given.get("attributes") or {}, dict):
        given["attributes"] = {**known, **more}  # what a resource does not have is an attribute of it
    instance = Instance.model_construct(overrides={"name": location.name, **given})
    try:
        made = templates.instantiate(lab, Instantiate(template=name, instances=(instance,)), now, by)
    except NoTemplate:
        return location._replace(awaits_template=True), ()
    root = made.changes[0].thing
    return location._replace(resource_id=root.id, awaits_template=False), made.changes


def _reserved(location: Location, transfer: Transfer) -> Reserved:
    facts = {"location_id": location.id, "transfer_id": transfer.id}
    return Reserved(location=location.name, holder=transfer.holder, **facts)
