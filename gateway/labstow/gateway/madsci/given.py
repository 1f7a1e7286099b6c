"""Resources as MADSci's clients write them, as ours."""

from collections.abc import Iterator
from itertools import count
from typing import Any

from labstow.contracts.base_types import CONSUMABLES, CONTAINERS, SHAPED, BaseType
from labstow.contracts.errors import Invalid, TooDeep
from labstow.contracts.message import DIGITS
from labstow.contracts.resource import MAX_DEPTH, MAX_NODES
from labstow.contracts.ulids import derived_ulid
from labstow.gateway.madsci.contents import placed
from labstow.gateway.madsci.shown import BEYOND

Json = dict[str, Any]


def given(
    body: Json, op_id: str, *, read: bool = False, place: tuple[int, ...] = (), number: Iterator[int] | None = None
) -> Json:
    """Their resource as our `NewResource`: of what they name, what can be told.

    With `read`, the version in it says what they have read. The same for the same operation. `place` is where it is
    in what else the body names, `number` counts all of it.

    Raises:
        Invalid: it has neither a name nor an id, contents in a form that its type does not have, or too many.
        TooDeep: it is nested deeper than anything may be.
    """
    if len(place) >= MAX_DEPTH:
        raise TooDeep(limit=MAX_DEPTH)
    number = number or count(1)
    if next(number) > MAX_NODES:
        raise Invalid(summary=f"more than {MAX_NODES} resources in one request: add in parts, by parent_id", errors=[])
    kind = body.get("base_type", BaseType.RESOURCE)
    kind = kind if isinstance(kind, str) else str(kind)
    beyond = _mapping(body.get(BEYOND))
    ours: Json = {}
    if (name := _name(body, op_id, place)) is not None:
        ours["name"] = name
    for key in ("resource_id", "resource_class", "base_type", "attributes", "owner"):
        if (value := body.get(key)) is not None:
            ours[key] = value
    if isinstance(ours.get("owner"), dict):
        ours["owner"] = {**_mapping(beyond.get("owner")), **ours["owner"]}
    if "resource_description" in body:
        ours["description"] = body["resource_description"]
    if "unit" in body:
        ours["unit"] = body["unit"]
    if read and body.get("version") is not None:
        ours["version"] = body["version"]
    ours |= size(kind, body) | amounts(kind, body)
    if children := body.get("children"):
        ours["children"] = [
            {**given(child, op_id, read=read, place=(*place, index), number=number), "position": at}
            for index, (at, child) in enumerate(placed(kind, children))
        ]
    return ours


def size(kind: str, body: Json) -> Json:
    """The dimensions that the type has, and from what they are counted."""
    if kind not in SHAPED:
        return {}
    found = {key: body[key] for key in SHAPED[BaseType(kind)] if body.get(key) is not None}
    if "columns" not in found and body.get("length") is not None:
        found["columns"] = body["length"]
    if body.get("is_one_indexed") is not None:
        found["one_indexed"] = body["is_one_indexed"]
    return found


def amounts(kind: str, body: Json) -> Json:
    """The quantity where it is not counted, and the capacity where there is one to tell."""
    found: Json = {}
    if kind in CONSUMABLES and body.get("quantity") is not None:
        found["quantity"] = rounded(body["quantity"])
    if "capacity" in body and (kind in CONSUMABLES or kind in CONTAINERS):
        capacity = body["capacity"]
        if capacity is None:
            capacity = _mapping(body.get(BEYOND)).get("capacity")
        if kind != BaseType.SLOT or capacity not in (None, 1):
            found["capacity"] = rounded(capacity)
    return found


def rounded(amount: object) -> object:
    """An amount with as many places as are kept, if it is a float: more are what computing left there."""
    return round(amount, DIGITS["decimal_places"]) if isinstance(amount, float) else amount


def _name(body: Json, op_id: str, place: tuple[int, ...]) -> object:
    """The name, or one made from the prefix and the id; without an id, from the operation and the place in it."""
    if (name := body.get("resource_name")) is not None:
        return name
    id_ = body.get("resource_id")
    if isinstance(prefix := body.get("resource_name_prefix"), str):
        return f"{prefix}_{str(id_ or derived_ulid('name', op_id, *map(str, place)))[-6:]}"
    if id_ is None:
        raise Invalid(summary="resource_name: give one, or a resource_name_prefix", errors=[])
    return None


def _mapping(value: object) -> Json:
    return value if isinstance(value, dict) else {}
