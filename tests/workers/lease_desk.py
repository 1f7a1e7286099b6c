"""A lock worker at work, without a broker: a test asks it as if it had come by NATS, and has things changed."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, TypeVar

import orjson
import psycopg

from labstow.contracts.errors import Refusal
from labstow.contracts.lock import Acquire
from labstow.contracts.message import Command, Request
from labstow.contracts.resource import Add, NewResource, Patch, Update
from labstow.contracts.ulids import new_ulid
from labstow.workers.kit.call import Call
from labstow.workers.kit.leases import hashed
from labstow.workers.kit.noun import By
from labstow.workers.kit.settings import Settings
from labstow.workers.kit.unit import Unit
from labstow.workers.kit.worker import Worker
from labstow.workers.lock import worker as lock
from labstow.workers.lock.noun import LOCK
from labstow.workers.lock.policy import Policies
from labstow.workers.lock.repository import Repository as Locks
from labstow.workers.lock.room import Room
from labstow.workers.lock.wake import Bell
from labstow.workers.resource.noun import RESOURCE
from labstow.workers.resource.repository import Repository as Things
from tests.conftest import until
from tests.workers.calls import nobody, settle

Json = dict[str, Any]
S = TypeVar("S", bound="Served")
NOWHERE = "redis://127.0.0.1:1"
"""No Redis: who waits looks by himself."""


def call(command: Command[Any], by: str = "ada", leases: Iterable[str] = (), op_id: str | None = None) -> Call[Any]:
    """A command; with an operation id of the caller's it can be repeated."""
    proofs = tuple(hashed(each) for each in leases)
    digest = command.model_dump_json(exclude_unset=True) if op_id and command.kept else None
    return Call(command, By(by, "test", op_id or new_ulid(), None, proofs), nobody, digest)


class Desk:
    """Two writers of a worker process: one of locks, one of things."""

    def __init__(self, url: str, policies: Policies | None = None) -> None:
        self.url = url
        self.locks: Unit[Any] = Unit(url, LOCK, Locks(policies or {}))
        self.things: Unit[Any] = Unit(url, RESOURCE, Things(policies=policies))

    async def ask(self, command: Command[Any], by: str = "ada", leases: Iterable[str] = (), **how: Any) -> Json:
        """The answer.

        Raises:
            Refusal: what the worker says.
        """
        (told,) = await settle(self.unit_of(command), call(command, by, leases, **how))
        return answer(told.status, told.body)

    def unit_of(self, command: Command[Any]) -> Unit[Any]:
        """Who decides it."""
        return self.locks if type(command) in LOCK.rules else self.things

    async def told(self, command: Command[Any], by: str = "ada", leases: Iterable[str] = (), **how: Any) -> str:
        """The code of the refusal; "" if it is done."""
        try:
            await self.ask(command, by, leases, **how)
        except Refusal as refusal:
            return refusal.code
        return ""

    async def add(self, kind: str = "resource", into: str | None = None, **fields: Any) -> str:
        """The id of a new thing."""
        sizes = {"rows": 2, "columns": 2} if kind == "grid" else {}
        node = NewResource.model_validate({"name": f"a {kind}", "base_type": kind} | sizes | fields)
        return str((await self.ask(Add(resource=node, parent_id=into)))["resource_id"])

    async def have(self, *ids: str, by: str = "ada", **fields: Any) -> str:
        """A lease on things that are free."""
        return str((await self.ask(Acquire(resource_ids=ids, **fields), by))["lease_id"])

    async def queue(self, *ids: str, by: str = "bob", **fields: Any) -> str:
        """A ticket for things that are not."""
        return str((await self.ask(Acquire(resource_ids=ids, **{"wait_s": 300} | fields), by))["ticket"])

    async def close(self) -> None:
        """Give the connections back."""
        await self.locks.close()
        await self.things.close()


def answer(status: int, body: bytes) -> Json:
    """What was answered, or the refusal that it is."""
    said: Json = orjson.loads(body)
    if status != 200:
        raise Refusal.from_problem(said)
    return said


