"""Reading locations, as they are or as they were at a moment."""

from collections.abc import Iterable
from datetime import datetime
from operator import itemgetter
from typing import Any, Final

from sqlalchemy import Integer, Text, bindparam, select
from sqlalchemy.sql import any_

from labstow.contracts.errors import Refusal
from labstow.contracts.location import GetContents, GetLocation, ListLocations
from labstow.contracts.queries import GetHierarchy
from labstow.workers.kit.journal import dumps
from labstow.workers.kit.pipeline import Ask, Pipeline, Rows, Statement
from labstow.workers.kit.reader import fetch
from labstow.workers.kit.statements import texts
from labstow.workers.resource.reading import past
from labstow.workers.resource.reading.hierarchy import hierarchy, hierarchy_past
from labstow.workers.transfer.lab import no_location
from labstow.workers.transfer.loads import LOCATION, UNDER_WAY
from labstow.workers.transfer.location import Location, state
from labstow.workers.transfer.reading.linked import LINKED, Groups, ends, groups, groups_at, one_place, there
from labstow.workers.transfer.reading.places import all_at, at
from labstow.workers.transfer.tables import location
from labstow.workers.transfer.transfer import Transfer

Json = dict[str, Any]

_live = location.c.removed_at.is_(None)
_managed_by = bindparam("managed_by", type_=Text)
_node = bindparam("node", type_=Text)

NAMED: Final = Statement.of(
    select(*LOCATION).where(_live, (location.c.id == any_(texts("keys"))) | (location.c.name == any_(texts("keys"))))
)
PAGE: Final = Statement.of(
    select(*LOCATION)
    .where(
        _live,
        _managed_by.is_(None) | (location.c.managed_by == _managed_by),
        _node.is_(None) | location.c.representations.has_key(_node),
        location.c.name > bindparam("after", type_=Text),
    )
    .order_by(location.c.name)
    .limit(bindparam("most", type_=Integer))
)


async def get(db: Pipeline, queries: list[GetLocation]) -> list[bytes | Refusal]:
    """Answers to many queries."""
    keys = {"keys": list({query.location for query in queries})}
    rows, open_, links = await db.exchange(Ask(NAMED, keys), Ask(UNDER_WAY), Ask(LINKED))
    known = _by_key(map(Location._make, rows))
    reserved = await reservations(db, open_, groups(links))
    return [_found(query, known, reserved) for query in queries]


async def get_past(db: Pipeline, query: GetLocation) -> bytes:
    """A location as it was.

    Raises:
        NoLocation: there was none of this id or name.
    """
    return dumps(await at(db, query.location, past.moment(query), query.by))


async def page(db: Pipeline, query: ListLocations) -> bytes:
    """A page of locations."""
    if query.as_of is not None:
        return await _page_past(db, query, past.moment(query))
    asked = {"managed_by": query.managed_by, "node": query.node, "after": query.after or "", "most": query.limit + 1}
    rows, open_, links = await db.exchange(Ask(PAGE, asked), Ask(UNDER_WAY), Ask(LINKED))
    reserved = await reservations(db, open_, groups(links))
    shown = [_shown(Location._make(row), reserved) for row in rows[: query.limit]]
    return dumps({"locations": shown, "next": shown[-1]["name"] if len(rows) > query.limit else None})


async def _page_past(db: Pipeline, query: ListLocations, moment: datetime) -> bytes:
    found = [
        then
        for then in await all_at(db, moment)
        if query.managed_by in (None, then["managed_by"])
        and (query.node is None or query.node in then["representations"])
        and then["name"] > (query.after or "")
    ]
    more = len(found) > query.limit
    found = found[: query.limit]
    return dumps({"locations": found, "next": found[-1]["name"] if more else None})


async def contents(db: Pipeline, query: GetContents) -> bytes:
    """What is at a location.

    Raises:
        NoLocation
    """
    if query.as_of is not None:
        place = await at(db, query.location, past.moment(query))
    else:
        rows = await fetch(db, NAMED, {"keys": [query.location]})
        known = _by_key(map(Location._make, rows)).get(query.location)
        if known is None:
            raise no_location(query.location)
        place = state(known)
    place["resource_id"] = place["resource_id"] or await _at_linked(db, place["location_id"], query.as_of)
    head = {"location_id": place["location_id"], "name": place["name"], "resource_id": place["resource_id"]}
    if place["resource_id"] is None:
        return dumps(head | {"ancestor_ids": [], "descendant_ids": {}})
    asked = GetHierarchy(resource_id=place["resource_id"], as_of=query.as_of)
    told = await hierarchy_past(db, asked) if query.as_of is not None else (await hierarchy(db, [asked]))[0]
    if isinstance(told, bytes):
        return b"%b,%b" % (dumps({key: head[key] for key in ("location_id", "name")})[:-1], told[1:])
    raise told


async def _at_linked(db: Pipeline, location_id: str, moment: datetime | None) -> str | None:
    """What is attached to another name of the same physical place, or was at a moment."""
    if moment is None:
        linked = groups(await fetch(db, LINKED, {}))
        return there(linked, await ends(db, linked), location_id) if linked else None
    if not (linked := await groups_at(db, moment)):
        return None
    known = ((then["location_id"], then["name"], then["resource_id"]) for then in await all_at(db, moment))
    return there(linked, known, location_id)


async def reservations(db: Pipeline, open_: Rows, linked: Groups) -> dict[str, Json]:
    """What is under way, by location: by all its names, if that is so by one of them."""
    found: dict[str, Json] = {}
    for transfer in sorted((Transfer._make(row) for row in open_), key=lambda each: each.begun_at, reverse=True):
        shown = {
            "transfer_id": transfer.id,
            "owned_by": transfer.holder,
            "created": transfer.begun_at,
            "expires": transfer.due_at,
        }
        for end in (transfer.source, transfer.target):
            if end["location_id"] is not None:
                found[end["location_id"]] = shown
    for ids in (await one_place(db, linked)).values() if found and linked else ():
        here = [found[each] for each in ids if each in found]
        if here:
            found |= dict.fromkeys(ids - found.keys(), min(here, key=itemgetter("created")))
    return found


def _found(query: GetLocation, known: dict[str, Location], reserved: dict[str, Json]) -> bytes | Refusal:
    found = known.get(query.location)
    wanted = {"id": found.id, "name": found.name} if found is not None else {}
    if found is None or wanted.get(query.by, query.location) != query.location:
        return no_location(query.location, query.by)
    return dumps(_shown(found, reserved))


def _shown(of: Location, reserved: dict[str, Json]) -> Json:
    return state(of) | {"reservation": reserved.get(of.id)}


def _by_key(places: Iterable[Location]) -> dict[str, Location]:
    """By id and by name."""
    known = list(places)
    return {place.name: place for place in known} | {place.id: place for place in known}
