"""Over REST, what locations are made from: representation templates and location templates, as MADSci 0.8 has them."""

from typing import Any, Final

import orjson
from fastapi import APIRouter, Request, Response

from labstow.contracts import pattern
from labstow.gateway.answers import tagged
from labstow.gateway.edge import MadsciRoute, ask, body, json
from labstow.gateway.locations import told
from labstow.gateway.madsci.patterns import LOCATION, REPRESENTATION, given, made, shown
from labstow.gateway.openapi import takes

Json = dict[str, Any]

DECK: Final = {
    "template_name": "lh_deck",
    "default_values": {"deck_type": "standard"},
    "required_overrides": ["deck_position"],
}
SLOT: Final = {"template_name": "lh_deck_slot", "representation_templates": {"deck_controller": "lh_deck"}}
MADE: Final = {
    "location_name": "lh1.deck_1",
    "template_name": "lh_deck_slot",
    "node_bindings": {"deck_controller": "liquidhandler_1"},
    "representation_overrides": {"deck_controller": {"deck_position": 1}},
}

router = APIRouter(route_class=MadsciRoute, tags=["location templates"])


@router.get("/representation_templates")
async def representations(request: Request) -> Response:
    """Read all representation templates."""
    return await every(request, pattern.ListRepresentationTemplates.subject, REPRESENTATION)


@router.get("/representation_template/{template_name}")
async def representation(request: Request, template_name: str) -> Response:
    """Read a representation template: what a kind of node must know of a place."""
    return await one(request, pattern.GetRepresentationTemplate.subject, {"name": template_name}, REPRESENTATION)


@router.post("/representation_template", openapi_extra=takes(DECK))
async def create_representation(request: Request) -> Response:
    """Make a representation template. Refused where there is one of this name."""
    command = {"template": given(await body(request), REPRESENTATION)}
    return await one(request, pattern.CreateRepresentationTemplate.subject, command, REPRESENTATION)


@router.post("/representation_template/init", openapi_extra=takes(DECK))
async def init_representation(request: Request) -> Response:
    """Make a representation template; one that is there stays, or is changed if its `version` is another."""
    command = {"template": given(await body(request), REPRESENTATION), "init": True}
    return await one(request, pattern.CreateRepresentationTemplate.subject, command, REPRESENTATION)


@router.delete("/representation_template/{template_name}")
async def remove_representation(request: Request, template_name: str) -> Response:
    """Remove a representation template. What was made from it stays."""
    return await removed(request, pattern.RemoveRepresentationTemplate.subject, template_name, "Representation")


@router.get("/location_templates")
async def locations(request: Request) -> Response:
    """Read all location templates."""
    return await every(request, pattern.ListLocationTemplates.subject, LOCATION)


@router.get("/location_template/{template_name}")
async def location(request: Request, template_name: str) -> Response:
    """Read a location template: a kind of place, and the roles that nodes play there."""
    return await one(request, pattern.GetLocationTemplate.subject, {"name": template_name}, LOCATION)


@router.post("/location_template", openapi_extra=takes(SLOT))
async def create_location(request: Request) -> Response:
    """Make a location template. Refused where there is one of this name."""
    command = {"template": given(await body(request), LOCATION)}
    return await one(request, pattern.CreateLocationTemplate.subject, command, LOCATION)


@router.post("/location_template/init", openapi_extra=takes(SLOT))
async def init_location(request: Request) -> Response:
    """Make a location template; one that is there stays, or is changed if its `version` is another."""
    command = {"template": given(await body(request), LOCATION), "init": True}
    return await one(request, pattern.CreateLocationTemplate.subject, command, LOCATION)


@router.delete("/location_template/{template_name}")
async def remove_location(request: Request, template_name: str) -> Response:
    """Remove a location template. What was made from it stays."""
    return await removed(request, pattern.RemoveLocationTemplate.subject, template_name, "Location")


@router.post("/location/from_template", openapi_extra=takes(MADE))
async def add_from_template(request: Request) -> Response:
    """Make a location from a location template, with a node for each role."""
    return await told(request, pattern.AddFromTemplate.subject, made(await body(request)))


async def every(request: Request, verb: str, fields: tuple[str, ...]) -> Response:
    """All templates of a kind, in their shape."""
    return json([shown(each, fields) for each in orjson.loads(await ask(request, verb, {}))["templates"]])


async def one(request: Request, verb: str, message: Json, fields: tuple[str, ...]) -> Response:
    """The template that a worker answers, in their shape, and its version as ETag."""
    template = orjson.loads(await ask(request, verb, message))
    return tagged(shown(template, fields), template["version"])


async def removed(request: Request, verb: str, name: str, kind: str) -> Response:
    """That a template is removed, as they are told it."""
    await ask(request, verb, {"name": name})
    return json({"message": f"{kind} template '{name}' deleted successfully"})
