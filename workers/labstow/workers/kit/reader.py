"""Reads gather as writes do: one query answers everybody who waits. A read sees every answered write, for answers
leave after their commit.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any, Final

import psycopg

from labstow.contracts.errors import Refusal, StorageUnavailable, TooSlow
from labstow.workers.kit.call import Answered, Call, Result, refused
from labstow.workers.kit.database import connect
from labstow.workers.kit.unit import SILENCE

log = logging.getLogger(__name__)

ATTEMPTS: Final = 2
TIMEOUT_S: Final = 5

Read = Callable[[psycopg.AsyncConnection, list[Any]], Awaitable[list[bytes | Refusal]]]
"""Answers queries on a connection, in their order."""


class Reader:
    """A connection for reading, and what is asked of it."""

    def __init__(self, url: str, read: Read) -> None:
        self._url, self._read = url, read
        self._db: psycopg.AsyncConnection | None = None

    async def run(self, calls: list[Call[Any]]) -> Result:
        """Answer a batch of queries; when the database is away, say so to all of them."""
        for _ in range(ATTEMPTS):
            try:
                if self._db is None or self._db.closed:
                    self._db = await connect(self._url, statement_timeout_s=TIMEOUT_S)
                    await self._db.set_autocommit(True)
                async with asyncio.timeout(TIMEOUT_S + SILENCE):
                    found = await self._read(self._db, [call.request for call in calls])
            except psycopg.errors.QueryCanceled:
                if len(calls) > 1:
                    raise  # one of them is to blame: the lane asks them one by one
                return Result([refused(calls[0], TooSlow(limit_s=TIMEOUT_S))], [])
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


def _answer(call: Call[Any], body: bytes | Refusal) -> Answered:
    return refused(call, body) if isinstance(body, Refusal) else Answered(call, 200, body)
