"""The two doors of a labstow, as one who wants to know what became of a request uses them."""

import asyncio
import time
from contextlib import suppress
from typing import Any, Final, NamedTuple, Protocol

import httpx
import orjson

from labstow.client.bus import Bus
from labstow.contracts import headers
from labstow.contracts.batch import Batch
from labstow.contracts.errors import (
    Busy,
    Contended,
    DeadlinePassed,
    NoWorker,
    OutcomeUnknown,
    StorageUnavailable,
)
from labstow.contracts.message import Request
from labstow.contracts.queries import Get
from labstow.contracts.ulids import new_ulid

UNSETTLED: Final = {
    no.code for no in (Busy, Contended, DeadlinePassed, NoWorker, OutcomeUnknown, StorageUnavailable)
}  # fmt: skip
"""Answers to one try only: an earlier one may still have been executed, or a later one be."""
PATIENCE: Final = 60.0
"""Seconds after which nobody asks any more."""
PAUSE: Final = 0.05


class Told(NamedTuple):
    """An outcome; `code` is empty if it was done."""

    code: str
    body: dict[str, Any]


class Door(Protocol):
    """A way in."""

    async def ask(self, request: Request[Any], heads: dict[str, str]) -> Told:
        """What is answered to one try.

        Raises:
            NoWorker, OutcomeUnknown, httpx.TransportError: nothing.
        """


class Nats:
    """In by NATS."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus

    async def ask(self, request: Request[Any], heads: dict[str, str]) -> Told:
        """What is answered to one try."""
        reply = await self._bus.ask(request.subject, request.model_dump_json(exclude_unset=True).encode(), heads)
        return Told(reply.code, orjson.loads(reply.body))


class Rest:
    """In by the gateway; what has no route of its own in our shapes goes as a batch of one."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self._http = http

    async def ask(self, request: Request[Any], heads: dict[str, str]) -> Told:
        """What is answered to one try."""
        told = {"x-owner": heads[headers.ACTOR], "idempotency-key": heads[headers.OP_ID]}
        if headers.LEASE in heads:
            told[headers.LEASE] = heads[headers.LEASE]
        noun, _, verb = request.subject.partition(".")
        asked = request.model_dump(mode="json", exclude_unset=True)
        if isinstance(request, Get):
            return _read(await self._http.get(f"/resource/{request.resource_id}", headers=told))
        if noun == "lock":
            path = "/locks" if verb == "acquire" else f"/locks/{verb}"
            return _read(await self._http.post(path, json=asked, headers=told))
        if isinstance(request, Batch):
            return _read(await self._http.post("/batch", json=asked, headers=told))
        steps = {"steps": [{"verb": verb, "command": asked}]}
        answer = _read(await self._http.post("/batch", json=steps, headers=told))
        return answer if answer.code else Told("", answer.body["answers"][0])


async def settle(
    door: Door, request: Request[Any], actor: str, *, op_id: str = "", lease: str | None = None
) -> Told | None:
    """The outcome of a request, which is sent with one operation id until it is known; None if that never comes."""
    heads = {headers.OP_ID: op_id or new_ulid(), headers.ACTOR: actor}
    if lease:
        heads[headers.LEASE] = lease
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        with suppress(NoWorker, OutcomeUnknown, httpx.TransportError):
            told = await door.ask(request, heads)
            if told.code not in UNSETTLED:
                return told
        await asyncio.sleep(PAUSE)
    return None


def _read(response: httpx.Response) -> Told:
    body = response.json()
    return Told("" if response.status_code == 200 else body["code"], body)
