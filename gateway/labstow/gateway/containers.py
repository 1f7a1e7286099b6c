"""What is where, over REST: into containers, out of them, from one to another."""

import asyncio
from typing import Any, Final

import orjson
from fastapi import APIRouter, Request, Response

from labstow.contracts.base_types import KEYED, ORDERED
from labstow.contracts.errors import InvalidPosition
from labstow.gateway.answers import done, filled, known, tagged, whole
from labstow.gateway.edge import MadsciRoute, Refused, Route, ask, body, json, problem
from labstow.gateway.madsci import contents
from labstow.gateway.madsci.given import given
from labstow.gateway.madsci.shown import COPY, columns, shown
from labstow.gateway.openapi import RESOURCE, RESOURCE_ID, takes
from labstow.gateway.operations import op_id, write_from

Json = dict[str, Any]

IN_LINE: Final = {f"a {kind}" for kind in ORDERED}
INTO: Final = {"container_id": RESOURCE_ID, "key": "A1", "replace": False}

router = APIRouter(route_class=MadsciRoute, tags=["containers"])
ours = APIRouter(route_class=Route, tags=["containers"])


@router.post("/resource/{resource_id}/child/set", openapi_extra=takes({"key": "A1", "child": RESOURCE}))
async def set_child(request: Request, resource_id: str) -> Response:
    """Put a resource, or the one with an id, at a position: from wherever it is, and whatever is there comes out."""
    wire = await body(request, "key", "child")
    known_ = contents.known(wire.get("child"))
    write_from(request, known_.get(COPY))
    child = {**given(known_, op_id(request), read=True), "position": await key_in(request, resource_id, wire)}
    command = {"container_id": known(resource_id), "resource": child, "replace": True, "move": True}
    return await done(request, "resource.place", command, "container")


@router.post("/resource/{resource_id}/child/remove", openapi_extra=takes({"key": "A1"}))
async def remove_child(request: Request, resource_id: str) -> Response:
    """Take the resource at a position out of a container; then it is nowhere."""
    position = await key_in(request, resource_id, await body(request, "key"))
    command = {"container_id": known(resource_id), "position": position}
    try:
        return await done(request, "resource.take", command, "source")
    except Refused as refused:
        if refused.reply.code != InvalidPosition.code:
            raise
        told = orjson.loads(refused.reply.body)
        if told["container"] in IN_LINE:
            told["detail"] = f"nothing has a position in {told['container']}: pop takes out what is next"
        return problem(refused.reply.status, orjson.dumps(told))


@router.post("/resource/{resource_id}/push", openapi_extra=takes({"child_id": RESOURCE_ID, "child": None}))
async def push(request: Request, resource_id: str) -> Response:
    """Put a resource, or the one with an id, on top of a stack, at the end of a queue, or into a slot."""
    wire = await body(request, "child", "child_id")
    child = wire.get("child_id") if wire.get("child") is None else wire["child"]
    wire = contents.known(child)
    write_from(request, wire.get(COPY))
    resource = given(wire, op_id(request), read=True)
    command = {"container_id": known(resource_id), "resource": resource, "move": True}
    return await done(request, "resource.push", command, "container")


@router.post("/resource/{resource_id}/pop")
async def pop(request: Request, resource_id: str) -> Response:
    """Take the resource on top of a stack, at the front of a queue, or in a slot: answers it, and the container."""
    told = orjson.loads(
        await ask(request, "resource.pop", {"container_id": known(resource_id)}, fill="resource,source")
    )
    popped = await asyncio.gather(filled(request, told["resource"]), filled(request, told["source"]))
    return json([shown(thing) for thing in popped])


async def key_in(request: Request, resource_id: str, wire: Json) -> object:
    """The key that was told; where keys are texts, the text that MADSci makes of a number or a tuple."""
    key = wire.get("key")
    parts = key if isinstance(key, list) else [key]
    if isinstance(key, str) or not all(type(part) in (int, str) for part in parts):
        return key
    container = await whole(request, known(resource_id), children=False)
    if container["base_type"] not in KEYED:
        return key
    return str(tuple(parts) if key is parts else key)


@ours.post("/resource/{resource_id}/move", openapi_extra=takes(INTO))
async def move(request: Request, resource_id: str) -> Response:
    """Move a resource to a container, in one transaction; without `container_id`, out of where it is.

    Answers what went where, each without what is in it: `resource`, `container`, `source` and, with `replace`,
    `evicted`.
    """
    wire = await body(request, *INTO, "parent_id", "source_id")
    command = {"resource_id": known(resource_id), "container_id": wire.get("container_id", wire.get("parent_id"))}
    command |= {"position": wire.get("key"), "replace": wire.get("replace", False), "source_id": wire.get("source_id")}
    told = orjson.loads(await ask(request, "resource.move", command))
    return tagged({what: thing and columns(thing) for what, thing in told.items()}, told["resource"]["version"])


@ours.post("/resource/{resource_id}/swap", openapi_extra=takes({"other_id": RESOURCE_ID}))
async def swap(request: Request, resource_id: str) -> Response:
    """Let two resources change places, in one transaction. Answers both, each without what is in it."""
    command = {"resource_id": known(resource_id), "other_id": (await body(request, "other_id")).get("other_id")}
    told = orjson.loads(await ask(request, "resource.swap", command))
    return tagged({what: columns(thing) for what, thing in told.items()}, told["resource"]["version"])
