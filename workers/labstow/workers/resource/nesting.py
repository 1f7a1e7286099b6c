"""What is in what, at any depth: contents, cycles, and how deep things are nested."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Final

from labstow.contracts.base_types import CONTAINERS, BaseType
from labstow.contracts.errors import Cycle, TooDeep, TooMany
from labstow.contracts.resource import MAX_DEPTH, NewResource
from labstow.workers.kit.noun import Wanted
from labstow.workers.resource.footprint import Footprint
from labstow.workers.resource.lab import Lab
from labstow.workers.resource.thing import Thing, nodes

MAX_WALK: Final = 2 * MAX_DEPTH
"""How far a way up or down is followed. Two who nest at once may exceed the depth; a cycle is found all the same."""
MAX_CONTENTS: Final = 10_000
"""As much as is removed, restored or moved as one: a rack of a hundred full plates."""


def contents(lab: Lab, *roots: Thing) -> list[Thing]:
    """Everything in some things, parents first.

    Raises:
        TooMany: for one transaction.
    """
    ids = _open(lab, *roots)
    outside = len(ids)
    for resource_id in ids:
        ids.extend(lab.children.get(resource_id, ()))
        if len(ids) - outside > MAX_CONTENTS:
            raise TooMany(count=f"more than {MAX_CONTENTS}", limit=MAX_CONTENTS, instead="do it in parts")
    inside = _all(lab, ids[outside:])
    _open(lab, *inside)  # what the batch itself put there brought something along
    return inside


def children(lab: Lab, container: Thing) -> list[Thing]:
    """What is directly in a thing.

    Raises:
        TooMany: for one transaction.
    """
    ids = [child for root in _open(lab, container) for child in lab.children.get(root, ())]
    if len(ids) > MAX_CONTENTS:
        raise TooMany(count=len(ids), limit=MAX_CONTENTS, instead="do it in parts")
    return _all(lab, ids)


def height(lab: Lab, *roots: Thing) -> int:
    """How many levels of containers are in the deepest of some things.

    Asked of the database, for it costs nothing there that most things hold no containers.
    """
    inner = [root for root in roots if holds(root)]
    if lab.complete:
        return max((levels_of(root, [root, *contents(lab, root)]) - 1 for root in inner), default=0)
    if unknown := {root.id for root in inner} - lab.heights.keys():
        raise Wanted(Footprint(heights=unknown))
    return max((lab.heights[root.id] for root in inner), default=0)


def levels(lab: Lab, trees: Sequence[NewResource], *, moving: Thing | None = None) -> int:
    """How many levels of containers the deepest of these trees will have, with what is in the known things in it that
    are nowhere, or that are on their way; 0 for things that cannot contain anything.
    """
    all_nodes = [node for tree in trees for node in nodes(tree)]
    named = [node.resource_id for node in all_nodes if node.resource_id is not None]
    known = {found.id: found for resource_id in named if (found := lab.find(resource_id)) is not None}
    kinds = {*(node.base_type for node in all_nodes), *(thing.base_type for thing in known.values())}
    if not kinds & CONTAINERS:
        return 0
    coming = {each: found for each, found in known.items() if found.parent_id is None or found is moving}
    height(lab, *coming.values())

    def deepest(node: NewResource) -> int:
        if known.get(node.resource_id or "", node).base_type not in CONTAINERS:
            return 0
        inside = height(lab, coming[node.resource_id]) if node.resource_id in coming else 0
        return 1 + max(inside, *map(deepest, node.children), 0)

    return max(map(deepest, trees), default=0)


def levels_of(root: Thing, things: Iterable[Thing]) -> int:
    """How many levels of containers a thing has, of which everything that is in it is given, in any order."""
    inside: dict[str | None, list[Thing]] = defaultdict(list)
    for thing in things:
        if thing.is_container and thing.id != root.id:
            inside[thing.parent_id].append(thing)
    level, count = [root] if root.is_container else [], 0
    while level:
        level, count = [below for thing in level for below in inside[thing.id]], count + 1
    return count


def holds(thing: Thing) -> bool:
    """Whether something is in it; of a pool that is not known."""
    return thing.is_container and (bool(thing.quantity) or thing.base_type is BaseType.POOL)


def _open(lab: Lab, *roots: Thing) -> list[str]:
    """Those of some things in which something is, if it is known what."""
    ids = [root.id for root in roots if holds(root)]
    if not lab.complete and (closed := set(ids) - lab.children.keys()):
        raise Wanted(Footprint(subtrees=closed))
    return ids


def _all(lab: Lab, ids: list[str]) -> list[Thing]:
    if not lab.complete and (missing := set(ids) - lab.things.keys()):
        raise Wanted(Footprint(rows=missing))
    return [lab.thing(resource_id) for resource_id in ids]


def refuse_cycle(lab: Lab, child: Thing, container: Thing) -> None:
    """Refuse to put a thing into itself. Sound only while the tree is locked.

    Raises:
        Cycle: the container is the child, or in it.
    """
    if not (lab.tree_locked or lab.complete):
        inside = {child.id} if holds(child) else set()
        raise Wanted(Footprint(lines={container.id}, tree=True, heights=inside))
    if child.id in line(lab, container):
        raise Cycle(name=child.name, resource_id=child.id, parent_id=container.id)


def refuse_depth(lab: Lab, container: Thing | None, levels: int) -> None:
    """Refuse to nest deeper than the hierarchy is ever walked.

    Raises:
        TooDeep: `levels` more below the container are too many.
    """
    if levels and levels + (len(line(lab, container)) if container is not None else 0) > MAX_DEPTH:
        raise TooDeep(limit=MAX_DEPTH)


def line(lab: Lab, start: Thing) -> list[str]:
    """The thing and what it is in, closest first."""
    found: list[str] = [start.id]
    for resource_id in found:
        known = lab.things.get(resource_id)
        if known is None and resource_id not in lab.parents and not lab.complete:
            raise Wanted(Footprint(lines={start.id}))
        above = known.parent_id if known is not None else lab.parents.get(resource_id)
        if above is not None and len(found) <= MAX_WALK:
            found.append(above)
    return found
