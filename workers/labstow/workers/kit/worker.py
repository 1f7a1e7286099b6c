"""A kind of worker: its lanes, its endpoints, and what must be closed behind it."""

from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any

from nats.aio.client import Client
from psycopg.errors import QueryCanceled
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine

from labstow.contracts import subjects
from labstow.contracts.errors import Refusal, StorageUnavailable, TooSlow
from labstow.contracts.message import Request
from labstow.contracts.service import Ready
from labstow.workers.kit.call import Answered, Call, Result, refused
from labstow.workers.kit.database import SLOWEST_READ_S
from labstow.workers.kit.intake import Endpoint
from labstow.workers.kit.journal import dumps
from labstow.workers.kit.lane import Lane

Read = Callable[[AsyncEngine, Any], Awaitable[bytes]]
"""Answers one query; refuses by raising."""

READERS = 4


@dataclass
class Worker:
    """One kind of worker in this process."""

    name: str
    description: str
    lanes: list[Lane] = field(default_factory=list)
    endpoints: list[Endpoint] = field(default_factory=list)
    background: list[Callable[[Client], Coroutine[Any, Any, None]]] = field(default_factory=list)
    """Runs as long as the worker does."""
    closing: list[Callable[[], Awaitable[None]]] = field(default_factory=list)

    def lane(self, lane: Lane) -> Lane:
        """Add a lane."""
        self.lanes.append(lane)
        return lane

    def serve(
        self, request: type[Request[Any]], lane_of: Callable[[Request[Any]], Lane], subject: str | None = None
    ) -> None:
        """Answer a kind of request from a lane."""
        address = subjects.request(subject or request.subject)
        self.endpoints.append(Endpoint(request, address, subjects.queue(self.name), lane_of))

    def serve_reads(self, engine: AsyncEngine, reads: dict[type[Request[Any]], Read], room: int) -> None:
        """Answer queries one by one, a few at a time, and whether this worker is ready."""

        async def run(calls: list[Call[Any]]) -> Result:
            return Result([await _answer(call, engine, reads) for call in calls], [])

        async def ready(engine: AsyncEngine, query: Ready) -> bytes:
            async with engine.connect() as connection:
                found = await connection.execute(text("select version_num from alembic_version"))
                return dumps({"ready": True, "schema_revision": found.scalar_one()})

        lane = self.lane(Lane(*[run] * READERS, room=room))
        for request in reads:
            self.serve(request, lambda _: lane)
        asking = self.lane(Lane(run, room=room))  # of its own: a few slow searches do not make a worker unready
        self.serve(Ready, lambda _: asking, f"{self.name}.ready")
        reads = {**reads, Ready: ready}


async def _answer(call: Call[Any], engine: AsyncEngine, reads: dict[type[Request[Any]], Read]) -> Answered:
    try:
        return Answered(call, 200, await reads[type(call.request)](engine, call.request))
    except Refusal as refusal:
        return refused(call, refusal)
    except DBAPIError as error:
        if isinstance(error.orig, QueryCanceled):
            return refused(call, TooSlow(limit_s=SLOWEST_READ_S))
        if error.connection_invalidated or not getattr(error.orig, "sqlstate", None):
            return refused(call, StorageUnavailable())
        raise
