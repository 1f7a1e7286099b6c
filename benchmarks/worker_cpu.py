"""CPU a worker spends on a request: steadier than a rate on a machine that others use too.

    python -m benchmarks.worker_cpu [--full-path]

`--full-path` walks every message through FastStream's own stack, for comparison.
"""

import argparse
import asyncio
import os
import subprocess
import sys
import time

import nats
import orjson
import psutil
import uvloop

from labstow.contracts import headers
from labstow.contracts.ulids import new_ulid
from labstow.workers.kit.database import upgrade
from tests.conftest import Lab, running_lab
from tests.servers import running_servers

CALLERS = (1, 8, 32, 128)
FULL_PATH = """
import sys
from faststream.nats import NatsMessage
from labstow.workers.kit import broker
from labstow.workers.main import KINDS, main

async def undecoded(message: NatsMessage) -> NatsMessage:
    return message

def register(router, endpoint, intake):
    async def handler(message):
        await intake.take(endpoint, message.raw_message)
    verb = endpoint.subject.removeprefix("labstow.v1.")
    router.subscriber(verb, queue=endpoint.queue, decoder=undecoded, no_reply=True)(handler)

import labstow.workers.main as process
process.register = register
make = process.make_broker
def plain(*given):
    made = make(*given)
    made.config.broker_config.fd_config.use_fastdepends = False
    return made
process.make_broker = plain
main(list(KINDS))
"""


async def table(lab: Lab) -> None:
    """Spend and print."""
    client = await nats.connect(lab.nats_url)
    await lab.ready()
    worker = psutil.Process(lab.processes[0].pid)
    ids: list[str] = []

    async def ask(verb: str, body: object) -> None:
        subject, head = f"labstow.v1.resource.{verb}", {headers.OP_ID: new_ulid()}
        answer = await client.request(subject, orjson.dumps(body), timeout=30, headers=head)
        assert not answer.headers, answer.data

    async def add() -> None:
        ids.append(new_ulid())
        await ask("add", {"resource": {"resource_id": ids[-1], "name": "s", "attributes": {"mM": 10}}})

    async def get() -> None:
        ids.append(one := ids.pop(0))
        await ask("get", {"resource_id": one})

    print("| worker CPU, us per request (requests per second) |", " | ".join(map(str, CALLERS)), "|")
    print("|---|" + "--:|" * len(CALLERS))
    for name, once, total in (("add", add, 2000), ("get", get, 4000)):
        cells = []
        for callers in CALLERS:
            left = total

            async def loop() -> None:
                nonlocal left
                while left > 0:
                    left -= 1
                    await once()  # noqa: B023 (awaited within the iteration)

            spent, begun = sum(worker.cpu_times()[:2]), time.perf_counter()
            await asyncio.gather(*(loop() for _ in range(callers)))
            spent, took = sum(worker.cpu_times()[:2]) - spent, time.perf_counter() - begun
            cells.append(f"{spent / total * 1e6:.0f} ({total / took:,.0f})")
        print(f"| {name} | {' | '.join(cells)} |")
    await client.close()


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--full-path", action="store_true")
    given = options.parse_args()
    with running_servers() as servers, servers.database() as url:
        upgrade(url)
        with running_lab(servers.nats.url, url, replicas=0 if given.full_path else 1) as lab:
            if given.full_path:
                environment = os.environ | {"LABSTOW_NATS_URL": lab.nats_url, "LABSTOW_POSTGRES_URL": url}
                lab.processes.append(subprocess.Popen([sys.executable, "-c", FULL_PATH], env=environment))
            uvloop.run(table(lab))


if __name__ == "__main__":
    main()
