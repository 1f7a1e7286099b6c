"""Processes of labstow itself: workers and gateways."""

import http.client
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from labstow.infra.process import Process

CLI = [sys.executable, "-m", "labstow.infra.cli"]
EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104  (compared, not listened on)


class Own(Process):
    """A process of labstow that finds the others by `addresses`, as they are when it is started."""

    def __init__(self, name: str, log: Path, addresses: Callable[[], Mapping[str, str]]) -> None:
        super().__init__(name, log)
        self._addresses = addresses

    def environ(self) -> Mapping[str, str]:
        """Ours, with the addresses."""
        return {**os.environ, **self._addresses()}


class Worker(Own):
    """A process that runs every kind of worker."""

    def command(self) -> Sequence[str | Path]:
        """Program and arguments."""
        return [*CLI, "worker", "--wait"]


class Gateway(Own):
    """A gateway process on a port of its own."""

    def __init__(
        self,
        name: str,
        log: Path,
        addresses: Callable[[], Mapping[str, str]],
        host: str,
        port: int,
        *,
        of_places: bool = True,
    ) -> None:
        """Without `of_places` it leaves the port of location clients to another one."""
        super().__init__(name, log, addresses)
        self.host = host
        self.port = port
        self._of_places = of_places
        reached = EVERYWHERE.get(host, host)
        self.url = f"http://[{reached}]:{port}" if ":" in reached else f"http://{reached}:{port}"

    def environ(self) -> Mapping[str, str]:
        """Ours, with the addresses."""
        return {**super().environ(), **({} if self._of_places else {"LABSTOW_LOCATION_PORT": "0"})}

    def command(self) -> Sequence[str | Path]:
        """Program and arguments."""
        return [*CLI, "gateway", "--host", self.host, "--port", str(self.port)]

    def answers(self) -> bool:
        """Say whether it is ready, which it is when the workers behind it are."""
        if not self.running():
            return False
        connection = http.client.HTTPConnection(EVERYWHERE.get(self.host, self.host), self.port, timeout=5)
        try:
            connection.request("GET", "/health/ready")
            return connection.getresponse().status == http.HTTPStatus.OK
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()
