"""Reads gather as writes do: one query answers everybody who waits. A read sees every answered write, for answers
leave after their commit.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final

import psycopg

from labstow.contracts.errors import Refusal, StorageUnavailable, TooSlow
from labstow.contracts.message import Query
from labstow.workers.kit.call import Answered, Call, Result, refused
from labstow.workers.kit.database import connect
from labstow.workers.kit.pipeline import BEGIN_SNAPSHOT, COMMIT, ROLLBACK, Ask, Pipeline, Rows, Statement
from labstow.workers.kit.unit import SILENCE

log = logging.getLogger(__name__)

ATTEMPTS: Final = 2
TIMEOUT_S: Final = 5
PLANNED_BY_VALUE: Final = Statement.plain("set plan_cache_mode = auto")

Read = Callable[[Pipeline, list[Any]], Awaitable[list[bytes | Refusal]]]
"""Answers queries on a connection, in their order."""
ReadOne = Callable[[Pipeline, Any], Awaitable[bytes]]
"""Answers one query; refuses by raising."""


class Reader:
    """A connection for reading, and what is asked of it.

    With `searching`, statements are planned for the values they are asked with, as far as that pays; else their plan
    is the same for all, and they must be written so that it is good. `opened` is called for every new connection.
    """

    def __init__(
        self,
        url: str,
        read: Read,
        *,
        timeout_s: int | None = None,
        searching: bool = False,
        opened: Callable[[], None] = lambda: None,
    ) -> None:
        self._url, self._read, self._searching, self._opened = url, read, searching, opened
        self._timeout_s = timeout_s or TIMEOUT_S
        self._db: Pipeline | None = None

    async def run(self, calls: list[Call[Any]]) -> Result:
        """Answer a batch of queries; when the database is away, say so to all of them."""
        for _ in range(ATTEMPTS):
            try:
                async with asyncio.timeout(self._timeout_s + SILENCE):
                    found = await self._read(await self._connection(), [call.request for call in calls])
            except psycopg.errors.QueryCanceled:
                if len(calls) > 1:
                    raise  # one of them is to blame: the lane asks them one by one
                return Result([refused(calls[0], TooSlow(limit_s=self._timeout_s))], [])
            except (psycopg.OperationalError, TimeoutError) as error:
                log.info("a read failed: %s", repr(error))
                await self.close()
            else:
                return Result([_answer(call, body) for call, body in zip(calls, found, strict=True)], [])
        return Result([refused(call, StorageUnavailable()) for call in calls], [])

    async def close(self) -> None:
        """Give the connection back."""
        if self._db is not None:
            await self._db.close()
            self._db = None

    async def _connection(self) -> Pipeline:
        if self._db is None or self._db.closed:
            self._db = Pipeline(await connect(self._url, statement_timeout_s=self._timeout_s))
            if self._searching:
                await self._db.exchange(Ask(PLANNED_BY_VALUE))
            self._opened()
        if not self._db.idle:
            await self._db.exchange(Ask(ROLLBACK))
        return self._db


def one_by_one(reads: Mapping[type[Query[Any]], ReadOne]) -> Read:
    """A read that answers each query by its type."""

    async def read(db: Pipeline, queries: list[Any]) -> list[bytes | Refusal]:
        return [await _ask(reads[type(query)], db, query) for query in queries]

    return read


async def fetch(db: Pipeline, statement: Statement, values: Mapping[str, Any], *, prepare: bool | None = None) -> Rows:
    """All rows of a statement; with `prepare` false it is planned for just these values."""
    return (await db.exchange(Ask(statement, values, once=prepare is False)))[0]


@asynccontextmanager
async def snapshot(db: Pipeline) -> AsyncIterator[None]:
    """Whatever is read within is read at one moment."""
    await db.exchange(Ask(BEGIN_SNAPSHOT))
    try:
        yield  # if the database fails in here, the next one who reads begins with a rollback
    except Refusal:
        await db.exchange(Ask(ROLLBACK))
        raise
    await db.exchange(Ask(COMMIT))


async def _ask(read: ReadOne, db: Pipeline, query: Query[Any]) -> bytes | Refusal:
    try:
        return await read(db, query)
    except Refusal as refusal:
        return refusal


def _answer(call: Call[Any], body: bytes | Refusal) -> Answered:
    return refused(call, body) if isinstance(body, Refusal) else Answered(call, 200, body)
