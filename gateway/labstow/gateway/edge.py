"""The edge of the gateway: what every request and every answer goes through."""

import logging
import math
import re
from collections.abc import Callable, Coroutine, Iterable, Mapping
from typing import Any, ClassVar, Final

import orjson
from fastapi import Request, Response
from fastapi.routing import APIRoute
from starlette.requests import ClientDisconnect

from labstow.client.bus import Bus, Reply
from labstow.contracts import batch, headers, lab_file, location, lock, pattern, template, transfer
from labstow.contracts.errors import BadRequest, Internal, Invalid, OutcomeUnknown, Refusal, RequestTooLarge
from labstow.contracts.ulids import derived_ulid, new_ulid
from labstow.gateway import cookies
from labstow.gateway.integers import LONG_INTEGER, refuse_rounded
from labstow.gateway.operations import BODY, is_over, note_unknown, op_id
from labstow.gateway.settings import GatewaySettings

PROBLEM: Final = "application/problem+json"
RETRY_AFTER: Final = {"Retry-After": "1"}

NOUNS: Final = (batch, template, lock, location, pattern, transfer, lab_file)
CONDITIONAL: Final = {
    command.subject: "expected_version" in command.model_fields for noun in NOUNS for command in noun.COMMANDS
}
"""All commands, and whether they can be bound to a version."""

ANY: Final = "*"
"""Presented as lease for callers who have no way to say what they hold."""

_LEASE: Final = "labstow.lease"
"""Where a request keeps the lease of its route."""
_TAG: Final = re.compile(rb'\s*"([0-9]{1,10})"\s*')

Handler = Callable[[Request], Coroutine[Any, Any, Response]]

log = logging.getLogger(__name__)


class Refused(Exception):
    """A worker's refusal, to be passed on as it is."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(reply.code)
        self.reply = reply


class Route(APIRoute):
    """Hands the request over as it is, and turns every way out into an answer: nothing is validated twice."""

    lease: ClassVar[str | None] = None
    """What goes with a command whose caller presents none."""
    repeats: ClassVar[bool] = False
    """Whether those who ask here send a request again by themselves."""

    def get_route_handler(self) -> Handler:
        """Give the function that answers, whatever happens."""
        endpoint, lease, repeats = self.endpoint, self.lease, self.repeats

        async def handle(request: Request) -> Response:
            request.scope[_LEASE] = lease
            response = await answered(request)
            if repeats and cookies.client(request) is None:
                cookies.recognise(response)
            return response

        async def answered(request: Request) -> Response:
            try:
                response: Response = await endpoint(request, **request.path_params)
            except Refused as refused:
                if refused.reply.code == OutcomeUnknown.code:
                    note_unknown(request)
                return problem(refused.reply.status, refused.reply.body)
            except Refusal as refusal:
                if isinstance(refusal, OutcomeUnknown):
                    note_unknown(request)
                return refuse(refusal)
            except ClientDisconnect:
                return Response(status_code=400)  # nobody reads it
            except Exception:
                logged = new_ulid()
                log.exception("operation %s: %s %s", logged, request.method, request.url.path)
                return refuse(Internal(op_id=logged))
            finally:
                is_over(request)
            return response

        return handle


class MadsciRoute(Route):
    """A route of MADSci's clients, which have no way to present a lease, nor to say that they ask again."""

    lease, repeats = ANY, True


def refuse(refusal: Refusal) -> Response:
    """Our own refusal as an answer."""
    return problem(refusal.status, orjson.dumps(refusal.problem(), default=str))


def problem(status: int, body: bytes) -> Response:
    """A problem body as an answer."""
    return Response(body, status, retry_after(status, body), PROBLEM)


def retry_after(status: int, body: bytes) -> dict[str, str] | None:
    """When to try again, where that helps: after a moment, or when a lease ends at the latest."""
    if status == 503:
        return RETRY_AFTER
    if status in (423, 429):
        wait_ms = orjson.loads(body).get("expires_in_ms") or 0
        return {"Retry-After": str(max(1, math.ceil(wait_ms / 1000)))}
    return None


def json(value: object, status: int = 200) -> Response:
    """Any value as an answer."""
    return Response(orjson.dumps(value), status, media_type="application/json")


def settings(request: Request) -> GatewaySettings:
    """The settings this gateway runs with."""
    found: GatewaySettings = request.app.state.settings
    return found


def bus(request: Request) -> Bus:
    """The one connection to the workers."""
    found: Bus = request.app.state.bus
    return found


def actor(request: Request) -> str:
    """Who asks, as they say."""
    told = dict(request.scope["headers"])
    return told.get(b"x-owner", b"").decode("latin-1") or "anonymous"


