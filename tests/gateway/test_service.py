"""What the gateway says about itself, also when nobody is behind it."""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx

from labstow.client import Bus
from labstow.contracts import subjects
from labstow.contracts.errors import StorageUnavailable
from labstow.gateway.app import create_app
from labstow.gateway.settings import GatewaySettings
from labstow.infra.embedded.nats import NatsServer
from labstow.workers.kit.broker import heard
from tests.conftest import until
from tests.gateway.conftest import Connect
from tests.gateway.lab import ID, Json, WrittenLab
from tests.servers import fresh_nats


def fine(query: Json) -> Json:
    return {"ready": True, "schema_revision": "0001"}


async def test_it_is_ready_when_every_kind_of_worker_is(http: Connect) -> None:
    ready = await http(WrittenLab(resource_ready=fine, history_ready=fine, lock_ready=fine, transfer_ready=fine)).get(
        "/health/ready"
    )
    assert (ready.status_code, ready.json()) == (200, {"ready": True, "degraded": {}})


async def test_what_works_less_well_is_told_and_it_is_ready_all_the_same(http: Connect) -> None:
    def worse(query: Json) -> Json:
        return fine(query) | {"degraded": "waiters look once a second"}

    client = http(WrittenLab(resource_ready=fine, history_ready=fine, lock_ready=worse, transfer_ready=fine))
    ready, health = await client.get("/health/ready"), (await client.get("/health")).json()
    assert (ready.status_code, ready.json()["degraded"]) == (200, {"lock": "waiters look once a second"})
    assert health["healthy"]
    assert health["details"]["lock"] == "ready, but waiters look once a second"


async def test_it_is_not_ready_without_workers_or_their_database_and_says_so(http: Connect) -> None:
    client = http(WrittenLab(resource_ready=StorageUnavailable()))
    answer = await client.get("/health/ready")
    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "1"
    assert set(answer.json()["reasons"]) == {"resource", "history", "lock", "transfer"}
    assert "database is not available" in answer.json()["detail"]

    health = await client.get("/health")
    assert (health.status_code, health.json()["healthy"]) == (200, False)
    assert (await client.get("/health/live")).status_code == 200


async def test_every_gateway_of_a_laboratory_shows_the_same_definition(http: Connect) -> None:
    one, other = http(WrittenLab()), http(WrittenLab())
    definition = (await one.get("/definition")).json()
    assert definition == (await one.get("/")).json() == (await other.get("/definition")).json()
    assert definition["manager_type"] == "resource_manager"


async def test_settings_are_shown_without_the_password(http: Connect) -> None:
    answer = await http(WrittenLab()).get("/settings")
    assert answer.json()["nats_url"] == "nats://lab:4222"
    assert "secret" not in answer.text


@asynccontextmanager
async def gateway(nats: NatsServer) -> AsyncIterator[httpx.AsyncClient]:
    """A gateway on a server, from its start to its end."""
    app = create_app(GatewaySettings(nats_url=nats.url, request_budget_s=0.5))
    async with app.router.lifespan_context(app), httpx.AsyncClient(transport=httpx.ASGITransport(app)) as client:
        client.base_url = httpx.URL("http://gateway")
        yield client


async def test_a_worker_that_does_not_answer_is_504_within_the_budget() -> None:
    with fresh_nats() as nats:
        async with Bus(nats.url) as worker, gateway(nats) as client:
            await worker.nats.subscribe(subjects.request("resource.get"))
            await heard(worker.nats)
            started = time.monotonic()
            answer = await client.get(f"/resource/{ID}")
            assert (answer.status_code, answer.json()["code"]) == (504, "outcome.unknown")
            assert time.monotonic() - started < 2


async def test_it_starts_without_a_nats_server_and_serves_when_one_appears() -> None:
    with fresh_nats() as nats:
        nats.stop()
        async with gateway(nats) as client:
            assert (await client.get("/health/live")).status_code == 200
            assert "nats" in (await client.get("/health/ready")).json()["reasons"]
            assert (await client.get(f"/resource/{ID}")).status_code == 503
            nats.start()

            async def connected() -> bool:
                return "nats" not in (await client.get("/health/ready")).json()["reasons"]

            await until(connected)
