"""TCP ports of this machine."""

import errno
import socket
from contextlib import closing

from labstow.infra.refusal import CannotStart


def _bound(host: str, port: int) -> socket.socket:
    family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    bound = socket.socket(family, kind)
    # Connections of an earlier run that linger in TIME_WAIT are no obstacle.
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind(address)
    except OSError:
        bound.close()
        raise
    return bound


def take(host: str, port: int, option: str) -> socket.socket:
    """Bind a port.

    Raises:
        CannotStart: with the port, and the option that chooses another one.
    """
    try:
        return _bound(host, port)
    except OSError as problem:
        if problem.errno == errno.EADDRINUSE:
            raise CannotStart(f"Port {port} on {host} is in use; choose another one with {option}.") from problem
        raise CannotStart(f"Cannot listen on {host} port {port} ({option}): {problem.strerror}.") from problem


def require(host: str, port: int, option: str) -> None:
    """See to it that a server can listen there.

    Raises:
        CannotStart: with the port, and the option that chooses another one.
    """
    take(host, port, option).close()


def is_free(host: str, port: int) -> bool:
    """Say whether a server could listen there now."""
    try:
        _bound(host, port).close()
    except OSError:
        return False
    return True


def any_free(host: str = "127.0.0.1") -> int:
    """Find a port that is free now."""
    with closing(_bound(host, 0)) as bound:
        port: int = bound.getsockname()[1]
    return port