def renamed(resource_id: str) -> Update:
    """A change of a thing."""
    return Update(resource_id=resource_id, changes=Patch(name=new_ulid()))


@asynccontextmanager
async def held_up(url: str, *ids: str, doing: str = "") -> AsyncIterator[Callable[[int], Awaitable[None]]]:
    """Nobody changes these things, nor their locks, meanwhile; what is done to them (`doing`) is committed in the end.
    Gives what waits until so many wait for that.
    """
    options = "-c search_path=labstow"
    async with (
        await psycopg.AsyncConnection.connect(url, options=options) as db,
        await psycopg.AsyncConnection.connect(url, options=options, autocommit=True) as other,
    ):
        await db.execute("select from resource where id = any(%s) order by id for update", [list(ids)])
        if doing:
            await db.execute(f"{doing} where id = any(%s)", [list(ids)])

        async def waiting(count: int) -> None:
            async def so_many() -> bool:
                found = await other.execute(
                    "select count(*) from pg_stat_activity where datname = current_database()"
                    " and wait_event_type = 'Lock'"
                )
                return await found.fetchone() == (count,)

            await until(so_many)

        yield waiting
        await db.commit()


class Served:
    """A worker at work, without a broker."""

    def __init__(self, worker: Worker) -> None:
        self._worker = worker
        (self._bell,) = (bell for each in worker.closing if isinstance(bell := each.__self__, Bell))  # type: ignore[attr-defined]
        self._lanes = {endpoint.request: endpoint.lane_of for endpoint in worker.endpoints}
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        for lane in self._worker.lanes:
            lane.start()
        self._tasks = [asyncio.create_task(run(None)) for run in self._worker.background]  # type: ignore[arg-type]

    async def stop(self) -> None:
        """Answer what was accepted, as a worker process does when it is told to stop."""
        for leave in self._worker.leaving:
            await leave()
        for lane in self._worker.lanes:
            await lane.drain()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for lane in self._worker.lanes:
            await lane.stop()
        for close in self._worker.closing:
            await close()


@asynccontextmanager
async def serving(worker: S) -> AsyncIterator[S]:
    """A worker that serves meanwhile."""
    await worker.start()
    try:
        yield worker
    finally:
        await worker.stop()


class LockWorker(Served):
    """A lock worker that is served: it sweeps, and keeps those who wait."""

    def __init__(self, url: str, redis_url: str) -> None:
        super().__init__(lock.make(Settings(postgres_url=url, redis_url=redis_url)))
        (leave,) = self._worker.leaving
        self._room: Room = leave.__self__  # type: ignore[attr-defined]

    def put(
        self, request: Request[Any], by: str = "bob", *, op_id: str | None = None, budget: float | None = None
    ) -> "asyncio.Future[Json]":
        """The answer that will come; `budget` is how long anybody waits for it."""
        answered: asyncio.Future[Json] = asyncio.get_running_loop().create_future()

        async def take(status: int, body: bytes) -> None:
            try:
                answered.set_result(answer(status, body))
            except Refusal as refusal:
                answered.set_exception(refusal)

        deadline = None if budget is None else time.time() + budget
        asked = Call(request, By(by, "test", op_id or new_ulid()), take, deadline=deadline)
        assert self._lanes[type(request)](request).put(asked)
        return answered

    async def kept(self, count: int) -> None:
        """Wait until so many are kept in the waiting room."""

        async def it_is() -> bool:
            return len(self._room._parked) == count

        await until(it_is)

    async def hears(self, other: "LockWorker") -> None:
        """Wait until both are connected to Redis."""

        async def they_are() -> bool:
            return self._bell.problem is other._bell.problem is None

        await until(they_are)


def lock_worker(url: str, redis_url: str = NOWHERE) -> AbstractAsyncContextManager[LockWorker]:
    """A lock worker that serves."""
    return serving(LockWorker(url, redis_url))
