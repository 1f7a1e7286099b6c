"""The gateway: REST in, messages to workers, answers out. It decides nothing, and keeps little."""

from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import orjson
from fastapi import FastAPI, Request, Response
from starlette.exceptions import HTTPException

from labstow.client.bus import Bus
from labstow.gateway import (
    batch,
    containers,
    docs,
    history,
    importing,
    lab,
    locations,
    locks,
    nodes,
    patterns,
    quantities,
    queries,
    resources,
    service,
    templates,
    transfers,
)
from labstow.gateway.edge import problem
from labstow.gateway.front import Front
from labstow.gateway.repetitions import Repetitions
from labstow.gateway.settings import GatewaySettings
from labstow.gateway.version import VERSION

PARTS: Final = (
    *(resources, containers, quantities, queries, history, templates, locks, batch),
    *(locations, importing, patterns, transfers, nodes, lab, service, docs),
)


def create_app(settings: GatewaySettings | None = None, bus: Bus | None = None) -> FastAPI:
    """Make the application; with a bus that is open already, or one of its own as long as it runs."""
    own = settings or GatewaySettings()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        app.state.bus = bus or Bus(own.nats_url, name="labstow-gateway")
        if bus is None:
            await app.state.bus.open()  # if nobody is there yet, requests are answered 503 until somebody is
        try:
            yield
        finally:
            if bus is None:
                await app.state.bus.close()

    app = Front(title="labstow", version=VERSION, lifespan=lifespan, docs_url=None, redoc_url=None)
    app.state.settings, app.state.bus = own, bus
    app.state.graphs, app.state.writing, app.state.repetitions = {}, Counter(), Repetitions()
    app.add_exception_handler(HTTPException, no_such_route)
    for part in PARTS:
        app.serve(part.router)
    for more in (containers, templates, locks, transfers, service):
        app.serve(more.ours)
    return app


async def no_such_route(request: Request, error: Exception) -> Response:
    """Answer a path or a method that does not exist as every other refusal is answered."""
    assert isinstance(error, HTTPException)  # noqa: S101  (what it was registered for)
    told = {"type": "about:blank", "code": f"http.{error.status_code}", "status": error.status_code}
    response = problem(error.status_code, orjson.dumps(told | {"detail": str(error.detail)}))
    response.headers.update(error.headers or {})
    return response
