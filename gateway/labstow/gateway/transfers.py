"""Plans and transfers over REST: graph and plan in the shapes of MADSci's clients, all else as workers know it."""

from collections.abc import Callable
from typing import Any, Final

import orjson
from fastapi import APIRouter, Request, Response

from labstow.contracts.place_errors import NoTransfer
from labstow.contracts.ulids import is_ulid, new_ulid
from labstow.gateway.answers import passed, tagged
from labstow.gateway.edge import MadsciRoute, Route, an_object, ask, body, content, json, parsed
from labstow.gateway.madsci.graphs import adjacent, detailed
from labstow.gateway.madsci.workflow import workflow
from labstow.gateway.openapi import RESOURCE_ID, asks, takes
from labstow.gateway.parameters import TEXT, WHOLE, parameters

Json = dict[str, Any]

BETWEEN: Final = {"source_location_id": TEXT, "target_location_id": TEXT, "resource_id": TEXT}
OURS: Final = {"source_location_id": "source", "target_location_id": "target", "resource_id": "resource_id"}
DRAWN: Final = {"source": TEXT, "target": TEXT}
LISTED: Final = {"state": TEXT, "resource_id": TEXT, "node": TEXT, "limit": WHOLE, "before": TEXT}

PLAN: Final = {"resource_id": RESOURCE_ID, "target": "analysis_station", "k": 3, "avoid": ["safety_zone"]}
ERRAND: Final = {"resource_id": RESOURCE_ID, "target": "analysis_station", "node": "robotarm_1"}
ABORT: Final = {"left": "source", "reason": "the gripper slipped"}
ARM: Final = {"node_name": "robotarm_1", "action": "transfer_sample", "cost_weight": 1.0}

router = APIRouter(route_class=MadsciRoute, tags=["transfers"])
ours = APIRouter(route_class=Route, tags=["transfers"])


@router.get("/transfer/graph")
async def graph(request: Request) -> Response:
    """Read the ids of the locations that each location has a step to; those that have none are left out."""
    return await graph_as(request, adjacent)


@router.get("/transfer/graph/detailed")
async def detailed_graph(request: Request) -> Response:
    """Read all steps there are, with the nodes that can take them, and the lowest cost."""
    return await graph_as(request, detailed)


@router.get("/transfer/graph.svg", openapi_extra=asks(DRAWN))
async def picture(request: Request) -> Response:
    """See the transfer graph; with a source and a target, the best way between them stands out."""
    drawn = orjson.loads(await ask(request, "transfer.picture", parameters(request, DRAWN)))
    return Response(drawn["svg"], media_type="image/svg+xml")


@router.post("/transfer/plan", openapi_extra=takes(PLAN, required=False) | asks(BETWEEN))
async def plan(request: Request) -> Response:
    """Plan how to get something from one place to another.

    Without a body, from and to the locations of the parameters, as a workflow of MADSci; with one, as it says, with
    costs, reasons and other ways.
    """
    if read := await content(request):
        parameters(request, {})
        return await passed(request, "transfer.plan", an_object(parsed(read)))
    query = {OURS[key]: value for key, value in parameters(request, BETWEEN).items()}
    if query.get("source") is not None:
        query.pop("resource_id", None)  # theirs is not looked at; where it is recorded to be may be old
    return json(workflow(orjson.loads(await ask(request, "transfer.plan", query)), new_ulid()))


@ours.get("/transfer/capabilities")
async def capabilities(request: Request) -> Response:
    """Read what the robots can do, in the format of MADSci's `transfer_capabilities`."""
    return configured(await ask(request, "transfer.configuration", {}))


@ours.put("/transfer/capabilities", openapi_extra=takes({"transfer_templates": [ARM]}))
async def configure(request: Request) -> Response:
    """Set what the robots can do, all of it; `If-Match: "0"` if nothing was set before."""
    return configured(await ask(request, "transfer.configure", {"capabilities": await body(request)}))


@ours.post("/transfer/check", openapi_extra=takes({"errand": ERRAND, "present": True}))
async def check(request: Request) -> Response:
    """Tell what would stand in the way of a transfer right now. Changes nothing."""
    return await passed(request, "transfer.check", await body(request))


@ours.post("/transfer/begin", openapi_extra=takes({"errand": ERRAND, "due_s": 120}))
async def begin(request: Request) -> Response:
    """Take a thing out of where it is, into the gripper of a node, on its way to a target."""
    return await passed(request, "transfer.begin", await body(request))


@ours.post("/transfer/{transfer_id}/complete", openapi_extra=takes({"position": "A1"}, required=False))
async def complete(request: Request, transfer_id: str) -> Response:
    """Put a thing where it was to go, or, with a `position`, where it really is."""
    return await ended(request, "transfer.complete", transfer_id, "position")


@ours.post("/transfer/{transfer_id}/abort", openapi_extra=takes(ABORT, required=False))
async def abort(request: Request, transfer_id: str) -> Response:
    """End a transfer otherwise: `left` is `source`, `gripper` or `nowhere`; or it is left in another container.

    What is no longer in the gripper stays where it is: nothing needs to be said of it.
    """
    return await ended(request, "transfer.abort", transfer_id, "left", "container_id", "position", "reason")


@ours.get("/transfer/{transfer_id}")
async def get(request: Request, transfer_id: str) -> Response:
    """Read a transfer, under way or over."""
    return await passed(request, "transfer.get", {"transfer_id": known(transfer_id)})


@ours.get("/transfers", openapi_extra=asks(LISTED))
async def transfers(request: Request) -> Response:
    """Read transfers, newest first; `next` of one page is `before` of the next.

    `state` is `begun`, `completed` or `aborted`.
    """
    return await passed(request, "transfer.list", parameters(request, LISTED))


async def graph_as(request: Request, shape: Callable[[Json], Json]) -> Response:
    """The graph in a shape; written once for each version of the laboratory."""
    kept: dict[object, tuple[int, bytes]] = request.app.state.graphs
    known = kept.get(shape)
    told = orjson.loads(await ask(request, "transfer.graph", {"unless": known[0]} if known else {}))
    if known is None or not told.get("unchanged"):
        known = kept[shape] = (told["lab_version"], orjson.dumps(shape(told)))
    return Response(known[1], media_type="application/json")


async def ended(request: Request, verb: str, transfer_id: str, *keys: str) -> Response:
    """The transfer, over; a body that says nothing may be left out."""
    read = await content(request)
    more = an_object(parsed(read), *keys) if read else {}
    return await passed(request, verb, {"transfer_id": known(transfer_id), **more})


def configured(read: bytes) -> Response:
    """Capabilities, and their version as ETag."""
    told = orjson.loads(read)
    return tagged(told["capabilities"], told["version"])


def known(transfer_id: str) -> str:
    """The id, if it is one.

    Raises:
        NoTransfer: it is not, so there is no such transfer.
    """
    if not is_ulid(transfer_id):
        raise NoTransfer(transfer_id=transfer_id[:80])
    return transfer_id
