"""The life of a location: made, changed, taught, forgotten, removed."""

from datetime import datetime
from itertools import chain
from typing import Any, Final

from labstow.contracts.errors import Invalid
from labstow.contracts.location import (
    MAX_NODES,
    AddLocation,
    InitLocation,
    NewLocation,
    RemoveLocation,
    Represent,
    Unrepresent,
    UpdateLocation,
)
from labstow.contracts.place_errors import LocationExists, NoRepresentation, StillAttached, StillNamed
from labstow.contracts.ulids import new_ulid
from labstow.workers.kit.journal import same
from labstow.workers.kit.noun import By, Change, Outcome, Wanted
from labstow.workers.resource.guard import Guard
from labstow.workers.transfer.lab import Footprint, Lab, refuse_stale
from labstow.workers.transfer.location import Location
from labstow.workers.transfer.rules.attaching import admitted, refuse_in_use, refuse_unattachable
from labstow.workers.transfer.rules.awaiting import from_template
from labstow.workers.transfer.rules.linking import linked, refuse_two

MAX_PATHS: Final = 100
"""So many places are told at most."""


def add(lab: Lab, command: AddLocation, now: datetime, by: By) -> Outcome[Any]:
    """A new location."""
    new, changes = made(lab, command.location, now, by)
    return Outcome(new, changes)


def init(lab: Lab, command: InitLocation, now: datetime, by: By) -> Outcome[Any]:
    """A new location, or the one of this name."""
    if (known := lab.find_location(command.location.name)) is not None:
        return Outcome(known, ())
    new, changes = made(lab, command.location, now, by)
    return Outcome(new, changes)


def update(lab: Lab, command: UpdateLocation, now: datetime, by: By) -> Outcome[Any]:
    """A location with other fields."""
    location = lab.location(command.location)
    refuse_stale(location, command.expected_version)
    fields = {name: getattr(command.changes, name) for name in command.changes.model_fields_set}
    if fields.get("name", location.name) != location.name:
        refuse_called(lab, location)
        refuse_taken(lab, fields["name"])
        refuse_two(lab, linked(lab, location._replace(name=fields["name"])))
    if "representations" in fields:
        fields["representations"] = location.representations | fields["representations"]
    return changed(location, fields, now)


def remove(lab: Lab, command: RemoveLocation, now: datetime, by: By) -> Outcome[Any]:
    """A location that is no more."""
    location = lab.location(command.location)
    refuse_stale(location, command.expected_version)
    if location.resource_id is not None:
        facts = {"location_id": location.id, "resource_id": location.resource_id}
        raise StillAttached(location=location.name, name=lab.thing(location.resource_id).name, **facts)
    refuse_in_use(lab, location)
    fields: dict[str, Any] = {"removed_at": now, "updated_at": now, "awaits_template": False}
    gone = location._replace(version=location.version + 1, **fields)
    return Outcome(gone, (Change(gone, "removed", command.reason),))


def represent(lab: Lab, command: Represent, now: datetime, by: By) -> Outcome[Any]:
    """A location that a node knows, as it is to know it."""
    location = lab.location(command.location)
    taught = {**location.representations, command.node: command.representation}
    return changed(location, {"representations": taught}, now, "represented")


def unrepresent(lab: Lab, command: Unrepresent, now: datetime, by: By) -> Outcome[Any]:
    """A location that a node does not know any more."""
    location = lab.location(command.location)
    if command.node not in location.representations:
        raise NoRepresentation(node=command.node, location=command.location)
    left = {node: known for node, known in location.representations.items() if node != command.node}
    return changed(location, {"representations": left}, now, "unrepresented")


def made(lab: Lab, new: NewLocation, now: datetime, by: By, **fields: Any) -> tuple[Location, tuple[Change[Any], ...]]:
    """A location that is new, with what is made from its template.

    Raises:
        LocationExists: there is one of this name, or id.
        NotFound, Removed, AttachedElsewhere: of what is to be there.
        OtherAttached: something else is there by another name, or by it two would be at one place.
    """
    refuse_taken(lab, new.name)
    location_id = new.location_id or new_ulid()
    if new.location_id is not None:
        lab.find_location(location_id)
        if location_id in lab.locations:  # or was there: an id is never used twice
            raise LocationExists(by="ID", key=location_id)
    location = Location(
        id=location_id,
        name=new.name,
        description=new.description,
        representations=dict(new.representations),
        resource_id=None,
        resource_template_name=new.resource_template_name,
        resource_template_overrides=new.resource_template_overrides,
        awaits_template=False,
        allow_transfers=new.allow_transfers,
        managed_by=new.managed_by,
        owner=new.owner,
        location_template_name=new.location_template_name,
        node_bindings=new.node_bindings,
        applied=None,
        created_at=now,
        updated_at=now,
        removed_at=None,
        version=1,
        head="",
    )._replace(**fields)
    token, bypassed = None, tuple[Change[Any], ...]()
    if new.resource_id is not None:
        token, bypassed = admitted(Guard(lab, now, by), lab.find(new.resource_id))
        refuse_unattachable(lab, location, new.resource_id)
        location = location._replace(resource_id=new.resource_id)
    refuse_two(lab, linked(lab, location))
    location, things = from_template(lab, location, now, by)
    return location, (*things, *bypassed, Change(location, "added", token=token))


def changed(location: Location, fields: dict[str, Any], now: datetime, what: str = "updated") -> Outcome[Any]:
    """A location with other fields; nothing, if all is so already.

    Raises:
        Invalid: more nodes know it than there may be.
    """
    if len(fields.get("representations", ())) > MAX_NODES:
        raise Invalid(summary=f"representations: at most {MAX_NODES:,} nodes know a location", errors=[])
    fields = {name: value for name, value in fields.items() if not same({"": getattr(location, name)}, {"": value})}
    if not fields:
        return Outcome(location, ())
    new = location._replace(version=location.version + 1, updated_at=now, **fields)
    return Outcome(new, (Change(new, what),))


def refuse_called(lab: Lab, location: Location) -> None:
    """Refuse another name where what the robots can do calls a location by this one, as that would end unseen.

    Raises:
        StillNamed: with every place there.
    """
    skills = lab.capabilities()
    named = chain(skills.places(), skills.arguments())
    if paths := [".".join(map(str, path)) for path, key in named if key == location.name]:
        where = ", ".join(paths[:3]) + (f" and {len(paths) - 3} more" if paths[3:] else "")
        raise StillNamed(location=location.name, location_id=location.id, where=where, paths=paths[:MAX_PATHS])


def refuse_taken(lab: Lab, name: str) -> None:
    """Refuse a name that a location has. Sound only while nobody else can take it.

    Raises:
        LocationExists
    """
    if name not in lab.seen.names and not lab.complete:
        raise Wanted(Footprint(names={name}))
    if lab.find_location(name) is not None:
        raise LocationExists(by="name", key=name)
