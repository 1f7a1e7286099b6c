"""Events of the laboratory, from the beginning or from where one left off."""

import asyncio
import logging
from collections.abc import AsyncGenerator
from datetime import datetime
from typing import Final

import orjson
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription
from nats.errors import ConnectionClosedError, NoRespondersError
from nats.errors import TimeoutError as NatsTimeoutError
from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy
from nats.js.errors import NoStreamResponseError, NotFoundError, ServiceUnavailableError
from pydantic import ValidationError

from labstow.contracts import subjects
from labstow.contracts.events import Event

BATCH: Final = 256
HEARTBEAT: Final = 1.0
"""Seconds: the server says that often that it is still there. Silence for two of them: it is not."""

PAUSE: Final = 0.2
AWAY: Final = (NoRespondersError, NatsTimeoutError, NoStreamResponseError, ServiceUnavailableError)
"""The server, or its JetStream, is not there at the moment."""

log = logging.getLogger(__name__)


class Gap(LookupError):
    """The stream lacks what follows a position: read the present state, and go on from the stream's end."""


async def events(
    nats: Client,
    *,
    noun: str = "*",
    what: str = "*",
    entity_id: str = "*",
    after: int = 0,
    since: datetime | None = None,
    follow: bool = True,
) -> AsyncGenerator[tuple[int, Event], None]:
    """Give events and their numbers in the stream, in order, each at least once.

    From the beginning, or behind the number `after`, or from a moment; to the end of the stream, or for ever
    with `follow`. Whoever keeps the number together with what was made of the event can go on from there
    after any interruption. Outlives restarts of the server; with `follow` it ends when the client is closed. What is
    in the stream and no event of ours is left out, with a warning in the log.

    Raises:
        Gap: events behind `after` are no longer, or not yet, in the stream: it was cut or made anew.
        ConnectionClosedError: the client is closed at the start, or before all was read that was there.
    """
    if nats.is_closed:
        raise ConnectionClosedError
    subject = subjects.event(noun, what, entity_id)
    born: datetime | None = None
    try:
        while True:
            reader = await _begin(nats, subject, after, since, again=born is not None)
            try:
                if born not in (None, reader.born):
                    raise Gap("the stream was made anew, and its numbers with it")
                born = reader.born
                while follow or reader.pending:
                    message = await reader.next()
                    if message is None:
                        await asyncio.sleep(PAUSE)
                        break
                    after = message.metadata.sequence.stream
                    if event := _read(message):
                        yield after, event
                else:
                    return
            finally:
                await reader.stop()
    except ConnectionClosedError:
        if not follow:
            raise  # to end here would say that this was all


async def _begin(nats: Client, subject: str, after: int, since: datetime | None, *, again: bool) -> "Reader":
    """Make a reader, as soon as the server is there."""
    while True:
        try:
            if nats.is_closed:
                raise ConnectionClosedError
            if not nats.is_connected:
                raise NoRespondersError
            return await Reader.start(nats, subject, after, since)
        except AWAY:
            pass
        except NotFoundError:
            if not again:
                raise  # else it was deleted, and is about to be refilled
        await asyncio.sleep(PAUSE)


def _read(message: Msg) -> Event | None:
    """Read an event, if it is one."""
    try:
        return Event.model_validate_json(message.data)
    except ValidationError as error:
        number = message.metadata.sequence.stream
        log.warning("no event: %s, number %d of the stream: %s", message.subject, number, error.errors()[0]["msg"])
        return None


class Reader:
    """A consumer of the stream that lives as long as its server; `next` is None when it is over."""

    def __init__(self, nats: Client, inbox: Subscription, ask: str, pending: int, born: datetime | None) -> None:
        self.pending = pending
        self.born = born
        self._nats, self._inbox, self._ask = nats, inbox, ask
        self._wanted = self._seen = 0

    @classmethod
    async def start(cls, nats: Client, subject: str, after: int, since: datetime | None) -> "Reader":
        """Begin behind a number of the stream, or else at a moment, or else with the first event.

        Raises:
            Gap: the number is not in the stream.
        """
        js, stream = nats.jetstream(), subjects.EVENT_STREAM
        config = ConsumerConfig(
            filter_subject=subject,
            ack_policy=AckPolicy.NONE,
            mem_storage=True,
            num_replicas=1,
            inactive_threshold=30,
        )
        known = await js.stream_info(stream)
        if after:
            first, last = known.state.first_seq, known.state.last_seq
            if not first - 1 <= after <= last:
                raise Gap(f"position {after} is not in the stream, which has {first} to {last}")
            config.deliver_policy, config.opt_start_seq = DeliverPolicy.BY_START_SEQUENCE, after + 1
        elif since:
            config.deliver_policy, config.opt_start_time = DeliverPolicy.BY_START_TIME, since
        consumer = await js.add_consumer(stream, config)
        inbox = await nats.subscribe(nats.new_inbox())
        ask = f"$JS.API.CONSUMER.MSG.NEXT.{stream}.{consumer.name}"
        return cls(nats, inbox, ask, consumer.num_pending or 0, known.created)

    async def next(self) -> Msg | None:
        """Wait for the next message; None when this consumer can give no more, or one was lost on the way."""
        while True:
            if not self._wanted:
                await self._want()
            try:
                message = await self._inbox.next_msg(2 * HEARTBEAT)
            except NatsTimeoutError:
                return None
            match message.headers.get("Status") if message.headers else None:
                case "100":  # a heartbeat
                    continue
                case "408":  # the batch was not filled in its time
                    self._wanted = 0
                    continue
                case str():  # the consumer is gone
                    return None
            self._wanted -= 1
            self._seen += 1
            self.pending = message.metadata.num_pending
            return message if message.metadata.sequence.consumer == self._seen else None

    async def stop(self) -> None:
        """Leave; the server forgets the consumer by itself."""
        if not self._nats.is_closed:
            await self._inbox.unsubscribe()

    async def _want(self) -> None:
        """Ask for the next messages."""
        self._wanted = BATCH
        wish = {"batch": BATCH, "expires": int(30e9), "idle_heartbeat": int(HEARTBEAT * 1e9)}
        await self._nats.publish(self._ask, orjson.dumps(wish), self._inbox.subject)
