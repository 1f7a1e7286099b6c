"""Leases: how many are granted in a second, and how long that takes, beside a bare SQL grant.

    python -m benchmarks.locks [--seconds 1.5] [--repeat 3] [--callers 1 4 8 32] [--replicas 1]

Starts everything itself on free ports. Each lease is given back before the next one is taken; what is timed is the
taking. The bare grant locks the row of a lease, writes it and a stored answer, and commits; it keeps no journal, tells
nobody, and knows no waiting line. Prints the median of the repetitions; rows alternate.
"""

import argparse
import asyncio
import os
import statistics
import sys
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any, Final, NamedTuple

import nats
import orjson
import psycopg
import uvloop
from nats.aio.client import Client

from benchmarks.load import Figure, Http
from labstow.contracts import headers
from labstow.contracts.ulids import new_ulid
from labstow.workers.kit.database import upgrade
from tests.conftest import Lab, running_gateway, running_lab
from tests.servers import running_servers

Json = dict[str, Any]
TTL_S: Final = 60
TABLES: Final = """
create table bare_lease (id text collate "C" primary key, token bigint not null default 0, lease text, holder text,
    expires_at timestamptz);
create table bare_answer (op_id text primary key, reply text not null);
"""
LOCK: Final = "select lease, expires_at > clock_timestamp() from bare_lease where id = %s for no key update"
GRANT: Final = """
with granted as (update bare_lease set token = token + 1, lease = %(lease)s, holder = 'me',
    expires_at = clock_timestamp() + interval '60 s' where id = %(id)s returning token)
insert into bare_answer select %(op_id)s, token::text from granted"""
FREE: Final = """
with freed as (update bare_lease set lease = null where id = %(id)s returning token)
insert into bare_answer select %(op_id)s, token::text from freed"""


class Way(NamedTuple):
    """A way to take and to give back one of some things, which callers take turns with."""

    name: str
    things: list[str]
    take: Callable[[str], Awaitable[str]]
    give: Callable[[str, str], Awaitable[None]]


