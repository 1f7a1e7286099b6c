"""Into a container and out of it: who may be where, and what that does to the container."""

from decimal import Decimal
from typing import Any

from labstow.contracts.base_types import CONSUMABLES, ORDERED, BaseType
from labstow.contracts.errors import ConsumablesOnly, Elsewhere, Full, NotAContainer, Occupied, UnitMismatch
from labstow.contracts.positions import Position, canonical
from labstow.workers.kit.journal import plain
from labstow.workers.resource.draft import Draft
from labstow.workers.resource.thing import Thing


def put(draft: Draft, child: Thing, container_id: str, key: Position | None) -> None:
    """Put a thing that is nowhere into a container.

    Raises:
        NotAContainer, InvalidPosition, Occupied, Full, Elsewhere, ConsumablesOnly, UnitMismatch
    """
    container = draft.thing(container_id)
    if not container.is_container:
        raise NotAContainer(resource_id=container.id, name=container.name, base_type=container.base_type)
    if child.parent_id is not None:
        raise Elsewhere(resource_id=child.id, name=child.name, parent_id=child.parent_id)
    position = canonical(container.geometry, key)
    if position is not None:
        refuse_occupied(draft, container, position)
    gained: dict[str, Any] = {"quantity": (container.quantity or Decimal(0)) + share(container, child)}
    if container.capacity is not None and gained["quantity"] > container.capacity:
        raise Full(name=container.name, resource_id=container.id, capacity=plain(container.capacity))
    if container.base_type is BaseType.POOL:
        gained["unit"] = container.unit or child.unit
    order_seq = None
    if container.base_type in ORDERED:
        order_seq = container.next_seq
        gained["next_seq"] = container.next_seq + 1
    draft.occupy(container.id, position, child.id)
    draft.change(child.id, "placed", parent_id=container.id, position=position, order_seq=order_seq)
    draft.change(container.id, "contents_changed", **gained)


def shift(draft: Draft, child: Thing, container: Thing, key: Position) -> None:
    """Give a thing another position in the container it is in.

    Raises:
        InvalidPosition, Occupied
    """
    position = canonical(container.geometry, key)
    if position is None or position == child.position:
        return
    refuse_occupied(draft, container, position)
    draft.occupy(container.id, position, child.id)
    draft.change(child.id, "placed", position=position)


def take(draft: Draft, child: Thing) -> None:
    """Count a thing out of the container it is in; where it goes is the caller's business."""
    if child.parent_id is None:
        return
    container = draft.thing(child.parent_id)
    left = (container.quantity or Decimal(0)) - share(container, child)
    draft.change(container.id, "contents_changed", quantity=left)


def share(container: Thing, child: Thing) -> Decimal:
    """What a child adds to the quantity of its container: one, or in a pool its own quantity.

    Raises:
        ConsumablesOnly, UnitMismatch: the child cannot be mixed with what is in the pool.
    """
    if container.base_type is not BaseType.POOL:
        return Decimal(1)
    if child.base_type not in CONSUMABLES:
        raise ConsumablesOnly(name=container.name, child=child.name, base_type=child.base_type)
    if container.unit and child.unit and container.unit != child.unit:
        raise UnitMismatch(name=container.name, pool_unit=container.unit, unit=child.unit)
    return child.quantity or Decimal(0)


def refuse_occupied(draft: Draft, container: Thing, position: str) -> None:
    """Refuse a position that somebody has.

    Raises:
        Occupied: and by whom.
    """
    if (occupant := draft.occupant(container, position)) is not None:
        raise Occupied(name=container.name, resource_id=container.id, position=position, occupant_id=occupant)
