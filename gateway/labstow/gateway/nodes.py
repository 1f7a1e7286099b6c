"""Which nodes are there, over REST."""

from fastapi import APIRouter, Request, Response

from labstow.gateway.answers import passed
from labstow.gateway.edge import Route, an_object, content, parsed
from labstow.gateway.openapi import takes

router = APIRouter(route_class=Route, tags=["nodes"])


@router.post("/node/{node}/beat", openapi_extra=takes({"for_s": 30, "about": {"battery": 0.9}}, required=False))
async def beat(request: Request, node: str) -> Response:
    """Say that a node is there, for `for_s` seconds (30); say it again before they are over."""
    read = await content(request)
    more = an_object(parsed(read), "for_s", "about") if read else {}
    return await passed(request, "node.beat", {"node": node, **more})


@router.get("/nodes")
async def nodes(request: Request) -> Response:
    """Read which nodes are there."""
    return await passed(request, "node.list", {})
