"""Our resources as MADSci's clients read them.

    container, collection, pool   children are an object by key, or by id for what has no position
    slot, stack, queue            a list; index 0 is the bottom, or the front
    row                           a list with a null for each free position
    grid                          a list of rows, filled up with nulls if there are more columns
    voxel grid                    a list of grids, one a layer, filled up likewise (the grids in it are not)

To us the rows and layers of a plate are no resources: they get an id made from that of the plate, and what is in
them is in the plate.
"""

import math
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, Final

import orjson
from orjson import Fragment

from labstow.contracts.base_types import SHAPED, WHOLE, BaseType
from labstow.contracts.ulids import derived_ulid, is_ulid, new_mark

Json = dict[str, Any]
Children = list[Json | Fragment | None] | dict[str, Json | Fragment]

KEPT: Final = 30_000
"""So many things are kept as they were written last, about a kilobyte each."""
BEYOND: Final = "labstow"
COPY: Final = "copy_id"
"""Tells one copy that somebody has of a thing from all others. It comes back with what is written from it."""
SLOT: Final = BaseType.SLOT.value
UNREAD: Final = "too many for one answer: find them by parent_id"

SUMMED: Final = {*SHAPED, BaseType.POOL}
"""Their models make out themselves how much is in these."""

WHOSE = ("user", "experiment", "campaign", "project", "node", "workcell", "lab", "step", "workflow", "manager")
OWNERS: Final = frozenset(f"{who}_id" for who in WHOSE)
"""All that their models keep of an owner, and only if it is a ULID."""


class Told:
    """Something as a worker told it. What has the same key is the same, whenever it is told again."""

    __slots__ = ("json", "key")

    def __init__(self, key: tuple[object, ...], json: Json) -> None:
        self.key, self.json = key, json

    def __hash__(self) -> int:
        return hash(self.key)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Told) and self.key == other.key


def written(thing: Json) -> Json | Fragment:
    """Our `Resource` as theirs, to be written as JSON: what can hold nothing is written once for each version."""
    if thing["base_type"] in INSIDE:
        return shown(thing)
    key = (thing["resource_id"], thing["version"], thing["updated_at"], *(thing.get("index") or ()))
    return Fragment(b'%b,"%b":"%b"}' % (_written(Told(key, thing))[:-1], COPY.encode(), new_mark().encode()))


@lru_cache(KEPT)
def _written(told: Told) -> bytes:
    thing, told.json = told.json, {}  # the memory keeps its key: what was told is not needed any more
    return orjson.dumps(columns(thing))


forget: Final = _written.cache_clear


def shown(thing: Json) -> Json:
    """Our `Resource` as theirs. A container whose children were not read is shown empty."""
    theirs = columns(thing) | {COPY: new_mark()}
    if inside := INSIDE.get(thing["base_type"]):
        theirs["children"] = inside(thing)
        if thing.get("unread"):
            theirs[BEYOND] = {**theirs.get(BEYOND, {}), "children": UNREAD}
        capacity = theirs["capacity"]
        if capacity is not None and thing["base_type"] in SUMMED and _summed(thing) > capacity:
            theirs[BEYOND] = {**theirs.get(BEYOND, {}), "capacity": capacity}
            theirs["capacity"] = None
    return theirs


def columns(thing: Json) -> Json:
    """Our `Resource` as theirs, without what is in it."""
    kind, index, owner = thing["base_type"], thing.get("index"), thing["owner"]
    quantity, capacity, removed_at = thing["quantity"], thing["capacity"], thing["removed_at"]
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
        "key": str(index[len(index) > 1]) if index else thing["position"],
        "attributes": thing["attributes"],
        "rows": thing["rows"],
        "columns": thing["columns"],
        "layers": thing["layers"],
        "quantity": None if quantity is None else _number(quantity, kind),
        "capacity": None if capacity is None else _number(capacity, kind),
        "unit": thing["unit"],
        "template_name": thing["template_name"],
        "created_at": thing["created_at"],
        "updated_at": thing["updated_at"],
        "removed": removed_at is not None,
        "removed_at": removed_at,
        "locked_by": None,
        "locked_until": None,
        "version": thing["version"],
    }
    if kind in SHAPED:
        theirs["is_one_indexed"] = thing["one_indexed"]
    elif kind == SLOT:
        theirs["capacity"] = 1
    if owner:
        theirs["owner"] = known = {who: id_ for who, id_ in owner.items() if who in OWNERS and is_ulid(id_)}
        if len(known) < len(owner):
            theirs[BEYOND] = {"owner": {who: id_ for who, id_ in owner.items() if who not in known}}
    return theirs


