"""The outbox: which journal entries are not in the stream yet. One session at a time publishes from it."""

from datetime import datetime
from typing import Any, Final, LiteralString, NamedTuple, Self

import orjson
import psycopg
from sqlalchemy import (
    BigInteger,
    Delete,
    Text,
    bindparam,
    cast,
    delete,
    func,
    literal_column,
    make_url,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import ARRAY, insert
from sqlalchemy.sql import any_, exists, false, true

from labstow.contracts.subjects import event
from labstow.workers.kit.database import SESSION
from labstow.workers.kit.statements import sql, texts
from labstow.workers.kit.tables import journal, operation, outbox

RELAY_LOCK: Final = 0x6C616202
EVENTS_A_BATCH: Final = 500
BYTES_A_BATCH: Final = 4_000_000
NAME: Final = "labstow-relay"

# The claim must be on the disk before anything is published. Rows are few and reached by index, whatever the
# statistics of a new table say. The server notices within seconds when this host is gone, and frees the lock.
OPTIONS_OF_SESSION: Final = (
    f"{SESSION} -c application_name={NAME} -c synchronous_commit=on -c plan_cache_mode=force_generic_plan"
    " -c enable_seqscan=off -c enable_hashjoin=off -c enable_mergejoin=off"
    " -c tcp_keepalives_idle=5 -c tcp_keepalives_interval=2 -c tcp_keepalives_count=3"
)


class Outgoing(NamedTuple):
    """An event as it goes into the stream."""

    seq: int
    event_id: str
    at: datetime
    subject: str
    payload: bytes


def _remove() -> Delete:
    return delete(outbox).where(outbox.c.seq == any_(bindparam("stored", type_=ARRAY(BigInteger))))


def _next() -> Any:
    """Take out what was stored and claim what comes next: one statement, one commit."""
    taken = _remove().cte("taken")
    first = (
        select(outbox.c.seq)
        .where(outbox.c.claimed == false())
        .order_by(outbox.c.seq)
        .limit(literal_column(str(EVENTS_A_BATCH)))
        .cte("first")
    )
    size = func.octet_length(cast(journal.c.changes, Text)) + func.octet_length(cast(journal.c.state, Text))
    before = (func.sum(size).over(order_by=journal.c.seq) - size).label("before")
    sized = select(journal.c.seq, before).join(first, first.c.seq == journal.c.seq).cte("sized")
    mine = (
        update(outbox)
        .values(claimed=true())
        .where(outbox.c.seq == sized.c.seq, sized.c.before < literal_column(str(BYTES_A_BATCH)))
        .returning(outbox.c.seq)
        .cte("mine")
    )
    return select(*_EVENT).join(mine, mine.c.seq == journal.c.seq).order_by(journal.c.seq).add_cte(taken)


_STORED: Final = func.unnest(texts("stored")).table_valued("event_id").render_derived("stored")
_IS_STORED: Final = exists().where(_STORED.c.event_id == journal.c.event_id)

_EVENT: Final = (
    journal.c.seq, journal.c.event_id, journal.c.noun, journal.c.what, journal.c.entity_id, journal.c.version,
    journal.c.at, journal.c.actor, journal.c.via, journal.c.op_id, journal.c.group_id, journal.c.reason,
    journal.c.trace, cast(journal.c.changes, Text), cast(journal.c.state, Text),
)  # fmt: skip
REMOVE: Final = sql(_remove())
NEXT: Final = sql(_next())
CLAIMED: Final = sql(
    select(*_EVENT).join(outbox, outbox.c.seq == journal.c.seq).where(outbox.c.claimed).order_by(journal.c.seq)
)
UNCLAIM: Final = sql(update(outbox).values(claimed=false()).where(outbox.c.claimed))
STORED: Final = sql(delete(outbox).where(outbox.c.seq == journal.c.seq, _IS_STORED))
LACKING: Final = sql(
    insert(outbox)
    .from_select(["seq"], select(journal.c.seq).where(~_IS_STORED).order_by(journal.c.seq))
    .on_conflict_do_nothing()
)
PUBLISHED: Final = sql(
    select(
        select(func.count()).select_from(journal).scalar_subquery()
        - select(func.count()).select_from(outbox).scalar_subquery()
    )
)
FORGET: Final = sql(
    delete(operation).where(operation.c.at < func.clock_timestamp() - literal_column("interval '24 hours'"))
)
LOCK: Final = "select pg_try_advisory_lock(%s)"


class Outbox:
    """The outbox in the hands of one database session; its lock goes when the session goes."""

    def __init__(self, session: psycopg.AsyncConnection[Any]) -> None:
        self._session = session

    @classmethod
    async def open(cls, url: str) -> Self:
        """Connect. Directly, not through a pooler: the lock belongs to the session."""
        address = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
        return cls(
            await psycopg.AsyncConnection.connect(
                address, options=OPTIONS_OF_SESSION, autocommit=True, prepare_threshold=0, connect_timeout=5,
                keepalives_idle=5, keepalives_interval=2, keepalives_count=3,
            )
        )  # fmt: skip

    async def close(self) -> None:
        """Let go of the lock."""
        await self._session.close()

    async def lead(self) -> bool:
        """Try to be the one who publishes, for as long as this session lives."""
        return bool(await self._value(LOCK, [RELAY_LOCK]))

    async def claimed(self) -> list[Outgoing]:
        """What somebody claimed and did not see stored."""
        return await self._events(CLAIMED, {})

    async def remove(self, stored: list[Outgoing]) -> None:
        """Take out what was stored."""
        await self._session.execute(REMOVE, {"stored": [event.seq for event in stored]})

    async def next(self, stored: list[Outgoing]) -> list[Outgoing]:
        """Take out what was stored and claim the next batch, in one commit. Nothing else may be claimed."""
        return await self._events(NEXT, {"stored": [event.seq for event in stored]})

    async def published(self) -> int:
        """How many events the stream should have."""
        return int(await self._value(PUBLISHED))

    async def reconcile(self, stored: list[str]) -> int:
        """Let every entry wait whose event is not in `stored`, and no other; say how many did not wait yet."""
        async with self._session.transaction():
            await self._session.execute("set local enable_hashjoin = on")
            await self._session.execute(UNCLAIM)
            await self._session.execute(STORED, {"stored": stored})
            return (await self._session.execute(LACKING, {"stored": stored})).rowcount

    async def forget(self) -> int:
        """Delete the answers that were stored more than 24 hours ago."""
        return (await self._session.execute(FORGET)).rowcount

    async def _value(self, statement: LiteralString, parameters: list[int] | None = None) -> Any:
        row = await (await self._session.execute(statement, parameters)).fetchone()
        return row[0] if row else None

    async def _events(self, statement: LiteralString, parameters: dict[str, list[int]]) -> list[Outgoing]:
        return [_outgoing(row) for row in await (await self._session.execute(statement, parameters)).fetchall()]


def _outgoing(row: tuple[Any, ...]) -> Outgoing:
    """The event of a journal entry. `changes` and `state` pass as the bytes the entry's hash is over."""
    seq, event_id, noun, what, entity_id, version, at, actor, via, op_id, group_id, reason, trace, *data = row
    changes, state = data
    payload = {
        "specversion": "1.0",
        "id": event_id,
        "source": "/labstow",
        "type": f"labstow.{noun}.{what}.v1",
        "subject": entity_id,
        "time": at,
        "datacontenttype": "application/json",
        "version": version,
        "seq": seq,
        "actor": actor,
        "via": via,
        "opid": op_id,
        "groupid": group_id,
        "reason": reason,
        "traceparent": trace,
        "data": {"changes": orjson.Fragment(changes), "state": orjson.Fragment(state)},
    }
    line = orjson.dumps(payload, option=orjson.OPT_UTC_Z)
    return Outgoing(seq, event_id, at, event(noun, what, entity_id), line)
