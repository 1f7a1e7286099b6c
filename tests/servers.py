"""Real servers for tests: NATS with JetStream, Postgres 18, Valkey; the same code that `labstow up` runs.

Once per test run:

    @pytest.fixture(scope="session")
    def servers() -> Iterator[Servers]:
        with running_servers() as servers:
            yield servers

    servers.nats.url      "nats://127.0.0.1:PORT"
    servers.postgres.url  "postgresql://postgres@/labstow?host=...&port=5432" (libpq, psycopg; a Unix socket)
    servers.redis.url     "unix:///tmp/.../valkey.sock" (redis-py)

A database of its own for a test module, made from another one (after migrating one, say) in about 50 ms:

    with servers.database() as url: ...                      # empty
    with servers.database(template=migrated_url) as url: ... # a copy; nobody may be connected to the template

Chaos: `servers.nats.kill()` is kill -9; `servers.nats.start()` brings the same server back, with its address
and its data, and returns when it answers; `.stop()` is orderly. The same for `.postgres` and `.redis` (which
forgets everything). Call `start()` from the main thread or from one that lives until the end: a server dies
with the thread that started it. That is also why nothing is left over when the test run itself is killed.

`fresh_nats()` gives one more NATS server with an empty store for a test that needs the stream for itself.
"""

import shutil
import tempfile
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from labstow.infra.embedded.nats import NatsServer
from labstow.infra.embedded.postgres import PostgresServer
from labstow.infra.embedded.valkey import ValkeyServer
from labstow.infra.process import Process

_numbers = count(1)


@dataclass(frozen=True)
class Servers:
    """The three servers of a test run, all answering."""

    nats: NatsServer
    postgres: PostgresServer
    redis: ValkeyServer

    @contextmanager
    def database(self, template: str | None = None) -> Iterator[str]:
        """Give the address of a new database, empty or a copy of that at `template`; drop it at the end."""
        url = self.make(template)
        try:
            yield url
        finally:
            if self.postgres.running():
                self.drop(url)

    def make(self, template: str | None = None) -> str:
        """Make such a database."""
        name = f"test_{next(_numbers)}"
        statement = sql.SQL("create database {} template {}")
        self._execute(
            statement.format(sql.Identifier(name), sql.Identifier(_name(template) if template else "template0"))
        )
        return self.postgres.url_of(name)

    def drop(self, url: str) -> None:
        """Drop a database, whoever is still connected to it."""
        self._execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(_name(url))))

    def _execute(self, statement: sql.Composed) -> None:
        with psycopg.connect(self.postgres.url_of("postgres"), autocommit=True) as connection:
            connection.execute(statement)


def _name(url: str) -> str:
    return str(conninfo_to_dict(url)["dbname"])


class Spares:
    """Copies of one database, made and dropped while tests run: neither is waited for, if tests take their time."""

    def __init__(self, servers: Servers, template: str, number: int = 8) -> None:
        self._servers, self._template = servers, template
        self._behind = ThreadPoolExecutor(1)
        self._ready = deque(self._one_more() for _ in range(number))

    def _one_more(self) -> Future[str]:
        return self._behind.submit(self._servers.make, self._template)

    def take(self) -> str:
        """A copy that nobody else has."""
        self._ready.append(self._one_more())
        try:
            return self._ready.popleft().result()
        except psycopg.OperationalError:  # a test had killed the server at that moment
            return self._servers.make(self._template)

    def give_back(self, url: str) -> None:
        """A copy that nobody needs any more."""
        self._behind.submit(self._servers.drop, url)

    def close(self) -> None:
        """Wait for what is under way; what is left goes with the server."""
        self._behind.shutdown(cancel_futures=True)


@contextmanager
def short_folder() -> Iterator[Path]:
    """A temporary folder whose path leaves room for the name of a Unix socket; deleted at the end."""
    folder = Path(tempfile.mkdtemp(prefix="labstow-", dir="/tmp"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def running_servers() -> Iterator[Servers]:
    """Start the three servers; stop and delete them at the end, also after a failure."""
    with short_folder() as folder, ExitStack() as stack:
        servers = Servers(
            NatsServer(folder / "nats", folder / "nats.log"),
            PostgresServer(folder / "postgres", folder / "postgres.log"),
            ValkeyServer(folder / "valkey", folder / "valkey.log"),
        )
        every: tuple[Process, ...] = (servers.nats, servers.redis, servers.postgres)
        for server in every:
            stack.callback(server.stop, 5)
        for server in every:
            server.start()
        yield servers


@contextmanager
def fresh_nats() -> Iterator[NatsServer]:
    """One more NATS server, with an empty store."""
    with short_folder() as folder:
        server = NatsServer(folder / "nats", folder / "nats.log")
        try:
            server.start()
            yield server
        finally:
            server.stop(5)
