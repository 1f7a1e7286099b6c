"""What must be true of the locks of a database, whoever was granted what at once, and was killed meanwhile.

The journal has the entries of a thing and those of its lock in the order in which they happened, as who writes either
holds the row of the thing. So it tells, for each change, which lease was in force. Renewals are no entries: how long a
lease lasted is what the next entry says it was before, or what the lease itself says now.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from itertools import groupby, pairwise
from operator import attrgetter
from typing import Any, Final, NamedTuple

import psycopg

Json = dict[str, Any]

CHECKS: Final = {
    "cannot be locked": "select id from resource where id not in (select id from lease)",
    "does not have the hash of the newest entry of its lock": """
        select lease.id from lease left join journal on entity_id = lease.id and noun = 'lock'
            and journal.version = lease.version
        where coalesce(hash, '') <> lease.head or coalesce((state->>'token')::bigint, 0) <> lease.token
            or coalesce(state->>'state' = 'held', false) <> (lease.lease is not null and ended is null)
            or (state->>'grant_id') is distinct from lease.grant_id""",
    "has another number of entries of its lock than versions": """
        select lease.id from lease left join journal on entity_id = lease.id and noun = 'lock'
        group by lease.id, lease.version having count(seq) <> lease.version""",
    "is a lease that ends at different times": """
        select min(id) from lease where lease is not null and ended is null
        group by lease having count(distinct expires_at) > 1""",
    "is a lease of two holders": """
        select min(id) from lease where lease is not null group by lease having count(distinct holder) > 1""",
    "is waited for, and does not exist": """
        select wanted from ticket, unnest(resource_ids) as wanted where wanted not in (select id from resource)""",
    "is the ticket of somebody who has the lease": "select id from ticket where id in (select lease from lease)",
    "is a transfer that is over, and still has its lease": """
        select transfer.id from transfer join lease on lease.lease = transfer.lease
        where state <> 'begun' and lease.ended is null and lease.expires_at > transfer.ended_at""",
    "is a transfer under a lease of somebody else's": """
        select transfer.id from transfer join lease on lease.lease = transfer.lease
        where lease.holder <> transfer.holder""",
    "is a ticket that nobody swept away": """
        select id from ticket where least(until, alive_until) < clock_timestamp() - interval '10 s'""",
}
ENTRIES: Final = """
    select entity_id as id, noun, version, what, at, token, group_id,
        state->>'state' = 'held' as held, (state->>'token')::bigint as own, state->>'grant_id' as grant_id,
        state->>'scope' as scope, (state->>'expires_at')::timestamptz as until,
        coalesce(changes->'expires_at'->>'before', state->>'expires_at')::timestamptz as until_before
    from journal where noun in ('resource', 'lock') order by entity_id, seq"""


class Entry(NamedTuple):
    """An entry of a thing, or of its lock."""

    id: str
    noun: str
    version: int
    what: str
    at: datetime
    token: int | None
    group_id: str | None
    held: bool | None
    own: int | None
    """The token of the thing."""
    grant_id: str | None
    scope: str | None
    until: datetime | None
    until_before: datetime | None
    """How long the lease was to last just before."""


def audit_locks(connection: psycopg.Connection[Any]) -> list[str]:
    """Everything that is wrong with locks, each finding with an id."""
    connection.execute("set local search_path = labstow" if not connection.autocommit else "set search_path = labstow")
    found = [f"{key} {what}" for what, sql in CHECKS.items() for (key,) in connection.execute(sql)]
    entries = [Entry._make(row) for row in connection.execute(ENTRIES)]
    now = dict(connection.execute("select id, expires_at from lease").fetchall())
    subtrees = any(entry.scope == "subtree" for entry in entries)
    for key, own in groupby(entries, attrgetter("id")):
        found += _history(list(own), now.get(key), subtrees=subtrees)
    return [*found, *_whole(entries)]


def _history(entries: Sequence[Entry], last: datetime | None, *, subtrees: bool) -> Iterator[str]:
    """I1 to I4: one lease at a time, none before the one before it was over, and what changed was changed under it."""
    locks = [entry for entry in entries if entry.noun == "lock"]
    ends = {one.version: other.until_before for one, other in pairwise(locks)}
    lock: Entry | None = None
    for entry in entries:
        until = ends.get(lock.version, last) if lock and lock.held else None
        live = until is not None and entry.at < until
        name = f"{entry.id} at version {entry.version}"
        if entry.noun == "lock":
            rose = (entry.own or 0) - (lock.own or 0 if lock else 0)
            if rose < 1 if entry.what == "raised" else rose != (entry.what in {"granted", "broken"}):
                yield f"{name} of its lock has another token than it should have"
            if entry.what == "granted" and lock and lock.held:
                yield f"{name} of its lock was granted while somebody held it"
            if (entry.what == "expired" and live) or (entry.what in {"released", "broken"} and not live):
                yield f"{name} of its lock was {entry.what} at the wrong time"
            lock = entry
        elif live and lock and entry.token != lock.own:
            yield f"{name} was changed without the lease that was in force"
        elif not live and entry.token is not None and not subtrees:
            yield f"{name} was changed under a lease that was over"


def _whole(entries: Iterable[Entry]) -> Iterator[str]:
    """I5: a lease is granted at one moment, and broken whole."""
    grants: dict[str | None, list[Entry]] = defaultdict(list)
    for entry in entries:
        if entry.noun == "lock" and entry.what in {"granted", "released", "broken", "expired"}:
            grants[entry.grant_id].append(entry)
    for key, own in grants.items():
        if len({(entry.group_id, entry.at) for entry in own if entry.what == "granted"}) != 1:
            yield f"{key} is a lease that was not granted at one moment"
        ends = {entry.id: entry.what for entry in own if entry.what != "granted"}
        things = {entry.id for entry in own}
        if "broken" in ends.values() and (ends.keys() != things or "expired" in ends.values()):
            yield f"{key} is a lease that was broken in part"
