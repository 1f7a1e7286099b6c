"""The transfer graph of a laboratory: which place can be reached from which, in one step, and by what.

It is cheap to build and to keep, because pairs of places are not looked at. By default a node brings things from all
places that know it to all places that know it, at one cost: that is one edge from each of them, to a group. Where
overrides count, edges are those of a class of places: the same nodes know them, and their overrides say the same. Only
overrides for pairs are edges of single places. Edges are found when they are first asked for.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import NamedTuple

from labstow.contracts.capabilities import Capabilities, TransferTemplate
from labstow.contracts.transfer import Level
from labstow.workers.transfer.planning.levels import Levels, Place, Serving, Templates, contents


class Class(NamedTuple):
    """What makes that two places have the same edges."""

    nodes: frozenset[str]
    """Those that know them."""
    override: int | None
    """The one that they have themselves."""
    paired: str | None
    """The id of a place that is in a pair with an override."""

    @property
    def is_ordinary(self) -> bool:
        """Whether no override is about them."""
        return self.override is None and self.paired is None


@dataclass(frozen=True, eq=False, slots=True)
class Spot:
    """A physical place: a location, or several that are linked."""

    places: tuple[Place, ...]
    """Those that take part in transfers, by name."""
    ids: frozenset[str]
    """Of all its locations."""

    @property
    def name(self) -> str:
        """The first of its names."""
        return self.places[0].name


@dataclass(frozen=True, eq=False, slots=True)
class Kind:
    """Spots that are as good as each other to pass over: the same edges lead there, and on from there."""

    spots: tuple[Spot, ...]
    """By name."""


@dataclass(frozen=True, eq=False, slots=True)
class Group:
    """Places that an edge leads to: kinds of spots, and which of the places of such a spot."""

    stops: list[tuple[Kind, int]] = field(default_factory=list)


class Onward(NamedTuple):
    """An edge to every place of a group."""

    templates: Templates
    """Cheapest first."""
    group: Group


class Edge(NamedTuple):
    """That something can go from one location straight to another."""

    source_id: str
    target_id: str
    nodes: tuple[str, ...]
    """All that can do that."""
    cost: Decimal
    """The lowest, without regard to how full the target is."""
    level: Level


class Graph:
    """The places that allow transfers, and how one gets from one to another."""

    def __init__(
        self, places: Iterable[Place], capabilities: Capabilities, version: int, levels: type[Levels] = Levels
    ) -> None:
        self.places = tuple(sorted(places, key=lambda place: place.name))
        self.capabilities, self.version = capabilities, version
        self._by_key = {place.name: place for place in self.places} | {place.id: place for place in self.places}
        self.levels = levels(capabilities, self.find)
        self._default: dict[str, list[TransferTemplate]] = defaultdict(list)
        for template in self.levels.default:
            self._default[template.node_name].append(template)
        self._sources, self._targets = contents(self.levels.by_source), contents(self.levels.by_target)
        self._pairs: dict[str, list[Place]] = defaultdict(list)
        for source, target in self.levels.by_pair:
            self._pairs[source].append(self.place(target))
        self._paired = {target.id for targets in self._pairs.values() for target in targets}
        self.spots = tuple(self._make_spots())
        """By name."""
        self._spot_of = {one: spot for spot in self.spots for one in spot.ids}
        self.kinds = self._make_kinds()
        self._kind_of = {spot: kind for kind in self.kinds for spot in kind.spots}
        self._hubs: dict[str, Group] = defaultdict(Group)
        self._classes: dict[Class, tuple[Place, Group]] = {}
        self._near: dict[tuple[str, bool], list[Class]] = defaultdict(list)
        self._make_groups()
        self._onward: dict[Class, tuple[Onward, ...]] = {}

    def find(self, key: str) -> Place | None:
        """The place of an id or a name."""
        return self._by_key.get(key)

    def place(self, place_id: str) -> Place:
        """The place of an id, which must be one."""
        return self._by_key[place_id]

    def spot(self, place: Place) -> Spot | None:
        """The spot of a place that allows transfers."""
        return self._spot_of[place.id] if place.allow_transfers else None

    def spot_of(self, place_id: str) -> Spot | None:
        """The spot that has this location, whether that allows transfers or not."""
        return self._spot_of.get(place_id)

    def kind(self, spot: Spot) -> Kind:
        """The spots that are as good as this one to pass over, and this one."""
        return self._kind_of[spot]

    def groups(self, place: Place) -> list[Group]:
        """All groups that a place is in."""
        known = self._coming_to(place)
        hubs = [self._hubs[node] for node in known.nodes] if known.is_ordinary else []
        return [*hubs, self._classes[known][1]]

    def onward(self, place: Place) -> Iterable[Onward]:
        """Edges that lead on from a place, the best to each other place among them; and maybe one to itself."""
        leaving = self._leaving_from(place)
        known = leaving._replace(paired=None)
        if known not in self._onward:
            self._onward[known] = tuple(self._edges_from(place, known))
        if leaving.paired is None:
            return self._onward[known]
        own = {
            self._classes[coming][1]: self.levels.serving(place, target).templates
            for target in self._pairs[place.id]
            if (coming := self._coming_to(target)) in self._classes
        }
        return [
            *(Onward(templates, group) for group, templates in own.items() if templates),
            *(each for each in self._onward[known] if each.group not in own),
        ]

    def reached(self, place: Place) -> Iterator[tuple[Serving, Group]]:
        """What leads on from a place, to groups of which no two have a place in common."""
        for there, group in self._near_to(place.nodes, ordinary=True):
            if (serving := self.levels.serving(place, there)).templates:
                yield serving, group

    def _edges_from(self, place: Place, leaving: Class) -> Iterator[Onward]:
        """Those of all places of a class, so without overrides for pairs."""
        if leaving.is_ordinary:
            for node in sorted(leaving.nodes):
                if default := self._default.get(node):
                    yield Onward(tuple(default), self._hubs[node])
        for there, group in self._near_to(leaving.nodes, ordinary=not leaving.is_ordinary):
            if templates := self.levels.serving(place, there, but="pair").templates:
                yield Onward(templates, group)

    def _near_to(self, nodes: frozenset[str], *, ordinary: bool) -> Iterator[tuple[Place, Group]]:
        """A place of each class that one of some nodes knows, and all of them; ordinary ones only if so wanted."""
        wanted = (True, False) if ordinary else (False,)
        near = (known for node in sorted(nodes) for each in wanted for known in self._near.get((node, each), ()))
        yield from map(self._classes.__getitem__, dict.fromkeys(near))

    def _leaving_from(self, place: Place) -> Class:
        paired = place.id if place.id in self._pairs else None
        return Class(place.nodes & self.levels.nodes, self._sources.get(place.id), paired)

    def _coming_to(self, place: Place) -> Class:
        paired = place.id if place.id in self._paired else None
        return Class(place.nodes & self.levels.nodes, self._targets.get(place.id), paired)

    def _make_spots(self) -> Iterator[Spot]:
        linked: dict[str, set[str]] = {}
        for group in self.capabilities.linked:
            known = [place.id for key in group if (place := self.find(key))]
            together = {each for one in known for each in linked.get(one, {one})}
            linked |= dict.fromkeys(together, together)
        seen: set[str] = set()
        for place in self.places:
            if place.allow_transfers and place.id not in seen:
                ids = linked.get(place.id, {place.id})
                names = (each for one in ids if (each := self.place(one)).allow_transfers)
                yield Spot(tuple(sorted(names, key=lambda each: each.name)), frozenset(ids))
                seen |= ids

    def _make_kinds(self) -> tuple[Kind, ...]:
        alike: dict[tuple[Class, Class] | Spot, list[Spot]] = defaultdict(list)
        for spot in self.spots:
            first, *others = spot.places
            alike[spot if others else (self._coming_to(first), self._leaving_from(first))].append(spot)
        return tuple(Kind(tuple(spots)) for spots in alike.values())

    def _make_groups(self) -> None:
        for kind in self.kinds:
            for index, place in enumerate(kind.spots[0].places):
                known = self._coming_to(place)
                if known not in self._classes:
                    self._classes[known] = (place, Group())
                    for node in known.nodes:
                        self._near[node, known.is_ordinary].append(known)
                for group in self.groups(place):
                    group.stops.append((kind, index))


def edges(graph: Graph) -> Iterator[Edge]:
    """Every pair of places that something can go between in one step, by names.

    From one name of a place to another name of it nothing goes.
    """
    for spot, source in ((spot, place) for place in graph.places if (spot := graph.spot(place))):
        reached = [
            (target, serving)
            for serving, group in graph.reached(source)
            for kind, index in group.stops
            for other in kind.spots
            if other is not spot and (target := other.places[index])
        ]
        for target, serving in sorted(reached, key=lambda each: each[0].name):
            yield Edge(
                source_id=source.id,
                target_id=target.id,
                nodes=tuple(sorted({each.node_name for each in serving.templates})),
                cost=serving.templates[0].cost,
                level=serving.level,
            )
