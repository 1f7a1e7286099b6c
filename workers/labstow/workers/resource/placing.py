"""Into a container and out of it: who may be where, and what that does to the container."""

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from labstow.contracts.base_types import CONSUMABLES, LINED, BaseType
from labstow.contracts.errors import ConsumablesOnly, Elsewhere, Full, NotAContainer, Occupied
from labstow.contracts.place_errors import AttachedElsewhere
from labstow.contracts.positions import Position, canonical
from labstow.workers.kit.journal import plain
from labstow.workers.kit.noun import Wanted
from labstow.workers.resource.draft import Draft
from labstow.workers.resource.footprint import Footprint
from labstow.workers.resource.lab import Lab
from labstow.workers.resource.nesting import refuse_cycle
from labstow.workers.resource.thing import Thing
from labstow.workers.resource.units import EXACT, Units


def put(draft: Draft, child: Thing, container_id: str, key: Position | None, *, standing: int | None = None) -> None:
    """Put a thing that is nowhere into a container; nothing of it is done if it is refused. `standing` is a place in
    line that it had there before, or that somebody leaves to it.

    Raises:
        NotAContainer, InvalidPosition, Occupied, Full, ConsumablesOnly, UnitMismatch, InvalidQuantity
    """
    container = draft.thing(container_id)
    if not container.is_container:
        raise NotAContainer(resource_id=container.id, name=container.name, base_type=container.base_type)
    position = canonical(container.geometry, key)
    if position is not None and (container.base_type is not BaseType.SLOT or container.quantity):
        refuse_occupied(draft, container, position)
    gained: dict[str, Any] = {}
    if container.base_type is BaseType.POOL:
        gained["unit"] = unit_with(container, child)
        container = container._replace(**gained)
    gained["quantity"] = EXACT.add(container.quantity or Decimal(0), share(draft.lab.units, container, child))
    if container.capacity is not None and gained["quantity"] > container.capacity:
        raise Full(name=container.name, resource_id=container.id, capacity=plain(container.capacity))
    order_seq = None
    if container.base_type in LINED:
        order_seq = container.next_seq if standing is None else standing
        gained["next_seq"] = max(container.next_seq, order_seq + 1)
    draft.change(container.id, "contents_changed", **gained)
    draft.occupy(container.id, position, child.id)
    pooled = container.base_type is BaseType.POOL
    draft.change(child.id, "placed", parent_id=container.id, position=position, order_seq=order_seq, pooled=pooled)


def leave(draft: Draft, child: Thing) -> Thing | None:
    """Take a thing out of the container it is in; then it is nowhere. Answer the container, if there was one."""
    if child.parent_id is None:
        return None
    container = draft.thing(child.parent_id)
    take(draft, child)
    draft.occupy(container.id, child.position, None)
    draft.change(child.id, "taken", parent_id=None, position=None, order_seq=None, pooled=False)
    return container


def evict(draft: Draft, container: Thing, key: Position | None, coming: Thing) -> Thing | None:
    """Take out who has a position that somebody else is to have.

    Raises:
        InvalidPosition: there is no such position.
    """
    position = canonical(container.geometry, key)
    if position is None or (container.base_type is BaseType.SLOT and not container.quantity):
        return None
    occupant = draft.occupant(container, position)
    if occupant is None or occupant == coming.id:
        return None
    evicted = draft.thing(occupant)
    leave(draft, evicted)
    return evicted


def place(draft: Draft, child: Thing, container: Thing, key: Position | None, *, standing: int | None = None) -> None:
    """Have a thing in a container: it is there already, perhaps somewhere else in it, or nowhere yet.

    Raises:
        Elsewhere: it is in another container.
        AttachedElsewhere: a location has it.
        Cycle: the container would be in it.
    """
    if child.parent_id == container.id:
        if key is not None:
            shift(draft, child, container, key)
        return
    if child.parent_id is not None:
        raise Elsewhere(resource_id=child.id, name=child.name, parent_id=child.parent_id)
    if child.is_container and draft.anchor is not None:
        refuse_cycle(draft.lab, child, draft.anchor)
    if draft.lab.things.get(child.id) is not None:
        refuse_attached(draft.lab, [child])
    put(draft, child, container.id, key, standing=standing)


def shift(draft: Draft, child: Thing, container: Thing, key: Position) -> None:
    """Give a thing another position in the container it is in.

    Raises:
        InvalidPosition, Occupied
    """
    position = canonical(container.geometry, key)
    if position is None or position == child.position:
        return
    refuse_occupied(draft, container, position)
    draft.occupy(container.id, child.position, None)
    draft.occupy(container.id, position, child.id)
    draft.change(child.id, "placed", position=position)


def take(draft: Draft, child: Thing) -> None:
    """Count a thing out of the container it is in; where it goes is the caller's business."""
    if child.parent_id is None:
        return
    container = draft.thing(child.parent_id)
    left = EXACT.subtract(container.quantity or Decimal(0), share(draft.lab.units, container, child))
    draft.change(container.id, "contents_changed", quantity=left)


def share(units: Units, container: Thing, child: Thing) -> Decimal:
    """What a child adds to the quantity of its container: one, or in a pool its own quantity in the pool's unit.

    Raises:
        UnitMismatch, InvalidQuantity: it does not convert to that.
    """
    if container.base_type is not BaseType.POOL:
        return Decimal(1)
    return units.convert(child.quantity or Decimal(0), child.unit, container.unit, container.name)


def unit_with(pool: Thing, child: Thing) -> str | None:
    """The unit of a pool that has this child: its own, or else the first that anybody in it has.

    Raises:
        ConsumablesOnly: the child cannot be mixed with anything.
    """
    if child.base_type not in CONSUMABLES:
        raise ConsumablesOnly(name=pool.name, child=child.name, base_type=child.base_type)
    return pool.unit or child.unit


def refuse_attached(lab: Lab, things: Iterable[Thing]) -> None:
    """Refuse to remove, or to bring elsewhere, what is attached to a location.

    Raises:
        AttachedElsewhere: with the location.
    """
    named = {thing.id: thing for thing in things}
    if not lab.complete and (unknown := named.keys() - lab.attached.keys()):
        raise Wanted(Footprint(attached=set(unknown)))
    for thing in named.values():
        if (location := lab.attached.get(thing.id)) is not None:
            raise AttachedElsewhere(name=thing.name, location=location, resource_id=thing.id)


def refuse_occupied(draft: Draft, container: Thing, position: str) -> None:
    """Refuse a position that somebody has.

    Raises:
        Occupied: and by whom.
    """
    if (occupant := draft.occupant(container, position)) is not None:
        raise Occupied(name=container.name, resource_id=container.id, position=position, occupant_id=occupant)
