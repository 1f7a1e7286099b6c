"""Writing fields of things, and trees of things, as far as they are named."""

from decimal import Decimal
from typing import Any, Final

from pydantic import JsonValue

from labstow.contracts.base_types import CONSUMABLES, BaseType
from labstow.contracts.errors import Invalid, OtherShape, UnitMismatch
from labstow.contracts.message import bounded
from labstow.contracts.resource import NewResource, Patch
from labstow.workers.kit.journal import same
from labstow.workers.resource.draft import Draft
from labstow.workers.resource.merging import merged, moved_it
from labstow.workers.resource.nesting import contents
from labstow.workers.resource.placing import place, put, share, unit_with
from labstow.workers.resource.thing import Thing
from labstow.workers.resource.units import EXACT

WRITABLE: Final = ("name", "resource_class", "description", "owner", "attributes", "quantity", "capacity", "unit")
"""Fields that may change in the life of a thing; its type and dimensions stay."""


def write(draft: Draft, thing: Thing, node: NewResource) -> None:
    """Write the named fields of a thing and of everything named in it; what is not named stays.

    Raises:
        OtherShape: it is of another type or size.
        Elsewhere: something named in it is somewhere else.
    """
    refuse_shape(thing, node)
    fields: dict[str, Any] = {name: getattr(node, name) for name in WRITABLE if name in node.model_fields_set}
    if node.version is not None and (known := draft.lab.find(thing.id)) is not None:
        fields = merged(draft.lab, known, node.version, draft.mark, fields)
    amend(draft, thing, fields)
    for child in node.children:
        include(draft, thing, child)


def enter(draft: Draft, node: NewResource) -> Thing:
    """A new thing with everything in it; nowhere yet."""
    thing = draft.create(node)
    for child in node.children:
        include(draft, thing, child)
    return draft.thing(thing.id)


def include(draft: Draft, container: Thing, node: NewResource) -> None:
    """Have something in a container: it is new, or known and nowhere yet, or there already.

    What the client only read there, and others moved or removed since then, is left where it is.
    """
    known = draft.lab.find(node.resource_id) if node.resource_id is not None else None
    if known is None:
        put(draft, enter(draft, node), container.id, node.position)
        return
    moved = moved_it(draft.lab, known, container, node)
    if known.removed_at is not None and not moved:
        return
    write(draft, draft.lab.thing(known.id), node)
    if moved:
        place(draft, draft.thing(known.id), draft.thing(container.id), node.position)


def amend(draft: Draft, thing: Thing, fields: dict[str, Any]) -> None:
    """Change fields of a thing, and the pool it is in if its quantity changed. Nothing differs, nothing happens.

    Amounts that are not named follow a change of the unit.

    Raises:
        Invalid: a field that things of this type do not have.
        UnitMismatch, InvalidQuantity: an amount does not convert to the unit it would be in.
    """
    kind = thing.base_type
    if "quantity" in fields and (fields["quantity"] is not None) is not (kind in CONSUMABLES):
        raise Invalid(
            summary=f"quantity: that of a {kind} " + ("is a number" if kind in CONSUMABLES else "is not given"),
            errors=[],
        )
    if kind is BaseType.SLOT and fields.pop("capacity", 1) not in (None, 1):
        raise Invalid(summary="capacity: that of a slot is 1", errors=[])
    if fields.get("capacity") is not None and thing.quantity is None:
        raise Invalid(summary=f"capacity: a {kind} has none", errors=[])
    if fields.get("quantity", 0) is None:
        fields.pop("quantity")
    if "unit" in fields and fields["unit"] != thing.unit:
        fields |= converted(draft, thing, fields)
    fields = {name: value for name, value in fields.items() if not same(getattr(thing, name), value)}
    if not fields:
        return
    new = draft.change(thing.id, "updated", **fields)
    if thing.pooled and thing.parent_id is not None and fields.keys() & {"quantity", "unit"}:
        remix(draft, draft.thing(thing.parent_id), thing, new)


def remix(draft: Draft, pool: Thing, before: Thing, after: Thing) -> None:
    """Let a pool follow what changed in it.

    Raises:
        UnitMismatch, InvalidQuantity, OverCapacity
    """
    units, mixed = draft.lab.units, pool._replace(unit=unit_with(pool, after))
    gained = EXACT.subtract(share(units, mixed, after), share(units, mixed, before))
    if gained or mixed.unit != pool.unit:
        quantity = EXACT.add(pool.quantity or Decimal(0), gained)
        draft.change(pool.id, "contents_changed", quantity=quantity, unit=mixed.unit)


def converted(draft: Draft, thing: Thing, fields: dict[str, Any]) -> dict[str, Decimal]:
    """The amounts that are not named beside a new unit, in that unit: it is as much as before.

    A first unit is a label, to have none drops it, and where things are counted it means nothing.

    Raises:
        UnitMismatch, InvalidQuantity
    """
    units, unit, own = draft.lab.units, fields["unit"], thing.unit
    if not own or not (thing.base_type in CONSUMABLES or thing.base_type is BaseType.POOL):
        return {}
    amounts: dict[str, Decimal] = {}
    if thing.base_type is BaseType.POOL:
        amounts["quantity"] = recounted(draft, thing, unit)
    for name in ("quantity", "capacity"):
        amount = getattr(thing, name)
        if unit and amount is not None and name not in fields | amounts:
            units.convert(Decimal(0), unit, own, thing.name)  # refused in the words of who asks
            amounts[name] = units.convert(amount, own, unit, thing.name)
    return amounts


def recounted(draft: Draft, pool: Thing, unit: str | None) -> Decimal:
    """How much is in a pool, counted in another unit.

    Raises:
        UnitMismatch: something in it does not convert to that, or has no unit: it counts in that of the pool.
        InvalidQuantity
    """
    units, mixed, quantity = draft.lab.units, pool._replace(unit=unit), Decimal(0)
    for child in contents(draft.lab, pool):
        if unit and child.quantity and not child.unit:
            raise UnitMismatch(name=child.name, own_unit="no unit", unit=unit)
        quantity = EXACT.add(quantity, share(units, mixed, child))
    return quantity


def patched(attributes: dict[str, JsonValue], patch: Patch) -> dict[str, JsonValue]:
    """Attributes after a patch: its keys win, a null removes one.

    Raises:
        Invalid: they would be too large.
    """
    asked = patch.attributes or {}
    result = {key: value for key, value in (attributes | asked).items() if key not in asked or value is not None}
    try:
        return bounded(result)
    except ValueError as error:
        raise Invalid(summary=f"attributes after the change: {error}", errors=[]) from None


def refuse_shape(thing: Thing, node: NewResource) -> None:
    """Refuse to make another thing of a thing.

    Raises:
        OtherShape: with the field that differs.
    """
    for name in ("base_type", "rows", "columns", "layers", "one_indexed"):
        actual, asked = getattr(thing, name), getattr(node, name)
        if name in node.model_fields_set and actual != asked:
            raise OtherShape(name=thing.name, resource_id=thing.id, field=name, actual=actual, asked=asked)
