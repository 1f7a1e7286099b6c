"""Resources by what they are, page by page."""

from functools import lru_cache
from typing import Any, Final

from sqlalchemy import BigInteger, ColumnElement, Select, and_, bindparam, func, or_, select, true, tuple_, union_all

from labstow.contracts.errors import Ambiguous, NoMatch
from labstow.contracts.queries import Find, Sort
from labstow.workers.kit.journal import dumps
from labstow.workers.kit.pipeline import Pipeline, Statement
from labstow.workers.kit.reader import fetch, snapshot
from labstow.workers.resource.reading.cursor import after, cursor
from labstow.workers.resource.reading.filters import FILTERS, SELECTIVE, Values, filters
from labstow.workers.resource.reading.known import Known
from labstow.workers.resource.reading.nodes import Found, alone, tree
from labstow.workers.resource.reading.walks import NONE, ROW, holders, within
from labstow.workers.resource.tables import resource

SORTED: Final[dict[Sort, ColumnElement[Any]]] = {
    sort: resource.c.id if sort is Sort.ID else resource.c[sort.value] for sort in Sort
}
SHAPES: Final = 512
"""Statements of so many kinds of query are at hand."""
FEW_FILTERS: Final = 3


async def find(known: Known, db: Pipeline, query: Find) -> bytes:
    """The answer to a query.

    Raises:
        Invalid: its cursor is not one of its own.
        NoMatch: one was asked for, and there is none.
        Ambiguous: a unique one was asked for, and there are several.
    """
    given = filters(query)
    names, prepare = frozenset(given), usual(query, given)
    last = after(query)
    start = None if last is None else "value" if query.sort is Sort.ID or last[0] is not None else "nothing"
    statement = _page(names, query.sort, query.descending, start, query.children)
    values = given | {"most": most(query), "offset": query.offset, "last": query.offset + limit(query)}
    if last is not None:
        values |= {"value": last[1] if query.sort is Sort.ID else last[0], "id": last[1]}
    if not query.count:
        return shown(query, await known.read(db, statement, values, prepare=prepare), None)
    async with snapshot(db):
        ((count,),) = await fetch(db, _count(names), given, prepare=prepare)
        return shown(query, await known.read(db, statement, values, prepare=prepare), count)


def usual(query: Find, given: Values) -> bool:
    """Whether its kind of statement is worth keeping: each connection keeps each of them, so they must be few."""
    return query.sort is Sort.ID and len(given) <= FEW_FILTERS and not given.keys() & SELECTIVE


def limit(query: Find) -> int:
    """How many are answered at most."""
    return query.limit if query.multiple and not query.unique else 1


def most(query: Find) -> int:
    """How many are looked for: one more shows whether there are more."""
    return limit(query) + (query.multiple or query.unique)


def shown(query: Find, found: Found, count: int | None) -> bytes:
    """A page as JSON.

    Raises:
        NoMatch, Ambiguous
    """
    if not found.roots and not query.multiple:
        raise NoMatch
    if query.unique and len(found.roots) > 1:
        raise Ambiguous(resource_ids=[root.id for root in found.roots])
    page = found.roots[: limit(query)]
    more = len(found.roots) > len(page)
    written = b",".join([tree(root, found.inside) if query.children else alone(root) for root in page])
    next_ = cursor(query, page[-1].state) if more else None
    return b'{"resources":[%b],"next":%b,"count":%b}' % (written, dumps(next_), dumps(count))


@lru_cache(SHAPES)
def _page(names: frozenset[str], sort: Sort, descending: bool, start: str | None, children: bool) -> Statement:
    """Id, row and number of what is on a page and, with `children`, of what is in that."""
    by = SORTED[sort]
    order = [each.desc() if descending else each for each in ((by,) if sort is Sort.ID else (by, resource.c.id))]
    if sort is Sort.QUANTITY:
        order[0] = order[0].nulls_last()
    page = (
        select(resource.c.id, ROW.label("row"), func.row_number().over(order_by=order).label("number"))
        .where(*(FILTERS[name] for name in sorted(names)), _after(by, sort, descending, start))
        .order_by(*order)
        .limit(bindparam("most", type_=BigInteger))
        .offset(bindparam("offset", type_=BigInteger))
    )
    if not children:
        return Statement.of(page)
    on_it = page.cte("page")
    containers = holders(select(on_it.c.id).where(on_it.c.number <= bindparam("last", type_=BigInteger)))
    return Statement.of(union_all(select(on_it), select(resource.c.id, ROW, NONE).where(within(containers))))


def _after(by: ColumnElement[Any], sort: Sort, descending: bool, start: str | None) -> ColumnElement[bool]:
    """What comes behind the end of the page before; what has no value comes last."""
    if start is None:
        return true()
    id_ = resource.c.id < bindparam("id") if descending else resource.c.id > bindparam("id")
    if sort is Sort.ID:
        return id_
    if start == "nothing":
        return and_(by.is_(None), id_)
    end = tuple_(bindparam("value", type_=by.type), bindparam("id"))
    here = tuple_(by, resource.c.id)
    behind = here < end if descending else here > end
    return or_(behind, by.is_(None)) if sort is Sort.QUANTITY else behind


@lru_cache(SHAPES)
def _count(names: frozenset[str]) -> Statement:
    counted: Select[Any] = select(func.count()).select_from(resource)
    return Statement.of(counted.where(*(FILTERS[name] for name in sorted(names))))
