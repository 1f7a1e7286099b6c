"""Why there is no way: what would have to be otherwise for one to open, or else where it breaks off."""

from collections.abc import Iterator
from itertools import pairwise

from labstow.contracts.transfer import Finding, Level
from labstow.workers.transfer.planning.apart import apart, finding
from labstow.workers.transfer.planning.graph import Graph
from labstow.workers.transfer.planning.levels import Levels, Place, Serving, in_order
from labstow.workers.transfer.planning.paths import Path
from labstow.workers.transfer.planning.plan import WORDS, Wish, named, paths


class _EveryLevel(Levels):
    """The templates of a laboratory in which no override takes anything away."""

    def serving(self, source: Place, target: Place, *, but: Level | None = None) -> Serving:
        both = source.nodes & target.nodes
        some = (each for level, templates in self.of(source, target) if level != but for each in templates)
        return Serving("default", in_order(each for each in some if each.node_name in both))


def why_not(graph: Graph, wish: Wish) -> tuple[Finding, ...]:
    """Why `plan` finds no way: at least one reason, if there are targets. With `via`: of the first leg that has none.

    Each condition of the wish and of the laboratory is dropped in turn, and what a way would then use is told.
    """
    stops = [(wish.source,), *((one,) for one in wish.via), wish.targets]
    for (source, *_), targets in pairwise(stops):
        leg = wish._replace(source=source, targets=targets, via=(), k=1)
        if not paths(graph, leg, {}):
            return _hindrances(graph, leg)
    return ()


def _hindrances(graph: Graph, wish: Wish) -> tuple[Finding, ...]:
    """What alone keeps a way closed; or else all that a way would use and may not; or else why there is none at all."""
    places = [place._replace(allow_transfers=True) for place in graph.places]
    anywhere = Graph(places, graph.capabilities, graph.version)
    every_level = Graph(graph.places, graph.capabilities, graph.version, _EveryLevel)
    alone = [
        (graph, wish._replace(avoid=frozenset())),
        (graph, wish._replace(nodes=None)),
        (graph, wish._replace(absent=frozenset())),
        (anywhere, wish),
        (every_level, wish),
    ]
    found = [one for where, eased in alone for path in paths(where, eased, {}) for one in _taken(graph, wish, path, "")]
    freely = wish._replace(avoid=frozenset(), nodes=None, absent=frozenset())
    for path in () if found else paths(anywhere, freely, {}):
        found += _taken(graph, wish, path, "among other things ")
    return tuple(found) or apart(anywhere, freely)


def _taken(graph: Graph, wish: Wish, path: Path, among: str) -> Iterator[Finding]:
    """What a path uses that it may not."""
    would = f"{among}it would take"
    if over := [graph.place(one).name for spot in path.spots for one in sorted(spot.ids & wish.avoid)]:
        yield finding("location.avoided", f"{would} passing {named(over)}, to be avoided", locations=over)
    ends = [one for one in wish.targets if one in path.spots[-1].ids]
    ends = [one for one in ends if graph.place(one).allow_transfers][:1] or ends
    used = [wish.source, *(place.id for hop in path.hops for place in (hop.source, hop.target)), *ends]
    places = map(graph.place, dict.fromkeys(used))
    if closed := [place.name for place in places if not place.allow_transfers]:
        sentence = f"{would} passing {named(closed)}, where transfers are not allowed"
        yield finding("location.no_transfers", sentence, locations=closed)
    nodes = dict.fromkeys(hop.template.node_name for hop in path.hops)
    if unchosen := [node for node in nodes if wish.nodes is not None and node not in wish.nodes]:
        sentence = f"{would} {named(unchosen)}, not among the nodes that may be used"
        yield finding("node.not_chosen", sentence, nodes=unchosen)
    if absent := [node for node in nodes if node in wish.absent]:
        yield finding("node.absent", f"{would} {named(absent)}, not there right now", nodes=absent)
    for hop in path.hops:
        counts = graph.levels.serving(hop.source, hop.target)
        if hop.template not in counts.templates:
            needs = sorted({each.node_name for each in counts.templates})
            step = f"{hop.template.node_name} {hop.template.action} from {hop.source.name} to {hop.target.name}"
            sentence = f"{would} {step}, but the {WORDS[counts.level]} counts there, and needs {named(needs)}"
            yield finding(
                "edge.overridden",
                sentence,
                source=hop.source.name,
                target=hop.target.name,
                node=hop.template.node_name,
                action=hop.template.action,
                level=counts.level,
                nodes=needs,
            )
