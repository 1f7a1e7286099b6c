"""The connection to NATS: FastStream's broker, subjects and life; how a message gets from it to the intake."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, Final

from faststream.nats import NatsBroker, NatsRouter
from nats.aio.client import Client
from nats.aio.msg import Msg

from labstow.contracts import subjects
from labstow.workers.kit.intake import Endpoint, Intake

log = logging.getLogger(__name__)

RECONNECT_WAIT_S: Final = 1
CHECK_S: Final = 0.05


def make_broker(url: str, name: str) -> NatsBroker:
    """A broker that never gives up on its server. Its log line per message is off: figures are in `$SRV.STATS`."""

    async def complain(error: Exception) -> None:
        log.warning("nats: %s", str(error) or type(error).__name__)

    return NatsBroker(
        url.split(","),
        name=name,
        logger=None,
        max_reconnect_attempts=-1,
        reconnect_time_wait=RECONNECT_WAIT_S,
        error_cb=complain,
        graceful_timeout=1.0,
    )


def register(router: NatsRouter, endpoint: Endpoint, intake: Intake) -> None:
    """Have a subject's messages taken in. The answer comes from its lane, later, so this never waits."""
    request = endpoint.request

    async def handler(body: request) -> request.answer:  # type: ignore[valid-type,name-defined]
        """Never called, see `shortcut`; its types are what the AsyncAPI document shows."""

    handler.__name__, handler.__doc__ = request.__name__, request.__doc__
    verb = endpoint.subject.removeprefix(subjects.REQUESTS)
    subscriber = router.subscriber(verb, queue=endpoint.queue, title=endpoint.subject)
    subscriber(handler)
    shortcut(subscriber, partial(intake.take, endpoint))


def shortcut(subscriber: Any, take: Callable[[Msg], Awaitable[None]]) -> None:
    """Hand a subscriber's messages to `take` as nats-py delivers them, past FastStream's stack of a message.

    That stack (contexts, parser, middlewares, injection, response) does nothing for a request whose answer is sent
    elsewhere, and costs more than all the rest: with it a worker spends 272 us of CPU on a read and 495 on an add at
    128 callers, without it 95 and 315 (`python -m benchmarks.worker_cpu`). FastStream gives the bound method
    `consume` to nats-py as the callback; a test fails when it no longer does.
    """
    subscriber.consume = take


async def heard(nats: Client) -> None:
    """Return when the server has read all that was sent before.

    One flush of nats-py is not enough: it writes its PING to the socket at once, past the commands in its own buffer.
    While it waits for the PONG these are written, so a second one comes after them.
    """
    await nats.flush()
    await nats.flush()


async def withdraw(broker: NatsBroker, nats: Client) -> None:
    """Take no more messages, and return when those that were delivered have been taken in, or the server is gone.

    FastStream's own stop would discard them: it first stops handling, then unsubscribes. The drain of nats-py loses
    some, too: the server answers its PING before it reads the UNSUB (see `heard`), and what it delivers in between
    is dropped, after one drain in twenty under load. So the server is told first.
    """
    subscribers: list[Any] = [each for each in broker.subscribers if getattr(each, "subscription", None)]

    async def drain(subscriber: Any) -> None:
        await subscriber.subscription.drain()
        subscriber.subscription = None

    async def lost() -> None:
        while nats.is_connected:  # noqa: ASYNC110  (nats-py has no event for it that was not given to `connect`)
            await asyncio.sleep(CHECK_S)

    async def drained() -> None:
        for subscriber in subscribers:
            await nats._send_unsubscribe(subscriber.subscription._id)  # noqa: SLF001 (there is no public way)
        await heard(nats)
        await asyncio.gather(*map(drain, subscribers))

    either = {asyncio.create_task(drained()), asyncio.create_task(lost())}
    try:
        await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in either:
            task.cancel()
        await asyncio.gather(*either, return_exceptions=True)
