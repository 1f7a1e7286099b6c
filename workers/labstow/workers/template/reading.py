"""Reading templates. What is answered comes out of the journal: there each version is as it was written."""

from collections.abc import Awaitable, Callable
from typing import Any, Final

import orjson
from sqlalchemy import BigInteger, Integer, Text, bindparam, cast, func, literal_column, select
from sqlalchemy.sql import any_
from sqlalchemy.sql.elements import ColumnElement

from labstow.contracts.base_types import BaseType, matching
from labstow.contracts.errors import Refusal
from labstow.contracts.message import Query
from labstow.contracts.template import GetCategories, GetTemplate, ListTemplates
from labstow.workers.kit.journal import dumps
from labstow.workers.kit.pipeline import Pipeline, Statement
from labstow.workers.kit.reader import fetch
from labstow.workers.kit.statements import texts
from labstow.workers.kit.tables import journal
from labstow.workers.template.blueprint import no_template
from labstow.workers.template.tables import template

ROOM: Final = 6_500_000
"""Bytes of an answer; a NATS message holds 8 MB."""

_text = cast(journal.c.state, Text)
_live = template.c.removed_at.is_(None)


def _entry(version: ColumnElement[int]) -> ColumnElement[bool]:
    """The journal's entry of a template at a version."""
    is_template = journal.c.noun == literal_column("'template'")
    return (journal.c.entity_id == template.c.id) & is_template & (journal.c.version == version)


_asked = func.coalesce(bindparam("version", type_=Integer), template.c.version)
ONE: Final = Statement.of(
    select(_text)
    .select_from(template.join(journal, _entry(_asked)))
    .where(_live, template.c.key == bindparam("key", type_=Text))
)

_creator = bindparam("created_by", type_=Text)
_found = (
    select(template.c.key, template.c.name, _text.label("state"), func.octet_length(_text).label("size"))
    .select_from(template.join(journal, _entry(template.c.version)))
    .where(
        _live,
        template.c.base_type == any_(texts("base_types")),
        template.c.tags.contains(texts("tags")),
        _creator.is_(None) | (template.c.created_by == _creator),
        template.c.key > bindparam("after", type_=Text),
    )
    .order_by(template.c.key)
    .limit(bindparam("most", type_=Integer))
    .subquery("found")
)
_counted = select(
    _found,
    func.sum(_found.c.size).over(order_by=_found.c.key).label("taken"),
    func.count().over().label("matching"),
).subquery("counted")
PAGE: Final = Statement.of(
    select(_counted.c.name, _counted.c.state, _counted.c.matching)
    .where((_counted.c.taken <= bindparam("room", type_=BigInteger)) | (_counted.c.taken == _counted.c.size))
    .order_by(_counted.c.key)
)
"""As many as fit into a message, and one at least, so that paging always gets to the end."""

NAMES: Final = Statement.of(select(template.c.name, template.c.base_type).where(_live).order_by(template.c.key))


async def read(db: Pipeline, queries: list[Query[Any]]) -> list[bytes | Refusal]:
    """The answers to queries, in their order."""
    return [await _READS[type(query)](db, query) for query in queries]


async def get(db: Pipeline, query: GetTemplate) -> bytes | Refusal:
    """The answer to a `GetTemplate`."""
    found = await fetch(db, ONE, {"key": query.name.casefold(), "version": query.version})
    return str(found[0][0]).encode() if found else no_template(query.name, query.version)


async def page(db: Pipeline, query: ListTemplates, *, room: int = ROOM) -> bytes:
    """The answer to a `ListTemplates`; what does not fit into `room` bytes is left to the next page."""
    values = {
        "base_types": sorted(matching(query.base_type) if query.base_type is not None else BaseType),
        "tags": list(query.tags),
        "created_by": query.created_by,
        "after": (query.after or "").casefold(),
        "most": query.limit + 1,
        "room": room,
    }
    rows = await fetch(db, PAGE, values)
    shown = rows[: query.limit]
    more = bool(rows) and rows[0][2] > len(shown)
    states = [orjson.Fragment(state) for _, state, _ in shown]
    return dumps({"templates": states, "next": shown[-1][0] if more else None})


async def categories(db: Pipeline, query: GetCategories) -> bytes:
    """The answer to a `GetCategories`; families hold all of theirs, and what nothing is in is left out."""
    rows = await fetch(db, NAMES, {})
    found = {kind: [name for name, base_type in rows if base_type in matching(kind)] for kind in BaseType}
    return dumps({"categories": {kind: names for kind, names in found.items() if names}})


_READS: Final[dict[type[Query[Any]], Callable[[Pipeline, Any], Awaitable[bytes | Refusal]]]] = {
    GetTemplate: get,
    ListTemplates: page,
    GetCategories: categories,
}