async def measure(way: Way, callers: int, seconds: float) -> Figure:
    """Have some callers take and give back again and again."""
    took: list[float] = []
    begun = time.perf_counter()

    async def loop() -> None:
        while (start := time.perf_counter()) < begun + seconds:
            thing = way.things.pop(0)
            lease = await way.take(thing)
            took.append(time.perf_counter() - start)
            await way.give(thing, lease)
            way.things.append(thing)

    await asyncio.gather(*(loop() for _ in range(callers)))
    elapsed = time.perf_counter() - begun
    took.sort()
    return Figure(len(took) / elapsed, took[len(took) // 2] * 1e3, took[int(len(took) * 0.99)] * 1e3)


def bare(connections: list[psycopg.AsyncConnection], things: list[str]) -> Way:
    """By SQL alone."""

    async def write(thing: str, statement: str, lease: str) -> None:
        connection = connections.pop()
        await (await connection.execute(LOCK, [thing])).fetchone()
        await connection.execute(statement, {"id": thing, "lease": lease, "op_id": new_ulid()})
        await connection.commit()
        connections.append(connection)

    async def take(thing: str) -> str:
        await write(thing, GRANT, lease := new_ulid())
        return lease

    async def give(thing: str, lease: str) -> None:
        await write(thing, FREE, lease)

    return Way("bare SQL grant", things, take, give)


class Asker:
    """Asks over NATS, and fails when it is told no."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def __call__(self, verb: str, **body: Any) -> Json:
        """The answer."""
        head = {headers.OP_ID: new_ulid(), headers.ACTOR: "me"}
        answer = await self._client.request(f"labstow.v1.{verb}", orjson.dumps(body), timeout=60, headers=head)
        told: Json = orjson.loads(answer.data)
        assert headers.ERROR not in (answer.headers or {}), told
        return told

    async def add(self, count: int) -> list[str]:
        """New things."""
        added = [self("resource.add", resource={"name": "plate"}) for _ in range(count)]
        return [told["resource_id"] for told in await asyncio.gather(*added)]

    async def take(self, thing: str, **how: Any) -> str:
        """A lease, waited for if need be."""
        told = await self("lock.acquire", resource_ids=[thing], ttl_s=TTL_S, **how)
        while told["state"] == "queued":
            told = await self("lock.await", ticket=told["ticket"])
        return str(told["lease_id"])

    async def wait(self, thing: str) -> str:
        """A lease on what all want."""
        return await self.take(thing, wait_s=60)

    async def give(self, _: str, lease: str) -> None:
        """Give it back."""
        await self("lock.release", lease_id=lease)


def by_rest(http: Http, things: list[str]) -> Way:
    """Over the gateway."""

    async def post(path: str, **body: Any) -> Json:
        status, answer = await http.send("POST", path, orjson.dumps(body))
        assert status == 200, answer
        told: Json = orjson.loads(answer)
        return told

    async def take(thing: str) -> str:
        return str((await post("/locks", resource_ids=[thing], ttl_s=TTL_S))["lease_id"])

    async def give(_: str, lease: str) -> None:
        await post("/locks/release", lease_id=lease)

    return Way("granted over REST", things, take, give)


async def table(lab: Lab, port: int, options: argparse.Namespace) -> None:
    """Measure all ways for all numbers of callers and print them."""
    await lab.ready()
    client, http = await nats.connect(lab.nats_url), Http("127.0.0.1", port)
    ask, most = Asker(client), max(options.callers)
    found: dict[tuple[str, int], list[Figure]] = {}
    async with AsyncExitStack() as stack:
        stack.push_async_callback(client.close)
        stack.callback(http.close)
        connect = psycopg.AsyncConnection.connect
        connections = [await stack.enter_async_context(await connect(lab.postgres_url)) for _ in range(most)]
        await connections[0].execute(TABLES)
        leased = await ask.add(2 * most)
        await connections[0].execute("insert into bare_lease select unnest(%s::text[])", [leased])
        await connections[0].commit()
        ways = [
            bare(connections, list(leased)),
            Way("granted over NATS", await ask.add(2 * most), ask.take, ask.give),
            by_rest(http, await ask.add(2 * most)),
            Way("one thing, in line", await ask.add(1) * most, ask.wait, ask.give),
        ]
        for way in ways:
            await measure(way, 4, 0.3)
        for round_ in range(options.repeat):
            for callers in options.callers:
                for way in ways if round_ % 2 else reversed(ways):
                    found.setdefault((way.name, callers), []).append(await measure(way, callers, options.seconds))
                    print(".", end="", flush=True, file=sys.stderr)
    print(f"\n| grants per second (p50 / p99 ms, share of bare SQL) | {' | '.join(map(str, options.callers))} |")
    print("|---|" + "--:|" * len(options.callers))
    for way in ways:
        cells = []
        for callers in options.callers:
            figure = Figure(*map(statistics.median, zip(*found[way.name, callers], strict=True)))
            base = statistics.median(each.per_second for each in found[ways[0].name, callers])
            share = "" if way is ways[0] else f", {figure.per_second / base:.2f}x"
            cells.append(f"{figure.per_second:,.0f} ({figure.p50_ms:.1f} / {figure.p99_ms:.0f}{share})")
        print(f"| {way.name} | {' | '.join(cells)} |")


def main() -> None:
    """Start everything and measure."""
    told = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    told.add_argument("--seconds", type=float, default=1.5)
    told.add_argument("--repeat", type=int, default=3)
    told.add_argument("--callers", type=int, nargs="+", default=[1, 4, 8, 32])
    told.add_argument("--replicas", type=int, default=1)
    options = told.parse_args()
    with running_servers() as servers, servers.database() as url:
        upgrade(url)
        os.environ["LABSTOW_REDIS_URL"] = servers.redis.url
        with running_lab(servers.nats.url, url, options.replicas) as lab, running_gateway(lab) as gateway:
            uvloop.run(table(lab, gateway.port, options))


if __name__ == "__main__":
    main()
