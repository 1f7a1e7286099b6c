"""What is in a container, as MADSci's clients write and read it.

    container, collection, pool   an object by key, or by id for what has no position
    slot, stack, queue            a list; index 0 is the bottom, or the front
    row                           a list with a null for each free position
    grid                          a list of rows, filled up with nulls if there are more columns
    voxel grid                    a list of grids, one a layer, filled up likewise (the grids in it are not)

To us the rows and layers of a plate are no resources: they get an id made from that of the plate, and what is in
them is in the plate.
"""

from collections.abc import Iterator, Sequence
from typing import Any, Final

from labstow.contracts.base_types import CONTAINERS, ORDERED, BaseType
from labstow.contracts.errors import Invalid
from labstow.contracts.positions import Position
from labstow.contracts.ulids import derived_ulid

Json = dict[str, Any]
Placed = Iterator[tuple[Position | None, Json]]

LISTED: Final = ORDERED | {BaseType.SLOT}


def placed(kind: str, children: object) -> Placed:
    """Give each child and its position, out of their form for a type.

    Raises:
        Invalid: it is of another form.
    """
    if kind not in CONTAINERS:
        raise Invalid(summary=f"children: a {kind[:80]} cannot have any", errors=[])
    if kind == BaseType.VOXEL_GRID:
        for number, layer in _listed(kind, children):
            yield from ((_place(at, number), child) for at, child in placed(BaseType.GRID, layer.get("children") or []))
    elif kind == BaseType.GRID:
        for number, row in _listed(kind, children):
            for column, child in _listed(BaseType.ROW, row.get("children") or []):
                yield [number, column], child
    elif kind == BaseType.ROW:
        yield from _listed(kind, children)
    elif kind in LISTED:
        yield from ((None, child) for _, child in _listed(kind, children))
    elif isinstance(children, dict):
        for key, child in children.items():
            unordered = kind == BaseType.CONTAINER and _object(child).get("resource_id") == key
            yield None if unordered else key, _object(child)
    else:
        raise Invalid(summary=f"children: those of a {kind} are an object, by their keys", errors=[])


def rows(grid: Json) -> list[Json | None]:
    """Give the rows of a grid as if they were resources."""
    held: list[list[Json]] = [[] for _ in range(grid["rows"])]
    for child in grid.get("children") or ():
        held[child["index"][0]].append(child)
    found = [_part(grid, BaseType.ROW, number, children, rows=None) for number, children in enumerate(held)]
    return _padded(found, 0 if grid.get("part") else grid["columns"])


def layers(voxels: Json) -> list[Json | None]:
    """Give the layers of a voxel grid as if they were grids."""
    held: list[list[Json]] = [[] for _ in range(voxels["layers"])]
    for child in voxels.get("children") or ():
        held[child["index"][2]].append(child)
    found = [_part(voxels, BaseType.GRID, number, children, layers=None) for number, children in enumerate(held)]
    return _padded(found, voxels["columns"])


def column(index: Sequence[int]) -> int:
    """Give the column, from 0, of an index in a row, grid or voxel grid; elsewhere the only number there is."""
    return index[0] if len(index) == 1 else index[1]


def _listed(kind: str, children: object) -> Iterator[tuple[int, Json]]:
    """What is in a list, with its index."""
    if not isinstance(children, list):
        raise Invalid(summary=f"children: those of a {kind} are a list", errors=[])
    return ((number, _object(child)) for number, child in enumerate(children) if child is not None)


def _object(child: object) -> Json:
    if isinstance(child, dict):
        return child
    if isinstance(child, str):
        raise Invalid(summary="children: a child given by its id is not served yet, send the whole child", errors=[])
    raise Invalid(summary="children: each is an object", errors=[])


def _place(at: Position | None, layer: int) -> Position:
    return [*at, layer] if isinstance(at, list) else [layer]


def _part(whole: Json, kind: BaseType, number: int, children: list[Json], **shape: None) -> Json:
    """A row or layer of a plate in the form of a resource, which never changes by itself."""
    word = "row" if kind is BaseType.ROW else "layer"
    return {
        **whole,
        "part": True,
        "resource_id": derived_ulid(word, whole["resource_id"], str(number)),
        "name": f"{whole['name']}_{word}_{number}",
        "resource_class": "",
        "base_type": kind,
        "description": None,
        "owner": {},
        "attributes": {},
        "parent_id": whole["resource_id"],
        "position": str(number),
        "index": None,
        "quantity": len(children),
        "capacity": None,
        "unit": None,
        "template_name": None,
        "updated_at": whole["created_at"],
        "version": 1,
        "children": children,
        **shape,
    }


def _padded(parts: Sequence[Json], length: int) -> list[Json | None]:
    return [*parts, *[None] * (length - len(parts))]
