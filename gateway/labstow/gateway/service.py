"""What the gateway says about itself and about the laboratory behind it."""

import asyncio
from contextlib import suppress
from typing import Any, Final
from urllib.parse import urlsplit

import orjson
from fastapi import APIRouter, Request, Response

from labstow.contracts import pattern
from labstow.contracts.errors import Late, Refusal, Unavailable
from labstow.contracts.service import Ready
from labstow.gateway.edge import PROBLEM, RETRY_AFTER, MadsciRoute, Refused, Route, ask, bus, json, settings
from labstow.gateway.locations import every
from labstow.gateway.madsci.locations import shown
from labstow.gateway.version import VERSION

WORKERS: Final = ("resource", "history", "lock", "transfer")
PATIENCE: Final = 1.0
"""Seconds in which a worker has to answer that it is ready."""

router = APIRouter(route_class=MadsciRoute, tags=["service"])
ours = APIRouter(route_class=Route, tags=["service"])


@router.get("/", include_in_schema=False)
@router.get("/definition")
async def definition(request: Request) -> Response:
    """Tell who this is; MADSci's clients ask it when they start. At the port of places, with all of them."""
    own = settings(request)
    told = {"name": own.manager_name, "manager_id": own.shown_id, "version": VERSION}
    if not of_places(request):
        about = {"description": "labstow: the resources of a laboratory", "manager_type": "resource_manager"}
        return json(told | about | {"resource_manager_id": own.shown_id})
    locations = [shown(one) for one in await every(request, {})]
    set_up = orjson.loads(await ask(request, "transfer.configuration", {}))
    about = {"description": "labstow: the places of a laboratory", "manager_type": "location_manager"}
    return json(told | about | {"locations": locations, "transfer_capabilities": set_up["capabilities"]})


@ours.get("/settings")
async def show_settings(request: Request) -> Response:
    """Tell the settings of this gateway, without passwords."""
    own = settings(request)
    shown = own.model_dump(mode="json")
    servers = [urlsplit(url.strip()) for url in own.nats_url.split(",")]
    return json(shown | {"nats_url": ",".join(f"{url.scheme}://{url.netloc.split('@')[-1]}" for url in servers)})


@ours.get("/health")
async def health(request: Request) -> Response:
    """Tell whether everything works, always with 200; `degraded` is what works, only less well."""
    problems, degraded = await found(request)
    told = {**{worker: f"ready, but {why}" for worker, why in degraded.items()}, **problems}
    counted: dict[str, int] = {}
    if of_places(request) and not problems:
        with suppress(Refused, Refusal):  # uncounted is what they take for unknown
            counted = await counts(request)
    return json(
        counted
        | {
            "healthy": not problems,
            "description": "; ".join(told.values()) or "everything answers",
            "version": VERSION,
            "db_connected": not problems,
            "document_db_connected": not problems,
            "cache_connected": not degraded,
            "degraded": degraded,
            "details": {worker: told.get(worker, "ready") for worker in ("nats", *WORKERS)},
        }
    )


@ours.get("/health/live")
async def live(request: Request) -> Response:
    """Answer 200 as long as this process runs."""
    return json({"live": True})


@ours.get("/health/ready", responses={503: {"description": "Not now, and why."}})
async def ready(request: Request) -> Response:
    """Answer 200 when requests would be served now: NATS is there, and the workers have their database."""
    problems, degraded = await found(request)
    if not problems:
        return json({"ready": True, "degraded": degraded})
    told = {"type": "urn:labstow:not_ready", "code": "not_ready", "status": 503, "reasons": problems}
    body = orjson.dumps(told | {"detail": "; ".join(problems.values())})
    return Response(body, 503, RETRY_AFTER, PROBLEM)


def of_places(request: Request) -> bool:
    """Whether the client came to the port of the location manager."""
    return request.url.port == settings(request).location_port


async def counts(request: Request) -> dict[str, int]:
    """How much there is, as MADSci's location manager tells it."""
    locations = await every(request, {})
    templates = [
        len(orjson.loads(await ask(request, query.subject, {}))["templates"])
        for query in (pattern.ListRepresentationTemplates, pattern.ListLocationTemplates)
    ]
    return {
        "num_locations": len(locations),
        "num_representation_templates": templates[0],
        "num_location_templates": templates[1],
        "num_unresolved_locations": sum(one["awaits_template"] for one in locations),
        "num_node_managed_locations": sum(one["managed_by"] == "node" for one in locations),
        "num_lab_managed_locations": sum(one["managed_by"] == "lab" for one in locations),
    }


async def found(request: Request) -> tuple[dict[str, str], dict[str, str]]:
    """Ask all workers at once: what is wrong with whom, and what works less well than it should."""
    if not bus(request).connected:
        return {"nats": "there is no connection to NATS"}, {}
    told = dict(zip(WORKERS, await asyncio.gather(*(trouble(request, worker) for worker in WORKERS)), strict=True))
    problems = {worker: wrong for worker, (wrong, _) in told.items() if wrong}
    return problems, {worker: worse for worker, (_, worse) in told.items() if worse}


async def trouble(request: Request, worker: str) -> tuple[str | None, str | None]:
    """What is wrong with a kind of worker, and what works less well."""
    try:
        reply = await bus(request).ask(f"{worker}.{Ready.subject}", b"{}", budget=PATIENCE, patience=0)
    except (Unavailable, Late):
        return f"no {worker} worker answers", None
    told: dict[str, Any] = orjson.loads(reply.body)
    if reply.status == 200:
        return None, told.get("degraded")
    return f"the {worker} worker is not ready: {told.get('detail')}", None