async def ask(
    request: Request, verb: str, message: Mapping[str, Any], *, fill: str | None = None, part: str | None = None
) -> bytes:
    """Ask a worker in the name of the caller; a command on condition of the version that `If-Match` names.

    `fill` names parts of the answer to a command that are to come with everything in them; `part` tells several
    commands of one request apart.

    Raises:
        Refused: the worker said no.
        Invalid: it is nested deeper than can be written, or a header says what it cannot say here.
    """
    told = dict(request.scope["headers"])
    if (match := told.get(b"if-match")) is not None and verb in CONDITIONAL:
        message = {**message, "expected_version": expected(match, verb)}
    try:
        written = orjson.dumps(message)
    except orjson.JSONEncodeError as error:
        raise Invalid(summary=str(error), errors=[]) from None
    heads = {
        headers.OP_ID: op_id(request) if part is None else derived_ulid(op_id(request), part),
        headers.ACTOR: actor(request),
        headers.VIA: "rest",
    }
    if trace := told.get(b"traceparent"):
        heads[headers.TRACE] = trace.decode("latin-1")
    if lease := leases(request, verb):
        heads[headers.LEASE] = lease
    if fill:
        heads[headers.FILL] = fill
    budget = settings(request).request_budget_s
    reply = await bus(request).ask(verb, written, heads, budget=budget)
    if reply.status != 200:
        raise Refused(reply)
    return reply.body


def leases(request: Request, verb: str) -> str | None:
    """Give the leases that the caller presents, else what the route presents with a command, and what a client keeps.

    Raises:
        Invalid: the caller names all that anybody holds.
    """
    told = b",".join(value for name, value in request.scope["headers"] if name == b"labstow-lease")
    ids = [id_ for part in told.decode("latin-1").split(",") if (id_ := part.strip())]
    if ANY in ids:
        raise Invalid(summary=f"{headers.LEASE}: expected ids of leases, separated by commas", errors=[])
    if not ids and verb in CONDITIONAL:
        route: str | None = request.scope[_LEASE]
        kept = cookies.leases(request) if route and not verb.startswith("lock.") else ()
        return ",".join((*kept, route)) if route else None
    return ",".join(ids)


def expected(match: bytes, verb: str) -> int:
    """Give the version that an `If-Match` names, as our `ETag` does.

    Raises:
        Invalid: it names none, or the command cannot be bound to one.
    """
    if not CONDITIONAL[verb]:
        raise Invalid(summary=f"If-Match: {verb} cannot be bound to a version", errors=[])
    if not (tag := _TAG.fullmatch(match)):
        raise Invalid(summary='If-Match: expected one version in quotes, such as "7"', errors=[])
    return int(tag[1])


async def content(request: Request) -> bytes:
    """Read the body.

    Raises:
        RequestTooLarge: as soon as that is known.
    """
    limit = settings(request).max_body_bytes
    announced = request.headers.get("content-length", "0")
    if announced.isdecimal() and (len(announced) > 15 or int(announced) > limit):
        raise RequestTooLarge(size=limit + 1, limit=limit)
    read = bytearray()
    async for chunk in request.stream():
        read += chunk
        if len(read) > limit:
            raise RequestTooLarge(size=limit + 1, limit=limit)
    request.scope[BODY] = whole = bytes(read)
    return whole


def parsed(read: bytes) -> Any:
    """The JSON in a body.

    Raises:
        BadRequest: there is none.
        Invalid: it has an integer that would be rounded.
    """
    try:
        value = orjson.loads(read)
    except orjson.JSONDecodeError as error:
        raise BadRequest(reason=str(error)) from None
    if LONG_INTEGER.search(read):
        refuse_rounded(read)
    return value


async def body(request: Request, *keys: str) -> dict[str, Any]:
    """Read the JSON object in the body. Where keys are named it has no others: to leave one out would mean another.

    Raises:
        RequestTooLarge, BadRequest, Invalid: it is too large, no JSON, or something else than such an object.
    """
    return an_object(parsed(await content(request)), *keys)


def an_object(value: object, *keys: str) -> dict[str, Any]:
    """It, if it is a JSON object; where keys are named, one that has no others.

    Raises:
        Invalid: it is something else.
    """
    if not isinstance(value, dict):
        raise Invalid(summary="the body must be an object", errors=[])
    if keys:
        refuse_unknown(value, keys, "here")
    return value


def refuse_unknown(wire: Mapping[str, Any], keys: Iterable[str], where: str) -> None:
    """Refuse keys that mean nothing, as to leave them out would mean something else.

    Raises:
        Invalid: with their names.
    """
    if unknown := sorted(wire.keys() - set(keys)):
        raise Invalid(summary=f"there is no {', '.join(unknown)[:200]} {where}", errors=[])
