"""Load and save of templates."""

from collections.abc import Mapping
from typing import Any, Final

from sqlalchemy import func, literal_column, select
from sqlalchemy.sql import any_

from labstow.workers.kit.pipeline import Ask, Rows, Statement
from labstow.workers.kit.statements import change, copy_in, save, texts, written
from labstow.workers.resource.units import STANDARD, Units
from labstow.workers.template.blueprint import Blueprint
from labstow.workers.template.lab import Footprint, Lab
from labstow.workers.template.tables import template

_key = func.unnest(texts("keys")).column_valued("key")
_number = func.hashtextextended(literal_column("'template '").concat(_key), literal_column("0"))
QUEUE_UP: Final = Statement.of(select(func.count(func.pg_advisory_xact_lock(_number))))
"""Whoever changes what has a name waits here, before it is read: a name may have no row yet to lock, or a new one."""

LIVE: Final = Statement.of(
    select(*(template.c[name] for name in Blueprint._fields))
    .where(template.c.key == any_(texts("keys")), template.c.removed_at.is_(None))
    .order_by(template.c.id)
)

SAVE: Final = save(
    change(template, "changed", template.c).cte("updated"),
    new=copy_in(template, "new", template.c).returning(template.c.id).cte("inserted"),
)


class Repository:
    """What the unit of the templates reads and writes."""

    def __init__(self, units: Units = STANDARD) -> None:
        self._units = units

    def loads(self, footprint: Footprint) -> dict[str, Ask]:
        """The statements that load a footprint, by what they bring."""
        keys = {"keys": sorted(footprint.keys)}
        return {"turn": Ask(QUEUE_UP, keys), "live": Ask(LIVE, keys)}

    def lab(self, footprint: Footprint, found: Mapping[str, Rows]) -> Lab:
        """The lab that they brought."""
        live = [Blueprint._make(row) for row in found["live"]]
        by_id: dict[str, Blueprint | None] = {one.id: one for one in live}
        return Lab(self._units, by_id, {one.name.casefold(): one.id for one in live})

    def save(self, new: list[Blueprint], changed: list[Blueprint], notes: list[Any]) -> Ask:
        """What saves templates."""
        return Ask(SAVE, written(map(_record, new), map(_record, changed)))


def _record(of: Blueprint) -> dict[str, Any]:
    return {**of._asdict(), "key": of.name.casefold(), "base_type": of.base_type}
