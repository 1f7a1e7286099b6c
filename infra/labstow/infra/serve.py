"""Runs the gateway's web server."""

import logging
import os
from functools import partial

import uvicorn

from labstow.gateway.app import create_app
from labstow.gateway.settings import GatewaySettings
from labstow.infra import environment, ports
from labstow.infra.patience import PatientServer

BACKLOG = 2048
DRAIN = 15
KEEP_ALIVE = 60  # longer than clients keep a connection that does nothing, so that we never close it under a request

log = logging.getLogger("uvicorn.error")


def serve(host: str | None = None, port: int | None = None) -> None:
    """Serve until SIGINT or SIGTERM; whoever is connected by then is answered.

    Raises:
        CannotStart: the port is in use, or a setting is unknown.
    """
    environment.check(os.environ)
    settings = GatewaySettings()
    settings = settings.model_copy(update={"host": host or settings.host, "port": port or settings.port})
    listener = ports.take(settings.host, settings.port, "--port")
    listener.listen(BACKLOG)
    config = uvicorn.Config(
        partial(create_app, settings),
        factory=True,
        http="httptools",
        loop="auto",  # uvloop where there is one
        ws="none",
        access_log=False,
        backlog=BACKLOG,
        timeout_keep_alive=KEEP_ALIVE,
        timeout_graceful_shutdown=DRAIN,
    )
    log.info("listening on %s port %s", settings.host, settings.port)
    PatientServer(config, [listener]).run(sockets=[listener])
