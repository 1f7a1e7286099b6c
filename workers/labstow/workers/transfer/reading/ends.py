"""From where to where: what a plan is asked for, looked up."""

from collections import defaultdict
from typing import Any, Final

from sqlalchemy import Text, bindparam, func, select
from sqlalchemy.sql import any_

from labstow.contracts.errors import NotFound, Removed
from labstow.contracts.place_errors import AtNoLocation, InGripper, NoPath, NotAtSource, NoTransfers, UnderWay
from labstow.contracts.transfer import PlanTransfer
from labstow.workers.kit.journal import stamp
from labstow.workers.kit.pipeline import Ask, Pipeline, Statement
from labstow.workers.kit.reader import fetch
from labstow.workers.resource.reading.walks import given, line
from labstow.workers.resource.tables import resource
from labstow.workers.transfer.lab import no_location
from labstow.workers.transfer.loads import UNDER_WAY
from labstow.workers.transfer.planning.apart import finding
from labstow.workers.transfer.planning.graph import Graph
from labstow.workers.transfer.planning.levels import Place
from labstow.workers.transfer.planning.plan import named
from labstow.workers.transfer.tables import location
from labstow.workers.transfer.transfer import Transfer, gripper_of

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
    .order_by(location.c.name)
)
NO_ROOM: Final = {
    "target.full": "full, counting what is on its way there",
    "target.no_transfers": "transfers are not allowed there",
}
_line = line(given("ids"))
AROUND: Final = Statement.of(
    select(
        resource.c.id,
        resource.c.name,
        resource.c.parent_id,
        resource.c.removed_at,
        resource.c.owner,
        location.c.id,
    )
    .select_from(resource.outerjoin(location, location.c.resource_id == resource.c.id))
    .where(resource.c.id == any_(func.array(select(_line.c.id).scalar_subquery())))
)


async def ends(db: Pipeline, graph: Graph, query: PlanTransfer) -> tuple[Place, tuple[str, ...]]:
    """Where it is, and where it may go.

    Raises:
        NoLocation, NotFound, Removed, AtNoLocation: what is named is not there, or nowhere.
        UnderWay, InGripper, NotAtSource: it is elsewhere.
        NoTransfers: the source or the target takes no part in transfers.
        NoPath: there is no place of a class with room; with the reasons.
    """
    source = await _source(db, graph, query)
    if query.free_in_class is not None:
        if not source.allow_transfers:
            raise NoTransfers(name=source.name, location_id=source.id)
        return source, await _with_room(db, graph, source, query.free_in_class)
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


async def _source(db: Pipeline, graph: Graph, query: PlanTransfer) -> Place:
    """The source that is named, if what is to be moved is there as far as anybody knows; or else where that is."""
    source = find(graph, query.source) if query.source is not None else None
    if source is None or query.resource_id is None:
        return source or await _place_of(db, graph, str(query.resource_id))
    name, places = await _places_of(db, graph, query.resource_id)
    spot = graph.spot_of(source.id)
    names = spot.ids if spot is not None else {source.id}
    if places and not any(place.id in names for place in places):
        facts = {"resource_id": query.resource_id, "location_id": places[0].id, "source_id": source.id}
        raise NotAtSource(name=name, location=places[0].name, source=source.name, **facts)
    return source


async def _place_of(db: Pipeline, graph: Graph, resource_id: str) -> Place:
    """Where a resource is: the place of the nearest thing around it that is attached, or of itself.

    Raises:
        NotFound, Removed, AtNoLocation, UnderWay, InGripper: it is not there, or at no location.
    """
    name, places = await _places_of(db, graph, resource_id)
    if not places:
        raise AtNoLocation(name=name, resource_id=resource_id)
    return places[0]


async def _places_of(db: Pipeline, graph: Graph, resource_id: str) -> tuple[str, list[Place]]:
    """What a resource is called, and the places of itself and of what it is in, nearest first.

    Raises:
        NotFound, Removed: it is not there.
        UnderWay, InGripper: a gripper has it, or what it is in.
    """
    rows = {row[0]: row for row in await fetch(db, AROUND, {"ids": [resource_id]})}
    if resource_id not in rows:
        raise NotFound(resource_id=resource_id)
    _, name, _, removed_at, *_ = rows[resource_id]
    if removed_at is not None:
        raise Removed(resource_id=resource_id, removed_at=stamp(removed_at))
    places, here, inner = [], resource_id, name
    while here in rows:
        _, known_as, parent, _, owner, place = rows[here]
        node = str(owner.get("node"))
        if here != resource_id and here == gripper_of(node):
            raise await _in_gripper(db, resource_id, inner, node)
        if place is not None and (found := graph.find(place)) is not None:
            places.append(found)
        here, inner = parent, known_as
    return name, places


async def _in_gripper(db: Pipeline, resource_id: str, name: str, node: str) -> UnderWay | InGripper:
    """What to say of a thing that is in a gripper, or in something (`name`) that is."""
    for transfer in map(Transfer._make, await fetch(db, UNDER_WAY, {})):
        if transfer.gripper_id == gripper_of(node):
            facts = {"resource_id": resource_id, "transfer_id": transfer.id}
            return UnderWay(name=name, holder=transfer.holder, node=node, **facts)
    return InGripper(name=name, node=node, resource_id=resource_id, gripper_id=gripper_of(node))


async def _with_room(db: Pipeline, graph: Graph, source: Place, resource_class: str) -> tuple[str, ...]:
    """The places whose resource has a class, and room for one more than is on its way there.

    Raises:
        NoPath: there are none.
    """
    rows, under_way = await db.exchange(Ask(OF_CLASS, {"resource_class": resource_class}), Ask(UNDER_WAY))
    coming = [Transfer._make(row).target["container_id"] for row in under_way]
    found, others = list[str](), defaultdict[str, list[str]](list)
    for place, resource_id, rows_, columns, layers, quantity, capacity in rows:
        positions = (rows_ or 1) * columns * (layers or 1) if columns else None
        room = min((limit for limit in (positions, capacity) if limit is not None), default=None)
        if (known := graph.find(place)) is None:
            continue
        if not known.allow_transfers:
            others["target.no_transfers"].append(known.name)
        elif room is not None and (quantity or 0) + coming.count(resource_id) >= room:
            others["target.full"].append(known.name)
        else:
            found.append(place)
    if not found:
        facts: dict[str, Any] = {"source": source.name, "target": f"any {resource_class} with room"}
        raise NoPath(**facts, why_not=_none_of(resource_class, others))
    return tuple(found)


def _none_of(resource_class: str, places: dict[str, list[str]]) -> list[dict[str, Any]]:
    """Why nothing can be brought to a place whose resource has a class."""
    none = finding("target.none", f"no location has a {resource_class} attached", resource_class=resource_class)
    found = [
        finding(code, f"{resource_class} at {named(names)}: {told}", resource_class=resource_class, locations=names)
        for code, told in NO_ROOM.items()
        if (names := places.get(code))
    ]
    return [each.model_dump(mode="json") for each in found or [none]]
