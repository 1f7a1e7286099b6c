"""The laboratory as it was at a moment, out of the journal: each thing as its newest entry until then says."""

from datetime import datetime
from typing import Any, Final, Protocol

from sqlalchemy import (
    ColumnElement,
    DateTime,
    Integer,
    Select,
    String,
    Text,
    bindparam,
    case,
    cast,
    func,
    literal_column,
    select,
    true,
)
from sqlalchemy.sql.selectable import FromClause, LateralFromClause

from labstow.workers.kit.pipeline import Pipeline, Statement
from labstow.workers.kit.reader import fetch
from labstow.workers.kit.tables import journal
from labstow.workers.resource.reading.nodes import Found, Node, found, past_node
from labstow.workers.resource.reading.walks import DEEPEST, ONE, ZERO, given

OURS: Final = journal.c.noun == literal_column("'resource'", String)
AT: Final = bindparam("at", type_=DateTime(timezone=True))


class Dated(Protocol):
    """A query that may be about a moment."""

    @property
    def as_of(self) -> datetime | None:
        """The moment; None: now."""


def moment(query: Dated) -> datetime:
    """The moment a query asks about."""
    if query.as_of is None:
        raise ValueError("this is about what was at a moment")
    return query.as_of


def newest(entity: ColumnElement[str], name: str) -> LateralFromClause:
    """The newest entry of a thing at the moment."""
    return (
        select(journal.c.seq, journal.c.parent_id, journal.c.state)
        .where(journal.c.entity_id == entity, OURS, journal.c.at <= AT)
        .order_by(journal.c.at.desc(), journal.c.version.desc())
        .limit(ONE)
        .lateral(name)
    )


def ever_in(container: ColumnElement[str], *outer: FromClause) -> Select[Any]:
    """Everything that ever was in a container, which may be a column of `outer`.

    One search in the index for each thing: what happened to it there, and how often, does not matter.
    """

    def thing(*conditions: ColumnElement[bool]) -> Select[Any]:
        inside = select(was.c.entity_id.label("id")).where(was.c.parent_id == container, *conditions)
        return inside.order_by(was.c.entity_id).limit(ONE).correlate(*outer)

    was = journal.alias("was")
    first = thing().subquery("first")
    ever = select(first.c.id).correlate(*outer).cte("ever", recursive=True, nesting=True)
    following = thing(was.c.entity_id > ever.c.id).correlate(ever, *outer).scalar_subquery()
    ever = ever.union_all(select(following).where(ever.c.id.is_not(None)))
    return select(ever.c.id).where(ever.c.id.is_not(None))


def _contents() -> Select[Any]:
    """The states of `:ids`, numbered, and of everything in them, `:depth` levels down."""
    start = given("ids").subquery("start")
    root = newest(start.c.id, "root")
    down = select(start.c.id, root.c.parent_id, root.c.seq, ZERO.label("level")).join_from(start, root, true())
    walk = down.cte("walk", recursive=True)
    once = ever_in(walk.c.id, walk).correlate(walk).offset(ZERO).lateral("once")
    then = newest(once.c.id, "then")
    lower = select(once.c.id, then.c.parent_id, then.c.seq, walk.c.level + ONE)
    lower = lower.select_from(walk.join(once, true()).join(then, true()))
    deepest = func.least(bindparam("depth", type_=Integer), DEEPEST)
    walk = walk.union_all(lower.where(then.c.parent_id == walk.c.id, walk.c.level < deepest))
    is_root = (walk.c.level == ZERO).label("is_root")
    # Once each, and once more as what was asked for: one of these may be in another.
    each = select(walk.c.id, walk.c.parent_id, walk.c.seq, is_root).distinct().subquery("each")
    written = _entry(each.c.seq)
    columns = (case((each.c.is_root, ONE)), cast(written.c.state, Text))
    return select(*columns).select_from(each.join(written, true()))


def _line() -> Select[Any]:
    """States of `:ids` and of everything they were in, outwards."""
    start = given("ids").subquery("start")
    root = newest(start.c.id, "root")
    up = select(root.c.parent_id, root.c.seq, ZERO.label("level")).join_from(start, root, true())
    walk = up.cte("walk", recursive=True)
    then = newest(walk.c.parent_id, "then")
    higher = select(then.c.parent_id, then.c.seq, walk.c.level + ONE).join_from(walk, then, true())
    walk = walk.union_all(higher.where(walk.c.level < DEEPEST))
    written = _entry(walk.c.seq)
    lines = select(walk.c.level + ONE, cast(written.c.state, Text))
    return lines.select_from(walk.join(written, true()))


def _entry(seq: ColumnElement[int]) -> LateralFromClause:
    return select(journal.c.state).where(journal.c.seq == seq).limit(ONE).lateral("written")


CONTENTS: Final = Statement.of(_contents())
LINE: Final = Statement.of(_line())
BOTTOM: Final = 1_000


async def contents(db: Pipeline, ids: list[str], at: datetime, *, depth: int = BOTTOM) -> Found:
    """Things and everything that was in them, so many levels down."""
    rows = await fetch(db, CONTENTS, {"ids": ids, "at": at, "depth": depth})
    return found([(number, past_node(state)) for number, state in rows])


async def line(db: Pipeline, resource_id: str, at: datetime) -> list[Node]:
    """A thing and what it was in, outwards; nothing if it did not exist."""
    rows = await fetch(db, LINE, {"ids": [resource_id], "at": at})
    return found([(number, past_node(state)) for number, state in rows]).roots
