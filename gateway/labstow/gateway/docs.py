"""The page that documents the routes: plain HTML, made from what OpenAPI says, so that it needs no other server."""

from collections import defaultdict
from html import escape
from typing import Any, Final

import orjson
from fastapi import APIRouter, Request, Response

from labstow.gateway.edge import Route

Json = dict[str, Any]

HEAD: Final = """<!doctype html><html lang="en"><meta charset="utf-8"><title>labstow</title>
<meta name="viewport" content="width=device-width">
<style>
body { font: 16px/1.5 system-ui, sans-serif; max-width: 52rem; margin: 2rem auto; padding: 0 1rem }
body { background: Canvas; color: CanvasText; color-scheme: light dark }
summary { padding: .3rem 0; cursor: pointer } summary code { font-weight: 600 } details > * { margin-left: 1rem }
details > summary { margin-left: 0 } pre { overflow: auto; padding: .6rem; border: 1px solid GrayText }
</style>
"""

router = APIRouter(route_class=Route)


@router.get("/docs", include_in_schema=False)
async def docs(request: Request) -> Response:
    """Show what can be asked here."""
    return Response(page(request.app.openapi()), media_type="text/html")


def page(api: Json) -> str:
    """Everything an OpenAPI description tells, by tag."""
    parts: defaultdict[str, list[str]] = defaultdict(list)
    for path, operations in api["paths"].items():
        for method, about in operations.items():
            parts[about["tags"][0]].append(_route(method, path, about))
    listed = "".join(f"<h2>{escape(tag)}</h2>{''.join(routes)}" for tag, routes in parts.items())
    title = f"{api['info']['title']} {api['info']['version']}"
    more = '<p>For programs: <a href="openapi.json">openapi.json</a>. Every refusal is a problem (RFC 9457).</p>'
    return f"{HEAD}<h1>{escape(title)}</h1>{more}{listed}"


def _route(method: str, path: str, about: Json) -> str:
    first, *more = escape(about["description"]).split("\n\n")
    told = "".join(f"<p>{line}</p>" for line in more)
    if parameters := [_parameter(one) for one in about.get("parameters", ()) if one["in"] == "query"]:
        told += f"<p>Parameters: {', '.join(parameters)}</p>"
    if body := about.get("requestBody"):
        example = orjson.dumps(body["content"]["application/json"]["example"], option=orjson.OPT_INDENT_2)
        told += f"<pre>{escape(example.decode())}</pre>"
    return f"<details><summary><code>{method.upper()} {escape(path)}</code><br>{first}</summary>{told}</details>"


def _parameter(one: Json) -> str:
    return f"<code>{escape(one['name'])}</code> ({escape(one['schema'].get('format', one['schema']['type']))})"
