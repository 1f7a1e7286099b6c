"""The loaded part of the laboratory, as the rules see it."""

from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final

from labstow.contracts.base_types import CONTAINERS, BaseType
from labstow.contracts.errors import Cycle, InvalidPosition, NotAContainer, NotFound, Removed, TooDeep
from labstow.contracts.positions import canonical
from labstow.contracts.resource import MAX_DEPTH, NewResource
from labstow.workers.kit.journal import dumps, stamp
from labstow.workers.kit.noun import Change, Footprint, Wanted
from labstow.workers.resource.thing import Thing, nodes

MAX_WALK: Final = 2 * MAX_DEPTH
"""How far a way up or down is followed. Two who nest at once may exceed the depth; a cycle is found all the same."""


@dataclass
class Lab:
    """Rows and what leads to them. `complete` when everything there is is here: the in-memory store.

    Whatever is asked for and was not loaded is `Wanted`; what the batch itself changed is known. Rows in `things` are
    locked; `parents` also knows the way up from things that are not, which holds while the tree is locked.
    """

    complete: bool = False
    tree_locked: bool = False
    things: dict[str, Thing | None] = field(default_factory=dict)
    spots: dict[tuple[str, str], str | None] = field(default_factory=dict)
    children: dict[str, list[str]] = field(default_factory=dict)
    parents: dict[str, str | None] = field(default_factory=dict)
    matches: dict[str, list[str]] = field(default_factory=dict)

    def find(self, resource_id: str) -> Thing | None:
        """The thing with this id, also when it was removed."""
        if resource_id not in self.things and not self.complete:
            raise Wanted(Footprint(rows={resource_id}))
        return self.things.get(resource_id)

    def thing(self, resource_id: str) -> Thing:
        """The thing with this id.

        Raises:
            NotFound: there is none.
            Removed: it was removed.
        """
        found = self.find(resource_id)
        if found is None:
            raise NotFound(resource_id=resource_id)
        if found.removed_at is not None:
            raise Removed(resource_id=resource_id, removed_at=stamp(found.removed_at))
        return found

    def container(self, resource_id: str) -> Thing:
        """The thing with this id, which can hold others.

        Raises:
            NotAContainer: it cannot.
        """
        found = self.thing(resource_id)
        if not found.is_container:
            raise NotAContainer(resource_id=found.id, name=found.name, base_type=found.base_type)
        return found

    def occupant(self, container: Thing, position: str) -> str | None:
        """Who is at a position. Protected by the lock of the container."""
        spot = (container.id, position)
        if spot not in self.spots and not self.complete and container.id not in self.children:
            raise Wanted(Footprint(spots={spot}))
        return self.spots.get(spot)

    def foresee(self, tree: NewResource) -> None:
        """Have at hand what writing a tree looks at in all known things in it, rather than want one after the other.

        What a tree says wrong is refused where it is written.
        """
        if self.complete:
            return
        wanted, pools = Footprint(), []
        for node in nodes(tree):
            if node.resource_id is None:
                continue
            if node.resource_id not in self.things:
                wanted.rows.add(node.resource_id)
            elif (known := self.things[node.resource_id]) is not None and known.removed_at is None:
                wanted.spots |= self._spots(known, node)
                if known.base_type is BaseType.POOL and "unit" in node.model_fields_set and node.unit != known.unit:
                    pools.append(known)
        if wanted.rows or wanted.spots:
            raise Wanted(wanted)
        self.contents(*pools)

    def contents(self, *roots: Thing) -> list[Thing]:
        """Everything in some things, parents first."""
        ids = [root.id for root in roots if root.is_container]
        if (closed := set(ids) - self.children.keys()) and not self.complete:
            raise Wanted(Footprint(subtrees=closed))
        outside = len(ids)
        for resource_id in ids:
            ids.extend(self.children.get(resource_id, ()))
        if missing := set(ids) - self.things.keys():
            raise Wanted(Footprint(rows=missing))
        return [self.thing(resource_id) for resource_id in ids[outside:]]

    def levels(self, trees: Sequence[NewResource]) -> int:
        """How many levels of containers the deepest of these trees will have, with what is in the known things in it;
        0 for things that cannot contain anything.
        """
        named = [node.resource_id for tree in trees for node in nodes(tree) if node.resource_id is not None]
        known = {found.id: found for resource_id in named if (found := self.find(resource_id)) is not None}
        loose = [found for found in known.values() if found.parent_id is None]
        below: dict[str | None, int] = {}
        for thing in reversed(self.contents(*loose)):
            own = thing.is_container + below.get(thing.id, 0)
            below[thing.parent_id] = max(own, below.get(thing.parent_id, 0))

        def levels(node: NewResource) -> int:
            if known.get(node.resource_id or "", node).base_type not in CONTAINERS:
                return 0
            return 1 + max(below.get(node.resource_id, 0), *map(levels, node.children), 0)

        return max(map(levels, trees), default=0)

    def refuse_cycle(self, child: Thing, container: Thing) -> None:
        """Refuse to put a thing into itself. Sound only while the tree is locked.

        Raises:
            Cycle: the container is the child, or in it.
        """
        if not (self.tree_locked or self.complete):
            raise Wanted(Footprint(lines={container.id}, tree=True))
        if child.id in self._line(container):
            raise Cycle(name=child.name, resource_id=child.id, parent_id=container.id)

    def refuse_depth(self, container: Thing | None, levels: int) -> None:
        """Refuse to nest deeper than the hierarchy is ever walked.

        Raises:
            TooDeep: `levels` more below the container are too many.
        """
        if levels and levels + (len(self._line(container)) if container is not None else 0) > MAX_DEPTH:
            raise TooDeep(limit=MAX_DEPTH)

    def matching(self, key: str, wanted: NewResource) -> list[Thing]:
        """Live things that are what a definition says; two are enough to know that it is ambiguous."""
        if key not in self.matches and not self.complete:
            raise Wanted(Footprint(definitions={key: definition(wanted)}))
        known = [self.find(resource_id) for resource_id in self.matches.get(key, ())]
        here = [thing for thing in self.things.values() if thing is not None and thing not in known]
        return [thing for thing in (*known, *here) if thing is not None and _is(thing, wanted)]

    def apply(self, changes: Iterable[Change[Thing]]) -> None:
        """Make an outcome part of the lab, for the commands that follow."""
        for new, _ in changes:
            old = self.things.get(new.id)
            if old is None and new.is_container:
                self.children.setdefault(new.id, [])
            if old is not None and old.parent_id is not None:
                if old.position is not None and self.spots.get((old.parent_id, old.position)) == old.id:
                    self.spots[old.parent_id, old.position] = None
                if old.parent_id != new.parent_id and old.id in self.children.get(old.parent_id, ()):
                    self.children[old.parent_id].remove(old.id)
            if new.parent_id is not None:
                if new.position is not None:
                    self.spots[new.parent_id, new.position] = new.id
                if (old is None or old.parent_id != new.parent_id) and new.parent_id in self.children:
                    self.children[new.parent_id].append(new.id)
            self.things[new.id] = new

    def _spots(self, container: Thing, node: NewResource) -> set[tuple[str, str]]:
        """Positions of a container that a tree names, as far as it is not known who is there."""
        spots: set[tuple[str, str]] = set()
        for child in node.children if container.id not in self.children else ():
            with suppress(InvalidPosition):
                if (position := canonical(container.geometry, child.position)) is not None:
                    spots.add((container.id, position))
        return spots - self.spots.keys()

    def _line(self, start: Thing) -> list[str]:
        """The thing and what it is in, closest first."""
        line: list[str] = [start.id]
        for resource_id in line:
            known = self.things.get(resource_id)
            if known is None and resource_id not in self.parents and not self.complete:
                raise Wanted(Footprint(lines={start.id}))
            above = known.parent_id if known is not None else self.parents.get(resource_id)
            if above is not None and len(line) <= MAX_WALK:
                line.append(above)
        return line


