"""Into a container and out of it: who may be where, and what that does to the container."""

from decimal import Context, Decimal, Inexact
from typing import Any, Final

from labstow.contracts.base_types import CONSUMABLES, ORDERED, BaseType
from labstow.contracts.errors import ConsumablesOnly, Elsewhere, Full, NotAContainer, Occupied, UnitMismatch
from labstow.contracts.positions import Position, canonical
from labstow.workers.kit.journal import plain
from labstow.workers.resource.draft import Draft
from labstow.workers.resource.thing import Thing

EXACT: Final = Context(prec=60, traps=[Inexact])
"""Adds all amounts that can be stored without rounding; Python's own arithmetic keeps 28 digits."""


def put(draft: Draft, child: Thing, container_id: str, key: Position | None) -> None:
    """Put a thing that is nowhere into a container.

    Raises:
        NotAContainer, InvalidPosition, Occupied, Full, ConsumablesOnly, UnitMismatch
    """
    container = draft.thing(container_id)
    if not container.is_container:
        raise NotAContainer(resource_id=container.id, name=container.name, base_type=container.base_type)
    position = canonical(container.geometry, key)
    if position is not None:
        refuse_occupied(draft, container, position)
    gained: dict[str, Any] = {}
    if container.base_type is BaseType.POOL:
        gained["unit"] = unit_with(container, child)
    gained["quantity"] = EXACT.add(container.quantity or Decimal(0), share(container, child))
    if container.capacity is not None and gained["quantity"] > container.capacity:
        raise Full(name=container.name, resource_id=container.id, capacity=plain(container.capacity))
    order_seq = None
    if container.base_type in ORDERED:
        order_seq = container.next_seq
        gained["next_seq"] = container.next_seq + 1
    draft.occupy(container.id, position, child.id)
    draft.change(child.id, "placed", parent_id=container.id, position=position, order_seq=order_seq)
    draft.change(container.id, "contents_changed", **gained)


def place(draft: Draft, child: Thing, container: Thing, key: Position | None) -> None:
    """Have a thing in a container: it is there already, perhaps somewhere else in it, or nowhere yet.

    Raises:
        Elsewhere: it is in another container.
        Cycle: the container would be in it.
    """
    if child.parent_id == container.id:
        if key is not None:
            shift(draft, child, container, key)
        return
    if child.parent_id is not None:
        raise Elsewhere(resource_id=child.id, name=child.name, parent_id=child.parent_id)
    if child.is_container and draft.anchor is not None:
        draft.lab.refuse_cycle(child, draft.anchor)
    put(draft, child, container.id, key)


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
    left = EXACT.subtract(container.quantity or Decimal(0), share(container, child))
    draft.change(container.id, "contents_changed", quantity=left)


def share(container: Thing, child: Thing) -> Decimal:
    """What a child adds to the quantity of its container: one, or in a pool its own quantity."""
    return (child.quantity or Decimal(0)) if container.base_type is BaseType.POOL else Decimal(1)


def unit_with(pool: Thing, child: Thing) -> str | None:
    """The unit of a pool that has this child: the first that anybody named.

    Raises:
        ConsumablesOnly, UnitMismatch: the child cannot be mixed with what is in the pool.
    """
    if child.base_type not in CONSUMABLES:
        raise ConsumablesOnly(name=pool.name, child=child.name, base_type=child.base_type)
    if pool.unit and child.unit and pool.unit != child.unit:
        raise UnitMismatch(name=pool.name, pool_unit=pool.unit, unit=child.unit)
    return pool.unit or child.unit


def refuse_occupied(draft: Draft, container: Thing, position: str) -> None:
    """Refuse a position that somebody has.

    Raises:
        Occupied: and by whom.
    """
    if (occupant := draft.occupant(container, position)) is not None:
        raise Occupied(name=container.name, resource_id=container.id, position=position, occupant_id=occupant)
