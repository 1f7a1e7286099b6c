"""A worker process: `labstow worker resource history`."""

import asyncio
import importlib.metadata
import logging
import signal
import sys
from collections.abc import Callable
from typing import Final

import uvloop
from faststream.nats import NatsBroker, NatsRouter
from nats import errors as nats_errors
from sqlalchemy.exc import OperationalError

from labstow.contracts import subjects
from labstow.workers.history import worker as history
from labstow.workers.kit.broker import heard, make_broker, register, withdraw
from labstow.workers.kit.database import SchemaRefused, check
from labstow.workers.kit.discovery import Service
from labstow.workers.kit.intake import Intake
from labstow.workers.kit.settings import Settings
from labstow.workers.kit.worker import Worker
from labstow.workers.lock import worker as lock
from labstow.workers.resource import worker as resource
from labstow.workers.transfer import worker as transfer

log = logging.getLogger("labstow")

VERSION: Final = importlib.metadata.version("labstow")
MAKERS: Final[dict[str, Callable[[Settings], Worker]]] = {
    "resource": resource.make,
    "history": history.make,
    "lock": lock.make,
    "transfer": transfer.make,
}
KINDS: Final = tuple(MAKERS)


def main(kinds: list[str]) -> None:
    """Run some kinds of worker in this process until it is told to stop; exit 1 with a sentence if it cannot start."""
    settings = Settings()
    logging.basicConfig(level=settings.log_level, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    try:
        check(settings.postgres_url)
    except SchemaRefused as refusal:
        sys.exit(f"labstow worker: {refusal}")
    except OperationalError as error:
        sys.exit(f"labstow worker: the database does not answer: {error.orig}")
    uvloop.run(serve(kinds, settings))


async def serve(kinds: list[str], settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT. What was accepted by then is answered before this returns."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    workers = [MAKERS[kind](settings) for kind in kinds]
    broker = make_broker(settings.nats_url, "labstow " + " ".join(kinds))
    stopping = asyncio.create_task(stop.wait())
    starting = asyncio.create_task(_start(broker, workers))
    await asyncio.wait({starting, stopping}, return_when=asyncio.FIRST_COMPLETED)
    if not starting.done():  # NATS is away; nothing was accepted yet
        starting.cancel()
        return
    tasks = starting.result()
    log.info("serving %s", ", ".join(kinds))
    lanes = [task for worker in workers for lane in worker.lanes for task in lane.tasks]
    ended, _ = await asyncio.wait({stopping, *tasks, *lanes}, return_when=asyncio.FIRST_COMPLETED)
    log.info("stopping")
    await _stop(broker, workers, tasks, settings.stop_grace_s)
    for task in ended:  # neither a lane nor what runs beside them ends by itself: whoever supervises us starts us anew
        task.result()


async def _start(broker: NatsBroker, workers: list[Worker]) -> list[asyncio.Task[None]]:
    intake = Intake(await broker.connect())
    router = NatsRouter(subjects.REQUESTS)
    for worker in workers:
        for endpoint in worker.endpoints:
            register(router, endpoint, intake)
    broker.include_router(router)
    nats = await broker.connect()
    for worker in workers:
        for lane in worker.lanes:
            lane.start()
    await broker.start()
    for worker in workers:
        service = Service(subjects.queue(worker.name), VERSION, worker.description, worker.endpoints)
        await service.announce(nats)
    await heard(nats)  # subscriptions are sent lazily: without this, "serving" is a lie
    return [asyncio.create_task(run(nats)) for worker in workers for run in worker.background]


async def _stop(broker: NatsBroker, workers: list[Worker], tasks: list[asyncio.Task[None]], grace_s: float) -> None:
    lanes = [lane for worker in workers for lane in worker.lanes]
    nats = await broker.connect()
    try:
        async with asyncio.timeout(grace_s):
            await withdraw(broker, nats)
            for worker in workers:
                for leave in worker.leaving:
                    await leave()
            for lane in lanes:  # in this order: a call may move on to a later lane
                await lane.drain()
            if nats.is_connected:
                await heard(nats)
    except (TimeoutError, nats_errors.Error):
        log.error(  # noqa: TRY400 (no trace to show)
            "stopped after %s s with %s requests unanswered", grace_s, sum(lane.waiting for lane in lanes)
        )
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    for lane in lanes:
        await lane.stop()
    for worker in workers:
        for close in worker.closing:
            await close()
    if nats.is_connected:
        await broker.stop()
