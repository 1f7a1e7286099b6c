"""What a resource is in, and what is in it, by their ids."""

from collections import defaultdict
from typing import Any, Final

from sqlalchemy import CompoundSelect, literal_column, select, union_all

from labstow.contracts.errors import NotFound, Refusal, Removed
from labstow.contracts.queries import GetHierarchy
from labstow.workers.kit.journal import dumps, stamp
from labstow.workers.kit.pipeline import Pipeline, Statement
from labstow.workers.kit.reader import fetch, snapshot
from labstow.workers.resource.reading import past
from labstow.workers.resource.reading.nodes import present
from labstow.workers.resource.reading.walks import NONE, among, given, holders, line, within
from labstow.workers.resource.tables import resource


def _around() -> CompoundSelect[Any]:
    """Whether it is above, id, container, order and removal of everything `:ids` are in, and is in them."""
    columns = (resource.c.id, resource.c.parent_id, resource.c.order_seq)
    above = select(literal_column("true"), *columns, resource.c.removed_at).where(among(line(given("ids"))))
    below = select(literal_column("false"), *columns, NONE).where(within(holders(given("ids"))))
    return union_all(above, below)


AROUND: Final = Statement.of(_around())
Below = dict[str, list[tuple[int, str]]]


async def hierarchy(db: Pipeline, queries: list[GetHierarchy]) -> list[bytes | Refusal]:
    """Answers to many queries, all as of one moment."""
    above: dict[str, tuple[str | None, Any]] = {}
    below: Below = defaultdict(list)
    for is_above, id_, container, order, removed_at in await fetch(
        db, AROUND, {"ids": list({query.resource_id for query in queries})}
    ):
        if is_above:
            above[id_] = (container, removed_at)
        else:
            below[container].append((order or 0, id_))
    return [_answer(query.resource_id, above, below) for query in queries]


async def hierarchy_past(db: Pipeline, query: GetHierarchy) -> bytes:
    """The same, as it was at a moment.

    Raises:
        NotFound, Removed: it did not exist yet, or not any more.
    """
    at = past.moment(query)
    async with snapshot(db):
        line_up = await past.line(db, query.resource_id, at)
        found = await past.contents(db, [query.resource_id], at)
    present(query.resource_id, line_up[0] if line_up else None)
    return _shown(
        query.resource_id,
        [each.id for each in line_up[1:]],
        {container: [(each.order or 0, each.id) for each in inside] for container, inside in found.inside.items()},
    )


def _answer(resource_id: str, above: dict[str, tuple[str | None, Any]], below: Below) -> bytes | Refusal:
    if resource_id not in above:
        return NotFound(resource_id=resource_id)
    container, removed_at = above[resource_id]
    if removed_at is not None:
        return Removed(resource_id=resource_id, removed_at=stamp(removed_at))
    ancestors: list[str] = []
    while container is not None and container in above:
        ancestors.append(container)
        container, _ = above[container]
    return _shown(resource_id, ancestors, below)


def _shown(resource_id: str, ancestors: list[str], below: Below) -> bytes:
    descendants: dict[str, list[str]] = {}
    waiting = [resource_id]
    for container in waiting:
        if container in below:
            descendants[container] = [id_ for _, id_ in sorted(below[container])]
            waiting.extend(descendants[container])
    return dumps({"resource_id": resource_id, "ancestor_ids": ancestors, "descendant_ids": descendants})
