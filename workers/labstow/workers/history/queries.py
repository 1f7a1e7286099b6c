"""Questions to the journal."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    ColumnElement,
    DateTime,
    Interval,
    Text,
    bindparam,
    false,
    func,
    literal_column,
    select,
    union_all,
)

from labstow.contracts.errors import NotFound
from labstow.contracts.history import At, QueryHistory
from labstow.workers.history.entries import KnownEntries
from labstow.workers.kit.journal import dumps
from labstow.workers.kit.pipeline import Pipeline, Statement
from labstow.workers.kit.reader import fetch
from labstow.workers.kit.tables import journal

ROOM: Final = 6_500_000
"""Bytes of an answer; a NATS message holds 8 MB."""
NOUNS: Final = ("resource", "lock", "template", "location", "capabilities", "pattern", "transfer")
LONGEST: Final = literal_column("interval '90 s'", Interval)
"""No transaction lasts so long from its reading of the clock to its end."""
SHAPES: Final = 512
"""Statements of so many kinds of query are at hand."""
POINTED: Final = frozenset({"entity_id", "actor", "before"})
"""Filters that are served by an index, however many entries there are: these queries need no plan of their own."""

# Wrapped, as the planner takes a bare null test for rare, and would read everything for those not removed.
_REMOVED: Final = func.coalesce(journal.c.state.op("->>")(literal_column("'removed_at'")).is_not(None), false())
_ONE: Final[ColumnElement[int]] = literal_column("1")
_MOMENT: Final = DateTime(timezone=True)

_FILTERS: Final[dict[str, ColumnElement[bool]]] = {
    "noun": journal.c.noun == bindparam("noun"),
    "entity_id": journal.c.entity_id == bindparam("entity_id"),
    "version": journal.c.version == bindparam("version"),
    "what": journal.c.what == bindparam("what"),
    "removed": bindparam("removed", type_=Boolean) == _REMOVED,
    "actor": journal.c.actor == bindparam("actor"),
    "since": journal.c.at >= bindparam("since", type_=_MOMENT),
    "until": journal.c.at <= bindparam("until", type_=_MOMENT),
    "before": journal.c.seq < bindparam("before", type_=BigInteger),
}


async def query(entries: KnownEntries, db: Pipeline, asked: QueryHistory, *, room: int = ROOM) -> bytes:
    """Answer the newest entries that match, oldest first, as the JSON of `Entries`.

    What does not fit into `room` bytes is left to the next page, as what is beyond `limit` is; a page has one
    entry at least, so paging always gets to the end.
    """
    given = {name: value for name in _FILTERS if (value := getattr(asked, name)) is not None}
    statement = _newest(frozenset(given))
    rows = await fetch(db, statement, given | {"most": asked.limit + 1}, prepare=given.keys() <= POINTED)
    seqs = [seq for (seq,) in rows]
    page = await entries.read(db, seqs[: asked.limit], room)
    previous = seqs[len(page) - 1] if len(seqs) > len(page) else None
    return b'{"entries":[%b],"previous":%b}' % (b",".join(reversed(page)), dumps(previous))


async def at(entries: KnownEntries, db: Pipeline, asked: At) -> bytes:
    """Answer the newest entry of a thing at a moment.

    Raises:
        NotFound: it did not exist yet.
    """
    seqs = await fetch(db, _AT, {"entity_id": asked.entity_id, "noun": asked.noun, "until": asked.at})
    if not seqs:
        raise NotFound(resource_id=asked.entity_id)
    (entry,) = await entries.read(db, [seqs[0][0]], ROOM)
    return entry


@lru_cache(SHAPES)
def _newest(filters: frozenset[str]) -> Statement:
    """The numbers of the newest entries that match, newest first."""
    conditions = [_FILTERS[name] for name in sorted(filters)]
    most = bindparam("most", type_=BigInteger)
    if "entity_id" not in filters:
        if "until" in filters and "before" not in filters:
            conditions.append(journal.c.seq <= _last_until())
        return Statement.of(select(journal.c.seq).where(*conditions).order_by(journal.c.seq.desc()).limit(most))
    # A thing and its lock have one id. Each is read as the index of versions has it: the newest are found without
    # looking at the others, for the versions of a thing rise with their numbers.
    every = [literal_column(f"'{noun}'", Text) for noun in NOUNS]
    nouns: Sequence[ColumnElement[str]] = [bindparam("noun", type_=Text)] if "noun" in filters else every
    parts = []
    for noun in nouns:
        bound = [journal.c.version < _version_of_before(noun)] if "before" in filters else []
        own = select(journal.c.seq).where(journal.c.noun == noun, *conditions, *bound)
        parts.append(own.order_by(journal.c.version.desc()).limit(most).subquery().select())
    found = union_all(*parts).subquery("found")
    return Statement.of(select(found.c.seq).order_by(found.c.seq.desc()).limit(most))


def _last_until() -> ColumnElement[int]:
    """A number that no entry until the moment exceeds: so what came later need not be looked at.

    Numbers rise with time, but for what was written at once: whoever took longer has the older time and the higher
    number. Nothing takes as long as `LONGEST`.
    """
    then, around = journal.alias("then"), journal.alias("around")
    newest = select(then.c.at).where(then.c.at <= bindparam("until", type_=_MOMENT))
    moment = newest.order_by(then.c.at.desc()).limit(_ONE).scalar_subquery()
    near = around.c.at.between(moment - LONGEST, moment + LONGEST)
    # Plus nothing: for a plain maximum the planner walks the numbers backwards, over everything later.
    return select(func.max(around.c.seq + literal_column("0"))).where(near).scalar_subquery()


def _version_of_before(noun: ColumnElement[str]) -> ColumnElement[int]:
    """The version of the entry with the number `before`, if it is about this noun."""
    last = journal.alias("last")
    its = (last.c.seq == bindparam("before", type_=BigInteger)) & (last.c.entity_id == bindparam("entity_id"))
    version = select(last.c.version).where(its, last.c.noun == noun).scalar_subquery()
    return func.coalesce(version, literal_column(str(2**31 - 1)))


_AT: Final = Statement.of(
    select(journal.c.seq)
    .where(_FILTERS["entity_id"], _FILTERS["noun"], _FILTERS["until"])
    .order_by(journal.c.at.desc(), journal.c.version.desc())
    .limit(_ONE)
)
