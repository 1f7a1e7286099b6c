"""What most routes about resources have in common."""

from contextlib import suppress
from typing import Any

import orjson
from fastapi import Request, Response

from labstow.contracts.base_types import CONTAINERS, BaseType
from labstow.contracts.errors import NotFound, Refusal
from labstow.contracts.ulids import is_ulid
from labstow.gateway.edge import Refused, ask, json
from labstow.gateway.madsci.shown import shown

Json = dict[str, Any]


def known(resource_id: str) -> str:
    """The id, if it is one.

    Raises:
        NotFound: it is not, so there is no such resource.
    """
    if not is_ulid(resource_id):
        raise NotFound(resource_id=resource_id[:80])
    return resource_id


async def done(request: Request, verb: str, command: Json, part: str | None = None) -> Response:
    """Have a command done, and answer the resource, or that part of the reply, with what is in it."""
    reply = orjson.loads(await ask(request, verb, command, fill=part or "."))
    return answer(await filled(request, reply if part is None else reply[part]))


async def filled(request: Request, thing: Json) -> Json:
    """A resource with its children, which the worker left out if it could not read them, or answered so before.

    If they cannot be read it is given without them: the command is done, and a refusal would say that it is not.
    """
    if "children" in thing:
        return thing
    if thing["base_type"] in CONTAINERS and (thing["base_type"] == BaseType.POOL or float(thing["quantity"])):
        with suppress(Refused, Refusal):
            return await whole(request, thing["resource_id"])
    return thing


async def whole(request: Request, resource_id: str, **how: object) -> Json:
    """A resource with everything in it."""
    thing: Json = orjson.loads(await ask(request, "resource.get", {"resource_id": resource_id, **how}))
    return thing


def answer(thing: Json) -> Response:
    """A resource in their shape, and its version as ETag."""
    return tagged(shown(thing), thing["version"])


def tagged(shown: Json, version: int) -> Response:
    """Something in their shape, and its version as ETag."""
    response = json(shown)
    response.headers["ETag"] = f'"{version}"'
    return response


async def passed(request: Request, verb: str, query: Json) -> Response:
    """What a worker answers, as it is."""
    return Response(await ask(request, verb, query), media_type="application/json")
