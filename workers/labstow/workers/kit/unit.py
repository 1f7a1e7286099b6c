"""One transaction for a batch of commands: LOAD, DECIDE, SAVE, then every answer, refusals too.

A refusal may rest on what an earlier command of the batch did, and that may still be rolled back; so nobody is
answered before the commit. Running a batch again is always safe: answers were committed with the changes.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import datetime
from operator import itemgetter
from random import random
from typing import Any, Final, Generic, Protocol, TypeVar

import psycopg
from psycopg.pq import TransactionStatus

from labstow.contracts.errors import OutcomeUnknown, Refusal, StorageUnavailable
from labstow.contracts.message import Command
from labstow.workers.kit.call import Call, Result, refused
from labstow.workers.kit.database import connect
from labstow.workers.kit.decide import Calls, Decision, Done, Stored, decide
from labstow.workers.kit.journal import dumps
from labstow.workers.kit.noun import Entity, Footprint, Lab, Noun
from labstow.workers.kit.statements import CLOCK, DONE

log = logging.getLogger(__name__)

ATTEMPTS: Final = 4
AWAY: Final = ("08", "40", "53", "55", "57P")
"""SQLSTATE classes that say nothing about the command: connection, rollback, resources, locks, shutdown."""
SILENCE: Final = 3.0
"""Seconds over the statement timeout after which a database that says nothing counts as away."""

T = TypeVar("T", bound=Entity)


class Repository(Protocol[T]):
    """A noun's SQL."""

    save: str

    async def send(self, db: psycopg.AsyncConnection, footprint: Footprint) -> Callable[[], Awaitable[Lab[T]]]:
        """Queue the statements that load a footprint, locks first; what comes back reads their results."""
        ...

    def record(self, thing: T) -> dict[str, Any]:
        """The thing as a record of its table."""
        ...


class Unit(Generic[T]):
    """A writer: one connection, one batch at a time."""

    def __init__(self, url: str, noun: Noun[T], repository: Repository[T], *, timeout_s: int = 5) -> None:
        self._url, self._noun, self._repository, self._timeout_s = url, noun, repository, timeout_s
        self._db: psycopg.AsyncConnection | None = None
        self._saving = False
        self.retries: Counter[str] = Counter()
        """How often a batch was run again, by SQLSTATE."""

    async def run(self, calls: Calls) -> Result:
        """Decide and save a batch.

        Raises:
            psycopg.Error: the database objects to what was decided, twice; a command of the batch is to blame.
        """
        in_doubt = False
        for attempt in range(ATTEMPTS):
            self._saving = False
            try:
                async with asyncio.timeout(self._timeout_s + SILENCE):
                    decision = await self._transact(calls)
            except TimeoutError:  # a statement timeout is the server's word; a frozen one says nothing
                in_doubt |= self._saving
                self.retries["silence"] += 1
                await self.close()
                break
            except psycopg.Error as error:
                away = self._away(error)
                in_doubt |= away and self._saving
                if attempt and not away:
                    raise
                await asyncio.sleep(random() * 0.01 * 4**attempt)  # noqa: S311 (to part two that collided)
            else:
                return Result(decision.answers, decision.again)
        return Result([refused(call, _unsaved(call, in_doubt)) for call in calls], [])

    async def close(self) -> None:
        """Give the connection back."""
        if self._db is not None:
            await self._db.close()
            self._db = None

    async def _transact(self, calls: list[Call[Command[Any]]]) -> Decision[T]:
        if self._db is None or self._db.closed:
            self._db = await connect(self._url, statement_timeout_s=self._timeout_s)
        if self._db.info.transaction_status is not TransactionStatus.IDLE:
            await self._db.rollback()
        lab, now, done = await self._load(self._db, calls)
        decision = decide(self._noun, calls, lab, now, done)
        self._saving = True
        async with self._db.pipeline():  # SAVE and COMMIT: one round trip
            if decision.entries or decision.operations:
                await self._db.execute(self._repository.save, self._values(decision))
            # Not `commit()`: in a pipeline that waits for an answer before everything large was sent, for ever.
            await self._db.execute("commit", {})
        return decision

    async def _load(self, db: psycopg.AsyncConnection, calls: Calls) -> tuple[Lab[T], datetime, Done]:
        footprint = Footprint()
        for call in calls:
            footprint.add(self._noun.needs(call.request)).add(call.also)
        repeatable = [call.by.op_id for call in calls if call.digest is not None]
        async with db.pipeline():  # one round trip
            read = await self._repository.send(db, footprint)
            stored = await db.execute(DONE, {"ids": repeatable}) if repeatable else None
            clock = await db.execute(CLOCK, {})  # after the locks, or an answer could be older than what it rests on
        lab = await read()
        done = {(row[0], row[1]): Stored(*row[2:]) for row in await stored.fetchall()} if stored else {}
        return lab, (await clock.fetchall())[0][0], done

    def _values(self, decision: Decision[T]) -> dict[str, Any]:
        record = self._repository.record
        # In one order for everybody: unique keys that two insert at once are waited for, as rows are.
        new = [record(decision.changed[id]) for id in sorted(decision.new)]
        changed = [record(thing) for id, thing in decision.changed.items() if id not in decision.new]
        return {
            "new": dumps(new).decode(),
            "changed": dumps(changed).decode(),
            "changed_ids": [record["id"] for record in changed],
            "entries": (b"[" + b",".join(decision.entries) + b"]").decode(),
            "operations": dumps(sorted(decision.operations, key=itemgetter("op_id", "principal"))).decode(),
        }

    def _away(self, error: psycopg.Error) -> bool:
        """Whether the database has a problem of its own; counted and logged either way."""
        state = error.sqlstate or ("08000" if isinstance(error, psycopg.OperationalError) else "XX000")
        self.retries[state] += 1
        log.info("a batch is run again, %s: %s", state, error)
        return state.startswith(AWAY)


def _unsaved(call: Call[Command[Any]], in_doubt: bool) -> Refusal:
    """What to say when the database is away: that nothing was done only where no commit may have arrived."""
    return OutcomeUnknown(subject=call.request.subject, op_id=call.by.op_id) if in_doubt else StorageUnavailable()
