"""Resources over REST, in the shapes of MADSci's clients."""

from typing import Any, Final

import orjson
from fastapi import APIRouter, Request, Response

from labstow.contracts.errors import NotRemoved
from labstow.contracts.ulids import is_ulid
from labstow.gateway.answers import answer, done, filled, known, tagged, whole
from labstow.gateway.edge import MadsciRoute, ask, body
from labstow.gateway.madsci.given import given
from labstow.gateway.madsci.shown import COPY, shown
from labstow.gateway.openapi import RESOURCE, asks, takes
from labstow.gateway.operations import op_id, write_from
from labstow.gateway.parameters import FLAG, MOMENT, parameters

Json = dict[str, Any]

HOW: Final = {"as_of": MOMENT, "children": FLAG, "removed": FLAG}

router = APIRouter(route_class=MadsciRoute, tags=["resources"])


@router.get("/resource/{resource_id}", openapi_extra=asks(HOW))
async def get(request: Request, resource_id: str) -> Response:
    """Read a resource with everything in it, as it is or as it was at a moment."""
    return answer(await whole(request, known(resource_id), **parameters(request, HOW)))


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
    """Record a new resource, or write the fields that are named of a known one and of what is in it.

    With the version that was read in the body, what others wrote since then is kept.
    """
    wire = await body(request)
    write_from(request, wire.get(COPY))
    return await done(request, "resource.upsert", placed(request, wire, read=True))


@router.post("/resource/update", openapi_extra=takes(RESOURCE))
async def update(request: Request) -> Response:
    """Write a resource as it was last read, with what is in it. Children that are not named stay.

    With the version that was read in the body, what others wrote since then is kept.
    """
    wire = await body(request)
    write_from(request, wire.get(COPY))
    return await done(request, "resource.replace", {"resource": given(wire, op_id(request), read=True)})


@router.delete("/resource/{resource_id}")
async def remove(request: Request, resource_id: str) -> Response:
    """Remove a resource and everything in it, so that it can be restored."""
    return answer(orjson.loads(await ask(request, "resource.remove", {"resource_id": known(resource_id)})))


@router.post("/history/{resource_id}/restore")
async def restore(request: Request, resource_id: str) -> Response:
    """Bring back what a removal took, to where it was. `refused` says why it is not there, if it is not."""
    if not is_ulid(resource_id):
        raise NotRemoved(resource_id=resource_id[:80])
    told = orjson.loads(await ask(request, "resource.restore", {"resource_id": resource_id}, fill="resource"))
    thing = await filled(request, told["resource"])
    about = {"change_type": "Updated", "changed_at": thing["updated_at"]}
    about |= {"restored": told["restored"], "refused": told["refused"]}
    return tagged(shown(thing) | about, thing["version"])


def placed(request: Request, wire: Json, *, read: bool = False) -> Json:
    """A resource to be, and where it goes."""
    resource = given(wire, op_id(request), read=read)
    if wire.get("parent_id") is None:
        return {"resource": resource}
    return {"resource": resource | {"position": wire.get("key")}, "parent_id": wire["parent_id"]}
