"""What is in a container, as MADSci's clients write it: see `shown` for the forms."""

from collections.abc import Iterator
from typing import Any, Final

from labstow.contracts.base_types import CONTAINERS, ORDERED, BaseType
from labstow.contracts.errors import Invalid
from labstow.contracts.positions import MAX_DIMENSION, Position

Json = dict[str, Any]
Placed = Iterator[tuple[Position | None, Json]]

LISTED: Final = ORDERED | {BaseType.SLOT}


def placed(kind: str, children: object) -> Placed:
    """Give each child and its position, out of their form for a type; one given by its id is its id alone.

    Raises:
        Invalid: it is of another form.
    """
    if kind not in CONTAINERS:
        raise Invalid(summary=f"children: a {kind[:80]} cannot have any", errors=[])
    if kind == BaseType.VOXEL_GRID:
        for number, layer in _listed(kind, children):
            yield from ((_place(at, number), child) for at, child in placed(BaseType.GRID, _parts(layer)))
    elif kind == BaseType.GRID:
        for number, row in _listed(kind, children):
            for column, child in _listed(BaseType.ROW, _parts(row)):
                yield [number, column], known(child)
    elif kind == BaseType.ROW:
        yield from ((number, known(child)) for number, child in _listed(kind, children))
    elif kind in LISTED:
        yield from ((None, known(child)) for _, child in _listed(kind, children))
    elif isinstance(children, dict):
        for key, value in children.items():
            child = known(value)
            yield None if kind == BaseType.CONTAINER and child.get("resource_id") == key else key, child
    else:
        raise Invalid(summary=f"children: those of a {kind} are an object, by their keys", errors=[])


def known(child: object) -> Json:
    """Give a child as an object, which may be told by its id alone.

    Raises:
        Invalid: it is something else.
    """
    if isinstance(child, dict):
        return child
    if isinstance(child, str):
        return {"resource_id": child}
    raise Invalid(summary="children: each is an object, or the id of a resource", errors=[])


def _listed(kind: str, children: object) -> Iterator[tuple[int, object]]:
    """What is in a list, with its index."""
    if not isinstance(children, list):
        raise Invalid(summary=f"children: those of a {kind} are a list", errors=[])
    if len(children) > MAX_DIMENSION:
        raise Invalid(summary=f"children: a list has {MAX_DIMENSION} of them at most", errors=[])
    return ((number, child) for number, child in enumerate(children) if child is not None)


def _parts(part: object) -> object:
    """What is in a row or a layer, which has no life of its own."""
    if not isinstance(part, dict):
        raise Invalid(summary="children: each row or layer of a plate is an object", errors=[])
    return part.get("children") or []


def _place(at: Position | None, layer: int) -> Position:
    return [*at, layer] if isinstance(at, list) else [layer]
