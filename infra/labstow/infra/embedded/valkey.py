"""Valkey as the Redis, behind a Unix socket; it keeps nothing over a restart."""

import socket
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import quote

from labstow.infra.embedded import binaries, sockets
from labstow.infra.process import Process

SOCKET = "valkey.sock"


class ValkeyServer(Process):
    """A Valkey server whose socket is in `folder`."""

    def __init__(self, folder: Path, log: Path) -> None:
        super().__init__("valkey", log)
        self.folder = folder.absolute()

    @property
    def socket(self) -> Path:
        """The socket it listens on."""
        return sockets.folder_for(self.folder, SOCKET) / SOCKET

    @property
    def url(self) -> str:
        """Address as redis-py takes it."""
        return f"unix://{quote(str(self.socket))}"

    def prepare(self) -> None:
        """Make its folder."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    def command(self) -> Sequence[str | Path]:
        """Program and arguments."""
        options: dict[str, str | Path] = {
            "port": "0",
            "unixsocket": self.socket,
            "unixsocketperm": "700",
            "dir": self.folder,
            "save": "",
            "appendonly": "no",
            "maxmemory": "256mb",
            "maxmemory-policy": "allkeys-lru",
        }
        arguments = [part for name, value in options.items() for part in (f"--{name}", value)]
        return [binaries.valkey_server(), *arguments]

    def answers(self) -> bool:
        """Say whether it answers PING."""
        if not self.running():
            return False
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(1)
            try:
                connection.connect(str(self.socket))
                connection.sendall(b"PING\r\n")
                return connection.recv(16).startswith(b"+PONG")
            except OSError:
                return False
