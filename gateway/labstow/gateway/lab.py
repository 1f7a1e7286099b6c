"""Lab files over REST: the places of a laboratory and what its robots can do, as people write them down."""

from typing import Final

from fastapi import APIRouter, Request, Response

from labstow.gateway.answers import passed
from labstow.gateway.edge import Route, body
from labstow.gateway.openapi import LOCATION, asks, takes
from labstow.gateway.parameters import TEXT, WHOLE, parameters

APPLIED: Final = {"places": {"locations": [LOCATION]}, "absent_only": False, "dry_run": True}
TEMPLATE: Final = {"name": "nest", "resource": {"name": "nest", "resource_class": "nest", "base_type": "slot"}}
PAGE: Final = {"limit": WHOLE, "after": TEXT}

router = APIRouter(route_class=Route, tags=["lab files"])


@router.post("/lab/apply", openapi_extra=takes(APPLIED))
async def apply(request: Request) -> Response:
    """Bring the laboratory to what a lab file says, all or nothing; with `dry_run`, tell what that would change."""
    return await passed(request, "location.apply", await body(request))


@router.get("/lab/export")
async def export(request: Request) -> Response:
    """Read the laboratory as a lab file."""
    return await passed(request, "location.export", {})


@router.get("/lab/templates", openapi_extra=asks(PAGE))
async def templates(request: Request) -> Response:
    """Read the resource templates as a lab file has them, page by page."""
    return await passed(request, "template.list", parameters(request, PAGE))


@router.post("/lab/template", openapi_extra=takes(TEMPLATE))
async def create_template(request: Request) -> Response:
    """Make a resource template as a lab file has it; with `replace`, the next version of the one of this name."""
    return await passed(request, "template.create", await body(request))
