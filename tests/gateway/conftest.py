"""A gateway in this process, in front of a laboratory that a test writes, or of a real one."""

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack

import httpx
import pytest

from labstow.client import Bus
from labstow.gateway import history
from labstow.gateway.app import create_app
from labstow.gateway.madsci import shown
from labstow.gateway.settings import GatewaySettings
from tests.conftest import Lab
from tests.gateway.lab import WrittenLab

Connect = Callable[[WrittenLab], httpx.AsyncClient]


@pytest.fixture
async def http() -> AsyncIterator[Connect]:
    """Make a client of a gateway in front of a laboratory."""
    async with AsyncExitStack() as stack:

        def connect(lab: WrittenLab) -> httpx.AsyncClient:
            app = create_app(GatewaySettings(max_body_bytes=1000, nats_url="nats://me:secret@lab:4222"), lab)
            client = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://gateway")
            stack.push_async_exit(client)
            return client

        yield connect


@pytest.fixture(scope="session")
async def rest(lab: Lab) -> AsyncIterator[httpx.AsyncClient]:
    """Make a client of a gateway in front of the shared labstow."""
    async with Bus(lab.nats_url) as bus:
        app = create_app(GatewaySettings(), bus)
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://gateway") as client:
            yield client


@pytest.fixture(autouse=True)
def forgetful() -> None:
    """Each test makes up its own versions of the same things: what another one was told does not count."""
    shown.forget()
    history.forget()
