"""The way to a running labstow: through its gateway, or over NATS."""

import getpass
import logging
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final, Protocol, TypeVar, cast

import httpx
import orjson

from labstow.client import AsyncLabstow, bus
from labstow.contracts.errors import OutcomeUnknown, Refusal
from labstow.contracts.lab_file import ApplyLab, ExportLab
from labstow.contracts.message import Answer, Request
from labstow.contracts.template import CreateTemplate, ListTemplates
from labstow.contracts.ulids import new_ulid
from labstow.infra.environment import without_password
from labstow.infra.refusal import CannotStart

A = TypeVar("A", bound=Answer)

BUDGET: Final = 60.0
"""Seconds: a large lab is a large transaction."""
UNHEARD: Final = logging.NullHandler()
ROUTES: Final[dict[type[Request[Any]], tuple[str, str]]] = {
    ApplyLab: ("POST", "/lab/apply"),
    ExportLab: ("GET", "/lab/export"),
    CreateTemplate: ("POST", "/lab/template"),
    ListTemplates: ("GET", "/lab/templates"),
}


class Door(Protocol):
    """Whatever takes a message to where it is answered."""

    async def ask(self, request: Request[A], *, budget: float = ...) -> A:
        """The answer.

        Raises:
            Refusal: what is said instead.
        """


class Rest:
    """The gateway."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client

    async def ask(self, request: Request[A], *, budget: float = BUDGET) -> A:
        """The answer of the gateway; asked for again where the gateway could not wait for it.

        Raises:
            Refusal: what it says instead.
            CannotStart: nobody answers, or somebody who is no labstow.
        """
        end, heads = time.monotonic() + budget, {"Idempotency-Key": new_ulid()}
        while True:
            response = await self._response(request, heads)
            try:
                if response.status_code == httpx.codes.OK:
                    return cast("A", request.answer.model_validate_json(response.content))
                refusal = Refusal.from_problem({"code": "", **response.json()})
            except (ValueError, TypeError) as problem:
                raise CannotStart(
                    f"What answers at {self._where} is no labstow; say with --url where it is."
                ) from problem
            if not isinstance(refusal, OutcomeUnknown) or time.monotonic() > end:
                raise refusal

    async def _response(self, request: Request[Any], heads: dict[str, str]) -> httpx.Response:
        method, path = ROUTES[type(request)]
        body = orjson.loads(request.model_dump_json(exclude_unset=True))
        how: dict[str, Any] = {"params": body} if method == "GET" else {"json": body}
        try:
            return await self._client.request(method, path, headers=heads, timeout=BUDGET, **how)
        except httpx.TransportError as problem:
            why = str(problem).rstrip(".") or type(problem).__name__
            raise CannotStart(f"No labstow answers at {self._where} ({why}); say with --url where it is.") from problem

    @property
    def _where(self) -> str:
        return without_password(str(self._client.base_url)).rstrip("/")


@asynccontextmanager
async def reach(url: str) -> AsyncIterator[Door]:
    """A connection to the labstow at an address, `http://...` or `nats://...`.

    Raises:
        CannotStart: it does not answer, or says no to what is asked inside.
    """
    actor = _user()
    try:
        if url.startswith(("nats://", "tls://")):
            logging.getLogger(bus.__name__).addHandler(UNHEARD)  # the refusal is enough
            async with AsyncLabstow(url, actor=actor) as labstow:
                yield labstow
        else:
            async with httpx.AsyncClient(base_url=url, headers={"X-Owner": actor}) as client:
                yield Rest(client)
    except Refusal as refusal:
        raise CannotStart(f"labstow says no: {refusal.detail}.") from refusal
    except httpx.InvalidURL as problem:
        raise CannotStart(f"{url} is no address: {problem}.") from problem


def _user() -> str:
    """Who this is, for the history."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # nobody by that number, as in many containers
        return "operator"
