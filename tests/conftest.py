"""Real servers, started once per run; a migrated database of its own for whoever wants one; a running labstow."""

import asyncio
import contextlib
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import httpx
import nats
import pytest
from nats.aio.client import Client

from labstow.client import AsyncLabstow
from labstow.contracts.errors import Refusal
from labstow.infra import own, ports
from labstow.infra.process import wait_until
from labstow.workers.kit.database import upgrade
from labstow.workers.kit.stream import provision
from labstow.workers.main import KINDS
from tests.servers import Servers, Spares, running_servers

pytest_plugins = ["tests.compat.environment"]


@pytest.fixture(scope="session")
def servers() -> Iterator[Servers]:
    """NATS, Postgres and Valkey."""
    with running_servers() as running:
        yield running


@pytest.fixture(scope="session")
def migrated(servers: Servers) -> Iterator[str]:
    """A database with our schema and nothing in it, to be copied."""
    with servers.database() as url:
        upgrade(url)
        yield url


@pytest.fixture(scope="session")
def spares(servers: Servers, migrated: str) -> Iterator[Spares]:
    """Databases with our schema and nothing in them."""
    spares = Spares(servers, migrated)
    yield spares
    spares.close()


@pytest.fixture
def postgres_url(spares: Spares) -> Iterator[str]:
    """An empty database of this test's own."""
    url = spares.take()
    yield url
    spares.give_back(url)


@dataclass
class Lab:
    """A running labstow: servers, and worker processes that a test may add to and kill."""

    nats_url: str
    postgres_url: str
    settings: Mapping[str, str] = field(default_factory=dict)
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)

    @property
    def environment(self) -> dict[str, str]:
        """Where its processes find it, and what all of them are told."""
        return {**os.environ, "LABSTOW_NATS_URL": self.nats_url, **self.settings}

    def start_worker(self, *kinds: str) -> subprocess.Popen[bytes]:
        """One more worker process."""
        arguments = [sys.executable, "-m", "labstow.workers", *(kinds or KINDS)]
        own = {"LABSTOW_POSTGRES_URL": self.postgres_url, "LABSTOW_LOG_LEVEL": "WARNING"}
        process = subprocess.Popen(arguments, env=self.environment | own)
        self.processes.append(process)
        return process

    def stop(self) -> None:
        """End what was started, and say so when it did not end well."""
        for process in self.processes:
            if process.poll() is None:
                process.terminate()
        for process in self.processes:
            process.wait(timeout=30)

    async def ready(self, seconds: float = 20.0) -> None:
        """Wait until every worker process that was started answers."""
        client = await nats.connect(self.nats_url)
        alive = sum(process.poll() is None for process in self.processes)
        for worker in KINDS:

            async def all_answer(worker: str = worker) -> bool:
                return len(await replicas(client, worker)) >= alive and await _answers(client, worker)

            await until(all_answer, seconds)
        await client.close()


async def replicas(client: Client, worker: str, wait_s: float = 0.2) -> set[str]:
    """The ids of the workers of a kind that answer a ping within a moment."""
    inbox = await client.subscribe(client.new_inbox())
    await client.publish(f"$SRV.PING.labstow-{worker}", b"", reply=inbox.subject)
    found: set[str] = set()
    with contextlib.suppress(nats.errors.TimeoutError, TimeoutError):
        while answer := (await inbox.next_msg(timeout=wait_s)).data:  # empty: nobody serves it yet
            found.add(json.loads(answer)["id"])
    await inbox.unsubscribe()
    return found


async def _answers(client: Client, worker: str) -> bool:
    try:
        answer = await client.request(f"labstow.v1.{worker}.ready", b"", timeout=1)
    except (nats.errors.NoRespondersError, nats.errors.TimeoutError):
        return False
    return not answer.headers


async def until(condition: Callable[[], Awaitable[bool]], seconds: float = 10.0, every: float = 0.02) -> None:
    """Wait for a condition; fail when it does not come true in time."""
    async with asyncio.timeout(seconds):
        while not await condition():
            await asyncio.sleep(every)


@contextlib.contextmanager
def running_lab(nats_url: str, postgres_url: str, replicas: int = 1, **settings: str) -> Iterator[Lab]:
    """A labstow on a NATS server and a migrated database. Its subjects are the server's: one labstow a server."""
    asyncio.run(provision(nats_url))
    lab = Lab(nats_url, postgres_url, settings)
    try:
        for _ in range(replicas):
            lab.start_worker()
        yield lab
    finally:
        lab.stop()


class Gateway(NamedTuple):
    """A running gateway."""

    port: int

    @property
    def url(self) -> str:
        """Where it is, with a slash at the end."""
        return f"http://127.0.0.1:{self.port}/"


@contextlib.contextmanager
def running_gateway(lab: Lab) -> Iterator[Gateway]:
    """A gateway in front of a labstow, as `labstow gateway` starts it."""
    gateway = Gateway(ports.any_free())
    command = [*own.CLI, "gateway", "--port", str(gateway.port)]
    with subprocess.Popen(command, env=lab.environment) as process:
        try:
            if not wait_until(lambda: _is_ready(gateway), 30):
                raise TimeoutError("the gateway is not ready")
            yield gateway
        finally:
            process.terminate()


def _is_ready(gateway: Gateway) -> bool:
    with contextlib.suppress(httpx.TransportError):
        return httpx.get(f"{gateway.url}health/ready", timeout=5).status_code == 200
    return False


@pytest.fixture(scope="session")
def started(servers: Servers, migrated: str) -> Iterator[Lab]:
    """The labstow most tests share: one process of all workers. Tests make things of their own in it."""
    with servers.database(template=migrated) as url, running_lab(servers.nats.url, url) as running:
        yield running


@pytest.fixture(scope="session")
async def lab(started: Lab) -> Lab:
    """The shared labstow, answering."""
    await started.ready()
    return started


@pytest.fixture(scope="session")
def gateway(started: Lab) -> Iterator[Gateway]:
    """A gateway in front of the shared labstow."""
    with running_gateway(started) as running:
        yield running


@pytest.fixture(scope="session")
async def client(lab: Lab) -> AsyncIterator[AsyncLabstow]:
    """A client of the shared labstow."""
    async with AsyncLabstow(lab.nats_url, actor="tester") as connected:
        yield connected


async def refusal(asked: Awaitable[Any]) -> Refusal:
    """The refusal that an ask ends in; an answer is a failure."""
    with pytest.raises(Refusal) as refused:
        await asked
    return refused.value
