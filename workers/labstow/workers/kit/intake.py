"""Taking requests in: parse, put into a lane, answer. Nothing waits here, and nothing that arrives goes unanswered."""

import asyncio
import contextlib
import logging
import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from typing import Any, Final

import nats.errors
import orjson
from nats.aio.client import Client
from nats.aio.msg import Msg
from pydantic import ValidationError

from labstow.contracts import headers, subjects
from labstow.contracts.errors import AnswerTooLarge, BadRequest, Busy, Internal, Invalid, Refusal
from labstow.contracts.message import Command, Request
from labstow.contracts.ulids import new_ulid
from labstow.workers.kit.call import Call
from labstow.workers.kit.journal import dumps
from labstow.workers.kit.lane import Lane
from labstow.workers.kit.leases import presented
from labstow.workers.kit.mistakes import invalid
from labstow.workers.kit.noun import By
from labstow.workers.kit.relay import GATHER_S

log = logging.getLogger(__name__)

RETRY_AFTER_S: Final = 1
REPLY_MARGIN: Final = 65_536
"""Room for headers in the largest message the server takes."""
MAX_HEADER: Final = 255
OURS: Final = "labstow."


@dataclass
class Endpoint:
    """What one subject takes, where it goes, and how it has done (the figures of `$SRV.STATS`)."""

    request: type[Request[Any]]
    subject: str
    queue: str
    lane_of: Callable[[Request[Any]], Lane]
    requests: int = 0
    errors: int = 0
    last_error: str = ""
    nanoseconds: int = 0


class Intake:
    """The door of a worker process."""

    def __init__(self, nats: Client) -> None:
        self._nats = nats
        self._pinging: asyncio.Task[None] | None = None
        self._pinged = -math.inf

    async def take(self, endpoint: Endpoint, message: Msg) -> None:
        """Accept a request, or say at once why not."""
        started = time.perf_counter_ns()
        endpoint.requests += 1
        answer = partial(self._answer, endpoint, message.reply, started)
        head = message.headers or {}
        try:
            request = parse(endpoint.request, message.data)
            by = caller(head)
            call = Call(request, by, answer, deadline=deadline(head))
            if fill := head.get(headers.FILL):
                call.fill = tuple(fill.split(","))
            if isinstance(request, Command) and request.kept:  # it guards our own repetitions, too
                call.digest = sha256(endpoint.request.subject.encode() + b"\0" + message.data).hexdigest()
            if not endpoint.lane_of(request).put(call):
                raise Busy(retry_after_s=RETRY_AFTER_S)  # noqa: TRY301
        except Refusal as refusal:
            await answer(refusal.status, dumps(refusal.problem()))
        except Exception:  # the worker's edge on this side: a mistake of ours is answered, too
            op_id = new_ulid()
            log.exception("%s could not be taken in, operation %s", endpoint.subject, op_id)
            await answer(500, dumps(Internal(op_id=op_id).problem()))

    async def _answer(self, endpoint: Endpoint, to: str, started: int, status: int, body: bytes) -> None:
        if len(body) > self._nats.max_payload - REPLY_MARGIN:
            instead = "ask without children, and for the children page by page (resource.find by parent_id)"
            refusal = AnswerTooLarge(size=len(body), limit=self._nats.max_payload - REPLY_MARGIN, instead=instead)
            status, body = refusal.status, dumps(refusal.problem())
        endpoint.nanoseconds += time.perf_counter_ns() - started
        head: dict[str, str] | None = None
        if status != 200:
            code = orjson.loads(body)["code"]
            head = {headers.ERROR: code, headers.ERROR_CODE: str(status)}
            endpoint.errors += 1
            endpoint.last_error = code
        try:
            if to and not to.startswith(OURS):  # else an answer would be taken for a request, or for an event
                await self._nats.publish(to, body, headers=head)
        except nats.errors.Error as error:  # committed all the same: who asks again is told
            log.warning("an answer to %s could not be sent: %s", endpoint.subject, error)
        if status == 200 and issubclass(endpoint.request, Command) and self._pinging is None:
            self._pinging = asyncio.create_task(self._ping())

    async def _ping(self) -> None:
        """Wake the relay: at once, or when it looks next. In between a ping would only cost everybody a message."""
        if (wait := self._pinged + GATHER_S - time.monotonic()) > 0:
            await asyncio.sleep(wait)
        self._pinging, self._pinged = None, time.monotonic()
        with contextlib.suppress(nats.errors.Error):  # the relay looks by itself as well
            await self._nats.publish(subjects.OUTBOX_PING)


def parse(model: type[Request[Any]], data: bytes) -> Request[Any]:
    """A request from its bytes; an empty body is an empty object.

    Raises:
        BadRequest: it is not JSON.
        Invalid: it is not what the contract says; every mistake with its place.
    """
    try:
        return model.model_validate_json(data or b"{}")
    except ValidationError as error:
        if (mistake := error.errors(include_url=False, include_input=False)[0])["type"] == "json_invalid":
            raise BadRequest(reason=mistake["msg"].removeprefix("Invalid JSON: ")) from None
        raise invalid(error) from None


def caller(head: Mapping[str, str]) -> By:
    """Who asks: as the NATS server stamped it, else as claimed.

    Raises:
        Invalid: an operation id that is empty or too long, or leases that are none.
    """
    op_id = head.get(headers.OP_ID)
    if op_id is not None and not (0 < len(op_id) <= MAX_HEADER and op_id.isprintable()):
        raise Invalid(summary=f"header {headers.OP_ID}: 1 to {MAX_HEADER} printable characters", errors=[])
    principal = stamped(head.get(headers.REQUEST_INFO)) or head.get(headers.ACTOR) or "anonymous"
    return By(
        _short(principal),
        _short(head.get(headers.VIA, "nats")),
        op_id or new_ulid(),
        _optional(head.get(headers.TRACE)),
        presented(head),
    )


def stamped(info: str | None) -> str | None:
    """The user as the NATS server wrote it on the request.

    Raises:
        Invalid: the server wrote no such thing.
    """
    if info is None:
        return None
    try:
        user = orjson.loads(info)["user"]
    except (ValueError, LookupError, TypeError):
        raise Invalid(summary=f"header {headers.REQUEST_INFO}: not what a NATS server writes", errors=[]) from None
    return str(user) if user else None


def deadline(head: Mapping[str, str]) -> float | None:
    """When nobody waits any more, in seconds since the epoch.

    Raises:
        Invalid: it is not a number.
    """
    if (text := head.get(headers.DEADLINE)) is None:
        return None
    try:
        moment = float(text)
    except ValueError:
        moment = math.nan
    if not math.isfinite(moment):
        raise Invalid(summary=f"header {headers.DEADLINE}: expected seconds since the epoch", errors=[])
    return moment


def _short(text: str) -> str:
    if len(text) <= MAX_HEADER and text.isprintable():
        return text
    return "".join(letter for letter in text if letter.isprintable())[:MAX_HEADER]


def _optional(text: str | None) -> str | None:
    return _short(text) if text else None
