"""Random laboratories, and a planner for them that is too simple to be wrong: it looks at every pair and every path."""

from collections.abc import Sequence
from decimal import Decimal
from hashlib import sha256
from itertools import count, pairwise, product
from random import Random
from typing import Any, Final, NamedTuple

from labstow.contracts.capabilities import Capabilities, TransferTemplate
from labstow.contracts.transfer import Way
from labstow.workers.kit.journal import plain
from labstow.workers.transfer.planning.graph import Graph
from labstow.workers.transfer.planning.levels import Place
from labstow.workers.transfer.planning.plan import Wish, plan

NODES: Final = ("arm", "belt", "cart", "drone")
COSTS: Final = (None, "0", "0.1", "0.2", "0.3", "1", "1.0", "1.5", "2", "1000000000000", "0.000000000001")
Json = dict[str, Any]


class Lab(NamedTuple):
    """What a plan is made from."""

    places: tuple[Place, ...]
    capabilities: Capabilities
    multipliers: dict[str, Decimal] = {}  # noqa: RUF012

    def graph(self) -> Graph:
        return Graph(self.places, self.capabilities, 1)

    def named(self, name: str) -> Place:
        return next(place for place in self.places if place.name == name)


def place(name: str, *nodes: str, allow: bool = True) -> Place:
    """A place with an id that says nothing about its name."""
    number = int.from_bytes(sha256(name.encode()).digest()) % 10**23
    return Place(f"01K{number:023d}", name, allow, frozenset(nodes))


def template(node: str, action: str = "move", cost: str | None = None, **more: Any) -> Json:
    return {"node_name": node, "action": action, "cost_weight": cost, **more}


def random_lab(chance: Random, most: int = 8) -> Lab:
    """Up to so many places, with all kinds of overrides, links and full places."""

    def some(what: Sequence[Any], most: int) -> list[Any]:
        return chance.choices(what, k=chance.randint(0, most))

    def templates(most: int = 3) -> list[Json]:
        """Each can be told by its number, also where two are alike."""
        return [{**one, "additional_args": {"number": next(numbers)}} for one in some(every, most)]

    numbers = count()
    costs = chance.choices(COSTS, k=3)
    every = [template(*each) for each in product(NODES, ("lift", "move"), costs)]
    known = [chance.choices(NODES, k=chance.choice((0, 1, 1, 2, 2, 3))) for _ in range(chance.randint(1, 5))]
    names = [f"p{index}" for index in range(max(chance.randint(2, most), chance.randint(2, most)))]
    places = [place(name, *chance.choice(known), allow=chance.random() < 0.9) for name in names]
    keys = [*(each.id for each in places), *names, "nowhere"]
    overrides = {
        "source_overrides": {key: templates() for key in some(keys, 5)},
        "target_overrides": {key: templates() for key in some(keys, 5)},
        "pair_overrides": {key: {to: templates() for to in some(keys, 5)} for key in some(keys, 9)},
    }
    given = {
        "transfer_templates": templates(9),
        "override_transfer_templates": chance.choice([None, overrides, overrides]),
        "linked": [chance.choices(keys, k=2) for _ in range(chance.choice((0, 0, 1, 3)))],
    }
    full = {each.id: Decimal(chance.choice((2, 10))) for each in some(places, 3)}
    return Lab(tuple(places), Capabilities.model_validate(given), full)


def random_wish(chance: Random, lab: Lab, most_via: int = 0) -> Wish:
    """From anywhere to one or two places, with conditions."""

    def some(what: Sequence[str], most: int) -> frozenset[str]:
        return frozenset(chance.choices(what, k=chance.randint(0, most)))

    ids = [each.id for each in lab.places]
    source, *targets = chance.sample(ids, k=chance.randint(2, min(3, len(ids))))
    return Wish(
        source=source,
        targets=(*targets, source) if chance.random() < 0.03 else tuple(targets),
        k=chance.randint(1, 6),
        avoid=chance.choice([frozenset(), frozenset(), some(ids, 2)]),
        via=tuple(chance.choices(ids, k=chance.randint(0, most_via))),
        nodes=chance.choice([None, None, None, some(NODES, 6)]),
        absent=chance.choice([frozenset(), frozenset(), frozenset(), some(NODES, 2)]),
    )


def shuffled(chance: Random, lab: Lab) -> Lab:
    """The same laboratory, told in another order."""

    def mixed(given: Any) -> Any:
        if isinstance(given, dict):
            return {key: mixed(given[key]) for key in chance.sample(list(given), k=len(given))}
        return given

    given = mixed(lab.capabilities.model_dump())
    given["linked"] = [
        chance.sample(group, k=len(group)) for group in chance.sample(given["linked"], len(given["linked"]))
    ]
    places = chance.sample(lab.places, k=len(lab.places))
    return Lab(tuple(places), Capabilities.model_validate(given), mixed(lab.multipliers))


class Step(NamedTuple):
    """A step as it is compared."""

    source: str
    target: str
    level: str
    template: TransferTemplate
    cost: Decimal


class Simple(NamedTuple):
    """A way as it is compared, with what decides between ways first."""

    cost: Decimal
    length: int
    names: tuple[str, ...]
    spots: tuple[frozenset[str], ...]
    steps: tuple[Step, ...]

    def and_then(self, rest: "Simple") -> "Simple":
        one, two, three, four, five = rest
        spots, steps = self.spots + four[1:], self.steps + five
        return Simple(self.cost + one, self.length + two, self.names + three, spots, steps)


