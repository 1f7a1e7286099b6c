"""A sweeper: looks now and then for what time alone has changed, and has it noted. Rules do not depend on it: what is
over is over, noted or not.
"""

import asyncio
import logging
from collections.abc import Callable
from typing import Any

import psycopg

from labstow.contracts.message import Command
from labstow.contracts.ulids import new_ulid
from labstow.workers.kit.call import Call
from labstow.workers.kit.database import connect
from labstow.workers.kit.lane import Lane
from labstow.workers.kit.noun import By
from labstow.workers.kit.pipeline import Pipeline, Rows, Statement
from labstow.workers.kit.reader import fetch

log = logging.getLogger(__name__)


class Sweeper:
    """Several may look: what is noted is noted once."""

    def __init__(
        self, url: str, lane: Lane, over: Statement, note: Callable[[Rows], Command[Any]], period_s: float
    ) -> None:
        """`over` brings what is to be noted, `note` makes a command of it, for the lane."""
        self._url, self._lane, self._over, self._note, self._period_s = url, lane, over, note, period_s
        self._db: Pipeline | None = None

    async def run(self) -> None:
        """Sweep until cancelled; while the database is away nothing is swept."""
        try:
            while True:
                try:
                    over = await self._look()
                except psycopg.Error as error:
                    log.info("the sweeper could not look: %s", error)
                    await self._close()
                else:
                    if over:
                        await self._have_noted(self._note(over))
                await asyncio.sleep(self._period_s)
        finally:
            await self._close()

    async def _look(self) -> Rows:
        if self._db is None or self._db.closed:
            self._db = Pipeline(await connect(self._url, statement_timeout_s=5))
        return await fetch(self._db, self._over, {})

    async def _have_noted(self, command: Command[Any]) -> None:
        done = asyncio.Event()

        async def answer(status: int, body: bytes) -> None:
            if status != 200:
                log.warning("the sweeper was refused: %s", body.decode())
            done.set()

        self._lane.put(Call(command, By("labstow", "sweeper", new_ulid()), answer), first=True)
        await done.wait()

    async def _close(self) -> None:
        if self._db is not None:
            await self._db.close()
            self._db = None
