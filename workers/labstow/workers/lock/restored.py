"""Starting over with all locks, some hundred at a time, after the database was restored from a backup."""

from collections.abc import Callable
from typing import Any, Final

import orjson
from sqlalchemy import BigInteger, Text, bindparam, case, func, literal_column, select

from labstow.contracts.errors import Refusal
from labstow.contracts.ulids import new_ulid
from labstow.workers.kit.call import Call
from labstow.workers.kit.database import connect
from labstow.workers.kit.noun import By
from labstow.workers.kit.pipeline import Pipeline, Rows, Statement
from labstow.workers.kit.reader import fetch
from labstow.workers.kit.unit import Unit
from labstow.workers.lock.lease import Lease
from labstow.workers.lock.noun import LOCK
from labstow.workers.lock.own import StartedOver, StartOver
from labstow.workers.lock.policy import Policies
from labstow.workers.lock.repository import Repository
from labstow.workers.lock.starting_over import floor
from labstow.workers.lock.tables import lease

MANY: Final = 500
PATIENCE_S: Final = 60
NOW: Final = Statement.of(
    select(func.clock_timestamp(), func.count(), func.coalesce(func.max(lease.c.token), literal_column("0")))
)
BELOW: Final = Statement.of(
    select(lease.c.id, case((lease.c.ended.is_(None), lease.c.lease)))
    .where(lease.c.id > bindparam("after", type_=Text), lease.c.token < bindparam("floor", type_=BigInteger))
    .order_by(lease.c.id)
    .limit(literal_column(str(MANY)))
)


async def start_over(url: str, policies: Policies, told: Callable[[int, int], None]) -> StartedOver:
    """End all leases, drop all tickets and raise all tokens. May be done again at any time, also after it was killed.

    `told` is how many things are done, of how many.

    Raises:
        Refusal, psycopg.Error: the database is away.
    """
    unit = Unit(url, LOCK, Repository(policies), timeout_s=PATIENCE_S)
    db = Pipeline(await connect(url, statement_timeout_s=PATIENCE_S))
    try:
        ((now, count, highest),) = await fetch(db, NOW, {})
        lowest, after, things, held = floor(now, highest), "", 0, 0
        # Where workers work meanwhile, some are new, or were granted to others just then: until none is left.
        while rows := await _below(db, lowest, after) or await _below(db, lowest, ""):
            after, leases = rows[-1][0], {secret for _, secret in rows if secret}
            asked = StartOver(resource_ids=tuple(row[0] for row in rows), leases=tuple(leases), floor=lowest)
            done = await _carry_out(unit, asked)
            things, held = things + done.things, held + done.held
            told(things, max(things, count))
        return StartedOver(things=things, held=held)
    finally:
        await db.close()
        await unit.close()


async def _below(db: Pipeline, lowest: int, after: str) -> Rows:
    """The next things whose token is below the floor, and the leases on them."""
    return await fetch(db, BELOW, {"floor": lowest, "after": after})


async def _carry_out(unit: Unit[Lease], command: StartOver) -> StartedOver:
    waiting: list[Call[Any]] = [Call(command, By("labstow", "restored", new_ulid()), _nobody)]
    while (result := await unit.run(waiting)).again:
        waiting = result.again
    (answered,) = result.answers
    if answered.status != 200:
        raise Refusal.from_problem(orjson.loads(answered.body))
    return StartedOver.model_validate_json(answered.body)


async def _nobody(status: int, body: bytes) -> None:
    """The answer is read from the result."""
