"""From where to where: what a plan is asked for, looked up."""

from typing import Final

from sqlalchemy import Text, bindparam, func, select
from sqlalchemy.sql import any_

from labstow.contracts.errors import NotFound, Removed
from labstow.contracts.place_errors import AtNoLocation, NoTransfers
from labstow.contracts.transfer import PlanTransfer
from labstow.workers.kit.journal import stamp
from labstow.workers.kit.pipeline import Ask, Pipeline, Statement
from labstow.workers.kit.reader import fetch
from labstow.workers.resource.reading.walks import given, line
from labstow.workers.resource.tables import resource
from labstow.workers.transfer.lab import no_location
from labstow.workers.transfer.loads import UNDER_WAY
from labstow.workers.transfer.planning.graph import Graph
from labstow.workers.transfer.planning.levels import Place
from labstow.workers.transfer.tables import location
from labstow.workers.transfer.transfer import Transfer

_attached = location.join(resource, resource.c.id == location.c.resource_id)
OF_CLASS: Final = Statement.of(
    select(
        location.c.id,
        resource.c.id,
        resource.c.rows,
        resource.c.columns,
        resource.c.layers,
        resource.c.quantity,
        resource.c.capacity,
    )
    .select_from(_attached)
    .where(resource.c.resource_class == bindparam("resource_class", type_=Text))
)
_line = line(given("ids"))
AROUND: Final = Statement.of(
    select(resource.c.id, resource.c.name, resource.c.parent_id, resource.c.removed_at, location.c.id)
    .select_from(resource.outerjoin(location, location.c.resource_id == resource.c.id))
    .where(resource.c.id == any_(func.array(select(_line.c.id).scalar_subquery())))
)


async def ends(db: Pipeline, graph: Graph, query: PlanTransfer) -> tuple[Place, tuple[str, ...]]:
    """Where it is, and where it may go.

    Raises:
        NoLocation, NotFound, Removed, AtNoLocation: what is named is not there, or nowhere.
        NoTransfers: the source or the target takes no part in transfers.
    """
    source = find(graph, query.source) if query.source is not None else None
    source = source or await _place_of(db, graph, str(query.resource_id))
    if query.free_in_class is not None:
        if not source.allow_transfers:
            raise NoTransfers(name=source.name, location_id=source.id)
        return source, await _with_room(db, graph, query.free_in_class)
    target = find(graph, query.target) if query.target is not None else None
    target = target or await _place_of(db, graph, str(query.container_id))
    for end in (source, target):
        if not end.allow_transfers:
            raise NoTransfers(name=end.name, location_id=end.id)
    return source, (target.id,)


def find(graph: Graph, key: str) -> Place:
    """The place of an id or a name.

    Raises:
        NoLocation
    """
    if (found := graph.find(key)) is None:
        raise no_location(key)
    return found


async def _place_of(db: Pipeline, graph: Graph, resource_id: str) -> Place:
    """Where a resource is: the place of the nearest thing around it that is attached, or of itself.

    Raises:
        NotFound, Removed: it is not there, or at no location.
    """
    rows = {row[0]: row for row in await fetch(db, AROUND, {"ids": [resource_id]})}
    if resource_id not in rows:
        raise NotFound(resource_id=resource_id)
    _, name, _, removed_at, _ = rows[resource_id]
    if removed_at is not None:
        raise Removed(resource_id=resource_id, removed_at=stamp(removed_at))
    here: str | None = resource_id
    while here is not None and here in rows:
        _, _, parent, _, place = rows[here]
        if place is not None and (found := graph.find(place)) is not None:
            return found
        here = parent
    raise AtNoLocation(name=name, resource_id=resource_id)


async def _with_room(db: Pipeline, graph: Graph, resource_class: str) -> tuple[str, ...]:
    """The places whose resource has a class, and room for one more than is on its way there."""
    rows, under_way = await db.exchange(Ask(OF_CLASS, {"resource_class": resource_class}), Ask(UNDER_WAY))
    coming = [Transfer._make(row).target["container_id"] for row in under_way]
    found = []
    for place, resource_id, rows_, columns, layers, quantity, capacity in rows:
        positions = (rows_ or 1) * columns * (layers or 1) if columns else None
        room = min((limit for limit in (positions, capacity) if limit is not None), default=None)
        known = graph.find(place)
        has_room = room is None or (quantity or 0) + coming.count(resource_id) < room
        if has_room and known is not None and known.allow_transfers:
            found.append(place)
    return tuple(found)
