"""A NATS server of its own, and workers that answer what a test wants."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from functools import partial

import nats
import pytest
from nats.aio.msg import Msg

from labstow.client import AsyncLabstow, Reply
from labstow.client import bus as bus_module
from labstow.client import claim as claim_module
from labstow.contracts import headers, subjects
from labstow.infra.embedded.nats import NatsServer
from labstow.workers.kit.broker import heard
from tests.client.desk import VERBS, Desk
from tests.servers import fresh_nats

Serve = Callable[[str, Callable[[Msg], Reply | None]], Awaitable[None]]


@pytest.fixture(scope="session")
def quiet_nats() -> Iterator[NatsServer]:
    """A server that no test disturbs."""
    with fresh_nats() as server:
        yield server


@pytest.fixture
async def serve(quiet_nats: NatsServer) -> AsyncIterator[Serve]:
    """Serve a verb with a function until the test is over; None is no answer."""
    client = await nats.connect(quiet_nats.url)

    async def start(verb: str, work: Callable[[Msg], Reply | None]) -> None:
        async def answer(message: Msg) -> None:
            if reply := work(message):
                head = {headers.ERROR: reply.code, headers.ERROR_CODE: str(reply.status)} if reply.code else None
                await client.publish(message.reply, reply.body, headers=head)

        await client.subscribe(subjects.request(verb), cb=answer)
        await heard(client)

    yield start
    await client.close()


@pytest.fixture
async def desk(serve: Serve) -> Desk:
    """A worker for locks that says what the test wants."""
    desk = Desk()
    for verb in VERBS:
        await serve(verb, partial(desk.answer, verb))
    return desk


@pytest.fixture
async def arm(desk: Desk, quiet_nats: NatsServer, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[AsyncLabstow]:
    """A client of that worker that has no time to lose."""
    monkeypatch.setattr(bus_module, "TRY", 0.5)
    monkeypatch.setattr(claim_module, "PAUSE", 0.01)
    async with AsyncLabstow(quiet_nats.url, actor="arm") as arm:
        yield arm
