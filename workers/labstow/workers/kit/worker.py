"""A kind of worker: its lanes, its endpoints, and what must be closed behind it."""

from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

from nats.aio.client import Client

from labstow.contracts import subjects
from labstow.contracts.message import Request
from labstow.contracts.service import Ready
from labstow.workers.kit.intake import Endpoint
from labstow.workers.kit.journal import dumps
from labstow.workers.kit.lane import Lane
from labstow.workers.kit.pipeline import Pipeline, Statement
from labstow.workers.kit.reader import Reader, fetch, one_by_one

REVISION: Final = Statement.plain("select version_num from alembic_version")


@dataclass
class Worker:
    """One kind of worker in this process."""

    name: str
    description: str
    lanes: list[Lane] = field(default_factory=list)
    endpoints: list[Endpoint] = field(default_factory=list)
    background: list[Callable[[Client], Coroutine[Any, Any, None]]] = field(default_factory=list)
    """Runs as long as the worker does."""
    leaving: list[Callable[[], Awaitable[None]]] = field(default_factory=list)
    """Done when nothing more is taken in, before the lanes are emptied."""
    closing: list[Callable[[], Awaitable[None]]] = field(default_factory=list)

    def lane(self, lane: Lane) -> Lane:
        """Add a lane."""
        self.lanes.append(lane)
        return lane

    def alongside(self, run: Callable[[], Awaitable[None]]) -> None:
        """Run something that needs no NATS as long as the worker does."""

        async def alone(_: Client) -> None:
            await run()

        self.background.append(alone)

    def serve(
        self, request: type[Request[Any]], lane_of: Callable[[Request[Any]], Lane], subject: str | None = None
    ) -> None:
        """Answer a kind of request from a lane."""
        address = subjects.request(subject or request.subject)
        self.endpoints.append(Endpoint(request, address, subjects.queue(self.name), lane_of))

    def serve_ready(self, url: str, room: int, degraded: Callable[[], str | None] = lambda: None) -> None:
        """Tell whether this worker is ready, from a lane of its own: slow searches do not make it unready."""
        reader = Reader(url, one_by_one({Ready: partial(_ready, degraded)}))
        lane = self.lane(Lane(reader.run, room=room))
        self.serve(Ready, lambda _: lane, f"{self.name}.ready")
        self.closing.append(reader.close)


async def _ready(degraded: Callable[[], str | None], db: Pipeline, query: Ready) -> bytes:
    ((revision,),) = await fetch(db, REVISION, {})
    return dumps({"ready": True, "schema_revision": revision, "degraded": degraded()})
