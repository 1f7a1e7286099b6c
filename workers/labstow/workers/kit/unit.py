"""One transaction for a batch of commands: LOAD, DECIDE, SAVE, then every answer, refusals too.

A refusal may rest on what an earlier command of the batch did, and that may still be rolled back; so nobody is
answered before the commit. Running a batch again is always safe: answers were committed with the changes.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import datetime
from operator import itemgetter
from random import random
from typing import Any, Final, Generic, Protocol, TypeVar

import psycopg

from labstow.contracts.errors import Contended, OutcomeUnknown, Refusal, StorageUnavailable
from labstow.contracts.message import Command
from labstow.workers.kit.call import Call, Result, refused
from labstow.workers.kit.database import connect
from labstow.workers.kit.decide import Calls, Decision, Done, Stored, decide
from labstow.workers.kit.journal import dumps
from labstow.workers.kit.noun import Entity, Lab, Noun
from labstow.workers.kit.pipeline import BEGIN, COMMIT, ROLLBACK, Ask, Pipeline, Rows
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

    def loads(self, footprint: Any) -> dict[str, Ask]:
        """The statements that load a footprint, locks first, by what they bring."""
        ...

    def lab(self, footprint: Any, found: Mapping[str, Rows]) -> Lab[T]:
        """The lab that they brought."""
        ...

    def save(self, new: list[T], changed: list[T], notes: list[Any]) -> Ask:
        """What saves things and what was noted; the kit adds the journal and the stored answers."""
        ...


class Unit(Generic[T]):
    """A writer: one connection, one batch at a time."""

    def __init__(
        self,
        url: str,
        noun: Noun[T],
        repository: Repository[T],
        *,
        timeout_s: int = 5,
        aside: bool = False,
        committed: Callable[[Decision[T]], None] = lambda decision: None,
    ) -> None:
        """Decide `aside`, in a thread, what is large by nature: thousands of rows must not hold up everybody else.

        `committed` is told of what was saved; that may be once too often, and not at all where we die first.
        """
        self._url, self._noun, self._repository, self._timeout_s = url, noun, repository, timeout_s
        self._aside, self._committed = aside, committed
        self._db: Pipeline | None = None
        self._saving = False
        self.retries: Counter[str] = Counter()
        """How often a batch was run again, by SQLSTATE."""

    async def run(self, calls: Calls) -> Result:
        """Decide and save a batch.

        Raises:
            psycopg.Error: the database objects to what was decided, twice; a command of the batch is to blame.
        """
        in_doubt, stuck = False, False
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
                stuck = isinstance(error, psycopg.errors.LockNotAvailable)
                if isinstance(error, psycopg.errors.QueryCanceled):  # its time is over: the next try had no more
                    break
                if attempt and not away:
                    raise
                await asyncio.sleep(random() * 0.01 * 4**attempt)  # noqa: S311 (to part two that collided)
            else:
                return Result(decision.answers, decision.again)
        return Result([refused(call, _unsaved(call, in_doubt, stuck)) for call in calls], [])

    async def close(self) -> None:
        """Give the connection back."""
        if self._db is not None:
            await self._db.close()
            self._db = None

    async def _transact(self, calls: list[Call[Command[Any]]]) -> Decision[T]:
        if self._db is None or self._db.closed:
            self._db = Pipeline(await connect(self._url, statement_timeout_s=self._timeout_s))
        if not self._db.idle:
            await self._db.exchange(Ask(ROLLBACK))
        lab, now, done = await self._load(self._db, calls)
        if self._aside:
            decision, save = await asyncio.to_thread(self._decide, calls, lab, now, done)
        else:
            decision, save = self._decide(calls, lab, now, done)
        self._saving = True
        await self._db.exchange(*save, Ask(COMMIT))
        self._committed(decision)
        return decision

    def _decide(self, calls: Calls, lab: Lab[T], now: datetime, done: Done) -> tuple[Decision[T], list[Ask]]:
        """What the batch comes to, and what saves it."""
        decision = decide(self._noun, calls, lab, now, done)
        if not (decision.entries or decision.operations or decision.notes):
            return decision, []
        return decision, [self._save(decision)]

    async def _load(self, db: Pipeline, calls: Calls) -> tuple[Lab[T], datetime, Done]:
        footprint = self._noun.footprint()
        for call in calls:
            self._noun.needs(call.request, footprint)
            footprint.leases.update(call.by.leases)
            footprint.callers.add(call.by.principal)
            if call.also is not None:
                footprint.add(call.also)
        repeatable = [call.by.op_id for call in calls if call.digest is not None]
        loads = self._repository.loads(footprint)
        stored = [Ask(DONE, {"ids": repeatable})] if repeatable else []
        # The clock comes after the locks, or an answer could be older than what it rests on.
        _, *found = await db.exchange(Ask(BEGIN), *loads.values(), *stored, Ask(CLOCK))
        lab = self._repository.lab(footprint, dict(zip(loads, found, strict=False)))
        done = {(row[0], row[1]): Stored(*row[2:]) for row in (found[-2] if stored else ())}
        return lab, found[-1][0][0], done

    def _save(self, decision: Decision[T]) -> Ask:
        # In one order for everybody: unique keys that two insert at once are waited for, as rows are.
        new = [decision.changed[key] for key in sorted(decision.new)]
        changed = [thing for key, thing in decision.changed.items() if key not in decision.new]
        own = self._repository.save(new, changed, decision.notes)
        kept = {
            "entries": (b"[" + b",".join(decision.entries) + b"]").decode(),
            "operations": dumps(sorted(decision.operations, key=itemgetter("op_id", "principal"))).decode(),
        }
        return Ask(own.statement, {**own.values, **kept})

    def _away(self, error: psycopg.Error) -> bool:
        """Whether the database has a problem of its own; counted and logged either way."""
        state = error.sqlstate or ("08000" if isinstance(error, psycopg.OperationalError) else "XX000")
        self.retries[state] += 1
        log.info("a batch is run again, %s: %s", state, error)
        return state.startswith(AWAY)


def _unsaved(call: Call[Command[Any]], in_doubt: bool, stuck: bool) -> Refusal:
    """What to say when nothing could be saved: that nothing was done only where no commit may have arrived."""
    if in_doubt:
        return OutcomeUnknown(subject=call.request.subject, op_id=call.by.op_id)
    return Contended(tries=ATTEMPTS) if stuck else StorageUnavailable()
