"""The connection to NATS: FastStream's broker, subjects and life; how a message gets from it to the intake."""

import asyncio
import logging
from typing import Any, Final

from faststream.nats import NatsBroker, NatsMessage, NatsRouter

from labstow.contracts import subjects
from labstow.workers.kit.intake import Endpoint, Intake

log = logging.getLogger(__name__)

RECONNECT_WAIT_S: Final = 1


def make_broker(url: str, name: str) -> NatsBroker:
    """A broker that never gives up on its server. Its log line per message is off: figures are in `$SRV.STATS`."""

    async def complain(error: Exception) -> None:
        log.warning("nats: %s", str(error) or type(error).__name__)

    return NatsBroker(
        url.split(","),
        name=name,
        logger=None,
        apply_types=False,
        max_reconnect_attempts=-1,
        reconnect_time_wait=RECONNECT_WAIT_S,
        error_cb=complain,
        graceful_timeout=1.0,
    )


def register(router: NatsRouter, endpoint: Endpoint, intake: Intake) -> None:
    """Have a subject's messages taken in. The answer comes from its lane, later, so this never waits."""

    async def handler(message: NatsMessage) -> None:
        await intake.take(endpoint, message.raw_message)

    handler.__name__, handler.__doc__ = endpoint.request.__name__, endpoint.request.__doc__
    subscriber = router.subscriber(
        endpoint.subject.removeprefix(subjects.REQUESTS),
        queue=endpoint.queue,
        title=endpoint.subject,
        decoder=undecoded,
        no_reply=True,
    )
    subscriber(handler)


async def undecoded(message: NatsMessage) -> NatsMessage:
    """Leave the body to the intake: what is wrong with it must be answered, not raised."""
    return message


async def withdraw(broker: NatsBroker) -> None:
    """Take no more messages, and return when those that were delivered have been taken in.

    FastStream's own stop would discard them: it first stops handling, then unsubscribes.
    """

    async def drain(subscriber: Any) -> None:
        if (subscription := getattr(subscriber, "subscription", None)) is not None:
            await subscription.drain()
            subscriber.subscription = None

    await asyncio.gather(*(drain(subscriber) for subscriber in broker.subscribers))
