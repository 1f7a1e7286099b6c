"""Every operation over NATS, beside a bare FastStream echo and a bare psycopg transaction that writes the same rows.

    python -m benchmarks.operations [--seconds 1] [--repeat 2] [--callers 1 8 32] [--only WORD ...]

Starts everything itself on free ports. Prints the median of the repetitions; rows and baselines alternate. The echo
answers a request and does nothing. The transaction locks and writes as many rows of a table like ours as the operation
does, with their journal, outbox and stored answer, in one round trip, and decides nothing.
"""

import argparse
import asyncio
import statistics
import subprocess
import sys
from collections.abc import Awaitable, Callable
from typing import Any, Final, NamedTuple

import nats
import orjson
import uvloop
from nats.aio.client import Client

from benchmarks.bare import Bare
from benchmarks.load import Figure, measure
from labstow.contracts import headers
from labstow.contracts.ulids import new_ulid
from labstow.workers.kit.database import upgrade
from tests.conftest import Lab, running_lab
from tests.servers import running_servers

Json = dict[str, Any]
WARMING: Final = 4
ATTRIBUTES: Final = {"compound": "aspirin", "mM": 10}
ASSET: Final = {"resource_class": "sample", "base_type": "asset", "attributes": ATTRIBUTES}
PLATE: Final = {"resource_class": "plate", "base_type": "grid", "rows": 8, "columns": 12}


Ask = tuple[str, Json]


class Row(NamedTuple):
    """An operation: what is asked of one of some things, which callers take turns with; and how many rows it writes."""

    name: str
    things: list[Any]
    asked: Callable[[Any], list[Ask]]
    new: int = 0
    changed: int = 0


class Asker:
    """Asks labstow, and fails when it says no."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def __call__(self, verb: str, **body: Any) -> Json:
        head = {headers.OP_ID: new_ulid()}
        answer = await self._client.request(f"labstow.v1.{verb}", orjson.dumps(body), timeout=60, headers=head)
        told: Json = orjson.loads(answer.data)
        assert headers.ERROR not in (answer.headers or {}), told
        return told

    async def add(self, **fields: Any) -> str:
        return str((await self("resource.add", resource={"name": "s", **fields}))["resource_id"])

    def once(self, row: Row) -> Callable[[], Awaitable[None]]:
        """Have a row's operation done once."""

        async def once() -> None:
            thing = row.things.pop(0)
            for verb, body in row.asked(thing):
                await self(verb, **body)
            row.things.append(thing)

        return once


