"""How much there is of a thing, and how much fits."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from labstow.contracts.base_types import CONSUMABLES, BaseType
from labstow.contracts.errors import Insufficient, Invalid, NoCapacity, NotAConsumable
from labstow.contracts.quantities import (
    ChangeQuantity,
    ClearCapacity,
    DecreaseQuantity,
    Fill,
    IncreaseQuantity,
    SetCapacity,
    SetQuantity,
)
from labstow.workers.kit.journal import plain
from labstow.workers.kit.noun import By, Outcome
from labstow.workers.resource.draft import Draft
from labstow.workers.resource.lab import Lab
from labstow.workers.resource.rules.life import refuse_stale
from labstow.workers.resource.thing import Thing
from labstow.workers.resource.units import EXACT
from labstow.workers.resource.writing import amend


def set_quantity(lab: Lab, command: SetQuantity, now: datetime, by: By) -> Outcome[Thing]:
    """Write how much there is."""
    thing = known(lab, command.resource_id, command.expected_version)
    refuse_counted(thing)
    return written(lab, thing, "quantity", command.quantity, command.unit, now)


def change_quantity(lab: Lab, command: ChangeQuantity, now: datetime, by: By) -> Outcome[Thing]:
    """Add to how much there is, or take from it."""
    return changed(lab, command, command.by, now)


def increase_quantity(lab: Lab, command: IncreaseQuantity, now: datetime, by: By) -> Outcome[Thing]:
    """Add to how much there is."""
    return changed(lab, command, command.amount, now)


def decrease_quantity(lab: Lab, command: DecreaseQuantity, now: datetime, by: By) -> Outcome[Thing]:
    """Take from how much there is."""
    return changed(lab, command, command.amount.copy_negate(), now)  # a minus would round to 28 digits


def fill(lab: Lab, command: Fill, now: datetime, by: By) -> Outcome[Thing]:
    """Have as much as fits."""
    thing = known(lab, command.resource_id, command.expected_version)
    refuse_counted(thing)
    if thing.capacity is None:
        raise NoCapacity(name=thing.name, resource_id=thing.id)
    return amended(lab, thing, now, quantity=thing.capacity)


def set_capacity(lab: Lab, command: SetCapacity, now: datetime, by: By) -> Outcome[Thing]:
    """Write how much fits."""
    thing = known(lab, command.resource_id, command.expected_version)
    refuse_boundless(thing)
    return written(lab, thing, "capacity", command.capacity, command.unit, now)


def clear_capacity(lab: Lab, command: ClearCapacity, now: datetime, by: By) -> Outcome[Thing]:
    """Let any amount fit, except into a slot."""
    thing = known(lab, command.resource_id, command.expected_version)
    refuse_boundless(thing)
    if thing.base_type is BaseType.SLOT:
        raise Invalid(summary="capacity: that of a slot is 1", errors=[])
    return amended(lab, thing, now, capacity=None)


def known(lab: Lab, resource_id: str, expected: int | None) -> Thing:
    """The thing, at the version that is expected."""
    thing = lab.thing(resource_id)
    refuse_stale(thing, expected)
    return thing


def changed(
    lab: Lab, command: ChangeQuantity | IncreaseQuantity | DecreaseQuantity, amount: Decimal, now: datetime
) -> Outcome[Thing]:
    """Have so much more of a thing, or less.

    Raises:
        Insufficient: there is not as much; with what there is.
    """
    thing = known(lab, command.resource_id, command.expected_version)
    refuse_counted(thing)
    had = thing.quantity or Decimal(0)
    quantity = EXACT.add(had, lab.units.convert(amount, command.unit, thing.unit, thing.name))
    if quantity < 0:
        asked = told(amount.copy_abs(), command.unit or thing.unit)
        raise Insufficient(name=thing.name, resource_id=thing.id, available=told(had, thing.unit), asked=asked)
    return amended(lab, thing, now, quantity=quantity)


def written(lab: Lab, thing: Thing, field: str, amount: Decimal, unit: str | None, now: datetime) -> Outcome[Thing]:
    """Write an amount in the thing's own unit; what is measured and has none gets the one that is named."""
    measured = thing.base_type in CONSUMABLES or thing.base_type is BaseType.POOL
    if unit and not thing.unit and measured:
        return amended(lab, thing, now, **{field: amount, "unit": unit})
    return amended(lab, thing, now, **{field: lab.units.convert(amount, unit, thing.unit, thing.name)})


def amended(lab: Lab, thing: Thing, now: datetime, **fields: Any) -> Outcome[Thing]:
    """What it comes to when a thing has these fields."""
    draft = Draft(lab, now)
    amend(draft, thing, fields)
    return draft.outcome(thing)


def told(amount: Decimal, unit: str | None) -> str:
    """An amount as people write it."""
    return f"{plain(amount)} {unit}" if unit else plain(amount)


def refuse_counted(thing: Thing) -> None:
    """Refuse to write the quantity of what has none of its own.

    Raises:
        NotAConsumable: and why it is not.
    """
    if thing.base_type not in CONSUMABLES:
        reason = "its quantity is that of what is in it" if thing.is_container else "it has no quantity"
        raise NotAConsumable(name=thing.name, resource_id=thing.id, base_type=thing.base_type, reason=reason)


def refuse_boundless(thing: Thing) -> None:
    """Refuse to write how much fits where nothing is counted.

    Raises:
        NotAConsumable: nor a container.
    """
    if thing.quantity is None:
        reason = "it has no capacity"
        raise NotAConsumable(name=thing.name, resource_id=thing.id, base_type=thing.base_type, reason=reason)
