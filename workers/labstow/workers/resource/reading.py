"""Reading resources: by id (many at once), by what they are, and what is in what."""

from collections import defaultdict
from typing import Any, Final

import psycopg
from sqlalchemy import and_, select, true
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.sql import any_
from sqlalchemy.sql.elements import ColumnElement

from labstow.contracts.base_types import ORDERED, matching
from labstow.contracts.errors import Ambiguous, NoMatch, NotFound, Refusal, Removed
from labstow.contracts.positions import index
from labstow.contracts.resource import Find, Get, GetHierarchy
from labstow.workers.kit.journal import dumps, stamp
from labstow.workers.kit.statements import sql, texts
from labstow.workers.resource.repository import COLUMNS, contents_of, line_of
from labstow.workers.resource.tables import resource
from labstow.workers.resource.thing import Thing, state, thing

Children = dict[str, list[Thing]]
"""What is directly in what, in the order it is answered."""

ROWS: Final = sql(select(*COLUMNS).where(resource.c.id == any_(texts("ids"))))
WITHIN: Final = sql(contents_of(COLUMNS))


async def get(db: psycopg.AsyncConnection, queries: list[Get]) -> list[bytes | Refusal]:
    """The answers to many `Get` in at most two round trips, whatever they ask for."""
    rows = await db.execute(ROWS, {"ids": list({query.resource_id for query in queries})})
    things = {row[0]: thing(row) for row in await rows.fetchall()}
    roots = {query.resource_id for query in queries if query.children}
    children = await within(db, [one for one in things.values() if one.id in roots])
    return [_answer(query, things.get(query.resource_id), children) for query in queries]


async def within(db: psycopg.AsyncConnection, roots: list[Thing]) -> Children:
    """Everything in some things. Those that hold nothing cost nothing."""
    children: Children = defaultdict(list)
    holding = [root.id for root in roots if root.is_container and (root.quantity or root.base_type == "pool")]
    if holding:
        rows = await db.execute(WITHIN, {"ids": holding})
        for row in await rows.fetchall():
            below = thing(row)
            if below.parent_id is not None:
                children[below.parent_id].append(below)
    return children


def tree(root: Thing, children: Children, *, place: tuple[int, ...] | None = None) -> dict[str, Any]:
    """A thing as `Resource`, with everything in it."""
    shown = state(root) | {"index": place}
    if root.is_container:
        ordered = root.base_type in ORDERED
        inside = [
            ((number,) if ordered else index(root.geometry, child.position) if child.position else (), child)
            for number, child in enumerate(children.get(root.id, ()))
        ]
        inside.sort(key=lambda found: (found[0], "" if ordered else found[1].position or ""))
        shown["children"] = [tree(child, children, place=at or None) for at, child in inside]
    return shown


async def find(engine: AsyncEngine, query: Find) -> bytes:
    """The answer to a `Find`.

    Raises:
        NoMatch: one was asked for, and there is none.
        Ambiguous: a unique one was asked for, and there are several.
    """
    limit = query.limit if query.multiple else 1
    if query.unique:
        limit = 2
    wanted = select(*COLUMNS).where(and_(true(), *_filters(query))).order_by(resource.c.id).limit(limit + 1)
    async with engine.connect() as connection:
        found = [thing(tuple(row)) for row in await connection.execute(wanted)]
        children: Children = defaultdict(list)
        if query.children and any(one.is_container for one in found):
            ids = {"ids": [one.id for one in found[:limit] if one.is_container]}
            for row in await connection.execute(contents_of(COLUMNS), ids):
                below = thing(tuple(row))
                if below.parent_id is not None:
                    children[below.parent_id].append(below)
    if not found and not query.multiple:
        raise NoMatch
    if query.unique and len(found) > 1:
        raise Ambiguous(resource_ids=[one.id for one in found[:2]])
    page = found[:limit]
    shown = [tree(one, children) if query.children else state(one) for one in page]
    more = query.multiple and not query.unique and len(found) > limit
    return dumps({"resources": shown, "next": page[-1].id if more else None})


async def hierarchy(engine: AsyncEngine, query: GetHierarchy) -> bytes:
    """The answer to a `GetHierarchy`: two queries at any size.

    Raises:
        NotFound, Removed
    """
    ids = {"ids": [query.resource_id]}
    async with engine.connect() as connection:
        line_up = {row.id: row for row in await connection.execute(line_of(), ids)}
        if (asked := line_up.get(query.resource_id)) is None:
            raise NotFound(resource_id=query.resource_id)
        if asked.removed_at is not None:
            raise Removed(resource_id=query.resource_id, removed_at=stamp(asked.removed_at))
        below: dict[str, list[str]] = defaultdict(list)
        for row in await connection.execute(contents_of((resource.c.parent_id, resource.c.id)), ids):
            if row.parent_id is not None and row.id != query.resource_id:
                below[row.parent_id].append(row.id)
    line = [query.resource_id]
    while (above := line_up[line[-1]].parent_id) in line_up:
        line.append(above)
    return dumps({"resource_id": query.resource_id, "ancestor_ids": line[1:], "descendant_ids": below})


def _answer(query: Get, found: Thing | None, children: Children) -> bytes | Refusal:
    if found is None:
        return NotFound(resource_id=query.resource_id)
    if found.removed_at is not None and not query.removed:
        return Removed(resource_id=found.id, removed_at=stamp(found.removed_at))
    return dumps(tree(found, children) if query.children else state(found))


def _filters(query: Find) -> list[ColumnElement[bool]]:
    equal = ("name", "resource_class", "description", "parent_id")
    filters = [resource.c[name] == value for name in equal if (value := getattr(query, name)) is not None]
    if query.resource_id is not None:
        filters.append(resource.c.id == query.resource_id)
    if query.base_type is not None:
        filters.append(resource.c.base_type.in_(sorted(matching(query.base_type))))
    if query.owner is not None:
        filters.append(resource.c.owner.contains(query.owner))
    if query.removed is not None:
        filters.append(resource.c.removed_at.is_not(None) if query.removed else resource.c.removed_at.is_(None))
    if query.after is not None:
        filters.append(resource.c.id > query.after)
    return filters
