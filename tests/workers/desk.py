"""A desk where a test has commands carried out and asks questions: the workers' own lanes, without a broker."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

import orjson
import psycopg

from labstow.contracts.errors import Refusal
from labstow.contracts.message import Command, Query
from labstow.contracts.ulids import new_ulid
from labstow.workers.history import worker as history
from labstow.workers.kit.call import Call
from labstow.workers.kit.lane import Lane
from labstow.workers.kit.noun import By
from labstow.workers.kit.settings import Settings
from labstow.workers.kit.unit import Unit
from labstow.workers.kit.worker import Worker
from labstow.workers.resource.noun import RESOURCE
from labstow.workers.resource.reading import worker as reading
from labstow.workers.resource.repository import Repository
from tests.workers.calls import call, settle


class Desk:
    """Asks and tells."""

    def __init__(self, url: str, worker: Worker) -> None:
        self.url, self._worker = url, worker
        self._unit = Unit(url, RESOURCE, Repository())
        self._lanes = {endpoint.request: endpoint.lane_of for endpoint in worker.endpoints}

    async def do(self, command: Command[Any]) -> Any:
        """The answer to a command, as JSON; raises the refusal."""
        (answer,) = await settle(self._unit, call(command))
        return _shown(answer.status, answer.body)

    async def ask(self, query: Query[Any]) -> Any:
        """The answer to a query, as JSON that its contract takes; raises the refusal."""
        answered: asyncio.Future[tuple[int, bytes]] = asyncio.get_running_loop().create_future()

        async def answer(status: int, body: bytes) -> None:
            answered.set_result((status, body))

        assert self.lane_of(query).put(Call(query, By("tester", "test", new_ulid()), answer))
        status, body = await answered
        if status == 200:
            type(query).answer.model_validate_json(body)
        return _shown(status, body)

    def lane_of(self, query: Query[Any]) -> Lane:
        """Where a query waits for its answer."""
        return self._lanes[type(query)](query)

    async def now(self) -> datetime:
        """The clock of the database."""
        async with await psycopg.AsyncConnection.connect(self.url) as db:
            (moment,) = await (await db.execute("select clock_timestamp()")).fetchone() or ()
            assert isinstance(moment, datetime)
            return moment

    def another(self) -> "Desk":
        """The same desk, with a connection of its own for commands."""
        return Desk(self.url, self._worker)

    async def close(self) -> None:
        """Give the connection for commands back."""
        await self._unit.close()


def _shown(status: int, body: bytes) -> Any:
    shown = orjson.loads(body)
    if status != 200:
        raise Refusal.from_problem(shown)
    return shown


@asynccontextmanager
async def open_desk(url: str) -> AsyncIterator[Desk]:
    """A desk at a migrated database."""
    settings = Settings(postgres_url=url)
    worker = history.make(settings)
    reading.serve(worker, settings)
    desk = Desk(url, worker)
    for lane in worker.lanes:
        lane.start()
    try:
        yield desk
    finally:
        for lane in worker.lanes:
            await lane.stop()
        for close in (*worker.closing, desk.close):
            await close()
