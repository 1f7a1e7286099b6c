"""Ways through the laboratory, as parts of statements: up to what things are in, and down to what is in them.

Written so that any plan is a good one: from each thing its next ones are reached by an index, never by a join.
"""

from typing import Any, Final

from sqlalchemy import CTE, ColumnElement, Select, func, literal_column, select, true, union_all
from sqlalchemy.sql import any_
from sqlalchemy.sql.elements import ColumnClause
from sqlalchemy.sql.selectable import CompoundSelect

from labstow.workers.kit.statements import texts
from labstow.workers.resource.nesting import MAX_WALK
from labstow.workers.resource.tables import holding, resource

ROW: Final[ColumnClause[Any]] = literal_column("resource.xmin")
"""Another one whenever the row was written."""
ZERO: Final[ColumnClause[int]] = literal_column("0")
ONE: Final[ColumnClause[int]] = literal_column("1")
DEEPEST: Final[ColumnClause[int]] = literal_column(str(MAX_WALK))
NONE: Final[ColumnClause[Any]] = literal_column("null")


def given(name: str) -> Select[Any]:
    """The ids that are in a parameter."""
    start = func.unnest(texts(name)).column_valued(f"of_{name}")
    return select(start.collate("C").label("id"))


def holders(start: Select[Any]) -> CTE:
    """What `start` selects, and all containers in it, at any depth."""
    top = start.subquery("top")
    down = select(top.c.id, ZERO.label("level")).cte("holders", recursive=True)
    inside = resource.alias("inside")
    child = (
        select(inside.c.id)
        .where(inside.c.parent_id == down.c.id, holding(inside.c.base_type))
        .offset(ZERO)  # keeps it a search for each, whatever the planner believes
        .correlate(down)
        .lateral("child")
    )
    lower = select(child.c.id, down.c.level + ONE).join_from(down, child, true())
    return down.union_all(lower.where(down.c.level < DEEPEST))


def line(start: Select[Any]) -> CTE:
    """What `start` selects, and everything that is in, outwards."""
    top = start.subquery("top")
    up = select(top.c.id, ZERO.label("level")).cte("line", recursive=True)
    container = (
        select(resource.c.parent_id)
        .where(resource.c.id == up.c.id, resource.c.parent_id.is_not(None))
        .offset(ZERO)
        .correlate(up)
        .lateral("container")
    )
    higher = select(container.c.parent_id, up.c.level + ONE).join_from(up, container, true())
    return up.union_all(higher.where(up.c.level < DEEPEST))


def among(ids: CTE) -> ColumnElement[bool]:
    """Whether a resource is one of these."""
    return resource.c.id == any_(func.array(select(ids.c.id).scalar_subquery()))


def within(containers: CTE) -> ColumnElement[bool]:
    """Whether a resource is directly in one of these."""
    return resource.c.parent_id == any_(func.array(select(containers.c.id).scalar_subquery()))


def rows_of() -> CompoundSelect[Any]:
    """Id, row and number of `:ids`, and those of everything in `:open`, which have no number."""
    roots = select(resource.c.id, ROW, ONE.label("number")).where(resource.c.id == any_(texts("ids")))
    below = select(resource.c.id, ROW, NONE).where(within(holders(given("open"))))
    return union_all(roots, below)
