"""Where things are: into containers, out of them, from one to another."""

from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from labstow.contracts.base_types import CONSUMABLES, LINED
from labstow.contracts.errors import Elsewhere, Invalid, NotAConsumable, NothingInIt, NotOrdered, NotThere, Vacant
from labstow.contracts.placing import Empty, Move, Place, Pop, Push, Swap, Take
from labstow.contracts.positions import Position, canonical, refuse
from labstow.contracts.resource import NewResource
from labstow.contracts.ulids import mark_of
from labstow.workers.kit.noun import By, Outcome
from labstow.workers.resource.draft import Draft
from labstow.workers.resource.foresight import foresee
from labstow.workers.resource.lab import Lab
from labstow.workers.resource.nesting import children, height, levels, refuse_cycle, refuse_depth
from labstow.workers.resource.placing import evict, leave, place, put, refuse_attached
from labstow.workers.resource.rules.life import refuse_stale, refuse_tree
from labstow.workers.resource.thing import Thing
from labstow.workers.resource.writing import amend, enter, write

NOTHING: Final = Decimal(0)


def place_at(lab: Lab, command: Place, now: datetime, by: By) -> Outcome[Thing]:
    """Something at a position of a container."""
    container = lab.container(command.container_id)
    refuse_stale(container, command.expected_version)
    return _bring(lab, container, command.resource, now, by, move=command.move, replace=command.replace)


def push(lab: Lab, command: Push, now: datetime, by: By) -> Outcome[Thing]:
    """Something at the end of a line."""
    container = lined(lab, command.container_id)
    refuse_stale(container, command.expected_version)
    node = command.resource
    if node.position is not None:
        raise Invalid(summary="resource.position: what is pushed goes to the end", errors=[])
    return _bring(lab, container, node, now, by, move=command.move, replace=False)


def take(lab: Lab, command: Take, now: datetime, by: By) -> Outcome[Thing]:
    """Something out of a container."""
    container = lab.container(command.container_id)
    refuse_stale(container, command.expected_version)
    if command.resource_id is not None:
        child = lab.thing(command.resource_id)
        refuse_elsewhere(child, container.id)
    else:
        child = lab.thing(_at(lab, container, command.position))
    return _out(Draft(lab, now), child)


def pop(lab: Lab, command: Pop, now: datetime, by: By) -> Outcome[Thing]:
    """What is next in a line, out of it."""
    container = lined(lab, command.container_id)
    refuse_stale(container, command.expected_version)
    following = lab.line(container).next if container.quantity else None
    if following is None:
        raise NothingInIt(name=container.name, resource_id=container.id)
    return _out(Draft(lab, now), lab.thing(following))


def move(lab: Lab, command: Move, now: datetime, by: By, *, standing: int | None = None) -> Outcome[Thing]:
    """A thing from where it is to somewhere else; to a place in line that it had there before, if that is given."""
    child = lab.thing(command.resource_id)
    refuse_stale(child, command.expected_version)
    if command.source_id is not None:
        refuse_elsewhere(child, command.source_id)
    if command.container_id is None:
        return _out(Draft(lab, now), child)
    container = lab.container(command.container_id)
    draft = Draft(lab, now, container)
    placement = _settle(
        draft, child, container, command.position, move=True, replace=command.replace, standing=standing
    )
    if child.is_container:
        refuse_depth(lab, container, 1 + height(lab, child))
    return draft.outcome(placement)


def swap(lab: Lab, command: Swap, now: datetime, by: By) -> Outcome[Thing]:
    """Two things, each where the other was."""
    one, other = lab.thing(command.resource_id), lab.thing(command.other_id)
    refuse_stale(one, command.expected_version)
    if one.id == other.id:
        raise Invalid(summary="other_id: it is the same resource", errors=[])
    shown = {"resource": one, "other": other}
    if (one.parent_id, one.position, one.order_seq) == (other.parent_id, other.position, other.order_seq):
        return Outcome(shown, ())  # both nowhere, or both somewhere in one box
    refuse_attached(lab, (one, other))
    draft = Draft(lab, now)
    for thing in (one, other):
        leave(draft, thing)
    for thing, place_of in ((one, other), (other, one)):
        if place_of.parent_id is None:
            continue
        container = lab.thing(place_of.parent_id)
        if thing.is_container:
            refuse_cycle(lab, thing, container)
            refuse_depth(lab, container, 1 + height(lab, thing))
        put(draft, draft.thing(thing.id), container.id, place_of.position, standing=place_of.order_seq)
    return draft.outcome(shown)


