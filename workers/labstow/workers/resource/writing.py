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
from labstow.workers.resource.placing import EXACT, place, put, share, unit_with
from labstow.workers.resource.thing import Thing

WRITABLE: Final = ("name", "resource_class", "description", "owner", "attributes", "quantity", "capacity", "unit")
"""Fields that may change in the life of a thing; its type and dimensions stay."""


def write(draft: Draft, thing: Thing, node: NewResource) -> None:
    """Write the named fields of a thing and of everything named in it; what is not named stays.

    Raises:
        OtherShape: it is of another type or size.
        Elsewhere: something named in it is somewhere else.
    """
    refuse_shape(thing, node)
    amend(draft, thing, {name: getattr(node, name) for name in WRITABLE if name in node.model_fields_set})
    for child in node.children:
        include(draft, thing, child)


def enter(draft: Draft, node: NewResource) -> Thing:
    """A new thing with everything in it; nowhere yet."""
    thing = draft.create(node)
    for child in node.children:
        include(draft, thing, child)
    return draft.thing(thing.id)


def include(draft: Draft, container: Thing, node: NewResource) -> None:
    """Have something in a container: it is new, or known and nowhere yet, or there already."""
    known = draft.lab.find(node.resource_id) if node.resource_id is not None else None
    if known is None:
        put(draft, enter(draft, node), container.id, node.position)
        return
    write(draft, draft.lab.thing(known.id), node)
    place(draft, draft.thing(known.id), draft.thing(container.id), node.position)


def amend(draft: Draft, thing: Thing, fields: dict[str, Any]) -> None:
    """Change fields of a thing, and the pool it is in if its quantity changed. Nothing differs, nothing happens.

    Raises:
        Invalid: a field that things of this type do not have.
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
    fields = {
        name: value
        for name, value in fields.items()
        if not same(getattr(thing, name), value) and not (name == "quantity" and value is None)
    }
    if not fields:
        return
    if kind is BaseType.POOL and "unit" in fields:
        refuse_other_unit(draft, thing, fields["unit"])
    new = draft.change(thing.id, "updated", **fields)
    if thing.parent_id is not None and fields.keys() & {"quantity", "unit"}:
        remix(draft, draft.thing(thing.parent_id), thing, new)


def remix(draft: Draft, container: Thing, before: Thing, after: Thing) -> None:
    """Let a pool follow what changed in it; other containers do not care.

    Raises:
        UnitMismatch, OverCapacity
    """
    if container.base_type is not BaseType.POOL:
        return
    unit = unit_with(container, after)
    gained = EXACT.subtract(share(container, after), share(container, before))
    if gained or unit != container.unit:
        quantity = EXACT.add(container.quantity or Decimal(0), gained)
        draft.change(container.id, "contents_changed", quantity=quantity, unit=unit)


def refuse_other_unit(draft: Draft, pool: Thing, unit: str | None) -> None:
    """Refuse to count what is in a pool in a unit that it is not in.

    Raises:
        UnitMismatch: with the unit of what is in it.
    """
    for child in draft.lab.contents(pool):
        if child.unit and child.unit != unit:
            raise UnitMismatch(name=pool.name, pool_unit=unit or "no unit", unit=child.unit)


def merged(attributes: dict[str, JsonValue], patch: Patch) -> dict[str, JsonValue]:
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
