"""Plans: how long a graph takes to make and to plan with, and how much memory it keeps, beside a bare Dijkstra.

    python -m benchmarks.planning [--plans 300] [--repeat 3]

Needs no server. Laboratories: places that one robot knows, all of them; and 5,000 places, of which each of five robots
knows 1,000 and 40 of the next robot's. The bare Dijkstra is that of networkx on the smallest graph there is for them, a
hub for each robot, with the costs of floats; it knows no ties, reasons, overrides or links. Rows alternate.
"""

import argparse
import statistics
import time
import tracemalloc
from collections.abc import Callable
from decimal import Decimal
from random import Random
from typing import Any, Final, NamedTuple

import networkx

from labstow.contracts.capabilities import Capabilities
from labstow.contracts.ulids import new_ulid
from labstow.workers.transfer.planning.drawing import svg
from labstow.workers.transfer.planning.graph import Graph
from labstow.workers.transfer.planning.levels import Place
from labstow.workers.transfer.planning.plan import Wish, plan
from labstow.workers.transfer.planning.why_not import why_not

SIZES: Final = (10, 100, 500, 2_000)
ROBOTS: Final = 5
EACH: Final = 1_000
SHARED: Final = 40

Known = list[frozenset[str]]


class Row(NamedTuple):
    """What was measured once, in milliseconds, and megabytes."""

    name: str
    build: float
    first: float
    later: float
    slowest: float
    memory: float


def dense(count: int) -> Known:
    """One robot knows all."""
    return [frozenset({"robot_0"})] * count


def chain() -> Known:
    """Each robot knows its places, and some of the next one's."""
    nodes = [{f"robot_{index // EACH}"} for index in range(ROBOTS * EACH)]
    for index in range(1, ROBOTS):
        for shared in range(SHARED):
            nodes[index * EACH + shared].add(f"robot_{index - 1}")
    return [frozenset(each) for each in nodes]


def places(known: Known) -> list[Place]:
    """As they come from the database."""
    return [Place(new_ulid(), f"place_{index:04}", True, nodes) for index, nodes in enumerate(known)]


def capabilities(known: Known) -> Capabilities:
    """A template for each robot."""
    robots = sorted({node for nodes in known for node in nodes})
    return Capabilities.model_validate({"transfer_templates": [{"node_name": each, "action": "go"} for each in robots]})


def hubs(known: Known) -> Any:
    """The smallest graph for networkx."""
    graph = networkx.DiGraph()
    for index, nodes in enumerate(known):
        for node in nodes:
            graph.add_edge(index, node, weight=0.0)
            graph.add_edge(node, index, weight=1.0)
    return graph


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    """How many milliseconds something takes, and what it gives."""
    begun = time.perf_counter()
    result = work()
    return (time.perf_counter() - begun) * 1e3, result


def measure(name: str, build: Callable[[], Any], use: Callable[[Any, int, int], Any], count: int, plans: int) -> Row:
    """Build once, then plan between places at random."""
    chance = Random(1)
    pairs = [tuple(chance.sample(range(count), 2)) for _ in range(plans)]
    took, graph = timed(build)
    first, *later = (timed(lambda pair=pair: use(graph, *pair))[0] for pair in pairs)
    tracemalloc.start()
    kept = build()
    for pair in pairs:
        use(kept, *pair)
    memory = tracemalloc.get_traced_memory()[0] / 1e6
    tracemalloc.stop()
    return Row(name, took, first, statistics.median(later), sorted(later)[int(len(later) * 0.99)], memory)


def rows(known: Known, plans: int) -> list[Row]:
    """One laboratory, by us and by a bare Dijkstra."""
    there, can, count = places(known), capabilities(known), len(known)
    full = {place.id: Decimal(10) for place in there[::10]}

    def ours(k: int, multipliers: dict[str, Decimal]) -> Callable[[Graph, int, int], Any]:
        return lambda graph, one, other: plan(graph, Wish(there[one].id, (there[other].id,), k), multipliers)

    def build() -> Graph:
        return Graph(there, can, 1)

    def missing(graph: Graph, one: int, other: int) -> Any:
        absent = frozenset(graph.levels.nodes)
        assert why_not(graph, Wish(there[one].id, (there[other].id,), absent=absent))

    title = f"{count:,} places"
    return [
        measure(f"{title}: plan", build, ours(1, {}), count, plans),
        measure(f"{title}: bare networkx", lambda: hubs(known), networkx.dijkstra_path, count, plans),
        measure(f"{title}: every tenth is full", build, ours(1, full), count, plans),
        measure(f"{title}: ten ways", build, ours(10, {}), count, max(plans // 10, 2)),
        measure(f"{title}: why not", build, missing, count, max(plans // 10, 2)),
        measure(f"{title}: picture", build, lambda graph, *_: svg(graph), count, max(plans // 30, 2)),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--plans", type=int, default=300)
    parser.add_argument("--repeat", type=int, default=3)
    given = parser.parse_args()
    print(f"{'':40}{'build':>10}{'first':>10}{'later p50':>11}{'p99':>10}{'memory':>10}")
    for known in (*map(dense, SIZES), chain()):
        runs = zip(*(rows(known, given.plans) for _ in range(given.repeat)), strict=True)
        for name, *figures in (
            (run[0].name, *(statistics.median(each) for each in zip(*(row[1:] for row in run), strict=True)))
            for run in runs
        ):
            build, first, later, slowest, memory = figures
            print(f"{name:40}{build:7.1f} ms{first:7.2f} ms{later:8.2f} ms{slowest:7.2f} ms{memory:7.1f} MB")


if __name__ == "__main__":
    main()
