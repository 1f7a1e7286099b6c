"""Whether cost grows: the same operations in a small laboratory, and in the same one when it has become large.

    python -m benchmarks.scale [--resources 100000] [--entries 1000000] [--seconds 1] [--repeat 3]

Small: a plate of 8 x 12, a stack of 10, a hundred things. Large: a plate of 32 x 48 and a stack of 1,000, both full, in
a laboratory of 100,000 things and 1,000,000 journal entries, of which one thing has 100,000. Prints calls per second
of one caller, and how many times slower the large one is; the machine's own moods between the two are in it.
"""

import argparse
import asyncio
import statistics
import sys
from typing import Any, Final

import nats
import psycopg
import uvloop

from benchmarks.load import measure
from benchmarks.operations import ASSET, Ask, Asker, Row
from labstow.contracts.ulids import new_ulid
from labstow.workers.kit.database import upgrade
from tests.conftest import running_lab
from tests.servers import running_servers

THINGS: Final = """
insert into labstow.resource (id, name, resource_class, base_type, owner, attributes, pooled, one_indexed,
    created_at, updated_at, version, next_seq, head)
select '00' || lpad(n::text, 24, '0'), 'bulk ' || n, 'bulk ' || n / 100, 'asset', '{}', '{}', false, true,
    now() - interval '1 day', now() - interval '1 day', 1, 0, '' from generate_series(1, %(count)s) n
"""
ENTRIES: Final = """
insert into labstow.journal (event_id, noun, entity_id, version, what, at, actor, via, op_id, changes, state, prev_hash,
    hash)
select '00' || lpad(n::text, 24, '0'), 'resource',
    case when n %% 10 = 0 then '00' || repeat('0', 23) || '1' else '00' || lpad((n %% 100000 + 1)::text, 24, '0') end,
    n + 1, 'updated', now() - interval '1 day' + n * interval '1 ms', 'bulk ' || n %% 50, 'nats', 'bulk', '{}',
    '{"resource_id": "x", "parent_id": null, "removed_at": null}', '', '' from generate_series(1, %(count)s) n
"""


async def rows(ask: Asker, plate: tuple[int, int], depth: int) -> list[Row]:
    """The operations, on a plate and a stack of these sizes."""
    height, width = plate
    sizes = {"base_type": "grid", "rows": height, "columns": width}
    well = {"name": "well", **ASSET}
    full = [{**well, "position": [n // width, n % width]} for n in range(height * width - 1)]
    grid = await ask.add(**sizes, children=full)
    stack = await ask.add(base_type="stack", children=[well] * depth)
    sample, bottle = await ask.add(**ASSET), await ask.add(base_type="consumable", quantity=10**9)
    name = new_ulid()
    for _ in range(100):
        await ask.add(base_type="asset", resource_class=name)
    last = {"resource_id": sample, "position": [height - 1, width - 1]}
    place_and_take: list[Ask] = [
        ("resource.place", {"container_id": grid, "resource": last}),
        ("resource.take", {"container_id": grid, "resource_id": sample}),
    ]
    push_and_pop: list[Ask] = [
        ("resource.push", {"container_id": stack, "resource": {"resource_id": sample}}),
        ("resource.pop", {"container_id": stack}),
    ]

    def asking(verb: str, **body: Any) -> Row:
        return Row(verb, [None], lambda _: [(verb, body)])

    return [
        Row("place in a full plate, take", [None], lambda _: place_and_take),
        Row("push, pop", [None], lambda _: push_and_pop),
        asking("resource.add", resource={"name": "s", **ASSET}),
        asking("resource.decrease-quantity", resource_id=bottle, amount="0.5"),
        asking("resource.get", resource_id=sample),
        asking("resource.get", resource_id=grid, children=False),
        asking("resource.where", resource_id=sample),
        asking("resource.find", resource_class=name),
        asking("resource.find", text=name),
        asking("history.query", entity_id=bottle, limit=100),
    ]


async def table(ask: Asker, url: str, given: argparse.Namespace) -> None:
    """Measure in the small laboratory, and in the same one when it is large."""
    small = await rows(ask, (8, 12), 10)
    found: dict[tuple[str, int], list[float]] = {}

    async def measured(size: int, those: list[Row]) -> None:
        for _ in range(given.repeat):
            for number, row in enumerate(those):
                figure = await measure(ask.once(row), 1, given.seconds)
                found.setdefault((f"{number} {row.name}", size), []).append(figure.per_second)
                print(".", end="", flush=True, file=sys.stderr)

    await measured(0, small)
    with psycopg.connect(url) as connection:
        connection.execute(THINGS, {"count": given.resources})
        connection.execute(ENTRIES, {"count": given.entries})
        connection.commit()
        connection.autocommit = True
        connection.execute("analyze")
    large = await rows(ask, (32, 48), 1_000)
    await measured(1, large)
    print("\n| one caller, per second | small | large | times slower |\n|---|--:|--:|--:|")
    for number, row in enumerate(small):
        few, many = (statistics.median(found[f"{number} {row.name}", size]) for size in (0, 1))
        print(f"| {row.name} | {few:,.0f} | {many:,.0f} | {few / many:.2f} |")


async def run(nats_url: str, url: str, given: argparse.Namespace) -> None:
    """Measure all of it on one connection."""
    client = await nats.connect(nats_url)
    await table(Asker(client), url, given)
    await client.close()


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--seconds", type=float, default=1.0)
    options.add_argument("--repeat", type=int, default=3)
    options.add_argument("--resources", type=int, default=100_000)
    options.add_argument("--entries", type=int, default=1_000_000)
    given = options.parse_args()
    with running_servers() as servers, servers.database() as url:
        upgrade(url)
        with running_lab(servers.nats.url, url) as lab:
            asyncio.run(lab.ready())
            uvloop.run(run(servers.nats.url, url, given))


if __name__ == "__main__":
    main()