def definition(wanted: NewResource) -> dict[str, object]:
    """What a thing is looked up by."""
    return {
        "name": wanted.name,
        "resource_class": wanted.resource_class,
        "base_type": wanted.base_type,
        "owner": wanted.owner,
        "attributes": wanted.attributes,
    }


def definition_key(node: NewResource) -> str:
    """One text for one definition."""
    return dumps(definition(node)).decode()


def _is(thing: Thing, wanted: NewResource) -> bool:
    """The same rule as the search in the database: equal name, class and type; owner and attributes contained."""
    return (
        thing.removed_at is None
        and (thing.name, thing.resource_class, thing.base_type)
        == (wanted.name, wanted.resource_class, wanted.base_type)
        and _contains(thing.owner, wanted.owner)
        and _contains(thing.attributes, wanted.attributes)
    )


def _contains(whole: object, part: object) -> bool:
    """JSON containment, as Postgres has it (`@>`), for what stands under the same keys."""
    if isinstance(whole, dict) and isinstance(part, dict):
        return all(key in whole and _contains(whole[key], value) for key, value in part.items())
    if isinstance(whole, list) and isinstance(part, list):
        return all(any(_contains(item, value) for item in whole) for value in part)
    return (type(whole) is type(part) and whole == part) or (
        isinstance(whole, int | float)
        and isinstance(part, int | float)
        and not isinstance(whole, bool)
        and not isinstance(part, bool)
        and whole == part
    )
