"""What must be true of a database of resources, whoever did what in it at once, and was killed meanwhile.

One statement, or one small function, for one thing that can be wrong.
"""

from collections import defaultdict
from collections.abc import Iterator
from decimal import Decimal
from fractions import Fraction
from typing import Any, Final

import orjson
import psycopg
from psycopg.rows import dict_row

from labstow.contracts.base_types import CONSUMABLES, CONTAINERS, LINED, BaseType
from labstow.contracts.errors import Refusal
from labstow.contracts.positions import canonical
from labstow.contracts.resource import MAX_DEPTH, Resource
from labstow.workers.kit.journal import changes, dumps, verify
from labstow.workers.resource.nesting import MAX_WALK
from labstow.workers.resource.thing import Thing, state, thing
from labstow.workers.resource.units import STANDARD, Units
from labstow.workers.transfer.location import Location
from labstow.workers.transfer.noun import TRANSFER
from labstow.workers.transfer.pattern import Pattern
from labstow.workers.transfer.setting import Setting
from labstow.workers.transfer.transfer import Transfer

Json = dict[str, Any]
Key = tuple[str, str]
"""A noun, and the id of one."""

CHECKS: Final = {
    "holds another number of things than it says": """
        select c.id from resource c left join resource inside
            on inside.parent_id = c.id and inside.removal_id is not distinct from c.removal_id
        where c.base_type = any(%(containers)s) and c.base_type <> 'pool'
        group by c.id having c.quantity is distinct from count(inside.id)""",
    "holds more than fits": "select id from resource where quantity > capacity",
    "has no quantity that can be": """
        select id from resource where quantity < 0 or quantity = 'NaN' or capacity < 0 or capacity = 'NaN'
            or (base_type = 'discrete_consumable' and quantity %% 1 <> 0)
            or (quantity is not null) <> (base_type = any(%(counted)s))""",
    "holds two things at one position": """
        select parent_id from resource where parent_id is not null and position is not null
        group by parent_id, position having count(*) > 1""",
    "is a slot with two things in it": """
        select parent.id from resource child join resource parent on child.parent_id = parent.id
        where parent.base_type = 'slot' group by parent.id having count(*) > 1""",
    "is in what does not exist, or can hold nothing": """
        select child.id from resource child left join resource parent on child.parent_id = parent.id
        where child.parent_id is not null and not coalesce(parent.base_type = any(%(containers)s), false)""",
    "was not removed with what it is in": """
        select child.id from resource child join resource parent on child.parent_id = parent.id
        where child.removal_id is distinct from parent.removal_id
            or (child.removed_at is null) <> (parent.removed_at is null)""",
    "is one of several, or none, that a removal was of": """
        select min(id) from resource where removal_id is not null
        group by removal_id having count(*) filter (where parent_id is null) <> 1""",
    "is half removed": "select id from resource where (removed_at is null) <> (removal_id is null)",
    "is in itself, or in a line without end": """
        with recursive up as (
            select id as start, parent_id, 1 as level from resource where parent_id is not null
            union all
            select up.start, above.parent_id, up.level + 1 from up join resource above on above.id = up.parent_id
            where above.parent_id is not null and up.level <= %(walk)s)
        select distinct start from up where level > %(walk)s""",
    "is nested too deep": """
        with recursive down as (
            select id, 1 as level from resource where parent_id is null and base_type = any(%(containers)s)
            union all
            select inside.id, down.level + 1 from down join resource inside on inside.parent_id = down.id
            where inside.base_type = any(%(containers)s) and down.level <= %(walk)s)
        select distinct id from down where level > %(depth)s""",
    "has the place in line of another": """
        select parent_id from resource where order_seq is not null and parent_id is not null
        group by parent_id, order_seq having count(*) > 1""",
    "has a place in line where there is none, or none where there is one": """
        select child.id from resource child join resource parent on child.parent_id = parent.id
        where (child.order_seq is not null) <> (parent.base_type = any(%(lined)s))""",
    "has a place in line that was not given out yet": """
        select child.id from resource child join resource parent on child.parent_id = parent.id
        where child.order_seq >= parent.next_seq""",
    "is said to be in a pool wrongly": """
        select child.id from resource child left join resource parent on child.parent_id = parent.id
        where child.pooled <> coalesce(parent.base_type = 'pool', false)""",
    "has another number of journal entries than versions": """
        select things.id from everything things
        left join journal on journal.entity_id = things.id and journal.noun = things.noun
        group by things.noun, things.id, things.version having count(journal.seq) <> things.version""",
    "has a gap in its versions": """
        select entity_id from (select entity_id, noun, version, row_number() over (
            partition by noun, entity_id order by seq) as number from journal) entries where version <> number""",
    "has journal entries and does not exist": """
        select entity_id from journal where noun <> 'lock'
            and (noun, entity_id) not in (select noun, id from everything)""",
    "does not have the hash of its newest entry": """
        select things.id from everything things
        join journal on journal.entity_id = things.id and journal.noun = things.noun
            and journal.version = things.version where journal.hash <> things.head""",
    "is to be published and was never written": """
        select seq::text from outbox where not exists (select from journal where journal.seq = outbox.seq)""",
    "was executed twice": "select op_id from journal group by op_id, actor having count(distinct at) > 1",
    "was refused and yet executed": """
        select operation.op_id from operation where status <> 200 and exists (
            select from journal where journal.op_id = operation.op_id and journal.actor = operation.principal)""",
    "is an event id of two entries": "select event_id from journal group by event_id having count(*) > 1",
    "is the name of two templates": """
        select lower(name) from template where removed_at is null group by lower(name) having count(*) > 1""",
    "is the name of two locations": """
        select name from location where removed_at is null group by name having count(*) > 1""",
    "is the name of two patterns": """
        select name from pattern where removed_at is null group by kind, name having count(*) > 1""",
    "is attached to two locations": """
        select resource_id from location where resource_id is not null group by resource_id having count(*) > 1""",
    "has something attached that is not there": """
        select location.id from location left join resource on resource.id = location.resource_id
        where location.resource_id is not null and (resource.id is null or resource.removed_at is not null)""",
    "was removed, and has something attached": """
        select id from location where removed_at is not null and (resource_id is not null or awaits_template)""",
    "is on its way twice": """
        select resource_id from transfer where state = 'begun' group by resource_id having count(*) > 1""",
    "is a gripper with two things on their way": """
        select gripper_id from transfer where state = 'begun' group by gripper_id having count(*) > 1""",
    "is on its way, and at a location": """
        select transfer.resource_id from transfer join location on location.resource_id = transfer.resource_id
        where state = 'begun'""",
    "is on its way, and not in its gripper, though nobody moved it": """
        select moved.resource_id from transfer moved join resource on resource.id = moved.resource_id
        join journal begun on begun.entity_id = moved.id and begun.noun = 'transfer' and begun.version = 1
        where moved.state = 'begun' and resource.parent_id is distinct from moved.gripper_id and not exists (
            select from journal later where later.entity_id = resource.id and later.noun = 'resource'
                and later.seq > begun.seq)""",
    "is a transfer to or from a location that is not there": """
        select transfer.id from transfer, unnest(array[source->>'location_id', target->>'location_id']) place
        where state = 'begun' and place is not null
            and place not in (select id from location where removed_at is null)""",
    "is a transfer that is half over": """
        select id from transfer where (state = 'begun') <> (ended_at is null)
            or (state = 'begun') <> (left_at is null) or ended_at < begun_at""",
}
EVERYTHING: Final = " union all ".join(
    f"select id, version, head, {noun} as noun from {table}"
    for table, noun in (
        ("resource", "'resource'"),
        ("template", "'template'"),
        ("location", "'location'"),
        ("setting", "'capabilities'"),
        ("pattern", "'pattern'"),
        ("transfer", "'transfer'"),
    )
)
"""What has versions, but for locks: see tests/locks/auditor_locks.py."""
PLACES: Final[dict[str, Any]] = {"location": Location, "setting": Setting, "pattern": Pattern, "transfer": Transfer}


