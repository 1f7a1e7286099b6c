"""For how long things were locked, by whom: counted from the journal, for leases end and the journal does not."""

from collections import defaultdict
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Text, bindparam, cast, func, literal_column, or_, select
from sqlalchemy.dialects.postgresql import ARRAY, TIMESTAMP
from sqlalchemy.sql import any_
from sqlalchemy.sql.elements import ColumnElement

from labstow.contracts.errors import Invalid
from labstow.contracts.lock import ReadUsage
from labstow.workers.kit.journal import dumps
from labstow.workers.kit.pipeline import Ask, Pipeline, Statement
from labstow.workers.kit.reader import fetch, snapshot
from labstow.workers.kit.statements import CLOCK
from labstow.workers.kit.tables import journal
from labstow.workers.lock.tables import lease

_since, _until = (bindparam(name, type_=TIMESTAMP(timezone=True)) for name in ("since", "until"))
_ids, _holder = bindparam("ids", type_=ARRAY(Text)), bindparam("holder", type_=Text)


def _said(document: ColumnElement[Any], key: str, how: str = "->>") -> ColumnElement[Any]:
    return document.op(how)(literal_column(f"'{key}'"))


_granted = journal.alias("granted")
_ended = journal.alias("ended")
_end = (
    select(
        func.least(
            _ended.c.at,
            cast(_said(_said(_ended.c.changes, "expires_at", "->"), "before"), TIMESTAMP(timezone=True)),
        ).label("at")
    )
    .where(
        _ended.c.entity_id == _granted.c.entity_id,
        _ended.c.noun == literal_column("'lock'"),
        _ended.c.version > _granted.c.version,
        _ended.c.what.in_([literal_column(f"'{what}'") for what in ("released", "expired", "broken")]),
    )
    .order_by(_ended.c.version)
    .limit(literal_column("1"))
    .correlate(_granted)
    .lateral("its_end")
)
_current = lease.alias("current")
_over = func.coalesce(_end.c.at, func.least(_current.c.expires_at, func.clock_timestamp()))
_holder_then = _said(_granted.c.state, "holder")
SHARES: Final = Statement.of(
    select(_granted.c.entity_id, _holder_then, _granted.c.at, _over)
    .select_from(_granted.outerjoin(_end, literal_column("true")).join(_current, _current.c.id == _granted.c.entity_id))
    .where(
        _granted.c.noun == literal_column("'lock'"),
        _granted.c.what == literal_column("'granted'"),
        _granted.c.at < _until,
        # A lease lasts as long as it is renewed, so that it may begin long before `since`.
        _over > _since,
        or_(cast(_ids, ARRAY(Text)).is_(None), _granted.c.entity_id == any_(_ids)),
        or_(cast(_holder, Text).is_(None), _holder_then == _holder),
    )
)


async def usage(db: Pipeline, query: ReadUsage) -> bytes:
    """Who held what for how long.

    Raises:
        Invalid: the time ends before it begins.
    """
    async with snapshot(db):
        until: datetime = query.until or (await fetch(db, CLOCK, {}))[0][0]
        if until < query.since:
            raise Invalid(summary="until: before since", errors=[])
        asked = {"since": query.since, "until": until, "ids": _list(query.resource_ids), "holder": query.holder}
        (rows,) = await db.exchange(Ask(SHARES, asked))
    held: dict[tuple[str, str], list[float]] = defaultdict(list)
    for resource_id, holder, begun, over in rows:
        held[resource_id, holder].append(_seconds(max(begun, query.since), min(over, until)))
    shares = [
        {"resource_id": key[0], "holder": key[1], "grants": len(times), "held_s": round(sum(times), 3)}
        for key, times in held.items()
    ]
    shares.sort(key=lambda share: (share["resource_id"], -float(str(share["held_s"])), share["holder"]))
    return dumps({"since": query.since, "until": until, "shares": shares})


def _seconds(begun: datetime, over: datetime) -> float:
    return max(0.0, (over - begun).total_seconds())


def _list(ids: tuple[str, ...] | None) -> list[Any] | None:
    return None if ids is None else list(ids)
