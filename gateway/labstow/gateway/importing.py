"""Bringing many locations in over REST, each by itself: one that cannot be brought in does not stop the others."""

import asyncio
from typing import Any, Final

import orjson
from fastapi import APIRouter, Request, Response

from labstow.contracts.errors import Invalid, Refusal
from labstow.contracts.location import MAX_LOCATIONS
from labstow.contracts.place_errors import LocationExists, NoLocation
from labstow.gateway.edge import MadsciRoute, Refused, ask, content, json, parsed
from labstow.gateway.locations import user
from labstow.gateway.madsci.locations import CHANGED, given, shown
from labstow.gateway.openapi import LOCATION, asks, takes
from labstow.gateway.parameters import FLAG, parameters

Json = dict[str, Any]

HOW: Final = {"overwrite": FLAG}
AT_ONCE: Final = 32

router = APIRouter(route_class=MadsciRoute, tags=["locations"])


@router.post("/locations/import", openapi_extra=takes([LOCATION]) | asks(HOW))
async def bring(request: Request) -> Response:
    """Make locations. One whose name is there is skipped, or with `overwrite` becomes what is given: a description and
    representations that are not given go, what is attached stays. `errors` says what could not be brought in.
    """
    wires = parsed(await content(request))
    if not isinstance(wires, list):
        raise Invalid(summary="the body must be a list of locations", errors=[])
    if len(wires) > MAX_LOCATIONS:
        raise Invalid(summary=f"more than {MAX_LOCATIONS} locations: import them in parts", errors=[])
    overwrite = parameters(request, HOW).get("overwrite", False)
    locations: list[Json] = []
    errors: list[str] = []
    names: set[str] = set()
    for start in range(0, len(wires), AT_ONCE):
        some = wires[start : start + AT_ONCE]
        asked = (brought(request, wire, str(start + at), names, overwrite) for at, wire in enumerate(some))
        for wire, came in zip(some, await asyncio.gather(*asked, return_exceptions=True), strict=True):
            if isinstance(came, BaseException):
                errors.append(f"Error importing location {named(wire)}: {why(came)}")
            elif came is not None:
                locations.append(shown(came))
    counts = {"imported": len(locations), "skipped": len(wires) - len(locations) - len(errors)}
    return json({**counts, "errors": errors, "locations": locations})


async def brought(request: Request, wire: object, part: str, names: set[str], overwrite: bool) -> Json | None:
    """The location that was made, or changed; None if it was there and stays as it is.

    Raises:
        Refused, Refusal: it cannot be made or changed.
    """
    new = given(wire, user(request))
    if (name := str(new.get("name"))) in names:
        raise Invalid(summary="its name is there more than once", errors=[])
    names.add(name)
    try:
        return await asked(request, "location.add", {"location": new}, part)
    except Refused as refused:
        if refused.reply.code != LocationExists.code:
            raise
        try:
            old = await asked(request, "location.get", {"location": name, "by": "name"}, part)
        except Refused as gone:
            if gone.reply.code != NoLocation.code:
                raise
            raise await taken(request, new, part, refused) from None
    if not overwrite:
        return None
    changes = {"description": None} | {key: new[key] for key in CHANGED if key in new}
    changed = await asked(request, "location.update", {"location": old["location_id"], "changes": changes}, part)
    known = old["representations"].keys() & changed["representations"].keys()
    for node in sorted(known - new.get("representations", {}).keys()):
        forget = {"location": old["location_id"], "node": node}
        changed = await asked(request, "location.unrepresent", forget, f"{part} {node}")
    if new.get("resource_id") in (None, old["resource_id"]):
        return changed
    attached = {"location": old["location_id"], "resource_id": new["resource_id"]}
    return await asked(request, "location.attach", attached, part)


async def taken(request: Request, new: Json, part: str, refused: Refused) -> Exception:
    """Why there can be no new location, if there is none of its name: another one has its id, or was removed."""
    if "location_id" not in new:
        return refused
    try:
        await asked(request, "location.get", {"location": new["location_id"], "by": "id"}, part)
    except Refused as gone:
        if gone.reply.code != NoLocation.code:
            return gone
        told = f"Location with ID '{new['location_id']}' was removed, and its id is not used again: leave it out"
        return LocationExists(told, by="ID", key=new["location_id"])
    return refused


async def asked(request: Request, verb: str, message: Json, part: str) -> Json:
    """What a worker answers."""
    answered: Json = orjson.loads(await ask(request, verb, message, part=f"{verb} {part}"))
    return answered


def named(wire: object) -> str:
    """How an error calls a location."""
    name = (wire.get("location_name") or wire.get("name")) if isinstance(wire, dict) else wire
    return f"'{str(name)[:80]}'"


def why(no: BaseException) -> str:
    """What was wrong with one location.

    Raises:
        BaseException: it was not about that location.
    """
    if isinstance(no, Refused) and no.reply.status < 500:
        return str(orjson.loads(no.reply.body)["detail"])
    if isinstance(no, Refusal) and no.status < 500:
        return no.detail
    raise no
