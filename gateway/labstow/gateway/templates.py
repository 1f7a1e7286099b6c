"""Templates over REST, in the shapes of MADSci's clients."""

from typing import Any, Final

import orjson
from fastapi import APIRouter, Request, Response

from labstow.contracts.base_types import BaseType
from labstow.contracts.errors import Invalid, OtherShape
from labstow.gateway.answers import answer, tagged
from labstow.gateway.edge import MadsciRoute, Route, ask, body, json, refuse_unknown
from labstow.gateway.madsci.shown import written
from labstow.gateway.madsci.templates import ABOUT, INSTANCE, changed, created, info, instance, shown_template
from labstow.gateway.openapi import RESOURCE, asks, takes
from labstow.gateway.operations import op_id
from labstow.gateway.paging import page
from labstow.gateway.parameters import WHOLE, parameters

Json = dict[str, Any]

NEW: Final = {"template_name": "plate 96", "resource": RESOURCE, "required_overrides": ["attributes.lot"], "tags": []}
ONE: Final = {"resource_name": "Plate 8", "overrides": {"attributes": {"lot": "L-13"}}, "add_to_database": True}
MANY: Final = {"instances": [{"resource_name": "Plate 8", "overrides": {"attributes": {"lot": "L-13"}}}]}
VERSION: Final = {"version": WHOLE}
PAGE: Final = 1_000

router = APIRouter(route_class=MadsciRoute, tags=["templates"])
ours = APIRouter(route_class=Route, tags=["templates"])


@router.post("/template/create", openapi_extra=takes(NEW))
async def create(request: Request) -> Response:
    """Make a template out of a resource; if there is one of this name, make this its next version."""
    wire = await body(request, "template_name", "resource", "version", *ABOUT)
    return told(await asked(request, "template.create", created(wire, op_id(request))))


@router.get("/templates/query_all")
async def query_all(request: Request) -> Response:
    """Read all templates."""
    return await found(request, {})


@router.post("/templates/query", openapi_extra=takes({"base_type": "container", "tags": ["plate"]}))
async def query(request: Request) -> Response:
    """Read the templates that match; with several `tags`, those that have any of them."""
    return await found(request, await body(request, "base_type", "tags", "created_by"))


@router.get("/templates/categories")
async def categories(request: Request) -> Response:
    """Tell the names of templates by base type, those of containers all under `container`, too."""
    return json((await asked(request, "template.categories", {}))["categories"])


@router.get("/template/{template_name}", openapi_extra=asks(VERSION))
async def get(request: Request, template_name: str) -> Response:
    """Read a template, as it is or at one of its versions."""
    return told(await asked(request, "template.get", {"name": template_name, **parameters(request, VERSION)}))


@router.get("/template/{template_name}/info", openapi_extra=asks(VERSION))
async def get_info(request: Request, template_name: str) -> Response:
    """Tell about a template, and what is made from it."""
    query = {"name": template_name, **parameters(request, VERSION)}
    return json(info(await asked(request, "template.get", query)))


@router.put("/template/{template_name}", openapi_extra=takes({"updates": {"tags": ["plate"], "version": "1.1.0"}}))
async def update(request: Request, template_name: str) -> Response:
    """Change fields of a template, or of the resource in it; attributes are merged. This makes its next version."""
    updates = (await body(request, "updates")).get("updates")
    if not isinstance(updates, dict):
        raise Invalid(summary="updates: expected an object", errors=[])
    if "base_type" in updates:  # sent along with the rest by who has the whole resource
        await refuse_other_type(request, template_name, updates["base_type"])
    return told(await asked(request, "template.update", {"name": template_name, "changes": changed(updates)}))


@router.delete("/template/{template_name}")
async def remove(request: Request, template_name: str) -> Response:
    """Remove a template. What was made from it stays."""
    removed = await asked(request, "template.remove", {"name": template_name})
    return json({"message": f"Template {removed['name']} deleted successfully"})


@router.post("/template/{template_name}/create_resource", openapi_extra=takes(ONE))
async def create_resource(request: Request, template_name: str) -> Response:
    """Make a resource from a template; if there is one of this name, class, type and owner, answer that as it is."""
    wire = await body(request, *INSTANCE, "add_to_database")
    add = wire.get("add_to_database")
    command = {"template": template_name, "instances": [instance(wire)], "attach_by_name": True}
    command["add"] = add is None or add
    return answer((await asked(request, "template.instantiate", command))["resources"][0])


@ours.post("/template/{template_name}/instantiate", openapi_extra=takes(MANY) | asks(VERSION))
async def instantiate(request: Request, template_name: str) -> Response:
    """Make many resources from a template, or from one of its versions, all or none."""
    instances = (await body(request, "instances")).get("instances")
    if not isinstance(instances, list) or not all(isinstance(one, dict) for one in instances):
        raise Invalid(summary="instances: expected a list of objects", errors=[])
    for one in instances:
        refuse_unknown(one, INSTANCE, "in an instance")
    command = {"template": template_name, "instances": [instance(one) for one in instances]}
    made = await asked(request, "template.instantiate", command | parameters(request, VERSION))
    return json({"resources": [written(thing) for thing in made["resources"]]})


async def refuse_other_type(request: Request, template_name: str, asked_for: object) -> None:
    """Refuse to make another type out of a template.

    Raises:
        OtherShape: with the type it has.
    """
    template = await asked(request, "template.get", {"name": template_name})
    kind = template["resource"].get("base_type", BaseType.RESOURCE)
    if kind != asked_for:
        raise OtherShape(name=template["name"], field="base_type", actual=kind, asked=str(asked_for)[:80])


async def found(request: Request, wire: Json) -> Response:
    """Answer all templates that match, however many pages they fill."""
    find = {key: value for key, value in wire.items() if value is not None}
    tags = find.pop("tags", None)
    if tags and not (isinstance(tags, list) and all(isinstance(tag, str) for tag in tags)):
        raise Invalid(summary="tags: expected a list of texts", errors=[])
    templates: list[Json] = []
    size, after = PAGE, None
    while True:
        read, size = await page(request, "template.list", find | {"after": after}, size)
        templates += [one for one in read["templates"] if not tags or not set(tags).isdisjoint(one["tags"])]
        after = read["next"]
        if after is None:
            return json([shown_template(template) for template in templates])


async def asked(request: Request, verb: str, message: Json) -> Json:
    """What a worker answers."""
    answered: Json = orjson.loads(await ask(request, verb, message))
    return answered


def told(template: Json) -> Response:
    """A template in their shape, and its version as ETag."""
    return tagged(shown_template(template), template["version"])
