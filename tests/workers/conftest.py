"""What several tests of workers have in common."""

from collections.abc import AsyncIterator, Iterator

import pytest

from labstow.infra.embedded.nats import NatsServer
from tests.servers import fresh_nats
from tests.workers.dying import Dying, dying
from tests.workers.place_desk import Desk, PlaceWorker, place_worker


@pytest.fixture(scope="module")
def server() -> Iterator[NatsServer]:
    """A NATS server in which nobody else publishes anything."""
    with fresh_nats() as running:
        yield running


@pytest.fixture(scope="module")
def killed() -> Iterator[Dying]:
    """A worker that dies when it is told to."""
    with dying() as process:
        yield process


@pytest.fixture
async def desk(postgres_url: str) -> AsyncIterator[Desk]:
    """Who is asked about places directly, where a module has no desk of its own."""
    one = Desk(postgres_url)
    yield one
    await one.close()


@pytest.fixture
async def worker(postgres_url: str) -> AsyncIterator[PlaceWorker]:
    """A worker for places at work, likewise."""
    async with place_worker(postgres_url) as one:
        yield one