async def rows(ask: Asker, callers: int) -> list[Row]:
    """What is measured."""
    drop = {"name": "well", "base_type": "consumable", "quantity": 1}
    wells = [{**drop, "position": [n // 12, n % 12]} for n in range(95)]
    many, anybody = range(callers), [None] * callers
    hot, full = await ask.add(base_type="consumable", quantity=10**9), await ask.add(**PLATE, children=wells)
    assets = [await ask.add(**ASSET) for _ in range(100)]
    bottles = [await ask.add(base_type="consumable", quantity=10**9) for _ in many]
    plates = [(await ask.add(**PLATE, children=wells), await ask.add(**ASSET)) for _ in many]
    stacks = [(await ask.add(base_type="stack"), await ask.add(**ASSET)) for _ in many]
    nests = [[await ask.add(base_type="slot"), await ask.add(base_type="slot"), await ask.add(**ASSET)] for _ in many]
    for here, _, sample in nests:
        await ask("resource.move", resource_id=sample, container_id=here)
    for number in range(300):
        await ask.add(resource_class=f"bulk {number % 3}", base_type="asset")
    flat = {"name": "buffer", "base_type": "consumable", "quantity": 10, "capacity": 100}
    await ask("template.create", name="flat", resource=flat)
    await ask("template.create", name="plate", resource={"name": "plate", **PLATE, "children": wells})
    new_asset = {"resource": {"name": "s", **ASSET}}

    def about(verb: str, **fields: Any) -> Callable[[Any], list[Ask]]:
        return lambda one: [(verb, {"resource_id": one, **fields})]

    def asking(verb: str, **body: Any) -> Callable[[Any], list[Ask]]:
        return lambda _: [(verb, body)]

    def update(one: str) -> list[Ask]:
        return [("resource.update", {"resource_id": one, "changes": {"attributes": {"run": new_ulid()}}})]

    def place_and_take(at: tuple[str, str]) -> list[Ask]:
        sample = {"resource_id": at[1], "position": "H12"}
        place = {"container_id": at[0], "resource": sample}
        return [("resource.place", place), ("resource.take", {"container_id": at[0], "position": "H12"})]

    def push_and_pop(at: tuple[str, str]) -> list[Ask]:
        push = {"container_id": at[0], "resource": {"resource_id": at[1]}}
        return [("resource.push", push), ("resource.pop", {"container_id": at[0]})]

    def move(nest: list[str]) -> list[Ask]:
        nest[0], nest[1] = nest[1], nest[0]
        return [("resource.move", {"resource_id": nest[2], "container_id": nest[0]})]

    def remove_and_restore(one: str) -> list[Ask]:
        return [("resource.remove", {"resource_id": one}), ("resource.restore", {"resource_id": one})]

    def made(template: str) -> Callable[[Any], list[Ask]]:
        return asking("template.instantiate", template=template, instances=[{"name": "b"}])

    decrease = "resource.decrease-quantity"
    return [
        Row("get", assets, about("resource.get")),
        Row("get a plate with 95 wells", anybody, asking("resource.get", resource_id=full)),
        Row("find 100 by class", anybody, asking("resource.find", resource_class="bulk 1")),
        Row("hierarchy of 95", anybody, asking("resource.hierarchy", resource_id=full)),
        Row("tree of 95", anybody, asking("resource.tree", resource_id=full)),
        Row("where", anybody, asking("resource.where", resource_id=full)),
        Row("history, newest 100", anybody, asking("history.query", entity_id=hot, limit=100)),
        Row("add", anybody, asking("resource.add", **new_asset), new=1),
        Row("update", assets, update, changed=1),
        Row("decrease, own things", bottles, about(decrease, amount="0.5"), changed=1),
        Row("decrease, one hot thing", anybody, asking(decrease, resource_id=hot, amount=1), changed=1),
        Row("place in a full plate, take", plates, place_and_take, changed=4),
        Row("push, pop", stacks, push_and_pop, changed=4),
        Row("move from nest to nest", nests, move, changed=3),
        Row("remove, restore", assets, remove_and_restore, changed=2),
        Row("from a template", anybody, made("flat"), new=1),
        Row("plate of 95 from a template", anybody, made("plate"), new=96),
        Row(
            "batch of 50 adds",
            anybody,
            asking("resource.batch", steps=[{"verb": "add", "command": new_asset}] * 50),
            new=50,
        ),
    ]


async def table(lab: Lab, options: argparse.Namespace) -> None:
    """Measure all rows at all numbers of callers and print them."""
    await lab.ready()
    client = await nats.connect(lab.nats_url)
    found: dict[tuple[str, int], list[Figure]] = {}

    async def echo() -> None:
        await client.request("bare.echo", b'{"resource_id":"01M7ZQPJ4RNK3G1KAYMQFFSG2C"}', timeout=10)

    async with Bare(lab.postgres_url, max(WARMING, *options.callers)) as bare:
        measured = await rows(ask := Asker(client), max(WARMING, *options.callers))
        if options.only:
            measured = [row for row in measured if any(word in row.name for word in options.only)]
        sizes = sorted({(row.new, row.changed) for row in measured if row.new or row.changed})
        everything = [("echo", echo), *((f"{size}", bare.writing(*size)) for size in sizes)]
        everything += [(row.name, ask.once(row)) for row in measured]
        for _, once in everything:
            await measure(once, WARMING, 0.2)
        for round_ in range(options.repeat):
            for callers in options.callers:
                for name, once in everything if round_ % 2 else reversed(everything):
                    found.setdefault((name, callers), []).append(await measure(once, callers, options.seconds))
                    print(".", end="", flush=True, file=sys.stderr)
    await client.close()
    print(f"\n| per second (p50 / p99 ms, share of echo, of bare writing) | {' | '.join(map(str, options.callers))} |")
    print("|---|" + "--:|" * len(options.callers))
    for name, _ in everything:
        row = next((row for row in measured if row.name == name), None)
        cells = [cell(found, name, callers, row) for callers in options.callers]
        print(f"| {name if row else f'bare: {name}'} | {' | '.join(cells)} |")


def cell(found: dict[tuple[str, int], list[Figure]], name: str, callers: int, row: Row | None) -> str:
    """A figure, and what part of its baselines it is."""

    def median(of: str) -> Figure:
        return Figure(*map(statistics.median, zip(*found[of, callers], strict=True)))

    figure = median(name)
    shares = ""
    if row is not None:
        shares = f", {figure.per_second / median('echo').per_second:.2f}x"
        if row.new or row.changed:
            shares += f", {figure.per_second / median(f'{(row.new, row.changed)}').per_second:.2f}x"
    return f"{figure.per_second:,.0f} ({figure.p50_ms:.1f} / {figure.p99_ms:.0f}{shares})"


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--seconds", type=float, default=1.0)
    options.add_argument("--repeat", type=int, default=2)
    options.add_argument("--replicas", type=int, default=1)
    options.add_argument("--callers", type=int, nargs="+", default=[1, 8, 32])
    options.add_argument("--only", nargs="+")
    given = options.parse_args()
    with running_servers() as servers, servers.database() as url:
        upgrade(url)
        with running_lab(servers.nats.url, url, given.replicas) as lab:
            echo = subprocess.Popen([sys.executable, "-m", "benchmarks.echo", servers.nats.url])
            try:
                uvloop.run(table(lab, given))
            finally:
                echo.terminate()
                echo.wait()


if __name__ == "__main__":
    asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())
    main()
