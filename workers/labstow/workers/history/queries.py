"""Questions to the journal."""

from functools import cache
from typing import Any, Final

import orjson
from sqlalchemy import (
    BigInteger,
    Boolean,
    ColumnElement,
    Row,
    Select,
    Text,
    bindparam,
    cast,
    false,
    func,
    literal,
    select,
)
from sqlalchemy.ext.asyncio import AsyncEngine

from labstow.contracts.history import QueryHistory
from labstow.workers.kit.tables import journal

ROOM: Final = 6_500_000
"""Bytes of an answer; a NATS message holds 8 MB."""

ENTRY_BYTES: Final = 700
"""What an entry has besides `changes` and `state`, roughly; a reason may be longer, and is counted."""

_PLAIN: Final = (
    journal.c.seq, journal.c.event_id, journal.c.noun, journal.c.entity_id, journal.c.version, journal.c.what,
    journal.c.at, journal.c.actor, journal.c.via, journal.c.op_id, journal.c.group_id, journal.c.reason,
    journal.c.parent_id, journal.c.prev_hash, journal.c.hash,
)  # fmt: skip
_NAMES: Final = [str(column.name) for column in _PLAIN]
# Wrapped, as the planner takes a bare null test for rare, and would read everything for those not removed.
_REMOVED: Final = func.coalesce(journal.c.state["removed_at"].as_string().is_not(None), false())

_FILTERS: Final[dict[str, ColumnElement[bool]]] = {
    "noun": journal.c.noun == bindparam("noun"),
    "entity_id": journal.c.entity_id == bindparam("entity_id"),
    "version": journal.c.version == bindparam("version"),
    "what": journal.c.what == bindparam("what"),
    "removed": bindparam("removed", type_=Boolean) == _REMOVED,
    "actor": journal.c.actor == bindparam("actor"),
    "since": journal.c.at >= bindparam("since"),
    "until": journal.c.at <= bindparam("until"),
    "before": journal.c.seq < bindparam("before"),
}


async def query(engine: AsyncEngine, asked: QueryHistory, *, room: int = ROOM) -> bytes:
    """Answer the newest entries that match, oldest first, as the JSON of `Entries`.

    What does not fit into `room` bytes is left to the next page, as what is beyond `limit` is; a page has one
    entry at least, so paging always gets to the end.
    """
    given = {name: value for name in _FILTERS if (value := getattr(asked, name)) is not None}
    async with engine.connect() as connection:
        await connection.execution_options(isolation_level="AUTOCOMMIT")  # one statement: no BEGIN, no ROLLBACK
        statement = _page(frozenset(given))
        found = (await connection.execute(statement, {**given, "most": asked.limit + 1, "room": room})).all()
    page = found[: asked.limit]
    more = bool(found) and found[0].matching > len(page)
    return orjson.dumps(
        {"entries": [_entry(row) for row in reversed(page)], "previous": page[-1].seq if more else None},
        option=orjson.OPT_UTC_Z,
    )


@cache
def _page(filters: frozenset[str]) -> Select[Any]:
    """The rows of a page, newest first, and how many match, up to one more than a page may have."""
    # One thing's history is found by its index: the plus keeps the planner from walking the whole journal.
    order = journal.c.seq + literal(0, BigInteger) if "entity_id" in filters else journal.c.seq
    newest = (
        select(*_PLAIN, journal.c.changes, journal.c.state)
        .where(*(_FILTERS[name] for name in sorted(filters)))
        .order_by(order.desc())
        .limit(bindparam("most"))
        .subquery("newest")
    )
    changes, state = cast(newest.c.changes, Text), cast(newest.c.state, Text)
    reason = func.coalesce(func.octet_length(newest.c.reason), 0)
    size = func.octet_length(changes) + func.octet_length(state) + reason + ENTRY_BYTES
    counted = select(
        newest,
        size.label("size"),
        func.sum(size).over(order_by=newest.c.seq.desc()).label("taken"),
        func.count().over().label("matching"),
    ).subquery("counted")
    return (
        select(
            *(counted.c[name] for name in _NAMES),
            cast(counted.c.changes, Text).label("changes"),
            cast(counted.c.state, Text).label("state"),
            counted.c.matching,
        )
        .where((counted.c.taken <= bindparam("room", type_=BigInteger)) | (counted.c.taken == counted.c.size))
        .order_by(counted.c.seq.desc())
    )


def _entry(row: Row[Any]) -> dict[str, Any]:
    """An entry as it is answered. `changes` and `state` pass as the bytes the entry's hash is over."""
    entry = dict(zip(_NAMES, row, strict=False))
    return entry | {"changes": orjson.Fragment(row.changes), "state": orjson.Fragment(row.state)}
