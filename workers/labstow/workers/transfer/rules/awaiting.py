"""What is made from its template for a location that has nothing; it awaits a template that is not there yet."""

from datetime import datetime
from typing import Any

from labstow.contracts.errors import NoTemplate, Refusal
from labstow.contracts.resource import MAX_NODES, NewResource
from labstow.contracts.template import Instance, Instantiate
from labstow.workers.kit.noun import By, Change, Outcome
from labstow.workers.resource.rules import templates
from labstow.workers.transfer.lab import Footprint, Lab
from labstow.workers.transfer.location import Location
from labstow.workers.transfer.resolve import Resolve
from labstow.workers.transfer.rules.attaching import reserved
from labstow.workers.transfer.rules.linking import linked


def resolve(lab: Lab, command: Resolve, now: datetime, by: By) -> Outcome[Any]:
    """Locations whose template is there by now, with what is made from it; of linked ones the first."""
    changes: list[Change[Any]] = []
    waiting = [each for each in lab.find_locations(command.location_ids) if each.awaits_template]
    named = {str(each.resource_template_name).casefold() for each in waiting}
    lab.want(Footprint(templates={(name, None) for name in named}))
    linked(lab, *waiting)  # all at once, for what is not loaded yet
    taken: set[str] = set()
    for location in waiting:
        if len(changes) >= MAX_NODES:  # the rest comes next time: others wait for this
            break
        if not taken.isdisjoint(place.id for place in linked(lab, location)):
            continue
        try:
            filled, made = from_template(lab, location, now, by)
        except Refusal:  # the template asks for what is not given here: others need not wait for that
            continue
        if made:
            new = filled._replace(version=location.version + 1, updated_at=now)
            changes += [*made, Change(new, "attached")]
            taken.add(location.id)
    return Outcome({}, tuple(changes))


def from_template(lab: Lab, location: Location, now: datetime, by: By) -> tuple[Location, tuple[Change[Any], ...]]:
    """A location with what is made from its template, unless something is there by any of its names. It awaits what
    cannot be made yet: the template is not there, or something is on its way.
    """
    if (name := location.resource_template_name) is None:
        return location, ()
    places = linked(lab, location)
    if any(place.resource_id is not None for place in places):
        return location, ()
    if reserved(lab, places) is not None:
        return location._replace(awaits_template=True), ()
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
