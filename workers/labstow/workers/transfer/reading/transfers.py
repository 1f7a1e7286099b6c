"""Reading transfers, patterns and what is set."""

from typing import Any, Final

from sqlalchemy import Integer, Text, bindparam, select

from labstow.contracts.message import Query
from labstow.contracts.pattern import (
    GetLocationTemplate,
    GetRepresentationTemplate,
    ListLocationTemplates,
    ListRepresentationTemplates,
)
from labstow.contracts.place_errors import NoTransfer
from labstow.contracts.transfer import GetConfiguration, GetTransfer, ListTransfers
from labstow.workers.kit.journal import dumps
from labstow.workers.kit.pipeline import Pipeline, Statement
from labstow.workers.kit.reader import fetch
from labstow.workers.transfer import pattern as patterns
from labstow.workers.transfer import setting as settings
from labstow.workers.transfer import transfer as transfers
from labstow.workers.transfer.lab import no_pattern
from labstow.workers.transfer.loads import PATTERN, TRANSFER, WHAT_IS_SET
from labstow.workers.transfer.pattern import Pattern, Sort
from labstow.workers.transfer.setting import Setting
from labstow.workers.transfer.tables import pattern, transfer
from labstow.workers.transfer.transfer import Transfer

_KIND: Final[dict[type[Query[Any]], Sort]] = {
    GetLocationTemplate: "location_template",
    ListLocationTemplates: "location_template",
    GetRepresentationTemplate: "representation_template",
    ListRepresentationTemplates: "representation_template",
}

_state = bindparam("state", type_=Text)
_resource = bindparam("resource_id", type_=Text)
_node = bindparam("node", type_=Text)
_before = bindparam("before", type_=Text)

ONE: Final = Statement.of(select(*TRANSFER).where(transfer.c.id == bindparam("id", type_=Text)))
PAGE: Final = Statement.of(
    select(*TRANSFER)
    .where(
        _state.is_(None) | (transfer.c.state == _state),
        _resource.is_(None) | (transfer.c.resource_id == _resource),
        _node.is_(None) | (transfer.c.node == _node),
        _before.is_(None) | (transfer.c.id < _before.collate("C")),
    )
    .order_by(transfer.c.id.desc())
    .limit(bindparam("most", type_=Integer))
)
PATTERNS: Final = Statement.of(
    select(*PATTERN)
    .where(pattern.c.removed_at.is_(None), pattern.c.kind == bindparam("kind", type_=Text))
    .order_by(pattern.c.name)
)


async def one(db: Pipeline, query: GetTransfer) -> bytes:
    """A transfer.

    Raises:
        NoTransfer
    """
    rows = await fetch(db, ONE, {"id": query.transfer_id})
    if not rows:
        raise NoTransfer(transfer_id=query.transfer_id)
    return dumps(transfers.state(Transfer._make(rows[0])))


async def page(db: Pipeline, query: ListTransfers) -> bytes:
    """A page of transfers, newest first."""
    asked = {"state": query.state, "resource_id": query.resource_id, "node": query.node, "before": query.before}
    rows = await fetch(db, PAGE, asked | {"most": query.limit + 1})
    shown = [transfers.state(Transfer._make(row)) for row in rows[: query.limit]]
    return dumps({"transfers": shown, "next": shown[-1]["transfer_id"] if len(rows) > query.limit else None})


async def list_patterns(db: Pipeline, query: ListLocationTemplates | ListRepresentationTemplates) -> bytes:
    """All patterns of a kind, by name."""
    rows = await fetch(db, PATTERNS, {"kind": _KIND[type(query)]})
    return dumps({"templates": [patterns.state(Pattern._make(row)) for row in rows]})


async def get_pattern(db: Pipeline, query: GetLocationTemplate | GetRepresentationTemplate) -> bytes:
    """A pattern.

    Raises:
        NoPattern
    """
    kind = _KIND[type(query)]
    for row in await fetch(db, PATTERNS, {"kind": kind}):
        if (found := Pattern._make(row)).name == query.name:
            return dumps(patterns.state(found))
    raise no_pattern(kind, query.name)


async def configuration(db: Pipeline, query: GetConfiguration) -> bytes:
    """What the robots can do."""
    rows = await fetch(db, WHAT_IS_SET, {})
    known = Setting._make(rows[0]) if rows else None
    return dumps(settings.state(known) if known else {"capabilities": {}, "updated_at": None, "version": 0})
