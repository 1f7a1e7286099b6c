"""The statements that load what a decision needs, each for any number of commands.

Only `QUEUE_UP` and `LOCK` wait for anybody. What is read after them is protected by the rows that `LOCK` holds, or
taken by `grab` if nobody else has it, or never changes.
"""

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import (
    Column,
    ColumnClause,
    Integer,
    Select,
    Text,
    bindparam,
    func,
    literal_column,
    select,
    true,
    union_all,
)
from sqlalchemy.dialects.postgresql import ARRAY, BIGINT
from sqlalchemy.sql import any_

from labstow.workers.kit.pipeline import Statement
from labstow.workers.kit.statements import records, texts
from labstow.workers.kit.tables import journal
from labstow.workers.lock.lease import Lease
from labstow.workers.lock.tables import lease
from labstow.workers.resource.nesting import MAX_CONTENTS, MAX_WALK
from labstow.workers.resource.tables import holding, resource
from labstow.workers.resource.thing import Thing
from labstow.workers.template.tables import template
from labstow.workers.transfer.tables import location

COLUMNS: Final = tuple(resource.c[name] for name in Thing._fields)
LEASE: Final = tuple(lease.c[name] for name in Lease._fields)
MANY: Final[ColumnClause[int]] = literal_column("100")
"""Of those that were made alike, the newest."""
ONE: Final[ColumnClause[int]] = literal_column("1")

_keys = func.unnest(bindparam("keys", type_=ARRAY(BIGINT))).column_valued("key")
QUEUE_UP: Final = Statement.of(select(func.count(func.pg_advisory_xact_lock(_keys))))

LOCK: Final = Statement.of(
    select(*COLUMNS).where(resource.c.id == any_(texts("ids"))).order_by(resource.c.id).with_for_update(key_share=True)
)


def line_of() -> Select[Any]:
    """`id`, `parent_id` and `removed_at` of the things `:ids` and of everything they are in."""
    start = func.unnest(texts("ids")).column_valued("start")
    up = select(start.collate("C").label("id"), literal_column("0").label("level")).cte("up", recursive=True)
    parent = (
        select(resource.c.parent_id)
        .where(resource.c.id == up.c.id, resource.c.parent_id.is_not(None))
        .correlate(up)
        .lateral("parent")
    )
    higher = select(parent.c.parent_id, up.c.level + ONE).join_from(up, parent, true())
    up = up.union_all(higher.where(up.c.level <= literal_column(str(MAX_WALK))))
    ids = func.array(select(up.c.id).scalar_subquery())
    return select(resource.c.id, resource.c.parent_id, resource.c.removed_at).where(resource.c.id == any_(ids))


def contents_of(columns: Sequence[Column[Any]], *, most: int) -> Select[Any]:
    """Columns of everything in the things `:ids`, at any depth, in the order of stacks and queues; `most` rows at most.

    In what was removed, that is what was removed with it.
    """
    start = resource.alias("start")
    top = select(start.c.id, start.c.removal_id, literal_column("0").label("level"))
    down = top.where(start.c.id == any_(texts("ids"))).cte("down", recursive=True)
    inside = resource.alias("inside")
    child = (
        select(inside.c.id, inside.c.removal_id)
        .where(inside.c.parent_id == down.c.id, inside.c.removal_id.is_not_distinct_from(down.c.removal_id))
        .correlate(down)
        .lateral("child")
    )
    lower = select(child.c.id, child.c.removal_id, down.c.level + ONE).join_from(down, child, true())
    down = down.union_all(lower.where(down.c.level <= literal_column(str(MAX_WALK))))
    found = select(down.c.id).where(down.c.level > literal_column("0")).limit(literal_column(str(most)))
    return (
        select(*columns)
        .where(resource.c.id == any_(func.array(found.scalar_subquery())))
        .order_by(resource.c.parent_id, resource.c.order_seq, resource.c.id)
    )


def _heights() -> Select[Any]:
    """How many levels of containers are in the things `:ids`."""
    start = func.unnest(texts("ids")).column_valued("start")
    top = start.collate("C")
    down = select(top.label("root"), top.label("id"), literal_column("0").label("level")).cte("down", recursive=True)
    inside = resource.alias("inside")
    child = (
        select(inside.c.id)
        .where(inside.c.parent_id == down.c.id, holding(inside.c.base_type))
        .correlate(down)
        .lateral("child")
    )
    lower = select(down.c.root, child.c.id, down.c.level + ONE).join_from(down, child, true())
    down = down.union_all(lower.where(down.c.level <= literal_column(str(MAX_WALK))))
    return select(down.c.root, func.max(down.c.level)).group_by(down.c.root)


HEIGHTS: Final = Statement.of(_heights())
LINES: Final = Statement.of(line_of())
CONTENTS: Final = Statement.of(
    contents_of((resource.c.parent_id, resource.c.position, resource.c.id), most=MAX_CONTENTS + 1)
)

