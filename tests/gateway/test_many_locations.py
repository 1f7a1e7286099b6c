"""A laboratory of 2,000 places that one robot reaches all: four million pairs."""

import time
from collections.abc import AsyncIterator, Iterator

import httpx
import pytest

from labstow.client import Bus
from labstow.gateway.app import create_app
from labstow.gateway.settings import GatewaySettings
from tests.conftest import Lab, running_lab
from tests.servers import Servers, fresh_nats

pytestmark = [pytest.mark.system, pytest.mark.timeout(120)]

PLACES = 2_000


@pytest.fixture
def alone(servers: Servers, postgres_url: str) -> Iterator[Lab]:
    """A labstow without anybody else's places."""
    with fresh_nats() as nats, running_lab(nats.url, postgres_url) as lab:
        yield lab


@pytest.fixture
async def full(alone: Lab) -> AsyncIterator[httpx.AsyncClient]:
    """A gateway in front of it."""
    await alone.ready()
    async with Bus(alone.nats_url) as bus:
        app = create_app(GatewaySettings(request_budget_s=20), bus)
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://gateway") as client:
            yield client


async def test_two_thousand_places_that_are_all_connected_are_served_in_bounded_time(full: httpx.AsyncClient) -> None:
    """Bad input 16: what is asked of all pairs is refused with a sentence if it does not fit, and harms nobody."""
    places = [{"location_name": f"place.{n}", "representations": {"arm": {"at": n}}} for n in range(PLACES)]
    assert (await full.post("/locations/import", json=places)).json()["imported"] == PLACES
    can = {"transfer_templates": [{"node_name": "arm", "action": "move"}]}
    assert (await full.put("/transfer/capabilities", json=can)).status_code == 200

    started = time.monotonic()
    plan = await full.post("/transfer/plan?source_location_id=place.0&target_location_id=place.1999")
    assert [step["action"] for step in plan.json()["steps"]] == ["move"]
    assert time.monotonic() - started < 3

    for path in ("/transfer/graph", "/transfer/graph/detailed", "/transfer/graph.svg"):
        started = time.monotonic()
        answer = await full.get(path)
        assert answer.status_code in (200, 413), answer.text[:300]
        assert time.monotonic() - started < 10
    assert len((await full.get("/locations")).json()) == PLACES
    assert (await full.post("/resource/add", json={"resource_name": "next"})).status_code == 200
