"""What is different about a resource, and everything in it, between two moments."""

from datetime import datetime
from typing import Any, Final

from sqlalchemy import func, select

from labstow.contracts.errors import Invalid, NotFound, Removed
from labstow.contracts.history import Diff
from labstow.workers.kit.journal import changes, dumps
from labstow.workers.kit.pipeline import Pipeline, Statement
from labstow.workers.kit.reader import fetch, snapshot
from labstow.workers.resource.reading import past
from labstow.workers.resource.reading.nodes import Found, Node

States = dict[str, dict[str, Any]]

NOW: Final = Statement.of(select(func.clock_timestamp()))


async def diff(db: Pipeline, query: Diff) -> bytes:
    """The answer to a `Diff`.

    Raises:
        Invalid: the second moment is before the first.
        NotFound, Removed: it did not exist at either moment.
    """
    until: datetime = query.until or (await fetch(db, NOW, {}))[0][0]
    if until < query.since:
        raise Invalid(summary="until: it is before since", errors=[])
    async with snapshot(db):
        then = await past.contents(db, [query.resource_id], query.since)
        now = await past.contents(db, [query.resource_id], until)
        before, after = _states(then), _states(now)
        if not before and not after:
            raise _nothing(query.resource_id, now)
        came = await _elsewhere(db, after.keys() - before.keys(), query.since)
        went = await _elsewhere(db, before.keys() - after.keys(), until)
    found = [
        difference
        for each in sorted(before.keys() | after.keys())
        if (difference := _difference(each, before, after, came, went)) is not None
    ]
    return dumps({"since": query.since, "until": until, "differences": found})


def _nothing(resource_id: str, now: Found) -> NotFound:
    if now.roots:
        return Removed(resource_id=resource_id, removed_at=now.roots[0].removed_at)
    return NotFound(resource_id=resource_id)


def _states(found: Found) -> States:
    """A thing and everything in it; nothing if it was removed."""
    nodes: list[Node] = [*found.roots, *(each for inside in found.inside.values() for each in inside)]
    return {each.id: each.state for each in nodes if each.removed_at is None}


async def _elsewhere(db: Pipeline, ids: set[str], at: datetime) -> States:
    """How things were at a moment when they were somewhere else."""
    return _states(await past.contents(db, sorted(ids), at, depth=0)) if ids else {}


def _difference(each: str, before: States, after: States, came: States, went: States) -> dict[str, Any] | None:
    one, other = before.get(each) or came.get(each), after.get(each) or went.get(each)
    # A field that is newer than the state was not there.
    changed = {} if one is None or other is None else changes(dict.fromkeys(other) | one, other)
    what = "appeared" if each not in before else "disappeared" if each not in after else "changed"
    if what == "changed" and not changed:
        return None
    name = (other or one or {})["name"]
    return {"resource_id": each, "name": name, "what": what, "changes": changed}
