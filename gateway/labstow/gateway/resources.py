"""Resources over REST, in the shapes of MADSci's clients."""

from contextlib import suppress
from typing import Any, Final

import orjson
from fastapi import APIRouter, Request, Response

from labstow.contracts.base_types import CONTAINERS, BaseType
from labstow.contracts.errors import Invalid, NotFound, Refusal
from labstow.contracts.resource import MAX_PAGE
from labstow.gateway.edge import Refused, Route, ask, body, json, op_id
from labstow.gateway.ids import is_ulid
from labstow.gateway.madsci import given, shown
from labstow.gateway.openapi import RESOURCE, takes
from labstow.gateway.paging import page

Json = dict[str, Any]

FILTERS: Final = {
    "resource_id": "resource_id",
    "resource_name": "name",
    "resource_description": "description",
    "resource_class": "resource_class",
    "base_type": "base_type",
    "parent_id": "parent_id",
    "owner": "owner",
    "removed": "removed",
    "unique": "unique",
    "multiple": "multiple",
}
"""Keys of their query, and what they are in ours."""

LATER: Final = frozenset({"attributes", "created_after", "is_empty", "offset"})

router = APIRouter(route_class=Route, tags=["resources"])


@router.post("/resource/add", openapi_extra=takes(RESOURCE))
async def add(request: Request) -> Response:
    """Record a new resource with everything in it; the stored one, if the id is known and means the same."""
    return await done(request, "resource.add", placed(request, await body(request)))


@router.post("/resource/init", openapi_extra=takes(RESOURCE))
async def init(request: Request) -> Response:
    """Get the resource that matches a definition, or create it."""
    return await done(request, "resource.init", {"resource": given(await body(request), op_id(request))})


@router.post("/resource/add_or_update", openapi_extra=takes(RESOURCE))
async def add_or_update(request: Request) -> Response:
    """Record a new resource, or write the fields that are named of a known one and of what is in it."""
    return await done(request, "resource.upsert", placed(request, await body(request)))


@router.post("/resource/update", openapi_extra=takes(RESOURCE))
async def update(request: Request) -> Response:
    """Write a resource as it was last read, with what is in it. Children that are not named stay."""
    return await done(request, "resource.replace", {"resource": given(await body(request), op_id(request))})


@router.post("/resource/query", openapi_extra=takes({"resource_class": "plate", "multiple": True}))
async def query(request: Request) -> Response:
    """Find all resources that match, or with `multiple: false` the first, or with `unique` the only one."""
    find, limit = question(await body(request))
    if find.get("unique") or find.get("multiple") is False:
        return answer(orjson.loads(await ask(request, "resource.find", find))["resources"][0])
    found: list[Json] = []
    size, after = MAX_PAGE, None
    while True:
        size = min(size, limit - len(found)) if limit else size
        read, size = await page(request, "resource.find", find | {"after": after}, size)
        found += read["resources"]
        after = read["next"]
        if after is None or len(found) == limit:
            return json([shown(thing) for thing in found])


@router.get("/resource/{resource_id}")
async def get(request: Request, resource_id: str) -> Response:
    """Read a resource with everything in it."""
    return answer(await whole(request, known(resource_id)))


@router.delete("/resource/{resource_id}")
async def remove(request: Request, resource_id: str) -> Response:
    """Remove a resource and everything in it, so that it can be restored."""
    reply = await ask(request, "resource.remove", {"resource_id": known(resource_id)})
    return answer(orjson.loads(reply))


@router.get("/resource/{resource_id}/hierarchy")
async def hierarchy(request: Request, resource_id: str) -> Response:
    """Tell what a resource is in, closest first, and what is in it, by parent."""
    reply = await ask(request, "resource.hierarchy", {"resource_id": known(resource_id)})
    return Response(reply, media_type="application/json")


def placed(request: Request, wire: Json) -> Json:
    """A resource to be, and where it goes."""
    resource = given(wire, op_id(request))
    if wire.get("parent_id") is None:
        return {"resource": resource}
    return {"resource": resource | {"position": wire.get("key")}, "parent_id": wire["parent_id"]}


async def done(request: Request, verb: str, command: Json) -> Response:
    """Have a command done, and answer the resource with its children, which the worker leaves out.

    If they cannot be read it is answered without them: the command is done, and a refusal would say that it is not.
    """
    thing = orjson.loads(await ask(request, verb, command))
    if thing["base_type"] in CONTAINERS and (thing["base_type"] == BaseType.POOL or float(thing["quantity"])):
        with suppress(Refused, Refusal):
            thing = await whole(request, thing["resource_id"])
    return answer(thing)


async def whole(request: Request, resource_id: str) -> Json:
    """A resource with everything in it."""
    thing: Json = orjson.loads(await ask(request, "resource.get", {"resource_id": resource_id}))
    return thing


def known(resource_id: str) -> str:
    """The id, if it is one.

    Raises:
        NotFound: it is not, so there is no such resource.
    """
    if not is_ulid(resource_id):
        raise NotFound(resource_id=resource_id[:80])
    return resource_id


def answer(thing: Json) -> Response:
    """A resource in their shape, and its version as ETag."""
    response = json(shown(thing))
    response.headers["ETag"] = f'"{thing["version"]}"'
    return response


def question(wire: Json) -> tuple[Json, int | None]:
    """Their query as ours, and how many are wanted at most.

    Raises:
        Invalid: it has a filter that we do not know; to leave it out would find too much.
    """
    asked = {key: value for key, value in wire.items() if value is not None}
    if later := sorted(LATER & asked.keys()):
        raise Invalid(summary=f"a query by {', '.join(later)} is not served yet", errors=[])
    if unknown := sorted(asked.keys() - FILTERS.keys() - {"limit"}):
        raise Invalid(summary=f"a query has no {', '.join(unknown)[:200]}", errors=[])
    limit = asked.pop("limit", None)
    if limit is not None and (type(limit) is not int or limit < 1):
        raise Invalid(summary="limit: expected a whole number from 1", errors=[])
    return {FILTERS[key]: value for key, value in asked.items()} | {"children": True}, limit