class Brute:
    """All that a lab allows, looked at one by one."""

    def __init__(self, lab: Lab) -> None:
        self.lab, self.overrides = lab, lab.capabilities.override_transfer_templates
        self.spots = {each.id: self._linked(each) for each in lab.places}

    def _linked(self, of: Place) -> frozenset[str]:
        found = {of.id}
        for _ in self.lab.places:
            for group in self.lab.capabilities.linked:
                ids = {each.id for each in self.lab.places if each.id in group or each.name in group}
                found |= ids if ids & found else set()
        return frozenset(found)

    def level(self, source: Place, target: Place) -> tuple[str, list[TransferTemplate]] | None:
        """The templates that count for a pair, and can serve it."""
        both = self.overrides
        pairs = (both and both.pair_overrides) or {}
        sources, targets = (both and both.source_overrides) or {}, (both and both.target_overrides) or {}
        levels = {
            "pair": [
                one
                for key, to in product((source.id, source.name), (target.id, target.name))
                for one in pairs.get(key, {}).get(to, ())
            ],
            "source": [one for key in (source.id, source.name) for one in sources.get(key, ())],
            "target": [one for key in (target.id, target.name) for one in targets.get(key, ())],
            "default": list(self.lab.capabilities.transfer_templates),
        }
        for level, templates in levels.items():
            can = [one for one in templates if one.node_name in source.nodes and one.node_name in target.nodes]
            if can:
                return level, can
        return None

    def step(self, source: Place, target: Place, wish: Wish) -> Step | None:
        """The edge from one place to another."""
        found = self.level(source, target)
        if found is None or not (source.allow_transfers and target.allow_transfers):
            return None
        level, templates = found
        chosen = [one for one in templates if wish.nodes is None or one.node_name in wish.nodes]
        allowed = [one for one in chosen if one.node_name not in wish.absent]
        if not allowed:
            return None
        cheapest = min(allowed, key=lambda one: (one.cost, one.node_name, one.action))
        full = [self.lab.multipliers[one] for one in self.spots[target.id] if one in self.lab.multipliers]
        return Step(source.name, target.name, level, cheapest, cheapest.cost * max(full, default=Decimal(1)))

    def paths(self, wish: Wish, source: str, targets: tuple[str, ...]) -> list[Simple]:
        """All ways from a place to any of some, one for each sequence of physical places, best first."""
        allowed = {each.id for each in self.lab.places if each.allow_transfers}
        goals = {self.spots[one] for one in targets if one in allowed}
        steps = {
            (one.id, other.id): step
            for one in self.lab.places
            for other in self.lab.places
            if self.spots[one.id] != self.spots[other.id] and (step := self.step(one, other, wish))
        }
        best: dict[tuple[frozenset[str], ...], Simple] = {}

        def walk(path: Simple) -> None:
            here = path.spots[-1]
            if here & wish.avoid:
                return
            if here in goals:
                best[path.spots] = min(path, best.get(path.spots, path))
                return
            for (one, other), step in steps.items():
                if one in here and self.spots[other] not in path.spots:
                    names = (step.source, step.target)
                    walk(path.and_then(Simple(step.cost, 1, names, (here, self.spots[other]), (step,))))

        if source in allowed:
            walk(Simple(Decimal(0), 0, (), (self.spots[source],), ()))
        return sorted(best.values())

    def ways(self, wish: Wish) -> list[Simple]:
        """The best ways of a wish: all combinations of all ways of its legs."""
        stops = [(wish.source,), *((one,) for one in wish.via), wish.targets]
        whole, *legs = [self.paths(wish, here[0], there) for here, there in pairwise(stops)]
        for leg in legs:
            whole = [one.and_then(other) for one in whole for other in leg]
        return sorted(whole)[: wish.k]

    def edges(self) -> list[tuple[str, str, tuple[str, ...], Decimal, str]]:
        """All pairs that something can go between in one step."""
        taking_part = sorted((each for each in self.lab.places if each.allow_transfers), key=lambda each: each.name)
        return [
            (one.id, other.id, tuple(sorted({each.node_name for each in can})), min(each.cost for each in can), level)
            for one in taking_part
            for other in taking_part
            if self.spots[one.id] != self.spots[other.id] and (found := self.level(one, other))
            for level, can in (found,)
        ]


def compared(way: Way) -> tuple[Decimal, list[tuple[Any, ...]]]:
    """What a way and a simple one must agree on."""
    return way.cost, [
        (one.source, one.target, one.level, one.node, one.action, one.args, one.base_cost, one.cost)
        for one in way.steps
    ]


def compared_simple(way: Simple) -> tuple[Decimal, list[tuple[Any, ...]]]:
    """The same of a simple one."""
    return way.cost, [
        (step.source, step.target, step.level, one.node_name, one.action, one.additional_args, one.cost, step.cost)
        for step in way.steps
        for one in (step.template,)
    ]


def told(way: Way) -> str:
    """A way as one reads it: `arm move: a > b; belt move: b > c; 2`."""
    return "; ".join([*(f"{one.node} {one.action}: {one.source} > {one.target}" for one in way.steps), plain(way.cost)])


def ways(lab: Lab, source: str, *targets: str, **conditions: Any) -> list[str]:
    """A plan between places by name, as one reads it."""
    for name, given in conditions.items():
        if name in ("avoid", "via"):
            conditions[name] = tuple(lab.named(each).id for each in given)
    wish = Wish(lab.named(source).id, tuple(lab.named(each).id for each in targets), **conditions)
    wish = wish._replace(avoid=frozenset(wish.avoid))
    return [told(route.way) for route in plan(lab.graph(), wish, lab.multipliers)]
