"""Whether cost grows: the same operations in a small laboratory and in a large one, in turns.

    python -m benchmarks.scale [--resources 100000] [--entries 1000000] [--seconds 0.15] [--repeat 30]

Small: a plate of 8 x 12 and a stack of 10, among 1,000 things with 2,000 journal entries, of which one thing has 112.
Large: a plate of 32 x 48 and a stack of 1,000, among 100,000 things with 1,000,000 entries, of which one thing has
100,000. Each has a worker process, a NATS server and a database of its own; the databases share a Postgres server.

One caller asks the same of one and then of the other, for a moment each, the large one first in every other round.
Prints how long a call takes and, of the rounds, how many times as long it takes in the large one: median and quartiles.
What else the machine does meets both. Takes some five minutes, the first half of it to write the past.

With `--resources 1000` the large one has as few boxes as the small one and a longer past, for which Postgres may plan
otherwise.
"""

import argparse
import asyncio
import statistics
import sys
from contextlib import ExitStack
from typing import Any, Final, NamedTuple

import nats
import psycopg
import uvloop

from benchmarks.load import measure
from benchmarks.operations import ASSET, Ask, Asker, Row
from benchmarks.past import Busy, fill
from labstow.contracts.ulids import new_ulid
from labstow.workers.kit.database import upgrade
from tests.conftest import Lab, running_lab
from tests.servers import fresh_nats, running_servers


class Size(NamedTuple):
    """How large a laboratory is."""

    resources: int
    entries: int
    plate: tuple[int, int]
    depth: int


SMALL: Final = Size(1_000, 2_000, (8, 12), 10)
COUNTS: Final = """
select (select count(*) from labstow.resource), (select count(*) from labstow.journal),
    (select count(*) from labstow.journal where entity_id = %s)
"""


async def filled(ask: Asker, url: str, size: Size) -> Busy:
    """Write a past into a laboratory."""
    box = await ask.add(resource_class="box", base_type="container")
    tube = {"name": "tube", **ASSET}
    inside = (await ask("resource.add", parent_id=box, resource=tube))["resource_id"]

    def progress(number: int) -> None:
        if number % 100_000 == 0:
            print(f"\r{number:,} of {size.entries:,} entries are written", end="", flush=True, file=sys.stderr)

    busy = await asyncio.to_thread(fill, url, (box, inside), size.resources, size.entries, progress)
    print(file=sys.stderr)
    return busy


