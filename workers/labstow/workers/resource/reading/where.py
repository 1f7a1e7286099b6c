"""The way to a resource, from the outermost container."""

from typing import Any, Final

from sqlalchemy import Select, case, func, select

from labstow.contracts.base_types import ORDERED
from labstow.contracts.errors import NotFound, Refusal, Removed
from labstow.contracts.queries import Where
from labstow.workers.kit.journal import dumps, stamp
from labstow.workers.kit.pipeline import Pipeline, Statement
from labstow.workers.kit.reader import fetch, snapshot
from labstow.workers.resource.reading import past
from labstow.workers.resource.reading.nodes import Node, placed, present
from labstow.workers.resource.reading.walks import among, given, line
from labstow.workers.resource.tables import resource
from labstow.workers.transfer.reading.places import attached_past
from labstow.workers.transfer.tables import location

Step = dict[str, Any]


def _steps() -> Select[Any]:
    """`:ids` and everything they are in; each with its place in line and its location, where it has them."""
    before = resource.alias("before")
    standing = (
        select(func.count())
        .select_from(before)
        .where(before.c.parent_id == resource.c.parent_id, before.c.order_seq <= resource.c.order_seq)
        .scalar_subquery()
    )
    attached = select(location.c.name).where(location.c.resource_id == resource.c.id).scalar_subquery()
    in_line = resource.c.position.is_(None) & resource.c.order_seq.is_not(None)
    columns = (resource.c.id, resource.c.parent_id, resource.c.removed_at, resource.c.name, resource.c.base_type)
    return select(*columns, resource.c.position, case((in_line, standing)), attached).where(among(line(given("ids"))))


STEPS: Final = Statement.of(_steps())


async def where(db: Pipeline, queries: list[Where]) -> list[bytes | Refusal]:
    """Answers to many queries, all as of one moment."""
    rows = {row[0]: row for row in await fetch(db, STEPS, {"ids": list({query.resource_id for query in queries})})}
    return [_answer(query.resource_id, rows) for query in queries]


async def where_past(db: Pipeline, query: Where) -> bytes:
    """The same, as it was at a moment.

    Raises:
        NotFound, Removed: it did not exist yet, or not any more.
    """
    at = past.moment(query)
    async with snapshot(db):
        line_up = await past.line(db, query.resource_id, at)
        lines = [each.id for each in line_up[1:] if each.geometry.base_type in ORDERED]
        inside = (await past.contents(db, lines, at, depth=1)).inside if lines else {}
        attached = await attached_past(db, at)
    present(query.resource_id, line_up[0] if line_up else None)
    containers = [*line_up[1:], None]
    steps = [_step(each, container, inside) for each, container in zip(line_up, containers, strict=True)]
    return _shown(steps, next((attached[each.id] for each in line_up if each.id in attached), None))


def _answer(resource_id: str, rows: dict[str, tuple[Any, ...]]) -> bytes | Refusal:
    if resource_id not in rows:
        return NotFound(resource_id=resource_id)
    if (removed_at := rows[resource_id][2]) is not None:
        return Removed(resource_id=resource_id, removed_at=stamp(removed_at))
    steps: list[Step] = []
    here: str | None = resource_id
    place: str | None = None
    while here is not None and here in rows:
        id_, here, _, name, base_type, position, standing, location_name = rows[here]
        place = place or location_name
        if here is None:
            position = standing = None
        at = position if standing is None else str(standing)
        steps.append({"resource_id": id_, "name": name, "base_type": base_type, "position": at})
    return _shown(steps, place)


def _step(node: Node, container: Node | None, inside: dict[str, list[Node]]) -> Step:
    position = node.position
    if container is not None and container.geometry.base_type in ORDERED:
        order = [child.id for _, child in placed(container, inside)]
        position = str(order.index(node.id) + 1)
    return {name: node.state[name] for name in ("resource_id", "name", "base_type")} | {"position": position}


def _shown(steps: list[Step], place: str | None) -> bytes:
    """An answer, from the steps outwards."""
    path = steps[::-1]
    words = []
    for step in path:
        if step["position"] is not None:
            words.append(f"position {step['position']}")
        if step is not steps[0]:
            words.append(step["name"])
    words_told = " / ".join(words)
    return dumps({"resource_id": steps[0]["resource_id"], "path": path, "words": words_told, "location": place})
