"""Waking those who wait for locks, over real Valkey servers, and over what only listens where one should be."""

import asyncio
import contextlib
import gc
import json
import logging
import os
import select
import signal
import socket
import socketserver
import sys
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial

import psutil
import pytest
import redis
from redis.asyncio.client import PubSub

from labstow.contracts.ulids import new_ulid
from labstow.infra.embedded.valkey import ValkeyServer
from labstow.workers.lock import wake
from labstow.workers.lock.wake import CHANNEL, IDS_A_MESSAGE, NOT_REDIS, ROOM, Bell
from tests.conftest import until
from tests.servers import short_folder

Talk = Callable[[socket.socket], None]

ELSEWHERE = """
import asyncio, sys
from labstow.workers.lock.wake import Bell
asyncio.run(Bell(sys.argv[1], lambda ids: print(*ids, flush=True)).run())
"""


@pytest.fixture
def valkey() -> Iterator[ValkeyServer]:
    """A Valkey of this test's own, to be killed and stopped."""
    with short_folder() as folder:
        server = ValkeyServer(folder / "valkey", folder / "valkey.log")
        try:
            server.start()
            yield server
        finally:
            server.stop(5)


@pytest.fixture
def admin(valkey: ValkeyServer) -> Iterator[redis.Redis]:
    """Somebody else who uses the same server."""
    with redis.Redis.from_url(valkey.url) as client:
        yield client


@dataclass
class Tower:
    """A running bell, and what it heard."""

    bell: Bell
    heard: list[frozenset[str]] = field(default_factory=list)

    async def rings(self) -> None:
        await until(lambda: said(self.bell.problem is None))

    async def fails(self, why: str) -> None:
        await until(lambda: said(why in (self.bell.problem or "")))

    async def hears(self, ringing: Bell, seconds: float = 10) -> None:
        """Wait until something that is rung again and again is heard: a single ring may be lost."""
        resource_id = new_ulid()

        async def heard() -> bool:
            ringing.ring([resource_id])
            return frozenset([resource_id]) in self.heard

        await until(heard, seconds)


async def said(true: bool) -> bool:
    return true


@asynccontextmanager
async def tower(url: str) -> AsyncIterator[Tower]:
    """A bell that runs until the test is over, and did not end by itself."""
    heard: list[frozenset[str]] = []
    built = Tower(Bell(url, heard.append), heard)
    running = asyncio.create_task(built.bell.run())
    try:
        yield built
        assert not running.done()
    finally:
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running
        await built.bell.close()


@asynccontextmanager
async def unheld() -> AsyncIterator[None]:
    """Nothing in here keeps the loop busy for 50 ms at a stretch, not counting what other processes do meanwhile."""
    stretches: list[float] = []

    async def measure() -> None:
        before = time.thread_time()
        while True:
            await asyncio.sleep(0)
            now = time.thread_time()
            stretches.append(now - before)
            before = now

    gc.disable()  # it may take as long for all that pytest keeps
    measuring = asyncio.create_task(measure())
    try:
        yield
    finally:
        measuring.cancel()
        gc.enable()
    assert max(stretches) < 0.05


@contextlib.contextmanager
def impostor(talk: Talk) -> Iterator[str]:
    """The address of something that listens and is not Redis. It is in threads of its own: our loop is measured."""

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            with contextlib.suppress(OSError):
                talk(self.request)

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        serving = threading.Thread(target=server.serve_forever, args=(0.01,))
        serving.start()
        try:
            yield f"redis://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            serving.join()


@pytest.fixture
def attempts(monkeypatch: pytest.MonkeyPatch) -> list[Bell]:
    """The bells that tried to connect, once for each time."""
    connect, made = Bell._connect, []

    async def counted(bell: Bell) -> PubSub:
        made.append(bell)
        return await connect(bell)

    monkeypatch.setattr(Bell, "_connect", counted)
    return made


def busy(seconds: float) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        pass


def open_files() -> int:
    return len(psutil.Process().net_connections("all"))


