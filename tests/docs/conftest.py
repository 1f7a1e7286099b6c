"""A laboratory for what is about all places there are, or all that robots can do: nobody else may have any there."""

from collections.abc import Iterator

import pytest

from tests.conftest import Gateway, Lab, running_gateway, running_lab
from tests.servers import Servers, fresh_nats


@pytest.fixture
def empty(servers: Servers, migrated: str) -> Iterator[tuple[Lab, Gateway]]:
    """A labstow in which nothing is, and a gateway in front of it."""
    with pytest.MonkeyPatch.context() as patch, servers.database(template=migrated) as url, fresh_nats() as nats:
        patch.setenv("LABSTOW_REDIS_URL", f"{servers.redis.url}?db=1")
        with running_lab(nats.url, url) as lab, running_gateway(lab) as gateway:
            yield lab, gateway
