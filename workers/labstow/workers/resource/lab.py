"""The loaded part of the laboratory, as the rules see it."""

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import Any

from labstow.contracts.errors import NotAContainer, NotFound, Removed
from labstow.contracts.resource import MAX_DEPTH, NewResource
from labstow.workers.kit.journal import stamp
from labstow.workers.kit.noun import Outcome, Wanted
from labstow.workers.lock.lease import Lease
from labstow.workers.lock.policy import Policies
from labstow.workers.resource.footprint import Footprint, Spot
from labstow.workers.resource.line import Line, whole_line
from labstow.workers.resource.matching import definition, matches
from labstow.workers.resource.thing import Thing
from labstow.workers.resource.units import STANDARD, Units


@dataclass
class Lab:
    """Rows and what leads to them. `complete` when everything there is is here: the in-memory store.

    Whatever is asked for and was not loaded is `Wanted`; what the batch itself changed is known. Rows in `things` are
    locked; `parents` also knows the way up from things that are not, which holds while the tree is locked.
    """

    complete: bool = False
    tree_locked: bool = False
    alone: bool = False
    """Whether nobody else waits for what is decided here."""
    units: Units = STANDARD
    things: dict[str, Thing | None] = field(default_factory=dict)
    spots: dict[Spot, str | None] = field(default_factory=dict)
    lines: dict[str, Line] = field(default_factory=dict)
    children: dict[str, list[str]] = field(default_factory=dict)
    parents: dict[str, str | None] = field(default_factory=dict)
    found: dict[str, list[str]] = field(default_factory=dict)
    """What matches a definition, by key."""
    made: dict[tuple[str, str], list[str]] = field(default_factory=dict)
    """What was made, by the name of its template and its own."""
    heights: dict[str, int] = field(default_factory=dict)
    """How many levels of containers are in a thing; not fewer, if the batch itself took some out."""
    past: dict[tuple[str, int], dict[str, Any] | None] = field(default_factory=dict)
    """States of things at earlier versions; None for those they never had."""
    copies: dict[tuple[str, int, str], list[dict[str, Any]]] = field(default_factory=dict)
    """Changes of things since a version under operation ids of a mark, in order."""
    removals: dict[str, list[str]] = field(default_factory=dict)
    """What was removed together, by the id of the removal and by those of what it took."""
    templates: dict[tuple[str, int | None], dict[str, Any] | None] = field(default_factory=dict)
    """States of templates; None for what does not exist."""
    attached: dict[str, str | None] = field(default_factory=dict)
    """Names of the locations that have things attached."""
    leases: dict[str, Lease] = field(default_factory=dict)
    """Leases of what is loaded, all on whole subtrees, and those that are presented, by resource."""
    policies: Policies = field(default_factory=dict)
    strict: bool = False
    """Whether a lenient lease binds as any other does."""

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

    def line(self, container: Thing) -> Line:
        """The order in a stack, queue or slot, as far as that the next to be taken is known."""
        found = self.lines.get(container.id)
        if found is None and (self.complete or self.things.get(container.id) is None):
            inside = [self.thing(each) for each in self.children.get(container.id, ())]
            return whole_line(container, inside)
        if found is None or (found.next is None and not found.whole):
            more = 2 * found.looked if found is not None else 1
            raise Wanted(Footprint(ends=Counter({container.id: more}), rows={container.id}))
        return found

    def matching(self, key: str, wanted: NewResource) -> list[Thing]:
        """Live things that are what a definition says, oldest first; some are enough to know that it is ambiguous."""
        if key not in self.found and not self.complete:
            raise Wanted(Footprint(definitions={key: definition(wanted)}))
        if not self.complete and (unknown := set(self.found.get(key, ())) - self.things.keys()):
            raise Wanted(Footprint(rows=unknown))
        known = [self.find(resource_id) for resource_id in self.found.get(key, ())]
        here = [thing for thing in self.things.values() if thing is not None and thing not in known]
        return [thing for thing in (*known, *here) if thing is not None and matches(thing, wanted)]

    def at_version(self, thing: Thing, version: int) -> dict[str, Any] | None:
        """The state of a thing when it had a version; None if it never had."""
        if (thing.id, version) not in self.past and not self.complete:
            raise Wanted(Footprint(past={(thing.id, version)}))
        return self.past.get((thing.id, version))

    def written_since(self, thing: Thing, version: int, mark: str) -> list[dict[str, Any]]:
        """How a thing changed since a version by operations of a mark, first to last."""
        if (thing.id, version, mark) not in self.copies and not self.complete:
            raise Wanted(Footprint(copies={(thing.id, version, mark)}))
        return self.copies.get((thing.id, version, mark), [])

    def removal(self, asked: str) -> list[str]:
        """What was removed together, by the id of the removal or of anything it took; nothing if that is undone."""
        if asked not in self.removals and not self.complete:
            raise Wanted(Footprint(removals={asked}))
        known = self.things.get(asked)
        removal = known.removal_id if known is not None else asked
        things = (thing for thing in self.things.values() if thing is not None)
        here = {thing.id for thing in things if removal is not None and thing.removal_id == removal}
        return sorted(here.union(self.removals.get(asked, ())))

    def branch(self) -> "Lab":
        """The same, to be changed without changing this one."""
        return replace(
            self,
            things=dict(self.things),
            spots=dict(self.spots),
            lines={container: line.copy() for container, line in self.lines.items()},
            heights=dict(self.heights),
            children={container: list(inside) for container, inside in self.children.items()},
            made={key: list(ids) for key, ids in self.made.items()},
        )

    def before(self, thing: Any) -> Any:
        """A thing, or a lease, as it is now; None if it is new."""
        return self.leases.get(thing.id) if isinstance(thing, Lease) else self.things.get(thing.id)

    def apply(self, outcome: Outcome[Any]) -> None:
        """Make an outcome part of the lab, for the commands that follow."""
        containers = []
        for new, *_ in outcome.changes:
            if isinstance(new, Lease):
                self.leases[new.id] = new
                continue
            old = self.things.get(new.id)
            self.things[new.id] = new
            if old is None and new.is_container:
                self.children.setdefault(new.id, [])
                self.lines[new.id] = whole_line(new, [])
            if new.is_container:
                containers.append(new)
                if old is None or old.removed_at is not None:
                    self.heights.setdefault(new.id, 0)  # what is in it comes now
            if old is not None and old.parent_id is not None:
                self._leave(old.parent_id, old, new)
            if new.parent_id is not None:
                self._join(new.parent_id, old, new)
        for container in containers:
            self._deepen(container)

    def _leave(self, container: str, old: Thing, new: Thing) -> None:
        if old.position is not None and self.spots.get((container, old.position)) == old.id:
            self.spots[container, old.position] = None
        if container != new.parent_id and old.id in self.children.get(container, ()):
            self.children[container].remove(old.id)
        if old.order_seq is not None and container in self.lines:
            self.lines[container].leave((old.order_seq, old.id))

    def _join(self, container: str, old: Thing | None, new: Thing) -> None:
        if new.position is not None:
            self.spots[container, new.position] = new.id
        if (old is None or old.parent_id != container) and container in self.children:
            self.children[container].append(new.id)
        if new.order_seq is not None and container in self.lines:
            self.lines[container].join((new.order_seq, new.id))

    def _deepen(self, inner: Thing) -> None:
        """Count a container among the levels of what it is in."""
        levels, above = 1 + self.heights.get(inner.id, 0), inner.parent_id
        while above is not None and levels <= 2 * MAX_DEPTH:
            if above in self.heights:
                self.heights[above] = max(self.heights[above], levels)
            known = self.things.get(above)
            above, levels = known.parent_id if known is not None else self.parents.get(above), levels + 1
