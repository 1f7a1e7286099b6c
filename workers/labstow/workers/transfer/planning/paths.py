"""The best ways through a transfer graph: the cheapest; of those the one with the fewest steps; of those the first by
the names of the sources and targets of its steps.

Dijkstra's search, and Yen's on top of it for further ways. What they compare is a total order that stays the same
whatever two paths are both continued with: costs are exact, and paths of as many steps have as many names. On that rest
two shortcuts, by which a search grows with the number of kinds of places, instead of the number of pairs:

- What leads to a group of places is looked at again only where it is cheaper than before. Whoever comes later comes by
  a worse path, so by an edge as dear, or dearer, nothing of the group is reached better; only the two places themselves
  might be, and they are reached already. (This does not hold after a start that may not go straight everywhere.)
- Of spots that the same edges lead to and on from (a kind), only the best is passed over. A path over another one is
  made better by passing over the best one instead; or, where it comes to the best one later, by going straight there.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from decimal import Decimal
from heapq import heappop, heappush
from typing import Final, NamedTuple, Self

from labstow.contracts.capabilities import TransferTemplate
from labstow.workers.transfer.planning.graph import Graph, Group, Kind, Spot
from labstow.workers.transfer.planning.levels import Place

ONE: Final = Decimal(1)


class Hop(NamedTuple):
    """A step. Other templates may do the same at the same cost."""

    source: Place
    target: Place
    template: TransferTemplate
    multiplier: Decimal

    @property
    def cost(self) -> Decimal:
        """That of the template, times how much dearer it is now."""
        return self.template.cost * self.multiplier


class Path(NamedTuple):
    """Spots that follow each other, and the hops between them; of two paths the better one is less."""

    cost: Decimal
    steps: int
    names: tuple[str, ...]
    """Source and target of each step."""
    spots: tuple[Spot, ...]
    hops: tuple[Hop, ...]

    @property
    def label(self) -> tuple[Decimal, int, tuple[str, ...]]:
        """What decides."""
        return self[:3]

    @classmethod
    def at(cls, spot: Spot) -> Self:
        """The path that stays where it is."""
        return cls(Decimal(0), 0, (), (spot,), ())

    def by(self, hop: Hop, spot: Spot) -> Self:
        """This path and one more hop."""
        names = (*self.names, hop.source.name, hop.target.name)
        return type(self)(self.cost + hop.cost, self.steps + 1, names, (*self.spots, spot), (*self.hops, hop))

    def then(self, rest: Self) -> Self:
        """This path, and one that begins where it ends."""
        cost, steps, names, spots, hops = rest
        return type(self)(
            self.cost + cost, self.steps + steps, self.names + names, self.spots + spots[1:], self.hops + hops
        )

    def until(self, count: int) -> Self:
        """The first hops of this path."""
        path = self.at(self.spots[0])
        for hop, spot in zip(self.hops[:count], self.spots[1:], strict=False):
            path = path.by(hop, spot)
        return path


Goals = Mapping[Kind, set[Spot]]
"""Where a way may end."""


class Search:
    """Looks for ways through a graph as it is at one moment."""

    def __init__(
        self,
        graph: Graph,
        multipliers: Mapping[str, Decimal],
        avoid: Iterable[str],
        may: Callable[[str], bool],
    ) -> None:
        """A linked place is as full, and as much to be avoided, as any name of it. `may` says which nodes are used."""
        self._graph, self._may = graph, may
        self._avoided = {spot for one in avoid if (spot := graph.spot_of(one))}
        self._multipliers: dict[Spot, Decimal] = {}
        for one, multiplier in multipliers.items():
            if spot := graph.spot_of(one):
                self._multipliers[spot] = max(multiplier, self._multipliers.get(spot, multiplier))
        self._ordered: dict[Kind, tuple[Spot, ...]] = {}

    def ways(self, start: Spot, goals: Collection[Spot], k: int) -> list[Path]:
        """The best ways from a spot to any of some spots, best first. None passes over a spot twice, or over a goal."""
        ends: dict[Kind, set[Spot]] = defaultdict(set)
        for goal in goals:
            ends[self._graph.kind(goal)].add(goal)
        found, seen = list[Path](), set[tuple[Spot, ...]]()
        waiting = [first] if (first := self._best(start, ends)) else []
        while waiting:
            path = heappop(waiting)
            found.append(path)
            if len(found) == k:
                break
            for index, spur in enumerate(path.spots[:-1]):
                root = path.spots[: index + 1]
                taken = {each.spots[index + 1] for each in found if each.spots[: index + 1] == root}
                rest = self._best(spur, ends, root[:-1], taken)
                if rest and (whole := path.until(index).then(rest)).spots not in seen:
                    seen.add(whole.spots)
                    heappush(waiting, whole)
        return found

    def _best(self, start: Spot, goals: Goals, closed: Iterable[Spot] = (), shut: Collection[Spot] = ()) -> Path | None:
        """The best path that touches nothing `closed`, and does not go straight from the start to what is `shut`."""
        heap, done = [Path.at(start)], self._avoided.union(closed)
        best: dict[Spot, Path] = {}
        cheapest: dict[Group, Decimal] = {}
        bound = (Decimal("Infinity"), 0)
        while heap:
            path = heappop(heap)
            here = path.spots[-1]
            if here in done:
                continue
            if self._is_end(here, goals):
                return path
            done.add(here)
            is_bound = bool(shut) and here is start
            barred = done.union(shut) if is_bound else done
            for hop, spot in self._hops(here, goals, barred, dict(cheapest) if is_bound else cheapest):
                reach = (path.cost + hop.cost, path.steps + 1)
                if reach > bound or (reach == bound and not self._is_end(spot, goals)):
                    continue
                longer = path.by(hop, spot)
                if spot not in best or longer.label < best[spot].label:
                    best[spot] = longer
                    heappush(heap, longer)
                    bound = reach if self._is_end(spot, goals) else bound
        return None

    def _is_end(self, spot: Spot, goals: Goals) -> bool:
        return spot in goals.get(self._graph.kind(spot), ())

    def _hops(
        self, here: Spot, goals: Goals, barred: set[Spot], cheapest: dict[Group, Decimal]
    ) -> Iterator[tuple[Hop, Spot]]:
        """The hops of which a best path may have one: to the best goal and to the best spot of each kind."""
        for place in here.places:
            for templates, group in self._graph.onward(place):
                template = next((each for each in templates if self._may(each.node_name)), None)
                if template is None or (group in cheapest and template.cost >= cheapest[group]):
                    continue
                cheapest[group] = template.cost
                for kind, index in group.stops:
                    order = self._emptiest_first(kind) if self._multipliers and template.cost else kind.spots
                    spots = [next((one for one in order if one not in barred), None)]
                    if ends := goals.get(kind, set()) - barred:
                        spots.append(min(ends, key=lambda one: (template.cost * self._multiplier(one), one.name)))
                    for spot in filter(None, spots):
                        yield Hop(place, spot.places[index], template, self._multiplier(spot)), spot

    def _multiplier(self, spot: Spot) -> Decimal:
        return self._multipliers.get(spot, ONE)

    def _emptiest_first(self, kind: Kind) -> tuple[Spot, ...]:
        if kind not in self._ordered:
            self._ordered[kind] = tuple(sorted(kind.spots, key=self._multiplier))
        return self._ordered[kind]
