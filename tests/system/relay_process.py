"""A relay alone in a process, for the chaos test: `python -m tests.system.relay_process POSTGRES NATS [WITHOUT]`.

Now and then it lingers between claiming a batch and publishing it, so that it is harmed just there too.
`WITHOUT` takes out one of its guards, to see the test fail:

    settling    a batch that somebody left open is taken for unpublished
    fence       a batch is accepted wherever the stream ends
    order       what waits is not published in the order of the journal
"""

import asyncio
import random
import sys
from typing import Any

import nats
from nats.aio.client import Client

from labstow.workers.kit import outbox, stream
from labstow.workers.kit.outbox import Outbox, Outgoing
from labstow.workers.kit.relay import Relay


class Forgetful(Relay):
    """Takes an open batch for unpublished."""

    async def _settle(self, outbox: Outbox) -> list[Outgoing]:
        self._last = (await self._state()).last_seq
        return await outbox.claimed()


def without_fence(*about: Any, headers: Any = stream._headers) -> dict[str, str]:
    """The headers of an event, without the one that says where the stream ends."""
    return {name: text for name, text in headers(*about).items() if name != "Nats-Expected-Last-Sequence"}


async def lingering(client: Client, batch: list[Outgoing], after: int, store: Any = stream.store) -> int:
    """Store a batch, sometimes late."""
    if random.random() < 0.1:
        await asyncio.sleep(random.uniform(0, 0.3))
    return int(await store(client, batch, after))


async def main(postgres_url: str, nats_url: str, without: str = "") -> None:
    kind, stream.store = Relay, lingering
    match without:
        case "settling":
            kind = Forgetful
        case "fence":
            stream._headers = without_fence  # type: ignore[assignment]
        case "order":
            outbox.NEXT = outbox.NEXT.replace("ORDER BY labstow.journal.seq", "ORDER BY labstow.journal.seq DESC")  # type: ignore[misc]
    client = await nats.connect(nats_url, max_reconnect_attempts=-1, reconnect_time_wait=0.1)
    await kind(postgres_url, client).run()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
