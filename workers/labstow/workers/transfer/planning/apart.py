"""Why two places are apart, whatever is asked of a way: where one gets from the one, and from where to the other."""

from collections.abc import Collection
from typing import Any, Final

from labstow.contracts.transfer import Finding
from labstow.workers.transfer.planning.graph import Graph, Group, Spot
from labstow.workers.transfer.planning.levels import Place
from labstow.workers.transfer.planning.plan import Wish, named

MOST: Final = 20
"""Names of a sort that a finding has."""


def finding(code: str, sentence: str, **facts: Any) -> Finding:
    """A finding that does not grow with the laboratory."""
    bounded = {name: fact[:MOST] if isinstance(fact, list) else fact for name, fact in facts.items()}
    return Finding(code=code, sentence=sentence, facts=bounded)


def apart(graph: Graph, wish: Wish) -> tuple[Finding, ...]:
    """Why there is no way, not even for a wish without conditions."""
    if not graph.levels.nodes:
        return (finding("templates.none", "there are no transfer templates: nothing says how things are moved"),)
    source, targets = [graph.place(wish.source)], [graph.place(one) for one in wish.targets]
    unknown = (_unknown(graph, role, places) for role, places in (("source", source), ("target", targets)))
    return tuple(each for each in unknown if each) or (_no_place_in_both(graph, source, targets),)


def _unknown(graph: Graph, role: str, places: list[Place]) -> Finding | None:
    """What to say of places that no node knows which has a template."""
    here = [each for place in places if (spot := graph.spot(place)) for each in spot.places]
    if any(place.nodes & graph.levels.nodes for place in here):
        return None
    known, needed = sorted({node for place in here for node in place.nodes}), sorted(graph.levels.nodes)
    names = [place.name for place in places]
    has = f"representations only for {named(known)}" if known else "no representations"
    sentence = f"there are transfer templates for {named(needed)}; {role} {named(names)} has {has}"
    return finding(f"{role}.no_node", sentence, locations=names, representations=known, nodes=needed)


def _no_place_in_both(graph: Graph, source: list[Place], targets: list[Place]) -> Finding:
    start, ends = ([spot for place in each if (spot := graph.spot(place))] for each in (source, targets))
    (onward, by), (back, back_by) = _from(graph, start), _to(graph, ends)
    here, there = (named([place.name for place in each]) for each in (source, targets))
    leads = f"from {here} one gets to {named(onward)}, by {named(by)}" if onward else f"nothing leads on from {here}"
    comes = f"to {there} from {named(back)}, by {named(back_by)}" if back else f"nothing leads to {there}"
    return finding(
        "places.apart",
        f"{leads}; {comes}; no place is in both",
        from_source=onward,
        from_source_count=len(onward),
        from_source_nodes=by,
        to_target=back,
        to_target_count=len(back),
        to_target_nodes=back_by,
    )


def _from(graph: Graph, start: Collection[Spot]) -> tuple[list[str], list[str]]:
    """Names of the spots that are reached from some, and the nodes by which they are."""
    reached, nodes, waiting = dict.fromkeys(start), set[str](), list(start)
    arrived = set[Group]()
    for spot in waiting:
        for templates, group in (onward for place in spot.places for onward in graph.onward(place)):
            if group not in arrived:
                arrived.add(group)
                if new := [one for kind, _ in group.stops for one in kind.spots if one not in reached]:
                    nodes |= {each.node_name for each in templates}
                    reached |= dict.fromkeys(new)
                    waiting += new
    return _names(reached, start), sorted(nodes)


def _to(graph: Graph, ends: Collection[Spot]) -> tuple[list[str], list[str]]:
    """Names of the spots from which some are reached, and the nodes by which they are."""
    reached, nodes = dict.fromkeys(ends), set[str]()
    before = -1
    while before < len(reached):
        before = len(reached)
        there = {group for spot in reached for place in spot.places for group in graph.groups(place)}
        for kind in graph.kinds:
            for templates, group in (onward for place in kind.spots[0].places for onward in graph.onward(place)):
                if group in there and (new := [one for one in kind.spots if one not in reached]):
                    nodes |= {each.node_name for each in templates}
                    reached |= dict.fromkeys(new)
    return _names(reached, ends), sorted(nodes)


def _names(reached: Collection[Spot], but: Collection[Spot]) -> list[str]:
    return sorted(spot.name for spot in reached if spot not in but)
