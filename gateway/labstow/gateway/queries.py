"""Questions about resources over REST: those that match, where one is, what is in one, where there is room."""

from typing import Any, Final

import orjson
from fastapi import APIRouter, Request, Response

from labstow.contracts.errors import Invalid
from labstow.contracts.queries import MAX_PAGE
from labstow.gateway.answers import answer, known, passed
from labstow.gateway.edge import Route, ask, body, json, refuse_unknown
from labstow.gateway.madsci.shown import written
from labstow.gateway.openapi import asks, takes
from labstow.gateway.paging import page
from labstow.gateway.parameters import FLAG, MAPPING, MOMENT, TEXT, WHOLE, instant, parameters

Json = dict[str, Any]

FILTERS: Final = {
    "resource_id": TEXT,
    "resource_name": TEXT,
    "resource_description": TEXT,
    "resource_class": TEXT,
    "base_type": TEXT,
    "parent_id": TEXT,
    "template_name": TEXT,
    "text": TEXT,
    "owner": MAPPING,
    "attributes": MAPPING,
    "is_empty": FLAG,
    "removed": FLAG,
    "created_after": MOMENT,
    "created_before": MOMENT,
    "updated_after": MOMENT,
    "updated_before": MOMENT,
    "as_of": MOMENT,
    "sort": TEXT,
    "descending": FLAG,
    "limit": WHOLE,
    "offset": WHOLE,
}
"""What resources are found by, in a body or a URL."""

PAGED: Final = FILTERS | {"after": TEXT, "count": FLAG, "children": FLAG}
OURS: Final = {"resource_name": "name", "resource_description": "description"}
"""Names of theirs that are others of ours, of filters and of what is sorted by."""

AS_OF: Final = {"as_of": MOMENT}
ROOM: Final = {"count": WHOLE, "together": FLAG}
ANYWHERE: Final = ROOM | {"within_id": TEXT, "resource_class": TEXT, "base_type": TEXT}

router = APIRouter(route_class=Route, tags=["queries"])


@router.post("/resource/query", openapi_extra=takes({"resource_class": "plate", "multiple": True}))
async def query(request: Request) -> Response:
    """Find all resources that match, or with `multiple: false` the first, or with `unique` the only one."""
    find = question(await body(request))
    limit = find.pop("limit", None)
    if limit is not None and (type(limit) is not int or limit < 1):
        raise Invalid(summary="limit: expected a whole number from 1", errors=[])
    if find.get("unique") or find.get("multiple") is False:
        return answer(orjson.loads(await ask(request, "resource.find", find))["resources"][0])
    found: list[Json] = []
    size = MAX_PAGE
    while True:
        size = min(size, limit - len(found)) if limit else size
        read, size = await page(request, "resource.find", find, size)
        found += read["resources"]
        if read["next"] is None or len(found) == limit:
            return json([written(thing) for thing in found])
        find = {key: value for key, value in find.items() if key != "offset"} | {"after": read["next"]}


@router.get("/resources", openapi_extra=asks(PAGED))
async def resources(request: Request) -> Response:
    """Find resources page by page: `next` of one page is `after` of the next request.

    With `count` it is told how many there are; with `children=false` containers are shown empty, which is quicker.
    """
    find = translated(parameters(request, PAGED))
    read, _ = await page(request, "resource.find", {"children": True, **find}, find.get("limit", 100))
    return json({**read, "resources": [written(thing) for thing in read["resources"]]})


@router.get("/resource/{resource_id}/hierarchy", openapi_extra=asks(AS_OF))
async def hierarchy(request: Request, resource_id: str) -> Response:
    """Tell what a resource is in, closest first, and what is in it, by parent."""
    find = {"resource_id": known(resource_id), **parameters(request, AS_OF)}
    return await passed(request, "resource.hierarchy", find)


@router.get("/resource/{resource_id}/tree", openapi_extra=asks(AS_OF))
async def tree(request: Request, resource_id: str) -> Response:
    """Tell the names and quantities of a resource and of everything in it."""
    return await passed(request, "resource.tree", {"resource_id": known(resource_id), **parameters(request, AS_OF)})


@router.get("/resource/{resource_id}/where", openapi_extra=asks(AS_OF))
async def where(request: Request, resource_id: str) -> Response:
    """Tell where a resource is: the way to it from the outermost container, and the same in words."""
    return await passed(request, "resource.where", {"resource_id": known(resource_id), **parameters(request, AS_OF)})


@router.get("/resource/{resource_id}/free", openapi_extra=asks(ROOM))
async def free_in(request: Request, resource_id: str) -> Response:
    """Tell whether there is room for `count` things in a container, and at which positions."""
    find = {"container_id": known(resource_id), **parameters(request, ROOM)}
    return await passed(request, "resource.find-free", find)


@router.get("/free", openapi_extra=asks(ANYWHERE))
async def free(request: Request) -> Response:
    """Tell where there is room for `count` things, with `together` in one container."""
    return await passed(request, "resource.find-free", parameters(request, ANYWHERE))


def question(wire: Json) -> Json:
    """The query in a body as ours.

    Raises:
        Invalid: it has a filter that we do not know, as to leave it out would find too much; or a date that is none.
    """
    asked = {key: value for key, value in wire.items() if value is not None}
    refuse_unknown(asked, (*FILTERS, "unique", "multiple"), "in a query")
    for key, value in asked.items():
        if FILTERS.get(key) is MOMENT:
            try:
                asked[key] = instant(value)
            except ValueError as error:
                raise Invalid(summary=f"{key}: {error}", errors=[]) from None
    return {"children": True, **translated(asked)}


def translated(asked: Json) -> Json:
    """A query with our names."""
    find = {OURS.get(key, key): value for key, value in asked.items()}
    if isinstance(by := find.get("sort"), str):
        find["sort"] = {"resource_name": "name", "resource_id": "id"}.get(by, by)
    return find
