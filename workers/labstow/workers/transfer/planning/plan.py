"""How to get something from one place to another: ways, their steps, and why each step is as it is."""

from collections.abc import Collection, Mapping
from decimal import Context, Decimal, Inexact, localcontext
from functools import reduce
from heapq import nsmallest
from typing import Final, NamedTuple

from labstow.contracts.capabilities import CapacityCosts
from labstow.contracts.transfer import Level, Step, Way
from labstow.workers.kit.journal import plain
from labstow.workers.transfer.planning.graph import Graph
from labstow.workers.transfer.planning.levels import Place, Serving, Templates
from labstow.workers.transfer.planning.paths import ONE, Hop, Path, Search

EXACT: Final = Context(prec=120, traps=[Inexact])
"""Multiplies and adds all costs there can be without rounding; Python's own arithmetic keeps 28 digits."""


WORDS: Final[Mapping[Level, str]] = {
    "pair": "pair override",
    "source": "source override",
    "target": "target override",
    "default": "default",
}


class Wish(NamedTuple):
    """From where to where something is to get, and how. Locations by id."""

    source: str
    targets: tuple[str, ...]
    """To any of them."""
    k: int = 1
    """How many ways are wanted."""
    avoid: frozenset[str] = frozenset()
    """A linked place is avoided by any of its names."""
    via: tuple[str, ...] = ()
    nodes: frozenset[str] | None = None
    """Only these; None: all."""
    absent: frozenset[str] = frozenset()
    """Not these."""

    def may(self, node: str) -> bool:
        """Whether a node may be used.

        This does not decide which level of templates counts: where an override asks for a node that may not be used,
        there is no step, not the step that the override was made to prevent.
        """
        return (self.nodes is None or node in self.nodes) and node not in self.absent


class Route(NamedTuple):
    """A way, and which of the targets it leads to."""

    target: Place
    way: Way


def multiplier(config: CapacityCosts | None, quantity: Decimal | None, capacity: Decimal | None) -> Decimal:
    """How much dearer it is to bring something to what holds so much of so much.

    1 where there is nothing to compare. What has room for nothing at all is full.
    """
    if config is None or not config.enabled or quantity is None or capacity is None:
        return ONE
    with localcontext(EXACT):
        if quantity >= capacity * config.full_capacity_threshold:
            return config.full_capacity_multiplier
        if quantity >= capacity * config.high_capacity_threshold:
            return config.high_capacity_multiplier
    return ONE


def plan(graph: Graph, wish: Wish, multipliers: Mapping[str, Decimal]) -> tuple[Route, ...]:
    """The best ways, best first; none if there is none.

    `multipliers` are those that are not 1, by the id of a location. Something that is where it should go has one way,
    without steps. With `via` a way is a sequence of legs, and a later leg may pass where an earlier one did.
    """
    with localcontext(EXACT):
        return tuple(_route(graph, wish, path) for path in paths(graph, wish, multipliers))


def paths(graph: Graph, wish: Wish, multipliers: Mapping[str, Decimal]) -> list[Path]:
    """The paths of the best ways."""
    stops = [graph.spot(graph.place(one)) for one in (wish.source, *wish.via)]
    spots = [spot for spot in stops if spot]
    ends = {spot for one in wish.targets if (spot := graph.spot(graph.place(one)))}
    if len(spots) < len(stops) or not ends:
        return []
    search = Search(graph, multipliers, wish.avoid, wish.may)
    goals = [*({spot} for spot in spots[1:]), ends]
    legs = (search.ways(start, each, wish.k) for start, each in zip(spots, goals, strict=True))
    # No more than k ways of a leg can be among the k best: any further one has k better ones, each with the same rest.
    return reduce(lambda ways, leg: nsmallest(wish.k, (way.then(rest) for way in ways for rest in leg)), legs)


def _route(graph: Graph, wish: Wish, path: Path) -> Route:
    """A path as it is answered. Where several names of a place are targets, it leads to the one its last step names, or
    else to the first.
    """
    last = path.hops[-1].target if path.hops else graph.place(wish.source)
    ends = [place for place in path.spots[-1].places if place.id in wish.targets]
    way = Way(cost=path.cost, steps=tuple(_step(graph, wish, hop) for hop in path.hops))
    return Route(last if last in ends else ends[0], way)


def _step(graph: Graph, wish: Wish, hop: Hop) -> Step:
    serving = graph.levels.serving(hop.source, hop.target)
    template, *others = (each for each in serving.templates if wish.may(each.node_name))
    more = {
        argument: place.name if (place := graph.find(key)) else key
        for argument, key in template.additional_location_args.items()
    }
    # A further argument of the same name must not redirect what is moved.
    own = {template.source_argument_name: hop.source.name, template.target_argument_name: hop.target.name}
    return Step(
        node=template.node_name,
        action=template.action,
        source_id=hop.source.id,
        source=hop.source.name,
        target_id=hop.target.id,
        target=hop.target.name,
        args=template.additional_args,
        locations=own | more | own,
        cost=hop.cost,
        base_cost=template.cost,
        multiplier=hop.multiplier,
        level=serving.level,
        reason=_reason(serving, (template, *others), hop),
    )


def _reason(serving: Serving, can: Templates, hop: Hop) -> str:
    """Why this: `cheapest of 2 that can: robotarm_1 transfer (1) before conveyor move (1.5); target override`."""
    first, *others = (f"{each.node_name} {each.action} ({plain(each.cost)})" for each in can)
    if not others:
        told = [f"only {first} can"]
    else:
        order = "first by name of the cheapest" if can[1].cost == can[0].cost else "cheapest"
        more = f" and {len(others) - 1} more" if others[1:] else ""
        told = [f"{order} of {len(can)} that can: {first} before {others[0]}{more}"]
    if forbidden := sorted({each.node_name for each in serving.templates} - {each.node_name for each in can}):
        told.append(f"{named(forbidden)} could, but may not be used")
    told.append(WORDS[serving.level])
    told += [f"the {WORDS[level]} cannot serve here" for level in serving.passed]
    if hop.multiplier != ONE:
        told.append(f"{plain(hop.multiplier)} times the cost, as {hop.target.name} is nearly full, or full")
    return "; ".join(told)


def named(names: Collection[str], most: int = 3) -> str:
    """Some names as people say them: `a, b and c`, or `a, b, c and 9 more`."""
    shown, rest = list(names)[:most], len(names) - most
    last = f"{rest:,} more" if rest > 0 else shown.pop()
    return f"{', '.join(shown)} and {last}" if shown else last
