"""Locations over REST, in the shapes of MADSci's clients."""

from contextlib import suppress
from typing import Any, Final

import orjson
from fastapi import APIRouter, Request, Response

from labstow.contracts.errors import BadRequest
from labstow.contracts.location import MAX_LOCATIONS
from labstow.contracts.place_errors import LocationExists
from labstow.gateway.answers import tagged
from labstow.gateway.edge import MadsciRoute, Refused, ask, body, content, json, parsed
from labstow.gateway.madsci.locations import changed, given, held, shown
from labstow.gateway.openapi import LOCATION, asks, takes
from labstow.gateway.paging import page
from labstow.gateway.parameters import MOMENT, TEXT, parameters

Json = dict[str, Any]

AS_OF: Final = {"as_of": MOMENT}
LISTED: Final = {"managed_by": TEXT, "node": TEXT, **AS_OF}
ONE: Final = {"location_id": TEXT, "name": TEXT}
WHAT: Final = {"resource_id": TEXT}

router = APIRouter(route_class=MadsciRoute, tags=["locations"])


@router.get("/locations", openapi_extra=asks(LISTED))
async def listed(request: Request) -> Response:
    """Read all locations, or those that are managed by `node` or `lab`, or that a node knows, by name."""
    return json([shown(one) for one in await every(request, parameters(request, LISTED))])


@router.get("/locations/export", openapi_extra=asks(AS_OF))
async def export(request: Request) -> Response:
    """Read all locations as an import takes them."""
    return json([shown(one) for one in await every(request, parameters(request, AS_OF))])


@router.post("/location", openapi_extra=takes(LOCATION))
async def add(request: Request) -> Response:
    """Make a location; with `resource_template_name` and no `resource_id`, a resource is made and attached.

    Who asks again with the id and the name of one that is there is answered that one, as MADSci's client does after a
    timeout.
    """
    new = given(await body(request), user(request))
    try:
        return await told(request, "location.add", {"location": new})
    except Refused as refused:
        if refused.reply.code != LocationExists.code or "location_id" not in new:
            raise
        with suppress(Refused):
            known = orjson.loads(await ask(request, "location.get", {"location": new["location_id"], "by": "id"}))
            if known["name"] == new["name"]:
                return json(shown(known))
        raise


@router.post("/location/init", openapi_extra=takes(LOCATION))
async def init(request: Request) -> Response:
    """Make a location, or answer the one of this name as it is."""
    return await told(request, "location.init", {"location": given(await body(request), user(request))})


@router.get("/location", openapi_extra=asks(ONE | AS_OF))
async def get_by(request: Request) -> Response:
    """Read the location of an id, or of a name."""
    wanted = parameters(request, ONE | AS_OF)
    match [key for key in ONE if key in wanted]:
        case [key]:
            query = {"location": wanted.pop(key), "by": "id" if key == "location_id" else "name"}
            return await told(request, "location.get", query | wanted)
    raise BadRequest("Exactly one of 'location_id' or 'name' query parameter must be provided")


@router.get("/location/{location}", openapi_extra=asks(AS_OF))
async def get(request: Request, location: str) -> Response:
    """Read a location by its id or its name, as it is or as it was at a moment."""
    return await told(request, "location.get", {"location": location, **parameters(request, AS_OF)})


@router.patch("/location/{location}", openapi_extra=takes({"description": "Main rack", "allow_transfers": False}))
async def update(request: Request, location: str) -> Response:
    """Change the fields that are named; of `representations`, those of the nodes that are named."""
    command = {"location": location, "changes": changed(await body(request))}
    return await told(request, "location.update", command)


@router.delete("/location/{location}")
async def remove(request: Request, location: str) -> Response:
    """Remove a location at which nothing is."""
    removed = orjson.loads(await ask(request, "location.remove", {"location": location}))
    return json({"message": f"Location {removed['name']} deleted successfully"})


@router.post("/location/{location}/set_representation/{node}", openapi_extra=takes({"position": "A1", "height": 150}))
async def represent(request: Request, location: str, node: str) -> Response:
    """Teach a node a location: the body is what it must know, any JSON; no body is null."""
    read = await content(request)
    command = {"location": location, "node": node, "representation": parsed(read) if read else None}
    return await told(request, "location.represent", command)


@router.delete("/location/{location}/remove_representation/{node}")
async def unrepresent(request: Request, location: str, node: str) -> Response:
    """Have a node forget a location."""
    return await told(request, "location.unrepresent", {"location": location, "node": node})


@router.post("/location/{location}/attach_resource", openapi_extra=asks(WHAT))
async def attach(request: Request, location: str) -> Response:
    """Say that a resource is what is at a location."""
    return await told(request, "location.attach", {"location": location, **parameters(request, WHAT)})


@router.delete("/location/{location}/detach_resource")
async def detach(request: Request, location: str) -> Response:
    """Say that nothing is at a location any more."""
    return await told(request, "location.detach", {"location": location})


@router.get("/location/{location}/resources", openapi_extra=asks(AS_OF))
async def contents(request: Request, location: str) -> Response:
    """Tell what is at a location: the resource, what that is in, closest first, and what is in it, by parent."""
    query = {"location": location, **parameters(request, AS_OF)}
    return json(held(orjson.loads(await ask(request, "location.contents", query))))


@router.post("/reconcile")
@router.get("/reconciliation/status")
async def awaiting(request: Request) -> Response:
    """Tell which locations wait for a template. Nothing is to be done by hand: as soon as it is there, so is the
    resource.
    """
    waiting = [one for one in await every(request, {}) if one["awaits_template"]]
    unresolved = {one["name"]: one["resource_template_name"] for one in waiting}
    return json({"reconciliation_enabled": True, "resources_resolved": 0, "unresolved_locations": unresolved})


async def told(request: Request, verb: str, message: Json) -> Response:
    """The location that a worker answers, in their shape, and its version as ETag."""
    answered = orjson.loads(await ask(request, verb, message))
    return tagged(shown(answered), answered["version"])


async def every(request: Request, find: Json) -> list[Json]:
    """All locations that match, however many pages they fill."""
    locations: list[Json] = []
    size, after = MAX_LOCATIONS, None
    while True:
        read, size = await page(request, "location.list", find | {"after": after}, size)
        locations += read["locations"]
        after = read["next"]
        if after is None:
            return locations


def user(request: Request) -> str | None:
    """Whose the request is, as their clients say it."""
    return request.headers.get("x-owner")
