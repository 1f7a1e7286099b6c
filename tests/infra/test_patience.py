"""A gateway that closes answers whoever is connected, whatever they had said by then."""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from typing import Any

import pytest
import uvicorn

from labstow.infra import ports
from labstow.infra.patience import PatientServer

Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
ASK = b"GET / HTTP/1.1\r\nHost: lab\r\n\r\n"


async def hello(_scope: object, _receive: object, send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"5")]})
    await send({"type": "http.response.body", "body": b"hello"})


@pytest.fixture
async def server() -> AsyncIterator[PatientServer]:
    """A server that is up, and that the test shuts down."""
    listener = ports.take("127.0.0.1", 0, "--port")
    listener.listen(16)
    config = uvicorn.Config(hello, lifespan="off", log_config=None)
    server = PatientServer(config, [listener])
    config.load()
    server.lifespan = config.lifespan_class(config)
    await server.startup(sockets=[listener])
    yield server
    listener.close()


def call(server: PatientServer) -> socket.socket:
    """Connect at once, before the server has a chance to notice."""
    return socket.create_connection(server.servers[0].sockets[0].getsockname(), timeout=10)


async def ask(caller: socket.socket) -> bytes:
    """Say what one wants and hear the answer, all while the server works."""

    def say() -> bytes:
        caller.sendall(ASK)
        answer = b""
        while not answer.endswith(b"hello") and (more := caller.recv(4096)):
            answer += more
        return answer

    return await asyncio.to_thread(say)


async def test_a_caller_still_in_the_queue_is_answered(server: PatientServer) -> None:
    with call(server) as caller:
        closing = asyncio.create_task(server.shutdown())
        assert b"hello" in await ask(caller)
        await closing


async def test_a_caller_on_a_connection_that_was_used_before_is_answered(server: PatientServer) -> None:
    with call(server) as caller:
        assert b"connection: close" not in await ask(caller)
        closing = asyncio.create_task(server.shutdown())
        await asyncio.sleep(0)
        answer = await ask(caller)
        assert b"hello" in answer
        assert b"connection: close" in answer
        await closing


async def test_a_caller_who_comes_too_late_is_refused_and_not_left_waiting(server: PatientServer) -> None:
    address = server.servers[0].sockets[0].getsockname()
    await server.shutdown()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(address, timeout=10)