def empty(lab: Lab, command: Empty, now: datetime, by: By) -> Outcome[Thing]:
    """Nothing in a thing."""
    thing = lab.thing(command.resource_id)
    refuse_stale(thing, command.expected_version)
    draft = Draft(lab, now)
    if thing.base_type in CONSUMABLES:
        amend(draft, thing, {"quantity": NOTHING})
    elif not thing.is_container:
        raise NotAConsumable(name=thing.name, base_type=thing.base_type, reason="there is nothing to be emptied")
    for child in children(lab, thing):
        leave(draft, child)
    return draft.outcome(thing)


def lined(lab: Lab, resource_id: str) -> Thing:
    """A stack, a queue or a slot.

    Raises:
        NotOrdered: it is another container.
    """
    container = lab.container(resource_id)
    if container.base_type not in LINED:
        raise NotOrdered(name=container.name, resource_id=container.id, base_type=container.base_type)
    return container


def refuse_elsewhere(child: Thing, container_id: str) -> None:
    """Refuse to take a thing from where it is not.

    Raises:
        NotThere: with where it is.
    """
    if child.parent_id != container_id:
        actual = "it is nowhere" if child.parent_id is None else f"it is in {child.parent_id}"
        facts = {"expected_id": container_id, "parent_id": child.parent_id}
        raise NotThere(name=child.name, resource_id=child.id, actual=actual, **facts)


def _at(lab: Lab, container: Thing, key: Position | None) -> str:
    """Who is at a position.

    Raises:
        InvalidPosition, Vacant
    """
    position = canonical(container.geometry, key)
    if position is None:
        raise refuse(container.geometry, key, "say which one by its resource_id")
    if (occupant := lab.occupant(container, position)) is None:
        raise Vacant(name=container.name, resource_id=container.id, position=position)
    return occupant


def _bring(
    lab: Lab, container: Thing, node: NewResource, now: datetime, by: By, *, move: bool, replace: bool
) -> Outcome[Thing]:
    """Something new or known into a container."""
    refuse_tree(node)
    foresee(lab, node, mark_of(by.op_id))
    draft = Draft(lab, now, container, mark_of(by.op_id))
    known = lab.find(node.resource_id) if node.resource_id is not None else None
    if known is None:
        child = enter(draft, node)
    else:
        write(draft, lab.thing(known.id), node)
        child = draft.thing(known.id)
    placement = _settle(draft, child, container, node.position, move=move, replace=replace)
    refuse_depth(lab, container, levels(lab, (node,), moving=known))
    return draft.outcome(placement)


def _settle(
    draft: Draft,
    child: Thing,
    container: Thing,
    key: Position | None,
    *,
    move: bool,
    replace: bool,
    standing: int | None = None,
) -> dict[str, Any]:
    """Put a thing where it belongs: what became of it, as a `Placement`."""
    source = evicted = None
    if child.is_container and draft.lab.things.get(child.id) is not None:
        refuse_cycle(draft.lab, child, container)
    elsewhere = child.parent_id is not None and child.parent_id != container.id
    in_line = child.parent_id == container.id and child.order_seq not in (None, container.next_seq - 1)
    if elsewhere or in_line:
        if not move:
            raise Elsewhere(resource_id=child.id, name=child.name, parent_id=child.parent_id)
        source = leave(draft, child)
    if replace:
        evicted = evict(draft, draft.thing(container.id), key, child)
    place(draft, draft.thing(child.id), draft.thing(container.id), key, standing=standing)
    return {"resource": child, "container": container, "source": source, "evicted": evicted}


def _out(draft: Draft, child: Thing) -> Outcome[Thing]:
    """A thing out of where it is."""
    source = leave(draft, child)
    return draft.outcome({"resource": child, "container": None, "source": source, "evicted": None})