def _number(value: str, kind: str) -> int | float:
    """Our exact number as theirs: whole where things are counted."""
    number = float(value)
    return int(number) if kind in WHOLE and number.is_integer() else number


def _by_key(thing: Json) -> Children:
    return {child["position"] or child["resource_id"]: written(child) for child in thing.get("children") or ()}


def _in_line(thing: Json) -> Children:
    return [written(child) for child in thing.get("children") or ()]


def _row(thing: Json) -> Children:
    places: list[Json | Fragment | None] = [None] * thing["columns"]
    for child in thing.get("children") or ():
        places[child["index"][0]] = written(child)
    return places


def _grid(plate: Json) -> Children:
    rows = _rows(plate, plate["resource_id"], plate["name"], plate.get("children") or ())
    return [*rows, *[None] * (plate["columns"] - len(rows))]


def _voxel_grid(plate: Json) -> Children:
    held: list[list[Json]] = [[] for _ in range(plate["layers"])]
    for child in plate.get("children") or ():
        held[child["index"][2]].append(child)
    layers: list[Json | None] = []
    bare = _part(plate, BaseType.GRID, plate["resource_id"])
    for number, children in enumerate(held):
        id_, name = derived_ulid("layer", plate["resource_id"], str(number)), f"{plate['name']}_layer_{number}"
        own = {"resource_id": id_, "resource_name": name, "key": str(number), "quantity": len(children)}
        layers.append({**bare, **own, "children": _rows(plate, id_, name, children)})
    return [*layers, *[None] * (plate["columns"] - len(layers))]


def _rows(plate: Json, id_: str, name: str, children: Sequence[Json]) -> list[Json | None]:
    """The rows of a grid, or of a layer of a voxel grid."""
    wells: list[list[Json | Fragment | None]] = [[None] * plate["columns"] for _ in range(plate["rows"])]
    for child in children:
        index = child["index"]
        wells[index[0]][index[1]] = written(child)
    bare = _part(plate, BaseType.ROW, id_)
    return [
        {
            **bare,
            "resource_id": derived_ulid("row", id_, str(number)),
            "resource_name": f"{name}_row_{number}",
            "key": str(number),
            "quantity": len(row) - row.count(None),
            "children": row,
        }
        for number, row in enumerate(wells)
    ]


def _part(plate: Json, kind: BaseType, parent_id: str) -> Json:
    """What all rows, or all layers, of a plate have in common; they never change by themselves."""
    own: Json = {"base_type": kind.value, "parent_id": parent_id, "updated_at": plate["created_at"], "version": 1}
    own |= {"resource_class": "", "description": None, "owner": {}, "attributes": {}, "unit": None, "index": None}
    own |= {"quantity": None, "capacity": None, "template_name": None, "layers": None}
    return columns({**plate, **own, "rows": None if kind is BaseType.ROW else plate["rows"]})


def _summed(thing: Json) -> float:
    """What their model takes for the quantity of a row, a grid or a pool, and refuses if the capacity is less.

    It adds floats, whatever their units are, with an error that depends on its Python: the larger sum counts.
    """
    parts = [
        _summed(child) if child["base_type"] in (BaseType.ROW, BaseType.GRID) else float(child["quantity"] or 0)
        for child in thing.get("children") or ()
    ]
    return max(sum(parts), math.fsum(parts))


INSIDE: Final[dict[str, Callable[[Json], Children]]] = {
    BaseType.CONTAINER: _by_key,
    BaseType.COLLECTION: _by_key,
    BaseType.POOL: _by_key,
    BaseType.SLOT: _in_line,
    BaseType.STACK: _in_line,
    BaseType.QUEUE: _in_line,
    BaseType.ROW: _row,
    BaseType.GRID: _grid,
    BaseType.VOXEL_GRID: _voxel_grid,
}
"""How what is in a container is shown."""
