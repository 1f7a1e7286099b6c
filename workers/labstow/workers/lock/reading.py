"""Reading how things stand with locks. Nothing is decided on what is read here."""

from datetime import datetime
from typing import Any, Final

from sqlalchemy import Double, Text, bindparam, cast, func, literal_column, or_, select
from sqlalchemy.dialects.postgresql import TIMESTAMP, aggregate_order_by
from sqlalchemy.sql import any_

from labstow.contracts.errors import NotFound
from labstow.contracts.lock import MAX_LINE, ListLeases, Status
from labstow.workers.kit.journal import dumps
from labstow.workers.kit.pipeline import Ask, Pipeline, Statement
from labstow.workers.kit.reader import fetch, snapshot
from labstow.workers.kit.statements import CLOCK, texts
from labstow.workers.lock.lease import Lease
from labstow.workers.lock.policy import PLAIN, Policies, Policy
from labstow.workers.lock.tables import lease, ticket
from labstow.workers.lock.ticket import Ticket
from labstow.workers.resource.loads import LINES
from labstow.workers.resource.tables import resource

LEASE: Final = tuple(lease.c[name] for name in Lease._fields)
TICKET: Final = tuple(ticket.c[name] for name in Ticket._fields)

LEASES: Final = Statement.of(
    select(*LEASE, resource.c.resource_class, resource.c.removed_at)
    .join_from(lease, resource, lease.c.id == resource.c.id)
    .where(lease.c.id == any_(texts("ids")))
)
COVERING: Final = Statement.of(
    select(*LEASE).where(
        lease.c.lease.is_not(None), lease.c.ended.is_(None), lease.c.scope == literal_column("'subtree'")
    )
)
WAITING: Final = Statement.of(
    select(*TICKET).where(ticket.c.resource_ids.overlap(texts("ids"))).order_by(ticket.c.number, ticket.c.id)
)

_holder, _after = bindparam("holder", type_=Text), bindparam("after", type_=Text)
_granted_before = bindparam("granted_before", type_=TIMESTAMP(timezone=True))
_of_grant = (
    lease.c.grant_id,
    lease.c.holder,
    lease.c.session,
    lease.c.purpose,
    lease.c.scope,
    lease.c.granted_at,
    lease.c.expires_at,
)
HELD: Final = Statement.of(
    select(*_of_grant, func.array_agg(aggregate_order_by(lease.c.id, lease.c.id)))
    .where(
        lease.c.lease.is_not(None),
        lease.c.ended.is_(None),
        lease.c.expires_at > func.clock_timestamp(),
        or_(cast(_holder, Text).is_(None), lease.c.holder == _holder),
        or_(cast(_after, Text).is_(None), lease.c.grant_id > _after),
        or_(cast(_granted_before, TIMESTAMP(timezone=True)).is_(None), lease.c.granted_at <= _granted_before),
    )
    .group_by(*_of_grant)
    .order_by(lease.c.grant_id)
    .limit(bindparam("limit"))
)
BEFORE: Final = Statement.of(
    select(func.clock_timestamp() - cast(bindparam("age_s", type_=Double), Double) * literal_column("interval '1 s'"))
)


async def status(policies: Policies, db: Pipeline, query: Status) -> bytes:
    """How things stand with some things, at one moment.

    Raises:
        NotFound: with all that are not there.
    """
    ids = {"ids": list(query.resource_ids)}
    async with snapshot(db):
        asks = Ask(LEASES, ids), Ask(WAITING, ids), Ask(COVERING), Ask(CLOCK)
        rows, waiting, covering, ((now,),) = await db.exchange(*asks)
        above = {each: parent for each, parent, _ in (await fetch(db, LINES, ids) if covering else ())}
        here = [row for row in rows if row[-1] is None]
        leases = {row[0]: _settled(Lease._make(row[:-2]), policies.get(row[-2], PLAIN), now) for row in here}
        if missing := [each for each in query.resource_ids if each not in leases]:
            told = f"there is no resource {', '.join(missing[:8])}"
            raise NotFound(told, resource_id=missing[0], resource_ids=missing)
    tickets = [one for row in waiting if (one := Ticket._make(row)).live(now)]
    covers = {held.id: held for row in covering if (held := Lease._make(row)).live(now)}
    locks = [_lock(leases[each], _covering(each, above, covers), tickets, now) for each in query.resource_ids]
    return dumps({"locks": locks, "at": now})


def _settled(lease: Lease, policy: Policy, now: datetime) -> Lease:
    """A lease as it is, also where its time is over and nobody has noted it yet."""
    return lease.end("expired", policy, now) if lease.held and not lease.live(now) else lease


def _covering(resource_id: str, above: dict[str, str | None], covers: dict[str, Lease]) -> Lease | None:
    """The lease on something that a thing is in, and on everything in that."""
    parent = above.get(resource_id)
    while parent is not None and parent not in covers:
        parent = above.get(parent)
    return covers[parent] if parent is not None else None


def _lock(of: Lease, covering: Lease | None, tickets: list[Ticket], now: datetime) -> dict[str, Any]:
    line = [one for one in tickets if of.id in one.resource_ids]
    shown: dict[str, Any] = {"resource_id": of.id, "token": of.token, "waiters": len(line)}
    shown |= {"line": [one.waiter() for one in line[:MAX_LINE]]}
    if (by := of if of.live(now) else covering) is not None:
        names = ("holder", "session", "purpose", "scope", "granted_at", "expires_at")
        held = {name: getattr(by, name) for name in names} | {"held_with": None if by is of else by.id}
        return shown | {"state": "held", **held, "expires_in_ms": by.left_ms(now)}
    if of.cooling(now):
        left = (of.cooling_until - now).total_seconds() * 1000 if of.cooling_until and not of.awaits_operator else None
        return shown | {"state": "cooling", "cooling_ms": None if left is None else int(left)}
    return shown | {"state": "free"}


async def leases(db: Pipeline, query: ListLeases) -> bytes:
    """A page of leases in force, by grant."""
    granted_before = None
    if query.older_than_s is not None:
        ((granted_before,),) = await fetch(db, BEFORE, {"age_s": query.older_than_s})
    asked = {"holder": query.holder, "after": query.after, "limit": query.limit + 1, "granted_before": granted_before}
    ((now,),), rows = await db.exchange(Ask(CLOCK), Ask(HELD, asked))
    names = [str(column.name) for column in _of_grant]
    found = [dict(zip((*names, "resource_ids"), row, strict=True)) for row in rows[: query.limit]]
    for one in found:
        one["expires_in_ms"] = max(0, int((one["expires_at"] - now).total_seconds() * 1000))
    more = found[-1]["grant_id"] if len(rows) > query.limit else None
    return dumps({"leases": found, "at": now, "next": more})
