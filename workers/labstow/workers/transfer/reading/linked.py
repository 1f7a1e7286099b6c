"""Which locations are names of one physical place, as they are or as they were at a moment."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final

from sqlalchemy import DateTime, Text, bindparam, literal_column, select
from sqlalchemy.sql import any_

from labstow.workers.kit.pipeline import Pipeline, Rows, Statement
from labstow.workers.kit.reader import fetch
from labstow.workers.kit.statements import texts
from labstow.workers.kit.tables import journal
from labstow.workers.transfer.links import together
from labstow.workers.transfer.setting import SETTING_ID
from labstow.workers.transfer.tables import location, setting

Groups = Sequence[Sequence[str]]
End = tuple[str, str, str | None]
"""Id, name and resource of a location."""

LINKED: Final = Statement.of(select(setting.c.capabilities[literal_column("'linked'")]))
SET: Final = Statement.of(
    select(journal.c.state)
    .where(
        journal.c.entity_id == bindparam("id", type_=Text),
        journal.c.noun == literal_column("'capabilities'"),
        journal.c.at <= bindparam("at", type_=DateTime(timezone=True)),
    )
    .order_by(journal.c.version.desc())
    .limit(literal_column("1"))
)
ENDS: Final = Statement.of(
    select(location.c.id, location.c.name, location.c.resource_id).where(
        location.c.removed_at.is_(None),
        (location.c.id == any_(texts("keys"))) | (location.c.name == any_(texts("keys"))),
    )
)


def groups(rows: Rows) -> Groups:
    """What `LINKED` brought."""
    return rows[0][0] or () if rows else ()


async def groups_at(db: Pipeline, moment: datetime) -> Groups:
    """What was linked at a moment."""
    rows = await fetch(db, SET, {"id": SETTING_ID, "at": moment})
    return rows[0][0]["capabilities"].get("linked", ()) if rows else ()


async def ends(db: Pipeline, of: Groups) -> list[End]:
    """All locations that are linked."""
    rows = await fetch(db, ENDS, {"keys": sorted({key for group in of for key in group})})
    return [(row[0], row[1], row[2]) for row in rows]


async def one_place(db: Pipeline, of: Groups) -> dict[str, set[str]]:
    """The ids of those that are one physical place, by the id of each."""
    return together(of, ((id_, name) for id_, name, _ in await ends(db, of)))


def there(of: Groups, known: Iterable[End], location_id: str) -> str | None:
    """What is attached to a location by any of its names."""
    known = list(known)
    ids = together(of, ((id_, name) for id_, name, _ in known)).get(location_id, set())
    return next((resource for id_, _, resource in known if id_ in ids and resource is not None), None)
