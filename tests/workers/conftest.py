"""What several tests of workers have in common."""

from collections.abc import Iterator

import pytest

from labstow.infra.embedded.nats import NatsServer
from tests.servers import fresh_nats
from tests.workers.dying import Dying, dying


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
