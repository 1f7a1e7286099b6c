"""What one run of `labstow up` consists of: which processes, at which addresses."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from labstow.gateway.settings import GatewaySettings
from labstow.infra import ports
from labstow.infra.directory import DataDirectory
from labstow.infra.embedded.nats import HOST, NatsServer, port_of
from labstow.infra.embedded.postgres import PostgresServer
from labstow.infra.embedded.valkey import ValkeyServer
from labstow.infra.own import Gateway, Worker
from labstow.infra.process import Process
from labstow.workers.kit.settings import Settings

NATS_PORT = 4222


@dataclass(frozen=True)
class Options:
    """What was asked for on the command line; None where the environment or the usual decides."""

    data: Path
    host: str | None = None
    port: int | None = None
    replicas: int = 1
    nats_port: int | None = None
    lab: Path | None = None


class Plan:
    """The processes of one run, and the addresses by which they find each other."""

    def __init__(self, options: Options, data: DataDirectory) -> None:
        given, listening = Settings(), GatewaySettings()
        host = options.host or listening.host
        first = options.port or listening.port
        gateway_ports = range(first, first + options.replicas)
        for port in gateway_ports:
            ports.require(host, port, "--port")
        self._given = given
        self.nats = self.postgres = self.valkey = None
        if "nats_url" not in given.model_fields_set:
            folder = data.path / "nats"
            choose = partial(_nats_port, options.nats_port, gateway_ports, port_of(folder))
            self.nats = NatsServer(folder, data.log("nats"), choose)
        if "redis_url" not in given.model_fields_set:
            self.valkey = ValkeyServer(data.path / "valkey", data.log("valkey"))
        if "postgres_url" not in given.model_fields_set:
            self.postgres = PostgresServer(data.path / "postgres", data.log("postgres"))
        self.gateways = [
            Gateway(name, data.log(name), self.addresses, host, port, of_places=number == 1)
            for number, port in enumerate(gateway_ports, 1)
            for name in [f"gateway-{number}"]
        ]
        self.workers = [
            Worker(name, data.log(name), self.addresses)
            for number in range(1, options.replicas + 1)
            for name in [f"worker-{number}"]
        ]

    @property
    def servers(self) -> list[Process]:
        """The servers that are ours to run, in the order in which they can be missed."""
        return [server for server in (self.nats, self.valkey, self.postgres) if server]

    @property
    def nats_url(self) -> str:
        """Where NATS is; settled when ours has answered."""
        return self.nats.url if self.nats else self._given.nats_url

    @property
    def postgres_url(self) -> str:
        """Where the database is."""
        return self.postgres.url if self.postgres else self._given.postgres_url

    @property
    def redis_url(self) -> str:
        """Where Redis is."""
        return self.valkey.url if self.valkey else self._given.redis_url

    @property
    def urls(self) -> Mapping[str, str]:
        """Every address a person or a program may want."""
        first, *more = [gateway.url for gateway in self.gateways]
        rest = {f"REST {number}": url for number, url in enumerate(more, 2)}
        return {
            "REST": first,
            **rest,
            "docs": f"{first}/docs",
            "NATS": self.nats_url,
            "Postgres": self.postgres_url,
            "Redis": self.redis_url,
        }

    def addresses(self) -> Mapping[str, str]:
        """What the others are told by their environment."""
        return {
            "LABSTOW_NATS_URL": self.nats_url,
            "LABSTOW_POSTGRES_URL": self.postgres_url,
            "LABSTOW_REDIS_URL": self.redis_url,
        }


def _nats_port(wanted: int | None, others: range, last: int | None) -> int:
    """The port asked for, else that of last time, the usual one, or any: a second labstow here is no mistake."""
    if wanted:
        ports.require(HOST, wanted, "--nats-port")
        return wanted
    for port in (last, NATS_PORT):
        if port and port not in others and ports.is_free(HOST, port):
            return port
    return ports.any_free(HOST)