def audit(connection: psycopg.Connection[Any], units: Units = STANDARD) -> list[str]:
    """Everything that is wrong in a database, each finding with an id; the `search_path` is not relied on."""
    connection.execute("set local search_path = labstow" if not connection.autocommit else "set search_path = labstow")
    values = {
        "containers": sorted(CONTAINERS),
        "counted": sorted(CONTAINERS | CONSUMABLES),
        "lined": sorted(LINED),
        "walk": MAX_WALK,
        "depth": MAX_DEPTH,
    }
    within = f"with everything as ({EVERYTHING})"
    found = [
        f"{key} {what}"
        for what, sql in CHECKS.items()
        for (key,) in connection.execute(f"{within} {sql}" if "everything" in sql else sql, values)
    ]
    columns = ", ".join(Thing._fields)
    things = {row[0]: thing(row) for row in connection.execute(f"select {columns} from resource")}
    states = {("resource", one.id): state(one) for one in things.values()} | dict(_rows(connection))
    return [*found, *_places(things), *_pools(things, units), *_journal(connection, states)]


def _rows(connection: psycopg.Connection[Any]) -> Iterator[tuple[Key, Json]]:
    """Places, transfers and what else there is, as they are."""
    for table, kind in PLACES.items():
        for row in connection.execute(f"select {', '.join(kind._fields)} from {table}"):
            known = TRANSFER.kinds[kind]
            yield (known.name, row[0]), known.state(kind._make(row))


