"""Load and save of resources: all SQL of the commands.

Only one statement waits for row locks, and it takes them in id order; whatever else is read afterwards is protected by
those locks, or says so. So batches of any commands never deadlock, and correctness never depends on what was guessed.
"""

from collections.abc import Awaitable, Callable, Sequence
from hashlib import sha256
from typing import Any, Final

import psycopg
from sqlalchemy import Column, Select, Text, bindparam, func, literal_column, select, true
from sqlalchemy.dialects.postgresql import ARRAY, BIGINT
from sqlalchemy.sql import any_

from labstow.contracts.message import Command
from labstow.contracts.positions import guesses
from labstow.contracts.resource import Add, Init, Remove, Replace, Update, Upsert
from labstow.workers.kit.journal import dumps
from labstow.workers.kit.noun import Footprint
from labstow.workers.kit.statements import change, copy_in, records, save, sql, texts
from labstow.workers.resource.lab import MAX_WALK, Lab, definition, definition_key
from labstow.workers.resource.tables import resource
from labstow.workers.resource.thing import Thing, nodes, thing

TREE_LOCK: Final = 0x6C616203
ENOUGH_TO_BE_AMBIGUOUS: Final = 3

COLUMNS: Final = tuple(resource.c[name] for name in Thing._fields)

_keys = func.unnest(bindparam("keys", type_=ARRAY(BIGINT))).column_valued("key")
QUEUE_UP = sql(select(func.count(func.pg_advisory_xact_lock(_keys))))

LOCK = sql(
    select(*COLUMNS).where(resource.c.id == any_(texts("ids"))).order_by(resource.c.id).with_for_update(key_share=True)
)

_spot = (
    func.unnest(texts("containers"), texts("positions")).table_valued("container", "position").render_derived("spot")
)
_there = (
    select(resource.c.id)
    .where(resource.c.parent_id == _spot.c.container, resource.c.position == _spot.c.position)
    .limit(literal_column("1"))
    .correlate(_spot)
    .lateral("there")
)
OCCUPANTS = sql(select(_spot.c.container, _spot.c.position, _there.c.id).select_from(_spot.outerjoin(_there, true())))


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
    higher = select(parent.c.parent_id, up.c.level + literal_column("1")).join_from(up, parent, true())
    up = up.union_all(higher.where(up.c.level <= literal_column(str(MAX_WALK))))
    ids = func.array(select(up.c.id).scalar_subquery())
    return select(resource.c.id, resource.c.parent_id, resource.c.removed_at).where(resource.c.id == any_(ids))


def contents_of(columns: Sequence[Column[Any]]) -> Select[Any]:
    """Columns of everything in the things `:ids`, at any depth, in the order of stacks and queues.

    In what was removed, that is what was removed with it.
    """
    start = resource.alias("start")
    roots = select(start.c.id, start.c.removal_id, literal_column("0").label("level")).where(
        start.c.id == any_(texts("ids"))
    )
    down = roots.cte("down", recursive=True)
    inside = resource.alias("inside")
    child = (
        select(inside.c.id, inside.c.removal_id)
        .where(inside.c.parent_id == down.c.id, inside.c.removal_id.is_not_distinct_from(down.c.removal_id))
        .correlate(down)
        .lateral("child")
    )
    lower = select(child.c.id, child.c.removal_id, down.c.level + literal_column("1")).join_from(down, child, true())
    down = down.union_all(lower.where(down.c.level <= literal_column(str(MAX_WALK))))
    ids = func.array(select(down.c.id).where(down.c.level > literal_column("0")).scalar_subquery())
    return (
        select(*columns)
        .where(resource.c.id == any_(ids))
        .order_by(resource.c.parent_id, resource.c.order_seq, resource.c.id)
    )


LINES: Final = sql(line_of())
CONTENTS: Final = sql(contents_of((resource.c.parent_id, resource.c.position, resource.c.id)))

_meant = records(
    "definitions",
    [
        Column("key", Text),
        *(resource.c[n] for n in ("name", "resource_class", "base_type", "owner", "attributes")),
    ],
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
    .limit(literal_column(str(ENOUGH_TO_BE_AMBIGUOUS)))
    .correlate(_meant)
    .lateral("match")
)
MATCHES = sql(select(_meant.c.key, _match.c.id).select_from(_meant.outerjoin(_match, true())))

