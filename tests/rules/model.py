"""A laboratory as simple as can be: write down what is asked, then look whether such a thing can be."""

from collections import defaultdict
from copy import copy
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final

from labstow.contracts.base_types import CONSUMABLES, CONTAINERS, BaseType
from labstow.contracts.positions import letters
from labstow.contracts.resource import NewResource, Patch
from labstow.workers.resource.thing import nodes

COUNTED: Final = frozenset({BaseType.POOL, *CONSUMABLES})


class No(Exception):
    """It cannot be."""


@dataclass
class Node:
    """A thing, as far as it matters to others."""

    kind: BaseType
    name: str
    parent: str | None = None
    place: str | None = None
    quantity: Decimal | None = None
    capacity: Decimal | None = None
    removed: bool = False
    version: int = 1
    sizes: tuple[int, ...] = ()

    def told(self) -> tuple[object, ...]:
        """What a change of is a version more."""
        return (self.name, self.parent, self.place, self.quantity, self.capacity, self.removed)


@dataclass
class Model:
    """All things by id."""

    nodes: dict[str, Node] = field(default_factory=dict)

    def add(self, node: NewResource, parent: str | None) -> None:
        """Add a thing, unless it is there."""
        if (known := self.nodes.get(str(node.resource_id))) is None:
            self.upsert(node, parent)
        elif known.removed or (known.kind, known.name) != (node.base_type, node.name):
            raise No

    def upsert(self, node: NewResource, parent: str | None) -> None:
        """Add or write a thing with everything in it."""
        after = {each: copy(node) for each, node in self.nodes.items()}
        ids = [below.resource_id for below in nodes(node)]
        if len(ids) > len(set(ids)) or (parent is not None and live(after, parent).kind not in CONTAINERS):
            raise No
        self._write(after, node, parent)
        self._become(after)

    def init(self, node: NewResource) -> None:
        """Add a thing, unless one like it is there."""
        alike = [n for n in self.nodes.values() if not n.removed and (n.kind, n.name) == (node.base_type, node.name)]
        if node.resource_id in self.nodes or not alike:
            self.add(node, None)
        elif len(alike) > 1:
            raise No

    def replace(self, node: NewResource) -> None:
        """Write a thing that is there."""
        if node.resource_id not in self.nodes:
            raise No
        self.upsert(node, None)

    def update(self, resource_id: str, patch: Patch, expected: int | None) -> None:
        """Write some fields of a thing."""
        after = {each: copy(node) for each, node in self.nodes.items()}
        node = live(after, resource_id)
        if expected not in (None, node.version):
            raise No
        if "name" in patch.model_fields_set:
            node.name = str(patch.name)
        if "quantity" in patch.model_fields_set:
            if (patch.quantity is not None) is not (node.kind in CONSUMABLES):
                raise No
            node.quantity = patch.quantity if node.kind in CONSUMABLES else node.quantity
        self._become(after)

    def remove(self, resource_id: str) -> None:
        """Remove a thing and what is in it."""
        after = {each: copy(node) for each, node in self.nodes.items()}
        root = live(after, resource_id)
        for each in [key for key in after if resource_id in line(after, key)]:
            after[each].removed = True
        root.parent = root.place = None
        self._become(after)

    def _write(self, after: dict[str, Node], asked: NewResource, parent: str | None) -> None:
        thing = after.get(str(asked.resource_id))
        sizes = tuple(size for size in (asked.rows, asked.columns, asked.layers) if size is not None)
        if thing is None:
            thing = after[str(asked.resource_id)] = Node(asked.base_type, asked.name, sizes=sizes)
            thing.quantity = Decimal(0) if asked.base_type in CONSUMABLES | CONTAINERS else None
            thing.capacity = Decimal(1) if asked.base_type is BaseType.SLOT else None
        if thing.removed or (thing.kind, thing.sizes) != (asked.base_type, sizes):
            raise No
        thing.name = asked.name
        if "quantity" in asked.model_fields_set:
            thing.quantity = asked.quantity
        if "capacity" in asked.model_fields_set and thing.kind is not BaseType.SLOT:
            thing.capacity = asked.capacity
        if parent is not None:
            if thing.parent not in (None, parent):
                raise No
            if thing.parent is None or asked.position is not None:
                thing.place = place(after[parent], asked)
            thing.parent = parent
        for child in asked.children:
            self._write(after, child, asked.resource_id)

    def _become(self, after: dict[str, Node]) -> None:
        """Count what is where, look whether it can be, and give what changed a version."""
        inside = defaultdict(list)
        for key, node in after.items():
            if len(set(path := line(after, key))) < len(path):
                raise No
            if node.parent is not None and not node.removed:
                inside[node.parent].append(node)
        for key, node in after.items():
            if not node.removed:
                weigh(node, inside[key])
        for key, node in after.items():
            before = self.nodes.get(key)
            node.version = before.version if before else 1
            contents = {each for each, other in after.items() if other.parent == key and not other.removed}
            earlier = {each for each, other in self.nodes.items() if other.parent == key and not other.removed}
            if before and (node.told() != before.told() or (contents != earlier and not node.removed)):
                node.version += 1
        self.nodes = after


def live(nodes: dict[str, Node], resource_id: str) -> Node:
    """A thing that is there."""
    if resource_id not in nodes or nodes[resource_id].removed:
        raise No
    return nodes[resource_id]


def line(nodes: dict[str, Node], resource_id: str) -> list[str]:
    """A thing and what it is in; twice the same if that never ends."""
    path = [resource_id]
    while (above := nodes[path[-1]].parent) is not None and path.count(above) < 2:
        path.append(above)
    return path


def place(container: Node, asked: NewResource) -> str | None:
    """The machine says positions as indices from 0, or as texts where they are texts."""
    match container.kind, asked.position:
        case (BaseType.STACK | BaseType.QUEUE, _) | (BaseType.CONTAINER, None):
            return None
        case BaseType.SLOT, None | 0 | "0":
            return "0"
        case (BaseType.CONTAINER | BaseType.COLLECTION | BaseType.POOL, str(text)):
            return text
        case BaseType.ROW, int(column) if 0 <= column < container.sizes[0]:
            return f"{column + 1}"
        case BaseType.GRID | BaseType.VOXEL_GRID, [*indices] if len(indices) == len(container.sizes):
            numbers = [int(index) for index in indices]
            if all(0 <= index < size for index, size in zip(numbers, container.sizes, strict=True)):
                row, column, *layer = numbers
                return ":".join([f"{letters(row)}{column + 1}", *(f"{each + 1}" for each in layer)])
    raise No


def weigh(node: Node, children: list[Node]) -> None:
    """Count a container, and refuse what cannot be."""
    if children and node.kind not in CONTAINERS:
        raise No
    if node.kind is BaseType.POOL:
        if any(child.kind not in CONSUMABLES for child in children):
            raise No
        node.quantity = sum((child.quantity or Decimal(0) for child in children), Decimal(0))
    elif node.kind in CONTAINERS:
        node.quantity = Decimal(len(children))
    places = [child.place for child in children if child.place is not None]
    whole = node.kind is not BaseType.DISCRETE_CONSUMABLE or node.quantity == int(node.quantity or 0)
    fits = node.capacity is None or node.quantity is None or node.quantity <= node.capacity
    if len(places) > len(set(places)) or not whole or not fits:
        raise No