def _places(things: dict[str, Thing]) -> Iterator[str]:
    """I18, I22: positions are in range and written in the one way; everything can be read."""
    for one in things.values():
        try:
            Resource.model_validate_json(dumps(state(one)))
        except ValueError:
            yield f"{one.id} cannot be read"
        container = things.get(one.parent_id or "")
        if container is None or not container.is_container:
            continue
        try:
            wrong = canonical(container.geometry, one.position) != one.position
        except Refusal:
            wrong = True
        if wrong:
            yield f"{one.id} is at a position there is not"


def _pools(things: dict[str, Thing], units: Units) -> Iterator[str]:
    """I17, I24: a pool holds exactly what is in it."""
    inside: dict[str | None, list[Thing]] = defaultdict(list)
    for one in things.values():
        inside[one.parent_id].append(one)
    for pool in things.values():
        if pool.base_type is not BaseType.POOL:
            continue
        try:
            shares = [
                units.convert(each.quantity or Decimal(0), each.unit, pool.unit, pool.name) for each in inside[pool.id]
            ]
        except Refusal:
            yield f"{pool.id} has something in it that does not convert to its unit"
        else:
            if sum(map(Fraction, shares)) != pool.quantity:
                yield f"{pool.id} holds another amount than it says"


def _journal(connection: psycopg.Connection[Any], states: dict[Key, Json]) -> Iterator[str]:
    """I35, I36, I38: each chain of entries is whole, and its changes come to the thing as it is."""
    rows = connection.cursor(row_factory=dict_row).execute(
        "select *, changes::text as written_changes, state::text as written_state from journal"
        " order by noun, entity_id, version"
    )
    before: Json = {}
    newest: dict[Key, Json] = {}
    for entry in rows:
        told, after = orjson.loads(entry["written_changes"]), orjson.loads(entry["written_state"])
        name = f"{entry['entity_id']} at version {entry['version']}"
        if (entry["noun"], entry["entity_id"]) != (before.get("noun"), before.get("entity_id")):
            before = {}
        if not verify(entry, entry["written_changes"], entry["written_state"]):
            yield f"{name} has an entry that was altered"
        if entry["prev_hash"] != before.get("hash", ""):
            yield f"{name} has an entry that does not follow the one before it"
        if entry["noun"] == "lock":  # renewals are no entries: see tests/locks/auditor_locks.py
            before = entry
            continue
        if told != changes(before.get("told"), after) or entry["parent_id"] != after.get("parent_id"):
            yield f"{name} has an entry that does not say what changed"
        before = entry | {"told": after}
        newest[entry["noun"], entry["entity_id"]] = after
    for key, now in states.items():
        if key in newest and newest[key] != orjson.loads(dumps(now)):
            yield f"{key[1]} is not what its newest entry says"