async def rows(ask: Asker, size: Size, busy: Busy) -> list[Row]:
    """The operations, on a plate and a stack of this size."""
    height, width = size.plate
    well = {"name": "well", **ASSET}
    wells = [{**well, "position": [n // width, n % width]} for n in range(height * width - 1)]
    grid = await ask.add(base_type="grid", rows=height, columns=width, children=wells)
    stack = await ask.add(base_type="stack", children=[well] * size.depth)
    sample, bottle = await ask.add(**ASSET), await ask.add(base_type="consumable", quantity=10**9)
    last = {"resource_id": sample, "position": [height - 1, width - 1]}
    place = ("resource.place", {"container_id": grid, "resource": last})
    take = ("resource.take", {"container_id": grid, "resource_id": sample})
    push = ("resource.push", {"container_id": stack, "resource": {"resource_id": sample}})
    pop = ("resource.pop", {"container_id": stack})
    new, batch = {"name": "s", **ASSET}, {"resource_class": busy.batch}

    def asking(name: str, *asks: Ask) -> Row:
        return Row(name, [None], lambda _: list(asks))

    def about(name: str, verb: str, **body: Any) -> Row:
        return asking(name, (verb, body))

    def update(_: None) -> list[Ask]:
        return [("resource.update", {"resource_id": busy.id, "changes": {"attributes": {"run": new_ulid()}}})]

    def then(name: str, verb: str, field: str, **body: Any) -> Row:
        return Row(name, list(busy.moments), lambda at: [(verb, {**body, field: at})])

    return [
        asking("place in a full plate, take", place, take),
        asking("push, pop", push, pop),
        about("add", "resource.add", resource=new),
        about("init of what is there", "resource.init", resource={"name": "box", **batch, "base_type": "container"}),
        about("decrease", "resource.decrease-quantity", resource_id=bottle, amount="0.5"),
        about("get", "resource.get", resource_id=sample),
        about("get a plate without its wells", "resource.get", resource_id=grid, children=False),
        about("where", "resource.where", resource_id=busy.id),
        about("find 100 by class", "resource.find", **batch),
        about("find 100 by a word", "resource.find", text=busy.batch),
        about("find 100 of all that have a word", "resource.find", text="tube"),
        about("history of a robot, newest 100", "history.query", actor=busy.robot, limit=100),
        then("history until a moment, newest 100", "history.query", "until", limit=100),
        about("the busy one: get", "resource.get", resource_id=busy.id),
        Row("the busy one: update", [None], update),
        about("the busy one: history, newest 100", "history.query", entity_id=busy.id, limit=100),
        then("the busy one: entry at a moment", "history.at", "at", entity_id=busy.id),
        then("the busy one: get as of a moment", "resource.get", "as_of", resource_id=busy.id),
        then("the box it is in: get as of a moment", "resource.get", "as_of", resource_id=busy.box),
        then("another box: get as of a moment", "resource.get", "as_of", resource_id=busy.quiet),
    ]


async def table(asks: list[Asker], urls: list[str], sizes: list[Size], given: argparse.Namespace) -> None:
    """Measure in both laboratories in turns, and print."""
    busy = [await filled(*each) for each in zip(asks, urls, sizes, strict=True)]
    pairs = list(zip(*[await rows(*each) for each in zip(asks, sizes, busy, strict=True)], strict=True))
    took: dict[str, tuple[list[float], ...]] = {pair[0].name: ([], []) for pair in pairs}
    for round_ in range(given.repeat + 1):
        for pair in pairs:
            for which in (0, 1) if round_ % 2 else (1, 0):
                figure = await measure(asks[which].once(pair[which]), 1, given.seconds)
                if round_:  # in the first one they only warm up
                    took[pair[0].name][which].append(1e3 / figure.per_second)
        print(f"\rround {round_} of {given.repeat}", end="", flush=True, file=sys.stderr)
    print("\n| one caller, ms a call | small | large | times as long (quartiles) |\n|---|--:|--:|--:|")
    for name, (few, many) in took.items():
        times = [large / small for small, large in zip(few, many, strict=True)]
        low, _, high = statistics.quantiles(times, method="inclusive")
        medians = f"{statistics.median(few):.2f} | {statistics.median(many):.2f} | {statistics.median(times):.2f}"
        print(f"| {name} | {medians} ({low:.2f}-{high:.2f}) |")
    for name, url, tube in zip(("small", "large"), urls, busy, strict=True):
        with psycopg.connect(url) as connection:
            counts = connection.execute(COUNTS, [tube.id]).fetchone() or ()
        print("{}, in the end: {:,} things, {:,} entries, {:,} of the busy one".format(name, *counts))


async def run(labs: list[Lab], sizes: list[Size], given: argparse.Namespace) -> None:
    """Measure all of it, on one connection to each laboratory."""
    clients = []
    for lab in labs:
        await lab.ready()
        clients.append(await nats.connect(lab.nats_url))
    await table([Asker(client) for client in clients], [lab.postgres_url for lab in labs], sizes, given)
    for client in clients:
        await client.close()


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--seconds", type=float, default=0.15)
    options.add_argument("--repeat", type=int, default=30)
    options.add_argument("--resources", type=int, default=100_000)
    options.add_argument("--entries", type=int, default=1_000_000)
    given = options.parse_args()
    sizes = [SMALL, Size(given.resources, given.entries, (32, 48), 1_000)]
    labs = []
    with running_servers() as servers, ExitStack() as stack:
        for _ in sizes:
            url, server = stack.enter_context(servers.database()), stack.enter_context(fresh_nats())
            upgrade(url)
            labs.append(stack.enter_context(running_lab(server.url, url)))
        uvloop.run(run(labs, sizes, given))


if __name__ == "__main__":
    main()
