"""The same laboratory through both doors: what came in by REST is read by NATS, and the other way."""

import httpx
import pytest

from labstow.client import AsyncLabstow
from labstow.contracts.history import QueryHistory
from labstow.contracts.queries import Get
from labstow.contracts.resource import Add, NewResource
from labstow.contracts.ulids import new_ulid
from tests.conftest import Gateway

pytestmark = pytest.mark.system


async def test_a_resource_added_through_rest_reads_back_identically_through_nats(
    client: AsyncLabstow, gateway: Gateway
) -> None:
    """A reagent with everything that can be said of it; and its journal knows the door it came through.

    Seen to fail with `unit` left out of the gateway's renames: it came back null.
    """
    one = new_ulid()
    body = {
        "resource_id": one,
        "resource_name": "PBS µ",
        "resource_class": "reagent",
        "resource_description": "buffer",
        "base_type": "continuous_consumable",
        "owner": {"user_id": "01M7ZQPJ4RNK3G1KAYMQFFSG2C"},
        "attributes": {"pH": 7.4, "nested": {"list": [1, None, "x"]}},
        "quantity": 0.1,
        "capacity": "500.000000000001",
        "unit": "mL",
    }
    async with httpx.AsyncClient(base_url=gateway.url) as rest:
        answer = await rest.post("resource/add", json=body)
        assert answer.status_code == 200, answer.text
        told = answer.json()
    read = await client.ask(Get(resource_id=one))
    assert (read.name, read.resource_class, read.description) == ("PBS µ", "reagent", "buffer")
    assert (read.owner, read.attributes) == (body["owner"], body["attributes"])
    assert (str(read.quantity), str(read.capacity), read.unit) == ("0.1", "500.000000000001", "mL")
    assert read.version == told["version"] == 1
    assert read.created_at.isoformat() == told["created_at"].replace("Z", "+00:00")
    history = await client.ask(QueryHistory(entity_id=one))
    assert [(entry.via, entry.version) for entry in history.entries] == [("rest", 1)]


async def test_a_plate_added_through_nats_is_a_plate_through_rest(client: AsyncLabstow, gateway: Gateway) -> None:
    """Wells at the same places in both."""
    wells = tuple(NewResource(name=f"s{i}", position=[i, i]) for i in range(8))
    plate = await client.ask(Add(resource=NewResource(name="P", base_type="grid", rows=8, columns=12, children=wells)))
    async with httpx.AsyncClient(base_url=gateway.url) as rest:
        shown = (await rest.get(f"resource/{plate.resource_id}")).json()
    rows = shown["children"]
    assert [rows[i]["children"][i]["resource_name"] for i in range(8)] == [f"s{i}" for i in range(8)]
    assert sum(well is not None for row in rows if row for well in row["children"]) == 8


async def test_the_same_key_adds_once_through_rest(gateway: Gateway) -> None:
    """I32: `Idempotency-Key`."""
    async with httpx.AsyncClient(base_url=gateway.url) as rest:
        added = [
            (await rest.post("resource/add", json={"resource_name": "once"}, headers={"Idempotency-Key": "k-1"})).json()
            for _ in range(3)
        ]
    assert len({one["resource_id"] for one in added}) == 1
