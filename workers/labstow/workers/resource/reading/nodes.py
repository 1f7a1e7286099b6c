"""Resources as they are answered: each one's JSON is written once, and put together to trees."""

from functools import lru_cache
from typing import Any, Final, NamedTuple

import orjson

from labstow.contracts.base_types import CONTAINERS, KEYED, ORDERED, BaseType
from labstow.contracts.errors import NotFound, Removed
from labstow.contracts.positions import Geometry, index
from labstow.workers.kit.journal import dumps, stamp
from labstow.workers.resource.thing import Thing, state

Index = tuple[int, ...]
BRIEF: Final = ("resource_id", "name", "resource_class", "base_type", "position", "quantity", "capacity", "unit")


class Node(NamedTuple):
    """A resource to be answered: what its place in a tree depends on, and its JSON."""

    id: str
    parent_id: str | None
    position: str | None
    order: int | None
    """In a stack or queue: what comes later has the higher one."""
    geometry: Geometry
    removed_at: str | None
    json: bytes
    """The fields of `Resource` besides `index` and `children`, without the closing brace."""

    @property
    def is_container(self) -> bool:
        """Whether it can hold other things."""
        return self.geometry.base_type in CONTAINERS

    @property
    def state(self) -> dict[str, Any]:
        """Its fields."""
        fields: dict[str, Any] = orjson.loads(self.json + b"}")
        return fields


Inside = dict[str, list[Node]]
"""What is directly in what, in no order."""


class Found(NamedTuple):
    """What was found, in its order, and what is in it."""

    roots: list[Node]
    inside: Inside


def node(of: Thing) -> Node:
    """A thing as it is now."""
    position = None if of.parent_id is None else of.position
    removed_at = None if of.removed_at is None else stamp(of.removed_at)
    return Node(of.id, of.parent_id, position, of.order_seq, of.geometry, removed_at, dumps(state(of))[:-1])


def past_node(written: str) -> Node:
    """A thing as a journal entry has it."""
    was = orjson.loads(written)
    geometry = Geometry(BaseType(was["base_type"]), was["rows"], was["columns"], was["layers"], was["one_indexed"])
    json = written.rstrip().removesuffix("}").encode()
    return Node(
        was["resource_id"], was["parent_id"], was["position"], was.get("order"), geometry, was["removed_at"], json
    )


def found(rows: list[tuple[int | None, Node]]) -> Found:
    """Nodes that are numbered are what was found; all others are in them."""
    inside: Inside = {}
    roots = []
    for number, each in rows:
        if number is not None:
            roots.append((number, each))
        elif each.parent_id is not None:
            inside.setdefault(each.parent_id, []).append(each)
    return Found([root for _, root in sorted(roots, key=lambda one: one[0])], inside)


def present(resource_id: str, asked: Node | None, *, removed: bool = False) -> Node:
    """A node that was asked for.

    Raises:
        NotFound: there is none.
        Removed: unless `removed` allows that.
    """
    if asked is None:
        raise NotFound(resource_id=resource_id)
    if asked.removed_at is not None and not removed:
        raise Removed(resource_id=resource_id, removed_at=asked.removed_at)
    return asked


def alone(root: Node) -> bytes:
    """A resource as JSON."""
    return root.json + b"}"


def tree(root: Node, inside: Inside) -> bytes:
    """A resource with everything in it, as JSON."""
    if not root.is_container:
        return root.json + _NOWHERE
    parts: list[bytes] = []
    _write(parts, root, None, inside)
    return b"".join(parts)


def branch(root: Node, inside: Inside, at: Index | None = None) -> dict[str, Any]:
    """A resource with everything in it, in short."""
    fields = root.state
    below = [branch(child, inside, place) for place, child in placed(root, inside)]
    return {name: fields[name] for name in BRIEF} | {"index": at, "children": below}


def placed(container: Node, inside: Inside) -> list[tuple[Index | None, Node]]:
    """What is directly in a container, by position, with its index."""
    children = inside.get(container.id)
    if not children:
        return []
    kind, geometry = container.geometry.base_type, container.geometry
    if kind in ORDERED:
        line = sorted(children, key=lambda child: (child.order or 0, child.id))
        return [((number,), child) for number, child in enumerate(line)]
    if kind in KEYED:
        return [(None, child) for child in sorted(children, key=lambda child: (child.position or "", child.id))]
    spots = [(_index(geometry, child.position or ""), child) for child in children]
    return [*sorted(spots, key=lambda spot: spot[0])]


_index = lru_cache(20_000)(index)


def _write(parts: list[bytes], root: Node, at: Index | None, inside: Inside) -> None:
    """A container with everything in it."""
    parts += (root.json, _written(at), b',"children":[')
    for place, child in placed(root, inside):
        if child.is_container:
            _write(parts, child, place, inside)
        else:
            parts += (child.json, _written(place), b"}")
        parts.append(b",")
    if parts[-1] == b",":
        parts.pop()
    parts.append(b"]}")


@lru_cache(20_000)
def _written(at: Index | None) -> bytes:
    return b',"index":' + orjson.dumps(at)


_NOWHERE: Final = _written(None) + b"}"
