"""Get and add over NATS and over REST, beside a bare FastStream echo and a bare psycopg transaction.

    python -m benchmarks.requests [--seconds 1.5] [--repeat 3] [--replicas 1]

Starts everything itself on free ports. Prints the median of the repetitions, which alternate between the rows.
"""

import argparse
import statistics
import subprocess
import sys
from collections.abc import Awaitable, Callable
from contextlib import ExitStack

import nats
import orjson
import psycopg
import uvloop

from benchmarks.load import Figure, Http, measure
from labstow.contracts import headers
from labstow.contracts.ulids import new_ulid
from labstow.workers.kit.database import upgrade
from tests.conftest import Lab, running_gateway, running_lab
from tests.servers import running_servers

CALLERS = (1, 8, 32)
ASSET = {"resource_class": "sample", "base_type": "asset", "attributes": {"compound": "aspirin", "mM": 10}}

Row = tuple[str, Callable[[], Awaitable[None]]]


async def rows(lab: Lab, http: Http, stack: ExitStack) -> list[Row]:
    """What is measured: a name, and the thing to do once."""
    client = await nats.connect(lab.nats_url)
    connections = [await psycopg.AsyncConnection.connect(lab.postgres_url) for _ in range(max(CALLERS))]
    await connections[0].execute("create table bare (id text primary key, body jsonb)")
    await connections[0].commit()
    ids = [new_ulid() for _ in range(100)]

    async def ask(subject: str, body: bytes, **head: str) -> None:
        answer = await client.request(subject, body, timeout=30, headers=head or None)
        assert headers.ERROR not in (answer.headers or {}), answer.data

    async def echo() -> None:
        await ask("bare.echo", b'{"resource_id":"%b"}' % ids[0].encode())

    async def transaction() -> None:
        connection = connections.pop()
        await connection.execute("insert into bare values (%s, %s)", (new_ulid(), orjson.dumps(ASSET).decode()))
        await connection.commit()
        connections.append(connection)

    async def get() -> None:
        ids.append(one := ids.pop(0))
        await ask("labstow.v1.resource.get", b'{"resource_id":"%b"}' % one.encode())

    async def add(resource_id: str = "") -> None:
        body = orjson.dumps({"resource": {"resource_id": resource_id or new_ulid(), "name": "s", **ASSET}})
        await ask("labstow.v1.resource.add", body, **{headers.OP_ID: new_ulid()})

    async def rest_get() -> None:
        ids.append(one := ids.pop(0))
        status, answer = await http.send("GET", f"/resource/{one}")
        assert status == 200, answer

    async def rest_add() -> None:
        body = orjson.dumps({"resource_id": new_ulid(), "resource_name": "s", **ASSET})
        status, answer = await http.send("POST", "/resource/add", body)
        assert status == 200, answer

    for one in list(ids):
        await add(one)
    stack.callback(http.close)
    return [
        ("bare FastStream echo", echo),
        ("bare psycopg transaction", transaction),
        ("get over NATS", get),
        ("add over NATS", add),
        ("get over REST", rest_get),
        ("add over REST", rest_add),
    ]


async def table(lab: Lab, port: int, seconds: float, repeat: int) -> None:
    """Measure all rows at all numbers of callers and print them."""
    await lab.ready()
    found: dict[tuple[str, int], list[Figure]] = {}
    with ExitStack() as stack:
        for _, once in (measured := await rows(lab, Http("127.0.0.1", port), stack)):
            await measure(once, 8, 0.5)
        for round_ in range(repeat):
            for callers in CALLERS:
                for name, once in measured if round_ % 2 else reversed(measured):
                    found.setdefault((name, callers), []).append(await measure(once, callers, seconds))
                    print(".", end="", flush=True, file=sys.stderr)
    print(f"\n| requests per second (p50 / p99 ms, share of the baseline) | {' | '.join(map(str, CALLERS))} |")
    print("|---|" + "--:|" * len(CALLERS))
    for name, _ in measured:
        cells = []
        for callers in CALLERS:
            figure = Figure(*map(statistics.median, zip(*found[name, callers], strict=True)))
            baseline = "bare psycopg transaction" if "add" in name else "bare FastStream echo"
            base = statistics.median(figure.per_second for figure in found[baseline, callers])
            share = "" if name.startswith("bare") else f", {figure.per_second / base:.2f}x"
            cells.append(f"{figure.per_second:,.0f} ({figure.p50_ms:.1f} / {figure.p99_ms:.0f}{share})")
        print(f"| {name} | {' | '.join(cells)} |")


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--seconds", type=float, default=1.5)
    options.add_argument("--repeat", type=int, default=3)
    options.add_argument("--replicas", type=int, default=1)
    given = options.parse_args()
    with running_servers() as servers, servers.database() as url:
        upgrade(url)
        with running_lab(servers.nats.url, url, given.replicas) as lab, running_gateway(lab) as gateway:
            echo = subprocess.Popen([sys.executable, "-m", "benchmarks.echo", servers.nats.url])
            try:
                uvloop.run(table(lab, gateway.port, given.seconds, given.repeat))
            finally:
                echo.terminate()
                echo.wait()


if __name__ == "__main__":
    main()