HEAVY: Final = 64
"""From so many rows on, a command has a transaction of its own."""


class Repository:
    """What the unit of the resource worker reads and writes."""

    save = save(
        copy_in(resource, "new", COLUMNS).returning(resource.c.id).cte("inserted"),
        change(resource, "changed", COLUMNS).cte("updated"),
    )

    async def send(self, db: psycopg.AsyncConnection, footprint: Footprint) -> Callable[[], Awaitable[Lab]]:
        """Queue the statements that load a footprint; what comes back makes a lab of their results."""
        ids = sorted(footprint.rows)
        spots = list(footprint.spots)
        keys = _lock_keys(footprint)
        if keys:  # waits too, but before any row is locked
            await db.execute(QUEUE_UP, {"keys": keys})
        rows = await db.execute(LOCK, {"ids": ids}) if ids else None
        occupants = contents = lines = matches = None
        if spots:
            places = {"containers": [spot[0] for spot in spots], "positions": [spot[1] for spot in spots]}
            occupants = await db.execute(OCCUPANTS, places)
        if footprint.subtrees:
            contents = await db.execute(CONTENTS, {"ids": list(footprint.subtrees)})
        if footprint.lines:
            lines = await db.execute(LINES, {"ids": list(footprint.lines)})
        if footprint.definitions:
            asked = [{"key": key} | fields for key, fields in footprint.definitions.items()]
            matches = await db.execute(MATCHES, {"definitions": dumps(asked).decode()})

        async def read() -> Lab:
            lab = Lab(tree_locked=footprint.tree, things=dict.fromkeys(ids))
            for row in await rows.fetchall() if rows else ():
                lab.things[row[0]] = thing(row)
            for container, position, occupant in await occupants.fetchall() if occupants else ():
                lab.spots[container, position] = occupant
            lab.children = {root: [] for root in footprint.subtrees}
            for parent, position, child in await contents.fetchall() if contents else ():
                lab.children.setdefault(child, [])
                lab.children.setdefault(parent, []).append(child)
                if position is not None:
                    lab.spots[parent, position] = child
            for child, parent, _ in await lines.fetchall() if lines else ():
                lab.parents[child] = parent
            for key, match in await matches.fetchall() if matches else ():
                lab.matches.setdefault(key, []).extend([match] if match else [])
            return lab

        return read

    def record(self, of: Thing) -> dict[str, Any]:
        """The thing as a record of the table."""
        return of._asdict()


def needs(command: Command[Any]) -> Footprint:
    """What a command is known to look at, before anything is loaded."""
    match command:
        case Add(resource=node, parent_id=parent_id) | Upsert(resource=node, parent_id=parent_id):
            footprint = Footprint(rows={below.resource_id for below in nodes(node) if below.resource_id})
            if parent_id is not None:
                footprint.rows.add(parent_id)
                footprint.spots |= {(parent_id, guess) for guess in guesses(node.position)}
            return footprint
        case Init(resource=node):
            key = definition_key(node)
            ids = {below.resource_id for below in nodes(node) if below.resource_id}
            return Footprint(rows=ids, definitions={key: definition(node)})
        case Replace(resource=node):
            return Footprint(rows={below.resource_id for below in nodes(node) if below.resource_id})
        case Update(resource_id=resource_id) | Remove(resource_id=resource_id):
            return Footprint(rows={resource_id})
    raise TypeError(f"{type(command).__name__} is no command of this noun")


def weight(command: Command[Any]) -> int:
    """How many rows a command may change."""
    match command:
        case Add(resource=node) | Init(resource=node) | Upsert(resource=node) | Replace(resource=node):
            return len(nodes(node)) + 1
        case _:
            return 2


def _lock_keys(footprint: Footprint) -> list[int]:
    """What to wait for before any row is locked, in one order for everybody."""
    keys = {
        _key(str(one["name"]), str(one["resource_class"]), str(one["base_type"]))
        for one in footprint.definitions.values()
    }
    return sorted(keys | ({TREE_LOCK} if footprint.tree else set()))


def _key(*parts: str) -> int:
    return int.from_bytes(sha256("\0".join(parts).encode()).digest()[:8], signed=True)
