"""The resource as MADSci's clients write and read it. Pure functions; workers validate.

What a MADSci model cannot hold travels under the key `labstow`: their clients keep keys that they do not know,
and send them back.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

from labstow.contracts.base_types import CONSUMABLES, CONTAINERS, SHAPED, BaseType
from labstow.contracts.errors import Invalid, TooDeep
from labstow.contracts.resource import MAX_DEPTH
from labstow.contracts.ulids import derived_ulid
from labstow.gateway import contents
from labstow.gateway.ids import is_ulid

Json = dict[str, Any]

BEYOND: Final = "labstow"
WHOLE: Final = (CONTAINERS - {BaseType.POOL}) | {BaseType.DISCRETE_CONSUMABLE}
"""Counted in whole numbers."""

WHOSE = ("user", "experiment", "campaign", "project", "node", "workcell", "lab", "step", "workflow", "manager")
OWNERS: Final = frozenset(f"{who}_id" for who in WHOSE)
"""All that their models keep of an owner, and only if it is a ULID."""


def given(body: Json, op_id: str, place: tuple[int, ...] = ()) -> Json:
    """Their resource as our `NewResource`: of what they name, what can be told.

    The same for the same operation. `place` is where it is in what else the body names.

    Raises:
        Invalid: it has no name, or contents in a form that its type does not have.
        TooDeep: it is nested deeper than anything may be.
    """
    if len(place) >= MAX_DEPTH:
        raise TooDeep(limit=MAX_DEPTH)
    kind = body.get("base_type", BaseType.RESOURCE)
    kind = kind if isinstance(kind, str) else str(kind)
    beyond = _mapping(body.get(BEYOND))
    ours: Json = {"name": _name(body, op_id, place)}
    for key in ("resource_id", "resource_class", "base_type", "attributes", "owner"):
        if (value := body.get(key)) is not None:
            ours[key] = value
    if isinstance(ours.get("owner"), dict):
        ours["owner"] = {**_mapping(beyond.get("owner")), **ours["owner"]}
    if "resource_description" in body:
        ours["description"] = body["resource_description"]
    if "unit" in body:
        ours["unit"] = body["unit"]
    ours |= _size(kind, body) | _amounts(kind, body, beyond)
    if children := body.get("children"):
        ours["children"] = [
            {**given(child, op_id, (*place, number)), "position": at}
            for number, (at, child) in enumerate(contents.placed(kind, children))
        ]
    return ours


def shown(thing: Json) -> Json:
    """Our `Resource` as theirs. A container whose children were not read is shown empty."""
    kind = thing["base_type"]
    theirs = columns(thing)
    if kind in CONTAINERS:
        theirs["children"] = _children(kind, thing)
    if kind in SHAPED and theirs["capacity"] is not None and _summed(theirs) > theirs["capacity"]:
        theirs[BEYOND] = {**theirs.get(BEYOND, {}), "capacity": theirs["capacity"]}
        theirs["capacity"] = None
    return theirs


def columns(thing: Json) -> Json:
    """Our `Resource` as theirs, without what is in it."""
    kind, index = thing["base_type"], thing.get("index")
    owner = {who: id_ for who, id_ in thing["owner"].items() if who in OWNERS and is_ulid(id_)}
    theirs: Json = {
        "resource_id": thing["resource_id"],
        "resource_name": thing["name"],
        "resource_name_prefix": None,
        "resource_class": thing["resource_class"],
        "base_type": kind,
        "resource_description": thing["description"],
        "owner": owner,
        "custom_attributes": None,
        "resource_url": None,
        "parent_id": thing["parent_id"],
        "key": str(contents.column(index)) if index else thing["position"],
        "attributes": thing["attributes"],
        "rows": thing["rows"],
        "columns": thing["columns"],
        "layers": thing["layers"],
        "quantity": _number(thing["quantity"], kind),
        "capacity": 1 if kind == BaseType.SLOT else _number(thing["capacity"], kind),
        "unit": thing["unit"],
        "template_name": thing["template_name"],
        "created_at": thing["created_at"],
        "updated_at": thing["updated_at"],
        "removed": thing["removed_at"] is not None,
        "removed_at": thing["removed_at"],
        "locked_by": None,
        "locked_until": None,
        "version": thing["version"],
    }
    if kind in SHAPED:
        theirs["is_one_indexed"] = thing["one_indexed"]
    if len(owner) < len(thing["owner"]):
        theirs[BEYOND] = {"owner": {who: id_ for who, id_ in thing["owner"].items() if who not in owner}}
    return theirs


def _children(kind: str, thing: Json) -> Json | list[Json | None]:
    """What is in a container, in their form for its type."""
    held: list[Json] = thing.get("children") or []
    if kind == BaseType.GRID:
        return [part and shown(part) for part in contents.rows(thing)]
    if kind == BaseType.VOXEL_GRID:
        return [part and shown(part) for part in contents.layers(thing)]
    if kind == BaseType.ROW:
        places: list[Json | None] = [None] * thing["columns"]
        for child in held:
            places[contents.column(child["index"])] = shown(child)
        return places
    if kind in contents.LISTED:
        return [shown(child) for child in held]
    return {child["position"] or child["resource_id"]: shown(child) for child in held}


def _name(body: Json, op_id: str, place: tuple[int, ...]) -> object:
    """The name, or one made from the prefix and the id; without an id, from the operation and the place in it."""
    if (name := body.get("resource_name")) is not None:
        return name
    if not isinstance(prefix := body.get("resource_name_prefix"), str):
        raise Invalid(summary="resource_name: give one, or a resource_name_prefix", errors=[])
    id_ = body.get("resource_id") or derived_ulid("name", op_id, *map(str, place))
    return f"{prefix}_{str(id_)[-6:]}"


def _size(kind: str, body: Json) -> Json:
    """The dimensions that the type has, and from what they are counted."""
    if kind not in SHAPED:
        return {}
    size = {key: body[key] for key in SHAPED[BaseType(kind)] if body.get(key) is not None}
    if "columns" not in size and body.get("length") is not None:
        size["columns"] = body["length"]
    if body.get("is_one_indexed") is not None:
        size["one_indexed"] = body["is_one_indexed"]
    return size


def _amounts(kind: str, body: Json, beyond: Json) -> Json:
    """The quantity where it is not counted, and the capacity where there is one to tell."""
    amounts: Json = {}
    if kind in CONSUMABLES and body.get("quantity") is not None:
        amounts["quantity"] = body["quantity"]
    if "capacity" in body and (kind in CONSUMABLES or kind in CONTAINERS):
        capacity = beyond.get("capacity") if body["capacity"] is None else body["capacity"]
        if kind != BaseType.SLOT or capacity not in (None, 1):
            amounts["capacity"] = capacity
    return amounts


def _number(value: object, kind: str) -> int | float | None:
    """Our exact number as theirs: whole where things are counted."""
    if value is None:
        return None
    if kind in WHOLE and (exact := Decimal(str(value))) % 1 == 0:
        return int(exact)
    return float(str(value))


def _summed(plate: Mapping[str, Any]) -> float:
    """What their model takes for the quantity of a row or a grid, and refuses if the capacity is less."""
    total = 0.0
    for part in plate["children"]:
        if part is not None:
            total += _summed(part) if part["base_type"] in (BaseType.ROW, BaseType.GRID) else part["quantity"] or 0
    return total


def _mapping(value: object) -> Json:
    return value if isinstance(value, dict) else {}
