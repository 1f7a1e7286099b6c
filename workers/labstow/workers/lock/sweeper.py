"""The sweeper: notes what is over, so that everybody hears of it and who waits gets it. Rules do not depend on it: what
is over grants nothing and hinders nobody, noted or not.
"""

import asyncio
import logging
from typing import Final

import psycopg
from sqlalchemy import Interval, Text, cast, func, literal_column, select, union_all

from labstow.contracts.ulids import new_ulid
from labstow.workers.kit.call import Call
from labstow.workers.kit.database import connect
from labstow.workers.kit.lane import Lane
from labstow.workers.kit.noun import By
from labstow.workers.kit.pipeline import Pipeline, Rows, Statement
from labstow.workers.kit.reader import fetch
from labstow.workers.lock.sweep import Sweep
from labstow.workers.lock.tables import lease, ticket

PERIOD_S: Final = 0.25
MANY: Final = 256

_now, _none = func.clock_timestamp(), cast(literal_column("null"), Text)
_told = literal_column("interval '5 s'", Interval)
"""For so long a ticket stays whose time is up: whoever asks about it is told so. It hinders nobody any more."""
OVER: Final = Statement.of(
    union_all(
        select(lease.c.id, _none.label("ticket"))
        .where(lease.c.lease.is_not(None), lease.c.ended.is_(None), lease.c.expires_at <= _now)
        .limit(literal_column(str(MANY)))
        .subquery()
        .select(),
        select(_none.label("lease"), ticket.c.id.collate("C"))
        .where((ticket.c.until <= _now - _told) | (ticket.c.alive_until <= _now))
        .limit(literal_column(str(MANY)))
        .subquery()
        .select(),
    )
)

log = logging.getLogger(__name__)


class Sweeper:
    """Looks four times a second. Several may: a lease ends once."""

    def __init__(self, url: str, lane: Lane) -> None:
        self._url, self._lane = url, lane
        self._db: Pipeline | None = None

    async def run(self) -> None:
        """Sweep until cancelled; while the database is away nothing is swept."""
        try:
            while True:
                try:
                    over = await self._over()
                except psycopg.Error as error:
                    log.info("the sweeper could not look: %s", error)
                    await self._close()
                else:
                    if over:
                        await self._sweep(over)
                await asyncio.sleep(PERIOD_S)
        finally:
            await self._close()

    async def _over(self) -> Rows:
        if self._db is None or self._db.closed:
            self._db = Pipeline(await connect(self._url, statement_timeout_s=5))
        return await fetch(self._db, OVER, {})

    async def _sweep(self, over: Rows) -> None:
        ids = tuple(sorted(row[0] for row in over if row[0]))
        tickets = tuple(sorted(row[1] for row in over if row[1]))
        done = asyncio.Event()

        async def answer(status: int, body: bytes) -> None:
            if status != 200:
                log.warning("the sweeper was refused: %s", body.decode())
            done.set()

        command = Sweep(resource_ids=ids, tickets=tickets)
        self._lane.put(Call(command, By("labstow", "sweeper", new_ulid()), answer), first=True)
        await done.wait()

    async def _close(self) -> None:
        if self._db is not None:
            await self._db.close()
            self._db = None
