"""The laboratory for asynchronous programs: messages in, answers out."""

import asyncio
from collections.abc import AsyncGenerator, Iterable
from datetime import datetime
from typing import Self, TypeVar, cast
from weakref import WeakKeyDictionary

import orjson

from labstow.client.bus import BUDGET, Bus
from labstow.client.events import events
from labstow.client.lock import Guard
from labstow.contracts import headers
from labstow.contracts.errors import NoWorker, Refusal
from labstow.contracts.events import Event
from labstow.contracts.lock import Acquire, Scope
from labstow.contracts.message import Answer, Request
from labstow.contracts.ulids import new_ulid

A = TypeVar("A", bound=Answer)


class AsyncLabstow:
    """A connection to a laboratory.

    async with AsyncLabstow("nats://127.0.0.1:4222", actor="me") as lab:
        plate = await lab.ask(Add(resource=NewResource(name="P1", base_type="grid", rows=8, columns=12)))
    """

    def __init__(self, url: str = "nats://127.0.0.1:4222", *, actor: str = "anonymous") -> None:
        self.bus = Bus(url, name=actor)
        self.actor = actor
        self._sessions: WeakKeyDictionary[asyncio.Task[object], str] = WeakKeyDictionary()

    async def __aenter__(self) -> Self:
        if not await self.bus.open():
            await self.bus.close()
            raise NoWorker("no NATS server answers at the given address")
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.bus.close()

    @property
    def session(self) -> str:
        """What the running task takes locks as: what it holds and waits for counts as one, to find deadlocks.

        Raises:
            RuntimeError: no task is running.
        """
        if (task := asyncio.current_task()) is None:
            raise RuntimeError("locks are taken by a task")
        return self._sessions.setdefault(task, new_ulid())

    async def ask(
        self, request: Request[A], *, op_id: str | None = None, budget: float = BUDGET, leases: Iterable[str] = ()
    ) -> A:
        """Send a message and give the answer, within `budget` seconds.

        Only what was named in the request is sent. An `op_id` (a ULID) used again is not executed again. `leases` are
        presented: each must still be in force, and what somebody holds changes with its lease only.

        Raises:
            Refusal: the worker's no, as the class its code stands for.
        """
        heads = {headers.OP_ID: op_id or new_ulid(), headers.ACTOR: self.actor}
        if held := ",".join(leases):
            heads[headers.LEASE] = held
        body = request.model_dump_json(exclude_unset=True).encode()
        reply = await self.bus.ask(request.subject, body, heads, budget=budget, patience=budget)
        if reply.status != 200:
            raise Refusal.from_problem(orjson.loads(reply.body))
        return cast("A", request.answer.model_validate_json(reply.body))

    def lock(
        self,
        *resource_ids: str,
        ttl_s: float = 60,
        wait_s: float = 0,
        scope: Scope = "self",
        purpose: str | None = None,
        renew: bool = True,
    ) -> Guard:
        """Hold things, all or none of them, while inside: `async with lab.lock(plate_id, nest_id) as held`.

        Stands in line for `wait_s` seconds where they are not free. With `scope="subtree"` all that is in them is held,
        too. After `ttl_s` seconds without renewal others get them; without `renew` nobody renews, and nobody
        interrupts.

        What a task holds already it cannot wait for: it is refused at once, as `Held` or, with `wait_s`, `Deadlock`.
        Other tasks stand in line behind it, as everybody else.

        Raises, when it is entered:
            Refusal: why the things cannot be had: `Held`, `WaitTimeout`, `Deadlock`, `NotFound` ...
        """
        acquire = Acquire(resource_ids=resource_ids, ttl_s=ttl_s, wait_s=wait_s, scope=scope, purpose=purpose)
        return Guard(self, acquire, renew=renew)

    def events(
        self,
        *,
        noun: str = "*",
        what: str = "*",
        entity_id: str = "*",
        after: int = 0,
        since: datetime | None = None,
        follow: bool = True,
    ) -> AsyncGenerator[tuple[int, Event], None]:
        """Follow what happens, or read what happened: see `labstow.client.events.events`."""
        return events(self.bus.nats, noun=noun, what=what, entity_id=entity_id, after=after, since=since, follow=follow)
