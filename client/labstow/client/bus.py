"""One connection to NATS, and the one way to ask a worker something."""

import asyncio
import logging
import time
from collections.abc import Mapping
from typing import Final, NamedTuple, Self

from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import MaxPayloadError, NoRespondersError, OutboundBufferLimitError
from nats.errors import TimeoutError as NatsTimeoutError

from labstow.contracts import headers, subjects
from labstow.contracts.errors import (
    Busy,
    Contended,
    DeadlinePassed,
    NoWorker,
    OutcomeUnknown,
    RequestTooLarge,
    StorageUnavailable,
)
from labstow.contracts.ulids import new_ulid

BUDGET: Final = 5.0
"""Seconds until the caller of `ask` has its answer, whatever happens."""

PATIENCE: Final = 3.0
"""Seconds in which somebody has to appear who serves a subject, and who can: enough for a worker that restarts."""

TRY: Final = 2.0
"""Seconds after which a request without an answer is sent again."""

FIRST_PAUSE, LONGEST_PAUSE = 0.05, 0.25

NOT_THIS_TRY: Final = frozenset(no.code for no in (Busy, Contended, StorageUnavailable, DeadlinePassed))
"""Refusals that tell of one try only: an earlier one that was not answered may still be executed."""

log = logging.getLogger(__name__)


class Reply(NamedTuple):
    """An answer as it came: status 200, or the status and code of a refusal and its problem body."""

    status: int
    body: bytes
    code: str = ""


class Bus:
    """One connection to NATS, which mends itself."""

    def __init__(self, url: str, name: str = "labstow") -> None:
        self.nats = Client()
        self._url = url
        self._name = name
        self._connecting: asyncio.Task[None] | None = None
        self._complaint = ""

    async def open(self, patience: float = TRY) -> bool:
        """Connect, and tell after at most `patience` seconds whether it worked; if not, it goes on trying."""
        self._connecting = asyncio.create_task(
            self.nats.connect(
                [url.strip() for url in self._url.split(",")],
                name=self._name,
                error_cb=self._complain,
                reconnected_cb=self._back,
                max_reconnect_attempts=-1,
                reconnect_time_wait=0.2,  # type: ignore[arg-type]  # seconds, as the code treats it
                ping_interval=10,
                max_outstanding_pings=2,
            )
        )
        await asyncio.wait({self._connecting}, timeout=patience)
        if self._connecting.done():
            self._connecting.result()
        return self.connected

    async def close(self) -> None:
        """Close the connection; what waits for an answer gets none."""
        if self._connecting:
            self._connecting.cancel()
            await asyncio.wait({self._connecting})
        await self.nats.close()

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    @property
    def connected(self) -> bool:
        """Whether there is a server at the other end right now, as far as we know."""
        return self.nats.is_connected

    async def ask(
        self,
        verb: str,
        body: bytes,
        heads: Mapping[str, str] | None = None,
        *,
        budget: float = BUDGET,
        patience: float = PATIENCE,
    ) -> Reply:
        """Ask a worker (`verb` is what follows `labstow.v1.`) and give its answer, be it a refusal.

        Sent again as long as there is no answer and time is left: workers execute an operation id once. For `patience`
        seconds what a worker says of one try alone (`NOT_THIS_TRY`) is none either; after a try without an answer, all
        the time.

        Raises:
            NoWorker: nobody took the request, so nothing happened.
            OutcomeUnknown: it was sent and not answered; ask again with the same operation id.
            RequestTooLarge: it does not fit into one message.
        """
        now = time.monotonic()
        end, give_up = now + budget, now + min(patience, budget)
        subject, sent, pause = subjects.request(verb), False, FIRST_PAUSE
        heads = {headers.DEADLINE: f"{time.time() + budget:.3f}", **(heads or {})}
        if headers.OP_ID not in heads:
            heads[headers.OP_ID] = new_ulid()
        while now < end:
            try:
                reply = _read(await self._send(subject, body, min(TRY, end - now), heads))
                final = reply.code == DeadlinePassed.code or time.monotonic() + pause >= give_up
                if reply.code not in NOT_THIS_TRY or (final and not sent):
                    return reply
            except (NoRespondersError, OutboundBufferLimitError):
                if not sent and time.monotonic() + pause >= give_up:
                    break
            except NatsTimeoutError:
                sent, now = True, time.monotonic()
                continue
            await asyncio.sleep(min(pause, end - time.monotonic()))
            pause, now = min(2 * pause, LONGEST_PAUSE), time.monotonic()
        if sent:
            raise OutcomeUnknown(subject=subject, op_id=heads[headers.OP_ID])
        raise NoWorker(subject=subject)

    async def _send(self, subject: str, body: bytes, timeout: float, heads: dict[str, str]) -> Msg:  # noqa: ASYNC109
        """Send once. Offline the library would keep a request and send it whenever it is back: too late."""
        if not self.connected:
            raise NoRespondersError
        try:
            return await self.nats.request(subject, body, timeout, headers=heads)
        except MaxPayloadError:
            size, limit = len(body), self.nats.max_payload
            raise RequestTooLarge(size=size, limit=limit) from None

    async def _complain(self, error: Exception) -> None:
        """Log a trouble of the connection, once until it changes."""
        if (complaint := f"{type(error).__name__}: {error}") != self._complaint:
            self._complaint = complaint
            log.warning("nats: %s", complaint)

    async def _back(self) -> None:
        self._complaint = ""
        log.warning("nats: connected again")


def _read(message: Msg) -> Reply:
    """Read what a worker answered."""
    if message.headers and (status := message.headers.get(headers.ERROR_CODE)):
        return Reply(int(status), message.data, message.headers.get(headers.ERROR, ""))
    return Reply(200, message.data)
