"""What time alone has changed: transfers that are overdue, and locations whose template is there by now."""

from typing import Final

from sqlalchemy import ColumnClause, exists, func, literal_column, select

from labstow.workers.kit.pipeline import Rows, Statement
from labstow.workers.template.tables import template
from labstow.workers.transfer.resolve import NoteOverdue, Resolve
from labstow.workers.transfer.tables import location, transfer

PERIOD_S: Final = 0.5
MANY: Final[ColumnClause[int]] = literal_column("64")

OVERDUE: Final = Statement.of(
    select(transfer.c.id)
    .where(
        transfer.c.state == literal_column("'begun'"),
        transfer.c.overdue.is_(literal_column("false")),
        transfer.c.due_at <= func.clock_timestamp(),
    )
    .limit(MANY)
)
_there = exists().where(
    template.c.key == func.lower(location.c.resource_template_name), template.c.removed_at.is_(None)
)
AWAITED: Final = Statement.of(
    select(location.c.id).where(location.c.awaits_template, _there).order_by(func.random()).limit(MANY)
)
"""At random: whatever cannot be made must not keep others out for ever."""


def overdue(rows: Rows) -> NoteOverdue:
    """What notes it."""
    return NoteOverdue(transfer_ids=tuple(row[0] for row in rows))


def awaited(rows: Rows) -> Resolve:
    """What makes the resources."""
    return Resolve(location_ids=tuple(row[0] for row in rows))
