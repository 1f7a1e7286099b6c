"""The baseline of requests: a worker that does nothing, in plain FastStream. `python -m benchmarks.echo NATS_URL`."""

import asyncio
import sys

import uvloop
from faststream import FastStream
from faststream.nats import NatsBroker

from labstow.contracts.queries import Get


def main(url: str) -> None:
    broker = NatsBroker(url, logger=None)

    @broker.subscriber("bare.echo", queue="echo")
    async def echo(body: Get) -> Get:
        return body

    uvloop.run(FastStream(broker).run())


if __name__ == "__main__":
    asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())
    main(sys.argv[1])
