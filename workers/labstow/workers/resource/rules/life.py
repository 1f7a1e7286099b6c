"""The life of a resource: added, written, removed."""

from datetime import datetime

from labstow.contracts.errors import Ambiguous, IdTaken, Invalid, StaleVersion, TooDeep
from labstow.contracts.resource import MAX_DEPTH, Add, Init, NewResource, Remove, Replace, Update, Upsert
from labstow.contracts.ulids import mark_of, new_ulid
from labstow.workers.kit.noun import By, Outcome
from labstow.workers.resource.draft import Draft
from labstow.workers.resource.foresight import foresee
from labstow.workers.resource.lab import Lab
from labstow.workers.resource.matching import definition_key
from labstow.workers.resource.nesting import contents, levels, refuse_depth
from labstow.workers.resource.placing import place, put, refuse_attached, take
from labstow.workers.resource.thing import Thing, height, nodes
from labstow.workers.resource.writing import amend, enter, patched, write


def add(lab: Lab, command: Add, now: datetime, by: By) -> Outcome[Thing]:
    """A new thing with everything in it, or the one that has this id already, if it is the same."""
    node = command.resource
    if node.resource_id is not None and (known := lab.find(node.resource_id)) is not None:
        refuse_other(known, node)
        return Outcome(known, ())
    return new(lab, node, command.parent_id, now)


def init(lab: Lab, command: Init, now: datetime, by: By) -> Outcome[Thing]:
    """The one thing that matches a definition, or a new one."""
    node = command.resource
    if node.resource_id is not None and (known := lab.find(node.resource_id)) is not None:
        refuse_other(known, node)
        return Outcome(known, ())
    found = lab.matching(definition_key(node), node)
    if len(found) > 1:
        raise Ambiguous(resource_ids=[thing.id for thing in found])
    return Outcome(found[0], ()) if found else new(lab, node, None, now)


def upsert(lab: Lab, command: Upsert, now: datetime, by: By) -> Outcome[Thing]:
    """Write the named fields of the thing with this id, or add it."""
    node = command.resource
    if node.resource_id is None or lab.find(node.resource_id) is None:
        return new(lab, node, command.parent_id, now)
    thing = lab.thing(node.resource_id)
    container = lab.container(command.parent_id) if command.parent_id is not None else None
    return written(lab, thing, node, now, by, container).outcome(thing)


def update(lab: Lab, command: Update, now: datetime, by: By) -> Outcome[Thing]:
    """Change the named fields."""
    thing = lab.thing(command.resource_id)
    refuse_stale(thing, command.expected_version)
    draft = Draft(lab, now)
    fields = {name: getattr(command.changes, name) for name in command.changes.model_fields_set}
    if "attributes" in fields:
        fields["attributes"] = patched(thing.attributes, command.changes)
    amend(draft, thing, fields)
    return draft.outcome(thing)


def replace(lab: Lab, command: Replace, now: datetime, by: By) -> Outcome[Thing]:
    """Write a thing as a client last held it."""
    node = command.resource
    if node.resource_id is None:
        raise Invalid(summary="resource.resource_id: say which resource to replace", errors=[])
    thing = lab.thing(node.resource_id)
    refuse_stale(thing, command.expected_version)
    return written(lab, thing, node, now, by).outcome(thing)


def remove(lab: Lab, command: Remove, now: datetime, by: By) -> Outcome[Thing]:
    """Remove a thing and everything in it; what is in it stays in it."""
    thing = lab.thing(command.resource_id)
    refuse_stale(thing, command.expected_version)
    draft = Draft(lab, now)
    removal_id = new_ulid()
    gone = {"removed_at": now, "removal_id": removal_id}
    inside = contents(lab, thing)
    refuse_attached(lab, (thing, *inside))
    take(draft, thing)
    draft.change(thing.id, "removed", parent_id=None, pooled=False, removed_from=thing.parent_id, **gone)
    for below in inside:
        draft.change(below.id, "removed", **gone)
    return draft.outcome(thing, group_id=removal_id, reason=command.reason)


def refuse_other(known: Thing, node: NewResource) -> None:
    """Refuse an id that belongs to something else.

    Raises:
        IdTaken: with what differs.
    """
    differs = [name for name in ("name", "resource_class", "base_type") if getattr(known, name) != getattr(node, name)]
    if known.removed_at is not None:
        differs.append("being removed")
    if differs:
        facts = {"name": known.name, "base_type": known.base_type, "differs": ", ".join(differs)}
        raise IdTaken(resource_id=known.id, **facts)


def refuse_stale(thing: Thing, expected: int | None) -> None:
    """Refuse a change by somebody who has not seen the newest state.

    Raises:
        StaleVersion: with the version there is.
    """
    if expected is not None and expected != thing.version:
        raise StaleVersion(resource_id=thing.id, name=thing.name, version=thing.version, expected=expected)


def new(lab: Lab, node: NewResource, parent_id: str | None, now: datetime) -> Outcome[Thing]:
    """A new thing with everything in it, in a container or nowhere."""
    container = lab.container(parent_id) if parent_id is not None else None
    refuse_tree(node)
    foresee(lab, node)
    draft = Draft(lab, now, container)
    thing = enter(draft, node)
    if container is not None:
        put(draft, thing, container.id, node.position)
    refuse_depth(lab, container, levels(lab, (node,)))
    return draft.outcome(thing)


def written(lab: Lab, thing: Thing, node: NewResource, now: datetime, by: By, container: Thing | None = None) -> Draft:
    """Write a thing, and put it into the container if it is nowhere yet."""
    refuse_tree(node)
    foresee(lab, node, mark_of(by.op_id))
    coming = container is not None and thing.parent_id is None
    anchor, trees = (container, (node,)) if coming else (thing, node.children)
    draft = Draft(lab, now, anchor, mark_of(by.op_id))
    write(draft, thing, node)
    if container is not None:
        place(draft, draft.thing(thing.id), container, node.position)
    refuse_depth(lab, anchor, levels(lab, trees))
    return draft


def refuse_tree(node: NewResource) -> None:
    """Refuse a tree that cannot be, wherever it is put.

    Raises:
        TooDeep: it is.
        Invalid: it has one thing in two places.
    """
    if not node.children:
        return
    if height(node) > MAX_DEPTH:
        raise TooDeep(limit=MAX_DEPTH)
    seen: set[str] = set()
    for below in nodes(node):
        if below.resource_id in seen:
            raise Invalid(summary=f"resource_id {below.resource_id} occurs twice", errors=[])
        if below.resource_id is not None:
            seen.add(below.resource_id)