def problems(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [each.getMessage() for each in caplog.records if each.name == wake.__name__ and each.levelno > logging.INFO]


async def test_a_ring_is_heard_by_every_bell(valkey: ValkeyServer) -> None:
    """By the one that rings, by another one, and by one in another process."""
    listener = await asyncio.create_subprocess_exec(
        sys.executable, "-c", ELSEWHERE, valkey.url, stdout=asyncio.subprocess.PIPE
    )
    assert listener.stdout
    try:
        async with tower(valkey.url) as one, tower(valkey.url) as other:
            await one.hears(one.bell)
            await other.hears(one.bell)
            await one.hears(other.bell)
            elsewhere = asyncio.ensure_future(listener.stdout.readline())

            async def heard_elsewhere() -> bool:
                one.bell.ring([one_more])
                return elsewhere.done()

            one_more = new_ulid()
            await until(heard_elsewhere)
            assert elsewhere.result().decode().split() == [one_more]
    finally:
        listener.kill()
        await listener.wait()


async def test_what_is_rung_at_once_is_one_message(valkey: ValkeyServer) -> None:
    ids = [new_ulid() for _ in range(3)]

    async with tower(valkey.url) as one:
        await one.rings()

        async def heard() -> bool:
            for each in ids:
                one.bell.ring([each])
            return bool(one.heard)

        await until(heard)
        assert set(one.heard) == {frozenset(ids)}


async def test_many_resources_are_several_messages(valkey: ValkeyServer) -> None:
    ids = frozenset(new_ulid() for _ in range(2 * IDS_A_MESSAGE + 1))

    async with tower(valkey.url) as one, tower(valkey.url) as other:
        await other.hears(one.bell)
        other.heard.clear()

        async def all_heard() -> bool:
            one.bell.ring(ids)
            return ids <= frozenset().union(*other.heard)

        await until(all_heard)
        assert max(map(len, other.heard)) == IDS_A_MESSAGE


async def test_emptying_redis_changes_nothing(
    valkey: ValkeyServer, admin: redis.Redis, caplog: pytest.LogCaptureFixture
) -> None:
    """I7: nothing is kept there."""
    async with tower(valkey.url) as one, tower(valkey.url) as other:
        await other.hears(one.bell)
        admin.flushall()
        await other.hears(one.bell)

        assert admin.dbsize() == 0
        assert not problems(caplog)


async def test_a_redis_that_was_killed_wakes_again_when_it_is_back(valkey: ValkeyServer) -> None:
    """I7: within five seconds."""
    async with tower(valkey.url) as one, tower(valkey.url) as other:
        await other.hears(one.bell)
        valkey.kill()
        for each in (one, other):
            await each.fails("ConnectionError")
        one.bell.ring([new_ulid()])
        valkey.start()
        await other.hears(one.bell, seconds=5)
        await one.hears(other.bell, seconds=5)


async def test_a_redis_that_is_stopped_holds_up_nobody(valkey: ValkeyServer) -> None:
    """Bad for its waiters only: what is rung does not pile up."""
    many = [[new_ulid() for _ in range(100)] for _ in range(ROOM // 100 + 10)]

    async with tower(valkey.url) as one, tower(valkey.url) as other:
        await other.hears(one.bell)
        os.kill(valkey.pid, signal.SIGSTOP)
        try:
            async with unheld():
                for ids in many:
                    one.bell.ring(ids)
                assert len(one.bell._ids) == ROOM
                await one.fails("Redis does not answer")
                one.bell.ring([new_ulid()])
                assert not one.bell._ids
            await other.fails("Redis does not answer")  # though it rang nothing
        finally:
            os.kill(valkey.pid, signal.SIGCONT)
        await other.hears(one.bell, seconds=5)


async def test_attempts_leave_nothing_behind(
    valkey: ValkeyServer, attempts: list[Bell], caplog: pytest.LogCaptureFixture
) -> None:
    """A Redis that is stopped for long is tried again and again; that is logged once."""
    async with tower(valkey.url) as one:
        await one.rings()
        os.kill(valkey.pid, signal.SIGSTOP)
        try:
            await one.fails("Redis does not answer")
            files, tasks = open_files(), len(asyncio.all_tasks())
            await until(lambda: said(len(attempts) > 3), seconds=20)
            assert open_files() <= files + 2  # an attempt is under way
            assert len(asyncio.all_tasks()) <= tasks + 3
        finally:
            os.kill(valkey.pid, signal.SIGCONT)
        await one.rings()
    assert len(problems(caplog)) == 1


async def test_a_turn_of_our_own_that_takes_long_is_not_the_fault_of_redis(
    valkey: ValkeyServer, caplog: pytest.LogCaptureFixture
) -> None:
    """Seen failing with the time limit in one slice."""
    async with tower(valkey.url) as one:
        await one.rings()
        for wait_s in (0.0, 0.0001, 0.0005, 0.001):
            for _ in range(10):
                one.heard.clear()
                one.bell.ring([new_ulid()])
                await asyncio.sleep(wait_s)
                busy(0.07)
                await until(lambda: said(bool(one.heard)), seconds=0.5)
    assert not problems(caplog)


@pytest.mark.parametrize(
    "nonsense",
    [
        b"",
        b"\xff\x00\xfe",
        b"null",
        b"7",
        b'"01ARZ3NDEKTSV4RRFFQ69G5FAV"',
        b'{"01ARZ3NDEKTSV4RRFFQ69G5FAV": 1}',
        b'["01ARZ3NDEKTSV4RRFFQ69G5FAV", 7]',
        b'["a plate"]',
        b"[" * 10_000,
        b"x" * 1_000_000,
        json.dumps(["01ARZ3NDEKTSV4RRFFQ69G5FAV"] * 35_000).encode(),
    ],
    ids=lambda nonsense: str(nonsense[:12]),
)
async def test_nonsense_on_the_channel_is_ignored(
    nonsense: bytes, valkey: ValkeyServer, admin: redis.Redis, caplog: pytest.LogCaptureFixture
) -> None:
    """And logged once."""
    async with tower(valkey.url) as one:
        await one.rings()
        async with unheld():
            for _ in range(3):
                assert admin.publish(CHANNEL, nonsense) == 1
            await one.hears(one.bell)

        assert len(set(one.heard)) == 1
    assert len(problems(caplog)) == 1


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("redis://127.0.0.1:1", "ConnectionError"),
        ("unix:///nowhere/valkey.sock", "ConnectionError"),
        ("redis://127.0.0.1:a/b", NOT_REDIS),
        ("redis://127.0.0.1?colour=red", NOT_REDIS),
        ("nonsense", NOT_REDIS),
        ("", NOT_REDIS),
    ],
)
async def test_where_nothing_listens_is_a_problem_that_is_logged_once(
    url: str, why: str, attempts: list[Bell], caplog: pytest.LogCaptureFixture
) -> None:
    async with tower(url) as one:
        await one.fails(why)
        await until(lambda: said(len(attempts) > 2))
        one.bell.ring([new_ulid()])

        assert not one.heard
    assert len(problems(caplog)) == 1


def silence(connection: socket.socket) -> None:
    """Takes everything and says nothing."""
    while connection.recv(65536):
        pass


def consent(connection: socket.socket) -> None:
    """Says OK to everything."""
    while asked := connection.recv(65536):
        connection.sendall(b"+OK\r\n" * asked.count(b"*"))


def noise(connection: socket.socket, *, noise: bytes) -> None:
    """Talks without end."""
    while True:
        connection.sendall(noise)


def treason(connection: socket.socket, *, noise: bytes) -> None:
    """Answers a subscription as it should be, and then talks without end."""
    connection.recv(65536)
    connection.sendall(b"+OK\r\n+OK\r\n")
    name = CHANNEL.encode()
    if name in (asked := connection.recv(65536)) and b"SUBSCRIBE" in asked:
        connection.sendall(b"*3\r\n$9\r\nsubscribe\r\n$%d\r\n%b\r\n:1\r\n" % (len(name), name))
        select.select([connection], [], [], 0.1)
        connection.sendall(noise * 1000)
    while True:
        connection.sendall(b":1\r\n")
        connection.recv(65536)


@pytest.mark.parametrize(
    "talk",
    [
        silence,
        consent,
        partial(noise, noise=b"HTTP/1.1 400 Bad Request\r\n\r\n"),
        partial(noise, noise=b"\xff\x00" * 5_000),
        partial(treason, noise=b"\xff\x00" * 5_000),
        partial(treason, noise=b"*1\r\n"),
        partial(treason, noise=b":x\r\n"),
        partial(treason, noise=b"*2\r\n:1\r\n$-7\r\n"),
    ],
    ids=["silence", "consent", "http", "binary", "later binary", "later nested", "later number", "later length"],
)
async def test_what_is_not_redis_is_a_problem_and_holds_up_nobody(talk: Talk) -> None:
    with impostor(talk) as url:
        async with tower(url) as one, unheld():
            await until(lambda: said(one.bell.problem not in ("not connected yet", None)))
            one.bell.ring([new_ulid()])

        assert not one.heard


async def test_a_redis_where_we_may_not_ring_is_a_problem(valkey: ValkeyServer, admin: redis.Redis) -> None:
    """Before anybody rings."""
    admin.acl_setuser("default", enabled=True, commands=["-publish"])

    async with tower(valkey.url) as one:
        await one.fails("NoPermissionError")


async def test_a_bell_that_ends_lets_go_of_redis(valkey: ValkeyServer, admin: redis.Redis) -> None:
    async with tower(valkey.url) as one:
        await one.rings()
        assert len(admin.client_list()) == 3

    await until(lambda: said(len(admin.client_list()) == 1))
    one.bell.ring([new_ulid()])
    assert one.bell.problem == "closed"
    assert not one.bell._ids
