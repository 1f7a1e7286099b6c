"""nats-server with JetStream, on loopback."""

import hashlib
import json
import os
import re
import socket
from collections.abc import Callable, Sequence
from pathlib import Path

from labstow.infra import ports
from labstow.infra.embedded import binaries
from labstow.infra.process import Process

HOST = "127.0.0.1"
FILE = "nats.conf"

# sync_interval: an acknowledged event is on the disk, as on a single server nobody else has it.
CONFIGURATION = """\
server_name: {name}
listen: "{host}:{port}"
max_payload: 8MB
jetstream {{
  store_dir: {store}
  sync_interval: always
}}
"""


def port_of(folder: Path) -> int | None:
    """The port of the last server whose streams are in `folder`; programs may have been told that it is there."""
    try:
        found = re.search(r'^listen: ".*:(\d+)"$', (folder / FILE).read_text(), re.MULTILINE)
    except FileNotFoundError:
        return None
    return int(found[1]) if found else None


class NatsServer(Process):
    """A NATS server that keeps its streams in `folder`, at a port that stays the same once it has answered there."""

    def __init__(self, folder: Path, log: Path, choose_port: Callable[[], int] = ports.any_free) -> None:
        super().__init__("nats", log)
        self.folder = folder.absolute()
        self.port = choose_port()
        self._choose_port = choose_port
        self._settled = False
        # By its name we know it from another labstow's, which may have been quicker to take the port.
        self.server_name = f"labstow-{hashlib.sha256(os.fsencode(self.folder)).hexdigest()[:12]}"

    @property
    def url(self) -> str:
        """Address as nats-py takes it."""
        return f"nats://{HOST}:{self.port}"

    @property
    def configuration(self) -> Path:
        """The file that was written for the server."""
        return self.folder / FILE

    def prepare(self) -> None:
        """Write the configuration; with another port, if there was no luck with the one before."""
        if not self._settled:
            self.port = self._choose_port()
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        store = json.dumps(str(self.folder / "streams"))
        self.configuration.write_text(
            CONFIGURATION.format(name=self.server_name, host=HOST, port=self.port, store=store)
        )

    def command(self) -> Sequence[str | Path]:
        """Program and arguments."""
        return [binaries.nats_server(), "-c", self.configuration]

    def answers(self) -> bool:
        """Say whether it is the one that greets there, with JetStream switched on."""
        if not self.running():
            return False
        try:
            with socket.create_connection((HOST, self.port), timeout=1) as connection:
                greeting = connection.makefile("rb").readline()
        except OSError:
            return False
        if not greeting.startswith(b"INFO "):
            return False
        about = json.loads(greeting[5:])
        ours = about.get("server_name") == self.server_name and bool(about.get("jetstream"))
        self._settled = self._settled or ours
        return ours
