"""The gateway in front of real workers: what goes in by one door comes out of the other."""

import asyncio
from collections.abc import AsyncIterator

import httpx
import orjson
import pytest
from hypothesis import HealthCheck
from hypothesis import given as forall
from hypothesis import settings as hypothesis_settings

from labstow.client import AsyncLabstow, Bus
from labstow.contracts.base_types import BaseType
from labstow.contracts.history import QueryHistory
from labstow.contracts.resource import Add, Find, Get, NewResource
from labstow.contracts.ulids import new_ulid
from labstow.gateway.app import create_app
from labstow.gateway.madsci import shown
from labstow.gateway.settings import GatewaySettings
from tests.conftest import Lab
from tests.gateway.things import Json, things

pytestmark = pytest.mark.system


@pytest.fixture(scope="session")
async def rest(lab: Lab) -> AsyncIterator[httpx.AsyncClient]:
    """A client of a gateway in this process, in front of the shared labstow."""
    async with Bus(lab.nats_url) as bus:
        app = create_app(GatewaySettings(), bus)
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://gateway") as client:
            yield client


def anew(thing: Json) -> Json:
    """The same with ids that nobody has yet."""
    children = [anew(child) for child in thing.get("children") or ()]
    return thing | {"resource_id": new_ulid(), "children": children}


@forall(drawn=things())
@hypothesis_settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_any_resource_added_over_rest_is_read_over_nats_and_writing_it_back_changes_nothing(
    rest: httpx.AsyncClient, client: AsyncLabstow, drawn: Json
) -> None:
    sent = shown(anew(drawn))
    added = await rest.post("/resource/add", json=sent)
    assert added.status_code == 200, added.text

    over_nats = await client.ask(Get(resource_id=sent["resource_id"]))
    over_rest = await rest.get(f"/resource/{sent['resource_id']}")
    assert added.json() == over_rest.json() == shown(orjson.loads(over_nats.model_dump_json()))

    for path in ("/resource/update", "/resource/add_or_update", "/resource/add"):
        again = await rest.post(path, json=over_rest.json())
        assert again.status_code == 200, again.text
        assert again.json() == over_rest.json()
    assert await client.ask(Get(resource_id=sent["resource_id"])) == over_nats


async def test_what_is_added_over_nats_is_found_over_rest(rest: httpx.AsyncClient, client: AsyncLabstow) -> None:
    name = f"plate {new_ulid()}"
    sample = NewResource(name="sample", position="B3")
    plate = NewResource(name=name, base_type=BaseType.GRID, rows=8, columns=12, children=(sample,))
    added = await client.ask(Add(resource=plate))
    (found,) = (await rest.post("/resource/query", json={"resource_name": name})).json()
    assert found["resource_id"] == added.resource_id
    assert found["children"][1]["children"][2]["resource_name"] == "sample"


async def test_all_of_many_are_found(rest: httpx.AsyncClient) -> None:
    kind = new_ulid()
    tips = [{"resource_name": f"tip {number}", "resource_class": kind} for number in range(1100)]
    rack = {"resource_name": "rack", "base_type": "queue", "children": tips}
    assert (await rest.post("/resource/add", json=rack)).status_code == 200
    found = (await rest.post("/resource/query", json={"resource_class": kind})).json()
    assert {tip["resource_name"] for tip in found} == {tip["resource_name"] for tip in tips}
    assert len((await rest.post("/resource/query", json={"resource_class": kind, "limit": 1050})).json()) == 1050


async def test_a_request_with_the_same_key_is_done_once(rest: httpx.AsyncClient, client: AsyncLabstow) -> None:
    name, key = f"once {new_ulid()}", {"Idempotency-Key": f"sheet {new_ulid()}"}
    answers = await asyncio.gather(
        *(rest.post("/resource/add", json={"resource_name": name}, headers=key) for _ in range(8))
    )
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.json()["resource_id"] for answer in answers}) == 1
    assert len((await client.ask(Find(name=name))).resources) == 1
    other = await rest.post("/resource/add", json={"resource_name": "another"}, headers=key)
    assert (other.status_code, other.json()["code"]) == (422, "operation.other_payload")


async def test_a_repetition_with_a_prefix_instead_of_a_name_is_done_once(rest: httpx.AsyncClient) -> None:
    body, key = {"resource_name_prefix": "tip"}, {"Idempotency-Key": f"sheet {new_ulid()}"}
    first, again = [await rest.post("/resource/add", json=body, headers=key) for _ in range(2)]
    assert first.status_code == again.status_code == 200
    assert first.json() == again.json()


async def test_the_history_names_the_caller_and_the_door(rest: httpx.AsyncClient, client: AsyncLabstow) -> None:
    body = {"resource_id": new_ulid(), "resource_name": "seen"}
    await rest.post("/resource/add", json=body, headers={"X-Owner": "ada"})
    (change,) = (await rest.post("/history/query", json={"resource_id": body["resource_id"]})).json()
    assert (change["actor"], change["via"]) == ("ada", "rest")
    (entry,) = (await client.ask(QueryHistory(entity_id=body["resource_id"]))).entries
    assert (entry.op_id, entry.what) == (change["op_id"], change["what"])


async def test_a_long_history_is_read_whole(rest: httpx.AsyncClient) -> None:
    body = {"resource_id": new_ulid(), "resource_name": "busy"}
    for number in range(130):
        answer = await rest.post("/resource/add_or_update", json=body | {"resource_class": str(number)})
        assert answer.headers["etag"] == f'"{number + 1}"'
    query = {"resource_id": body["resource_id"]}
    versions = [change["version"] for change in (await rest.post("/history/query", json=query)).json()]
    assert versions == list(range(31, 131))
    assert len((await rest.post("/history/query", json=query | {"limit": None})).json()) == 130


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"resource_name": "x", "base_type": "plate"}, 422),
        ({"resource_name": "x", "base_type": "grid", "rows": 0, "columns": 1}, 422),
        ({"resource_name": "x", "resource_id": "S1"}, 422),
        ({"resource_name": "x", "attributes": {"a": "\x00"}}, 422),
        ({"resource_name": "x", "base_type": "consumable", "quantity": -1}, 422),
        ({"resource_name": "x", "base_type": "consumable", "quantity": 2, "capacity": 1}, 409),
        ({"resource_name": "x", "parent_id": "01M7ZQPJ4RNK3G1KAYMQFFSG2C", "key": "A1"}, 404),
    ],
)
async def test_what_cannot_be_is_refused_with_a_sentence(rest: httpx.AsyncClient, body: Json, status: int) -> None:
    answer = await rest.post("/resource/add", json=body)
    assert answer.status_code == status, answer.text
    assert isinstance(answer.json()["detail"], str)
