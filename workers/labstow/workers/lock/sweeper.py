"""What is over, so that everybody hears of it and who waits gets it."""

from typing import Final

from sqlalchemy import Interval, Text, cast, func, literal_column, select, union_all

from labstow.workers.kit.pipeline import Rows, Statement
from labstow.workers.lock.own import Sweep
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


def over(rows: Rows) -> Sweep:
    """What notes it."""
    ids = tuple(sorted(row[0] for row in rows if row[0]))
    return Sweep(resource_ids=ids, tickets=tuple(sorted(row[1] for row in rows if row[1])))
