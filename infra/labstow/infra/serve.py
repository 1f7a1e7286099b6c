"""Runs the gateway's web server."""

import logging
import os
import socket
from functools import partial

import uvicorn

from labstow.gateway.app import create_app
from labstow.gateway.settings import GatewaySettings
from labstow.infra import environment, ports
from labstow.infra.patience import PatientServer
from labstow.infra.refusal import CannotStart

BACKLOG = 2048
DRAIN = 15
KEEP_ALIVE = 60  # longer than clients keep a connection that does nothing, so that we never close it under a request

USUAL = GatewaySettings.model_construct()

log = logging.getLogger("uvicorn.error")


def serve(host: str | None = None, port: int | None = None) -> None:
    """Serve until SIGINT or SIGTERM; whoever is connected by then is answered.

    Raises:
        CannotStart: the port is in use, or a setting is unknown.
    """
    environment.check(os.environ)
    settings = GatewaySettings()
    settings = settings.model_copy(update={"host": host or settings.host, "port": port or settings.port})
    listeners = doors(settings)
    for listener in listeners:
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
    log.info("listening on %s port %s", settings.host, " and ".join(str(one.getsockname()[1]) for one in listeners))
    PatientServer(config, listeners).run(sockets=listeners)


def doors(settings: GatewaySettings) -> list[socket.socket]:
    """The gateway's port; and the one where location clients look, if it was asked for, or if the first is the usual
    one and nobody else has the second.

    Raises:
        CannotStart: a port is in use.
    """
    first = ports.take(settings.host, settings.port, "--port")
    wanted = settings.location_port if settings.port == USUAL.port else 0
    if "location_port" in settings.model_fields_set:
        wanted = settings.location_port
    elif wanted and not ports.is_free(settings.host, wanted):
        log.warning("port %s is in use: location clients must be told port %s", wanted, settings.port)
        wanted = 0
    if wanted in (0, settings.port):
        return [first]
    try:
        return [first, ports.take(settings.host, wanted, "LABSTOW_LOCATION_PORT")]
    except CannotStart:
        first.close()
        raise
