"""A laboratory as simple as can be: write down what is asked, then look whether such a thing can be."""

from collections import defaultdict
from copy import copy
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final

from labstow.contracts.base_types import CONSUMABLES, CONTAINERS, LINED, ORDERED, BaseType
from labstow.contracts.positions import Position, letters
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
    stand: int | None = None
    """When it came into the stack, queue or slot it is in."""
    newest: int = 0
    """When the last one came into it; that may be gone by now."""
    home: tuple[str | None, str | None, int | None] = (None, None, None)
    """Where it was when it was removed."""
    removal: int | None = None
    quantity: Decimal | None = None
    capacity: Decimal | None = None
    removed: bool = False
    version: int = 1
    sizes: tuple[int, ...] = ()

    def told(self) -> tuple[object, ...]:
        """What a change of is a version more."""
        return (self.name, self.parent, self.place, self.stand, self.quantity, self.capacity, self.removed)

    def leave(self) -> None:
        """Be nowhere."""
        self.parent = self.place = self.stand = None


@dataclass
class Model:
    """All things by id."""

    nodes: dict[str, Node] = field(default_factory=dict)
    events: int = 0
    """Counts what happens, so that it has an order."""

    def add(self, node: NewResource, parent: str | None) -> None:
        """Add a thing, unless it is there."""
        if (known := self.nodes.get(str(node.resource_id))) is None:
            self.upsert(node, parent)
        elif known.removed or (known.kind, known.name) != (node.base_type, node.name):
            raise No

    def upsert(self, node: NewResource, parent: str | None) -> None:
        """Add or write a thing with everything in it."""
        after = self._copy()
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
        after = self._copy()
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
        after = self._copy()
        root = live(after, resource_id)
        for each in [key for key in after if resource_id in line(after, key)]:
            after[each].removed, after[each].removal = True, self.events
        root.home = (root.parent, root.place, root.stand)
        root.leave()
        self._become(after)

    def restore(self, resource_id: str) -> None:
        """Bring back what was removed together, to where it was or to nowhere."""
        after = self._copy()
        asked = after.get(resource_id)
        if asked is None or not asked.removed:
            raise No
        together = [node for node in after.values() if node.removed and node.removal == asked.removal]
        for node in together:
            node.removed, node.removal = False, None
        (root,) = (node for node in together if node.parent is None)
        home, nowhere = root.home, {each: copy(node) for each, node in after.items()}
        if home[0] is not None and home[0] in after and not after[home[0]].removed:
            root.parent, root.place, root.stand = home
            try:
                self._become(after)
            except No:
                self._become(nowhere)
        else:
            self._become(nowhere)

    def place(self, container: str, node: NewResource, *, replace: bool, move: bool, push: bool = False) -> None:
        """Put something new or known into a container."""
        after = self._copy()
        ids = [below.resource_id for below in nodes(node)]
        kind = live(after, container).kind
        if (
            len(ids) > len(set(ids))
            or kind not in (LINED if push else CONTAINERS)
            or (push and node.position is not None)
        ):
            raise No
        if (child := after.get(str(node.resource_id))) is not None:
            self._write(after, node.model_copy(update={"position": None}), child.parent)
            self._free(after, child, container, move=move)
        elif any(self._is_elsewhere(after, below, above) for above in nodes(node) for below in above.children):
            raise No  # what is new comes with what is in it, before anybody makes room for it
        if replace:
            self._evict(after, container, node)
        self._write(after, node, container)
        self._become(after, container if container in after and after[container].kind in LINED else None)

    def move(self, resource_id: str, container: str | None, position: Position | None, *, replace: bool) -> None:
        """Put a known thing somewhere else."""
        after = self._copy()
        child = live(after, resource_id)
        if container is None:
            child.leave()
        else:
            if live(after, container).kind not in CONTAINERS:
                raise No
            node = NewResource.model_construct(
                {"resource_id"}, resource_id=resource_id, position=position, children=(), base_type=child.kind
            )
            self._free(after, child, container, move=True)
            if replace:
                self._evict(after, container, node)
            self._put(after, child, container, position)
        self._become(after, container if container in after and after[container].kind in LINED else None)

    def take(self, container: str, position: Position | None, resource_id: str | None) -> None:
        """Take something out of a container."""
        after = self._copy()
        holding = live(after, container)
        if resource_id is None and holding.kind not in ORDERED:
            inside = [node for node in after.values() if node.parent == container and node.place == position]
        else:
            inside = [node for key, node in after.items() if key == resource_id and node.parent == container]
        if not inside or (inside[0].place is None and resource_id is None):
            raise No
        inside[0].leave()
        self._become(after)

    def pop(self, container: str) -> str:
        """Take what is next; tell who it was."""
        after = self._copy()
        if live(after, container).kind not in LINED:
            raise No
        inside = {key: node.stand or 0 for key, node in after.items() if node.parent == container and not node.removed}
        if not inside:
            raise No
        taken = (min if after[container].kind is BaseType.QUEUE else max)(inside, key=lambda key: inside[key])
        after[taken].leave()
        self._become(after)
        return taken

    def swap(self, one: str, other: str) -> None:
        """Let two things change places."""
        after = self._copy()
        first, second = live(after, one), live(after, other)
        if one == other:
            raise No
        here, there = (first.parent, first.place, first.stand), (second.parent, second.place, second.stand)
        first.parent, first.place, first.stand = there
        second.parent, second.place, second.stand = here
        self._become(after, here[0], there[0])

    def empty(self, resource_id: str) -> None:
        """Leave nothing in a thing."""
        after = self._copy()
        node = live(after, resource_id)
        if node.kind in CONSUMABLES:
            node.quantity = Decimal(0)
        elif node.kind not in CONTAINERS:
            raise No
        for child in after.values():
            if child.parent == resource_id:
                child.leave()
        self._become(after)

    def change(self, resource_id: str, by: Decimal) -> None:
        """Add to what there is, or take from it."""
        after = self._copy()
        node = live(after, resource_id)
        if node.kind not in CONSUMABLES or node.quantity is None or node.quantity + by < 0:
            raise No
        node.quantity += by
        self._become(after)

    def limit(self, resource_id: str, capacity: Decimal | None) -> None:
        """Write how much fits."""
        after = self._copy()
        node = live(after, resource_id)
        if node.kind not in CONSUMABLES | CONTAINERS or (node.kind is BaseType.SLOT and capacity != 1):
            raise No
        node.capacity = capacity
        self._become(after)

    def _copy(self) -> dict[str, Node]:
        self.events += 1
        return {each: copy(node) for each, node in self.nodes.items()}

    def _is_elsewhere(self, after: dict[str, Node], below: NewResource, above: NewResource) -> bool:
        """Whether something is in something else than a tree says."""
        known = after.get(str(below.resource_id))
        return known is not None and known.parent not in (None, above.resource_id)

    def _free(self, after: dict[str, Node], child: Node, container: str, *, move: bool) -> None:
        """Take a thing out of where it is, if it is to go somewhere else."""
        if child.removed:
            raise No
        last = after[container].kind not in ORDERED or child.stand == after[container].newest
        if child.parent is not None and (child.parent != container or not last):
            if not move:
                raise No
            child.leave()

    def _evict(self, after: dict[str, Node], container: str, node: NewResource) -> None:
        where = place(after[container], node)
        for key, other in after.items():
            if where is not None and (other.parent, other.place) == (container, where) and key != node.resource_id:
                other.leave()

    def _put(self, after: dict[str, Node], thing: Node, parent: str, position: Position | None) -> None:
        """Have a thing in a container."""
        if thing.parent not in (None, parent):
            raise No
        if thing.parent is None or position is not None:
            at = NewResource.model_construct({"position"}, position=position)
            thing.place = place(after[parent], at)
        if thing.parent is None and after[parent].kind in LINED:
            self.events += 1
            thing.stand = after[parent].newest = self.events
        thing.parent = parent

    def _write(self, after: dict[str, Node], asked: NewResource, parent: str | None) -> None:
        thing = after.get(str(asked.resource_id))
        sizes = tuple(size for size in (asked.rows, asked.columns, asked.layers) if size is not None)
        if thing is None:
            thing = after[str(asked.resource_id)] = Node(asked.base_type, str(asked.name), sizes=sizes)
            thing.quantity = Decimal(0) if asked.base_type in CONSUMABLES | CONTAINERS else None
            thing.capacity = Decimal(1) if asked.base_type is BaseType.SLOT else None
        if thing.removed or (thing.kind, thing.sizes) != (asked.base_type, sizes):
            raise No
        thing.name = str(asked.name)
        if "quantity" in asked.model_fields_set:
            thing.quantity = asked.quantity
        if "capacity" in asked.model_fields_set and thing.kind is not BaseType.SLOT:
            thing.capacity = asked.capacity
        if parent is not None:
            self._put(after, thing, parent, asked.position)
        for child in asked.children:
            self._write(after, child, asked.resource_id)

    def _become(self, after: dict[str, Node], *touched: str | None) -> None:
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
            contents, earlier = (inside_of(some, key, places=key in touched) for some in (after, self.nodes))
            if before and (node.told() != before.told() or (contents != earlier and not node.removed)):
                node.version += 1
        self.nodes = after


def inside_of(nodes: dict[str, Node], container: str, *, places: bool) -> set[tuple[object, ...]]:
    """Who is in a container, and where, if that matters."""
    here = ((key, node) for key, node in nodes.items() if node.parent == container and not node.removed)
    return {(key, node.place, node.stand) if places else (key,) for key, node in here}


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
