"""The statements that load what the rules of locks need, each for any number of commands."""

from typing import Final

from sqlalchemy import func, literal_column, select, union_all
from sqlalchemy.sql import any_

from labstow.workers.kit.pipeline import Statement
from labstow.workers.kit.statements import texts
from labstow.workers.lock.tables import lease, ticket
from labstow.workers.lock.ticket import Ticket
from labstow.workers.resource.loads import COLUMNS, LEASE
from labstow.workers.resource.tables import resource

TICKET: Final = tuple(ticket.c[name] for name in Ticket._fields)

_leased = func.array(select(lease.c.id).where(lease.c.lease == any_(texts("secrets"))).scalar_subquery())
_queued = func.array(
    select(func.unnest(ticket.c.resource_ids)).where(ticket.c.id == any_(texts("secrets"))).scalar_subquery()
)
_meant = func.array_cat(func.array_cat(texts("ids"), _leased), _queued)
"""The ids of what is named, by itself, by a lease or by a ticket."""
_held = lease.c.lease.is_not(None) & lease.c.ended.is_(None)

LOCK: Final = Statement.of(
    select(*COLUMNS).where(resource.c.id == any_(_meant)).order_by(resource.c.id).with_for_update(key_share=True)
)
"""Whoever changes a thing or its lease holds its row. What a secret names may only become less meanwhile."""

LEASES: Final = Statement.of(
    union_all(
        select(*LEASE).where(lease.c.id == any_(_meant)),
        select(*LEASE).where(_held, lease.c.scope == literal_column("'subtree'")),
    )
)
TICKETS: Final = Statement.of(
    select(*TICKET).where(
        (ticket.c.id == any_(texts("secrets")))
        | ticket.c.resource_ids.overlap(_meant)
        | (ticket.c.scope == literal_column("'subtree'"))
    )
)
ALL_TICKETS: Final = Statement.of(select(*TICKET))
AWAITED: Final = Statement.of(
    select(*LEASE).where(
        _held,
        (lease.c.id == any_(func.array(select(func.unnest(ticket.c.resource_ids)).scalar_subquery())))
        | (lease.c.holder == any_(texts("callers"))),
    )
)
"""What anybody waits for, and what those have who ask."""

_caller = func.unnest(texts("callers")).column_valued("caller")
COUNTS: Final = Statement.of(
    select(
        _caller,
        select(func.count(lease.c.lease.distinct())).where(_held, lease.c.holder == _caller).scalar_subquery(),
        select(func.count()).select_from(ticket).where(ticket.c.principal == _caller).scalar_subquery(),
    )
)
