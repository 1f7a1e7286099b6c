"""What a batch of events costs the NATS server, one by one and atomic: `python -m benchmarks.event_batches`."""

import asyncio
import time
from datetime import UTC, datetime

import nats
import psutil

from labstow.contracts import subjects
from labstow.contracts.ulids import new_ulid
from labstow.workers.kit import stream
from labstow.workers.kit.outbox import Outgoing
from tests.servers import fresh_nats


def batch(size: int) -> list[Outgoing]:
    """Events of the usual size."""
    ids = [new_ulid() for _ in range(size)]
    return [Outgoing(1, one, datetime.now(UTC), subjects.event("resource", "added", one), b"x" * 1200) for one in ids]


async def table(url: str, server: psutil.Process) -> None:
    """Measure and print."""
    client = await nats.connect(url)
    await stream.ensure(client)
    last, few = 0, stream.FEW
    print("| events | one by one: ms, ms of CPU | atomic: ms, ms of CPU |\n|--:|--:|--:|")
    for size in (1, 2, 4, 8, 16, 64, 256):
        cells = []
        for limit in (256, 0):
            stream.FEW = limit  # type: ignore[misc]
            times = max(5, 100 // size)
            cpu, begun = sum(server.cpu_times()[:2]), time.perf_counter()
            for _ in range(times):
                last = await stream.store(client, batch(size), after=last)
            took, cpu = time.perf_counter() - begun, sum(server.cpu_times()[:2]) - cpu
            cells.append(f"{took / times * 1e3:.1f}, {cpu / times * 1e3:.1f}")
        print(f"| {size} | {' | '.join(cells)} |", flush=True)
    stream.FEW = few  # type: ignore[misc]
    await client.close()


if __name__ == "__main__":
    with fresh_nats() as running:
        asyncio.run(table(running.url, psutil.Process(running.pid)))
