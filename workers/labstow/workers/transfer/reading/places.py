"""Locations as they were at a moment, out of the journal."""

from datetime import datetime
from typing import Any, Final

from sqlalchemy import Boolean, DateTime, bindparam, literal_column, select, true
from sqlalchemy.sql import any_

from labstow.contracts.ulids import is_ulid
from labstow.workers.kit.pipeline import Pipeline, Statement
from labstow.workers.kit.reader import fetch
from labstow.workers.kit.statements import texts
from labstow.workers.kit.tables import journal
from labstow.workers.transfer.lab import no_location
from labstow.workers.transfer.tables import location

Json = dict[str, Any]

_then = bindparam("at", type_=DateTime(timezone=True))
_entry = (
    select(journal.c.state)
    .where(
        journal.c.entity_id == location.c.id,
        journal.c.noun == literal_column("'location'"),
        journal.c.at <= _then,
    )
    .order_by(journal.c.version.desc())
    .limit(literal_column("1"))
    .lateral("entry")
)
PAST: Final = Statement.of(
    select(_entry.c.state)
    .select_from(location.join(_entry, true()))
    .where(bindparam("every", type_=Boolean) | (location.c.id == any_(texts("keys"))))
)
"""The states of locations at a moment, removed ones too; as text, as they were written."""


async def at(db: Pipeline, key: str, moment: datetime, by: str = "any") -> Json:
    """A location as it was at a moment.

    Raises:
        NoLocation: there was none of this id or name.
    """
    if by == "id" and not is_ulid(key):
        raise no_location(key, by)
    by_id = is_ulid(key) and by != "name"
    rows = await fetch(db, PAST, {"at": moment, "every": not by_id, "keys": [key] if by_id else []})
    for (then,) in rows:
        if then["removed_at"] is None and (then["location_id"] if by_id else then["name"]) == key:
            return dict(then)
    raise no_location(key, by)


async def all_at(db: Pipeline, moment: datetime) -> list[Json]:
    """All locations as they were at a moment, by name."""
    rows = await fetch(db, PAST, {"at": moment, "every": True, "keys": []})
    return sorted((then for (then,) in rows if then["removed_at"] is None), key=lambda then: str(then["name"]))


async def attached_past(db: Pipeline, moment: datetime) -> dict[str, str]:
    """Names of locations by what was attached to them at a moment."""
    there = await all_at(db, moment)
    return {then["resource_id"]: then["name"] for then in there if then["resource_id"] is not None}
