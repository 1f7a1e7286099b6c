"""The relay: the only one who publishes events. It reads committed journal entries, so nothing else is heard.

    lead      a Postgres session lock elects one relay of all; losing the session ends its claims as well
    settle    find out what of a batch that somebody left open the stream has
    claim     the next entries, in order, committed before they are published
    store     the batch, accepted only where the stream still ends where we last saw it

At most one batch is open at any time, and the server accepts it once: from us, or from a predecessor whose
bytes were still on their way. Whoever finds it refused leads anew and settles. So every entry is in the
stream exactly once and, per thing, in the order of its versions, whatever is killed when.

No event is too large for the stream: attributes are bounded, so an event stays below 1 MB, and our servers
take 8 MB. Where a server takes less, the relay stops at that event, says so at error level, and goes on once
it fits: leaving it out would break the promise.
"""

import asyncio
import contextlib
import logging
import time
from datetime import UTC, datetime
from typing import Final

import nats.errors
import psycopg
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.js.api import StreamState
from nats.js.errors import NotFoundError

from labstow.contracts.subjects import EVENT_STREAM, OUTBOX_PING
from labstow.workers.kit import stream
from labstow.workers.kit.outbox import EVENTS_A_BATCH, Outbox, Outgoing

POLL_S: Final = 0.25
STANDBY_S: Final = 1.0
GATHER_S: Final = 0.1
"""From one batch to the next, unless it is full: what follows shortly costs the disk, which commands wait for, nothing
more. The first event after a silence is not delayed."""
BACKOFF_S: Final = (0.1, 2.0)
STREAM_CHECK_S: Final = 5.0
HOUSEKEEPING_S: Final = 60.0

log = logging.getLogger(__name__)


class Interrupted(RuntimeError):
    """Leading cannot go on: lead anew, and look where things are."""


TROUBLE: Final = (
    psycopg.Error,
    nats.errors.Error,
    stream.NotStored,
    stream.TooLarge,
    Interrupted,
    OSError,
    TimeoutError,
)
"""What a relay expects to live through."""


class Relay:
    """Publishes what the journal has and the stream has not, for as long as it leads."""

    def __init__(self, postgres_url: str, nats: Client, *, replicas: int = 1) -> None:
        self.leading = False
        """Whether this relay publishes now. Another one may; then this one stands by."""
        self.published = 0
        """Events this relay saw stored."""
        self.problem: str | None = None
        """Why it neither leads nor stands by, if so."""
        self._url = postgres_url
        self._nats = nats
        self._replicas = replicas
        self._wake = asyncio.Event()
        self._batch: list[Outgoing] = []
        self._last = 0
        self._said = 0.0

    @property
    def behind_s(self) -> float:
        """Age of the oldest event being published, in seconds; 0 when there is none, or on standby."""
        return (datetime.now(UTC) - self._batch[0].at).total_seconds() if self._batch else 0.0

    async def run(self) -> None:
        """Lead or stand by until cancelled. Servers may go away meanwhile and come back."""
        pause = BACKOFF_S[0]
        while True:
            started = time.monotonic()
            try:
                await self._serve()
            except TROUBLE as trouble:
                self._say(trouble)
            finally:
                self.leading, self._batch = False, []
            pause = BACKOFF_S[0] if time.monotonic() - started > BACKOFF_S[1] else min(pause * 2, BACKOFF_S[1])
            await asyncio.sleep(pause)

    async def _serve(self) -> None:
        """Lead once: until something breaks, after which another relay may be in a better place."""
        outbox = await Outbox.open(self._url)
        try:
            while not await outbox.lead():
                self.problem = None
                await asyncio.sleep(STANDBY_S)
            pings = await self._nats.subscribe(OUTBOX_PING, cb=self._ping)
            try:
                self._batch = await self._settle(outbox)
                self.leading, self.problem = True, None
                await self._publish(outbox)
            finally:
                with contextlib.suppress(nats.errors.Error):
                    await pings.unsubscribe()
        finally:
            await outbox.close()

    async def _settle(self, outbox: Outbox) -> list[Outgoing]:
        """See where the stream ends and whether it lacks anything; answer the batch that is still open."""
        state = await self._state()
        self._last = state.last_seq
        if claimed := await outbox.claimed():  # an open batch is nowhere but at the stream's end
            end = set(await stream.event_ids(self._nats, state.last_seq - EVENTS_A_BATCH + 1))
            await outbox.remove([event for event in claimed if event.event_id in end])
        if state.messages != await outbox.published():
            await self._reconcile(outbox, state.messages)
        return await outbox.claimed()

    async def _reconcile(self, outbox: Outbox, messages: int) -> None:
        """Compare the whole stream with the journal: it was deleted, or lost something, or the database did."""
        lacking = await outbox.reconcile(await stream.event_ids(self._nats, 1))
        if lacking:
            log.warning("the stream had lost events: %d are published again from the journal", lacking)
        if (unknown := messages - await outbox.published()) > 0:
            log.error(
                "the stream has %d events that the database does not know; if it was restored from a backup, delete"
                " the stream %s, and it is made anew from the journal",
                unknown,
                EVENT_STREAM,
            )

    async def _publish(self, outbox: Outbox) -> None:
        looked = tidied = time.monotonic()
        while True:
            if not self._nats.is_connected:
                raise Interrupted("NATS is away")
            self._wake.clear()
            begun = time.monotonic()
            if self._batch:
                self._last = await stream.store(self._nats, self._batch, after=self._last)
                self.published += len(self._batch)
                looked = time.monotonic()
                if len(self._batch) < EVENTS_A_BATCH:
                    await asyncio.sleep(begun + GATHER_S - looked)
            self._batch = await outbox.next(self._batch)
            now = time.monotonic()
            if now - tidied > HOUSEKEEPING_S:
                tidied = now
                await outbox.forget()
            if self._batch:
                continue
            if now - looked > STREAM_CHECK_S:
                looked = now
                if (await self._state()).last_seq != self._last:
                    raise Interrupted("the stream does not end where it did: it was deleted, or somebody else wrote")
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(POLL_S):
                    await self._wake.wait()

    async def _state(self) -> StreamState:
        """The stream's end and size; it is made where it is missing or was emptied."""
        manager = self._nats.jetstream()
        try:
            state = (await manager.stream_info(EVENT_STREAM)).state
        except NotFoundError:
            await stream.ensure(self._nats, replicas=self._replicas)
            return (await manager.stream_info(EVENT_STREAM)).state
        if state.last_seq and not state.messages:
            # Purged: it would take no event again that it remembers, and its readers would not notice.
            await manager.delete_stream(EVENT_STREAM)
            return await self._state()
        return state

    async def _ping(self, _: Msg) -> None:
        self._wake.set()

    def _say(self, trouble: Exception) -> None:
        problem, now = f"{type(trouble).__name__}: {trouble}".strip(": \n"), time.monotonic()
        if problem != self.problem or now - self._said > HOUSEKEEPING_S:
            level = logging.ERROR if isinstance(trouble, stream.TooLarge) else logging.WARNING
            log.log(level, "the relay starts anew: %s", problem)
            self._said = now
        self.problem = problem