_meant = records(
    "definitions",
    [Column("key", Text), *(resource.c[n] for n in ("name", "resource_class", "base_type", "owner", "attributes"))],
)
_match = (
    select(resource.c.id)
    .where(
        resource.c.name == _meant.c.name,
        resource.c.resource_class == _meant.c.resource_class,
        resource.c.base_type == _meant.c.base_type,
        resource.c.owner.contains(_meant.c.owner),
        resource.c.attributes.contains(_meant.c.attributes),
        resource.c.removed_at.is_(None),
    )
    .order_by(resource.c.id)
    .limit(MANY)
    .correlate(_meant)
    .lateral("match")
)
MATCHES: Final = Statement.of(select(_meant.c.key, _match.c.id).select_from(_meant.outerjoin(_match, true())))

_asked = func.unnest(texts("keys"), texts("names")).table_valued("key", "name").render_derived("asked")
_one_made = (
    select(resource.c.id)
    .where(
        resource.c.name == _asked.c.name,
        resource.c.template_name == _asked.c.key,
        resource.c.removed_at.is_(None),
    )
    .order_by(resource.c.id.desc())
    .limit(MANY)
    .correlate(_asked)
    .lateral("one_made")
)
MADE: Final = Statement.of(
    select(_asked.c.key, _asked.c.name, _one_made.c.id).select_from(_asked.outerjoin(_one_made, true()))
)

_version = func.unnest(texts("ids"), bindparam("versions", type_=ARRAY(Integer)))
_then = _version.table_valued("id", "version").render_derived("then")
_entry = (
    select(journal.c.state)
    .where(
        journal.c.entity_id == _then.c.id,
        journal.c.noun == literal_column("'resource'"),
        journal.c.version == _then.c.version,
    )
    .limit(ONE)
    .correlate(_then)
    .lateral("entry")
)
PAST: Final = Statement.of(
    select(_then.c.id, _then.c.version, _entry.c.state).select_from(_then.outerjoin(_entry, true()))
)

_since = func.unnest(texts("ids"), bindparam("versions", type_=ARRAY(Integer)), texts("marks"))
_copy = _since.table_valued("id", "version", "mark").render_derived("copy")
_newest = (
    select(journal.c.version, journal.c.op_id, journal.c.changes)
    .where(
        journal.c.entity_id == _copy.c.id,
        journal.c.noun == literal_column("'resource'"),
        journal.c.version > _copy.c.version,
    )
    .order_by(journal.c.version.desc())
    .limit(literal_column("1000"))
    .correlate(_copy)
    .lateral("newest")
)
COPIES: Final = Statement.of(
    select(_copy.c.id, _copy.c.version, _copy.c.mark, _newest.c.changes)
    .select_from(_copy.join(_newest, true()))
    .where(func.substr(_newest.c.op_id, literal_column("11"), literal_column("8")) == _copy.c.mark)
    .order_by(_newest.c.version)
)
"""What was written under ids of a mark, of the newest thousand versions of each."""

_any_of = resource.alias("any_of")
_removals = func.array(
    union_all(
        select(_any_of.c.removal_id).where(_any_of.c.id == any_(texts("ids")), _any_of.c.removal_id.is_not(None)),
        select(func.unnest(texts("ids"))),
    ).scalar_subquery()
)
REMOVED: Final = Statement.of(
    select(resource.c.removal_id, resource.c.id)
    .where(resource.c.removal_id == any_(_removals))
    .order_by(resource.c.id)
    .limit(literal_column(str(MAX_CONTENTS + 1)))
)

_of_template = func.unnest(texts("keys"), bindparam("versions", type_=ARRAY(Integer)))
_blueprint = _of_template.table_valued("key", "version").render_derived("blueprint")
_current = (
    select(template.c.id, template.c.version)
    .where(template.c.key == _blueprint.c.key, template.c.removed_at.is_(None))
    .limit(ONE)
    .correlate(_blueprint)
    .lateral("current")
)
_as_written = (
    select(journal.c.state)
    .where(
        journal.c.entity_id == _current.c.id,
        journal.c.noun == literal_column("'template'"),
        journal.c.version == func.coalesce(_blueprint.c.version, _current.c.version),
    )
    .limit(ONE)
    .correlate(_blueprint, _current)
    .lateral("as_written")
)
TEMPLATES: Final = Statement.of(
    select(_blueprint.c.key, _blueprint.c.version, _as_written.c.state).select_from(
        _blueprint.outerjoin(_current, true()).outerjoin(_as_written, true())
    )
)
"""The state of templates, out of the journal: there each version is as it was written."""

ATTACHED: Final = Statement.of(
    select(location.c.resource_id, location.c.name).where(location.c.resource_id == any_(texts("ids")))
)
"""Whoever attaches something holds its row."""
