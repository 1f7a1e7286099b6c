"""Many commands as one, over REST."""

from typing import Final

from fastapi import APIRouter, Request, Response

from labstow.gateway.answers import passed
from labstow.gateway.edge import Route, body
from labstow.gateway.openapi import RESOURCE_ID, takes

STEPS: Final = {
    "steps": [
        {"verb": "decrease-quantity", "command": {"resource_id": RESOURCE_ID, "amount": "0.5"}},
        {"verb": "move", "command": {"resource_id": RESOURCE_ID, "container_id": RESOURCE_ID, "position": "A1"}},
    ]
}

router = APIRouter(route_class=Route, tags=["batch"])


@router.post("/batch", openapi_extra=takes(STEPS))
async def batch(request: Request) -> Response:
    """Do up to 500 commands in one transaction, each on what those before it did; if one is refused, none is done.

    Commands and answers have the names and shapes of messages here, not those of MADSci's clients.
    """
    return await passed(request, "resource.batch", await body(request))
