"""Resources by what they were at a moment: every state is looked at in the order of ids, until a page is full."""

from functools import lru_cache
from typing import Any, Final

from sqlalchemy import BigInteger, ColumnElement, Select, Text, bindparam, cast, column, func, select, true
from sqlalchemy.sql import any_

from labstow.contracts.errors import Invalid
from labstow.contracts.queries import Find, Sort
from labstow.workers.kit.pipeline import Pipeline, Statement
from labstow.workers.kit.reader import fetch, snapshot
from labstow.workers.resource.reading import past
from labstow.workers.resource.reading.cursor import after
from labstow.workers.resource.reading.filters import FILTERS, conditions, filters
from labstow.workers.resource.reading.find import SHAPES, limit, most, shown
from labstow.workers.resource.reading.nodes import Found, past_node
from labstow.workers.resource.tables import resource

LASTING: Final = ("resource_id", "base_type", "base_types", "created_after", "created_before")
"""Filters on what never changes: what they leave out need not be looked at."""
FIELDS: Final = (
    "name", "resource_class", "base_type", "description", "owner", "attributes", "parent_id", "quantity",
    "template_name", "created_at", "updated_at", "removed_at", "removal_id",
)  # fmt: skip


async def find_past(db: Pipeline, query: Find) -> bytes:
    """The answer to a query with `as_of`.

    Raises:
        Invalid: another order than that of ids, or a cursor of another query.
        NoMatch, Ambiguous
    """
    at = past.moment(query)
    if query.sort is not Sort.ID or query.descending:
        raise Invalid(summary="sort: what was at a moment is found in the order of ids only", errors=[])
    last = after(query)
    names = frozenset(given := filters(query))
    given |= {"at": at}
    page = given | {"most": most(query), "offset": query.offset, "id": last[1] if last else ""}
    async with snapshot(db):
        rows = await fetch(db, _page(names), page, prepare=False)
        found = Found([past_node(state) for (state,) in rows], {})
        if query.children and (holding := [root.id for root in found.roots[: limit(query)] if root.is_container]):
            found = found._replace(inside=(await past.contents(db, holding, at)).inside)
        count = (await fetch(db, _count(names), given, prepare=False))[0][0] if query.count else None
    return shown(query, found, count)


@lru_cache(SHAPES)
def _page(names: frozenset[str]) -> Statement:
    matching, id_, state = _matching(names)
    page = matching.add_columns(cast(state, Text)).where(id_ > bindparam("id")).order_by(id_)
    return Statement.of(page.limit(bindparam("most", type_=BigInteger)).offset(bindparam("offset", type_=BigInteger)))


@lru_cache(SHAPES)
def _count(names: frozenset[str]) -> Statement:
    matching, _, _ = _matching(names)
    return Statement.of(matching.add_columns(func.count()))


def _matching(names: frozenset[str]) -> tuple[Select[Any], ColumnElement[str], ColumnElement[Any]]:
    """What matches, without columns; the columns of its id and its state."""
    lasting = select(resource.c.id).where(*(FILTERS[name] for name in LASTING if name in names))
    if "parent_id" in names:
        inside = func.array(past.ever_in(bindparam("parent_id")).scalar_subquery())
        lasting = lasting.where(resource.c.id == any_(inside))
    things = lasting.subquery("things")
    then = past.newest(things.c.id, "then")
    typed = [
        column(name, Text() if isinstance(resource.c[name].type, Text) else resource.c[name].type) for name in FIELDS
    ]
    was = func.json_to_record(then.c.state).table_valued(*typed).render_derived("was", with_types=True)
    changing = [condition for name, condition in conditions(was.c).items() if name in names and name not in LASTING]
    matching = select().select_from(things.join(then, true()).join(was, true())).where(*changing)
    return matching, things.c.id, then.c.state
