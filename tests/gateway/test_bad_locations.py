"""Places and transfers that cannot be are answered with a sentence, never with 5xx, and change nothing."""

from typing import Any

import httpx
import pytest

from labstow.contracts.ulids import new_ulid
from tests.gateway.lab import ID, Json
from tests.gateway.refused import ADD, assert_refused

pytestmark = pytest.mark.system

DEEP = b"[" * 400 + b"]" * 400


@pytest.fixture
async def rack(rest: httpx.AsyncClient) -> str:
    """A location of this test's own, by its name."""
    name = f"rack.{new_ulid()}"
    assert (await rest.post("/location", json={"location_name": name})).status_code == 200
    return name


async def thing(rest: httpx.AsyncClient) -> str:
    """A resource of this test's own, by its id."""
    return str((await rest.post(ADD, json={"resource_name": "nest", "base_type": "slot"})).json()["resource_id"])


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"location_name": ""},
        {"location_name": None},
        {"location_name": 7},
        {"location_name": "a b"},
        {"location_name": "a/b"},
        {"location_name": ".."},
        {"location_name": "räck"},
        {"location_name": "a\u0000"},
        {"location_name": "a\u202e"},
        {"location_name": "x" * 256},
        {"location_name": "01K5HDZZCF27YHD2WDGSXFPPKQ"},
        {"location_name": "x", "location_id": "01K5HDZZCF27YHD2WDGSXFPPU"},
        {"location_name": "x", "representations": []},
        {"location_name": "x", "representations": {"": 1}},
        {"location_name": "x", "representations": {"a/b": 1}},
        {"location_name": "x", "representations": {"arm": "\u0000"}},
        {"location_name": "x", "representations": {str(number): 1 for number in range(1_001)}},
        {"location_name": "x", "allow_transfers": "perhaps"},
        {"location_name": "x", "managed_by": "nobody"},
        {"location_name": "x", "owner": "ada"},
        {"location_name": "x", "resource_id": "nest"},
        {"location_name": "x", "resource_template_name": "a/b"},
        {"location_name": "x", "allow_transfer": False},
    ],
    ids=lambda body: str(body)[:60].encode("ascii", "replace").decode(),
)
async def test_a_location_that_cannot_be_is_refused(rest: httpx.AsyncClient, body: Json) -> None:
    """Bad input 5, 6, 7 and 16."""
    for path in ("/location", "/location/init"):
        await assert_refused(rest, await rest.post(path, json=body), 422)
    assert (await rest.get("/location", params={"name": "x"})).status_code == 404


@pytest.mark.parametrize("body", [b"", b"{", b"null", b"[]", b'{"location_name": "x"} x', b"\xff"])
async def test_what_is_no_location_is_refused(rest: httpx.AsyncClient, body: bytes) -> None:
    """Bad input 4."""
    for path in ("/location", "/location/from_template", "/location_template", "/lab/apply", "/transfer/begin"):
        await assert_refused(rest, await rest.post(path, content=body), 400, 422)


async def test_two_locations_do_not_have_one_name(rest: httpx.AsyncClient, rack: str) -> None:
    """Bad input 16."""
    again = await rest.post("/location", json={"location_name": rack})
    await assert_refused(rest, again, 409)
    assert again.json()["detail"] == f"Location with name '{rack}' already exists"
    other = f"other.{new_ulid()}"
    await rest.post("/location", json={"location_name": other})
    await assert_refused(rest, await rest.patch(f"/location/{other}", json={"location_name": rack}), 409)


async def test_what_is_not_there_or_elsewhere_is_not_attached(rest: httpx.AsyncClient, rack: str) -> None:
    """Bad input 16, I46."""
    there, removed, other = [await thing(rest) for _ in range(3)]
    await rest.delete(f"/resource/{removed}")
    home = f"home.{new_ulid()}"
    made = await rest.post("/location", json={"location_name": home, "resource_id": there})
    assert made.status_code == 200, made.text
    path = f"/location/{rack}/attach_resource"
    for resource_id, status in ((ID, 404), (removed, 404), (there, 409), ("nest", 422)):
        await assert_refused(rest, await rest.post(path, params={"resource_id": resource_id}), status)
    await assert_refused(rest, await rest.post(path), 422)
    full = await rest.post(f"/location/{home}/attach_resource", params={"resource_id": other})
    await assert_refused(rest, full, 409)
    assert (await rest.get(f"/location/{rack}")).json()["resource_id"] is None


@pytest.mark.parametrize(
    ("value", "status"),
    [
        (b'"' + b"x" * 2**23 + b'"', 413),
        (b'"' + b"x" * 2**20 + b'"', 422),
        (b'"' + b"x" * 2**17 + b'"', 422),
        (DEEP, 422),
        (b"NaN", 400),
        (b"1e400", 400),
        (b"18446744073709551616", 422),
    ],
    ids=["8 MiB", "1 MiB", "128 KiB", "deep", "NaN", "1e400", "2**64"],
)
async def test_a_representation_that_is_too_much_is_refused(
    rest: httpx.AsyncClient, rack: str, value: bytes, status: int
) -> None:
    """Bad input 16."""
    await assert_refused(rest, await rest.post(f"/location/{rack}/set_representation/arm", content=value), status)
    assert (await rest.get(f"/location/{rack}")).json()["representations"] == {}


@pytest.mark.parametrize("key", ["%00", "nobody", "x" * 300, ID, "%2e%2e%2fx", "'; drop table location --"])
async def test_a_key_that_no_location_has_is_refused(rest: httpx.AsyncClient, key: str) -> None:
    """Bad input 6."""
    for method, path in (
        ("GET", ""),
        ("DELETE", ""),
        ("GET", "/resources"),
        ("POST", "/set_representation/arm"),
        ("DELETE", "/remove_representation/arm"),
        ("DELETE", "/detach_resource"),
    ):
        await assert_refused(rest, await rest.request(method, f"/location/{key}{path}"), 404, 422)


@pytest.mark.parametrize(
    "query",
    [
        "/locations?limit=1",
        "/locations?managed_by=x",
        "/locations?node=",
        "/locations?as_of=soon",
        "/location?name=",
        "/transfers?limit=0",
        "/transfers?state=lost",
        "/transfers?before=x",
        "/transfer/graph.svg?source=x",
        "/transfer/soon",
    ],
)
async def test_a_question_that_is_none_is_refused(rest: httpx.AsyncClient, query: str) -> None:
    """Bad input 8."""
    await assert_refused(rest, await rest.get(query), 404 if query.endswith("soon") and "?" not in query else 422)


@pytest.mark.parametrize("cost", [b"-1", b"-0.5", b"NaN", b"1e308", b'"dear"', b"1e400", b"true", b'"1_0"'])
async def test_a_cost_that_is_none_is_refused(rest: httpx.AsyncClient, cost: bytes) -> None:
    """Bad input 16."""
    before = await rest.get("/transfer/capabilities")
    body = b'{"transfer_templates": [{"node_name": "arm", "action": "move", "cost_weight": ' + cost + b"}]}"
    await assert_refused(rest, await rest.put("/transfer/capabilities", content=body), 400, 422)
    after = await rest.get("/transfer/capabilities")
    assert (after.json(), after.headers["etag"]) == (before.json(), before.headers["etag"])


@pytest.mark.parametrize(
    "can",
    [
        {"transfer_templates": {}},
        {"transfer_templates": [{"action": "move"}]},
        {"transfer_templates": [{"node_name": "arm", "action": "\u0000"}]},
        {"transfer_templates": [{"node_name": "arm", "action": "move", "cost": 2}]},
        {"transfer_templates": [{"node_name": "arm", "action": "move", "additional_location_args": {"a": 1}}]},
        {"override_transfer_templates": {"source_overrides": {"": []}}},
        {"override_transfer_templates": {"pair_overrides": {"a": []}}},
        {"capacity_cost_config": {"enabled": True, "high_capacity_threshold": 1.5}},
        {"capacity_cost_config": {"enabled": True, "high_capacity_multiplier": 0.5}},
        {"linked": [["a"]]},
        {"exclusive": "a"},
        {"capabilities": {}},
    ],
    ids=lambda can: str(can)[:70].encode("ascii", "replace").decode(),
)
async def test_what_robots_cannot_do_is_refused(rest: httpx.AsyncClient, can: Json) -> None:
    """Bad input 4, 5 and 16."""
    before = (await rest.get("/transfer/capabilities")).json()
    await assert_refused(rest, await rest.put("/transfer/capabilities", json=can), 422)
    assert (await rest.get("/transfer/capabilities")).json() == before


@pytest.mark.parametrize(
    "body",
    [
        {"source": "x"},
        {"target": "x"},
        {"source": "x", "target": "y", "free_in_class": "rack"},
        {"source": "x", "target": "y", "k": 0},
        {"source": "x", "target": "y", "k": 1_000},
        {"source": "x", "target": "y", "avoid": "z"},
        {"source": "x", "target": "y", "via": ["z"] * 1_001},
        {"source": "x", "target": "y", "nodes": [""]},
        {"source": "", "target": "y"},
        {"source_location_id": "x", "target_location_id": "y"},
    ],
    ids=lambda body: str(body)[:60],
)
async def test_a_plan_that_says_too_little_or_too_much_is_refused(rest: httpx.AsyncClient, body: Json) -> None:
    """Bad input 16."""
    await assert_refused(rest, await rest.post("/transfer/plan", json=body), 422)


@pytest.mark.parametrize(
    ("errand", "status"),
    [
        ({"resource_id": ID, "node": "arm"}, 422),
        ({"resource_id": ID, "node": "arm", "target": "x", "container_id": ID}, 422),
        ({"resource_id": ID, "node": "", "target": "x"}, 422),
        ({"resource_id": "plate", "node": "arm", "target": "x"}, 422),
        ({"resource_id": ID, "node": "arm", "target": "nobody"}, 404),
        ({"resource_id": ID, "node": "arm", "target": "nobody", "position": {}}, 422),
    ],
    ids=str,
)
async def test_an_errand_that_cannot_be_is_not_begun(rest: httpx.AsyncClient, errand: Json, status: int) -> None:
    """Bad input 16."""
    await assert_refused(rest, await rest.post("/transfer/begin", json={"errand": errand}), status, 409)
    for seconds in (0, -1, 1e9, "60"):
        body: Json = {"errand": errand | {"target": "x"}, "due_s": seconds}
        await assert_refused(rest, await rest.post("/transfer/begin", json=body), 422)


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        (f"/transfer/{ID}/complete", None, 404),
        (f"/transfer/{ID}/abort", {"left": "source"}, 404),
        (f"/transfer/{ID}/abort", None, 404),
        (f"/transfer/{ID}/abort", {"left": "floor"}, 422),
        (f"/transfer/{ID}/abort", {"left": "source", "container_id": ID}, 422),
        ("/node/arm/beat", {"for_s": 0}, 422),
        ("/node/arm/beat", {"for_s": 1e9}, 422),
        ("/node/arm/beat", {"for": 30}, 422),
        ("/lab/apply", {"places": {"locations": [{"location_name": "x"}] * 2}, "dry_run": True}, 422),
        ("/lab/apply", {"places": {"locations": [{"location_name": "a b"}]}, "dry_run": True}, 422),
        ("/representation_template", {"template_name": "a/b"}, 422),
        ("/representation_template", {"template_name": "x", "schema": {"type": 7}}, 422),
        ("/representation_template", {"template_name": "x", "required_overrides": ["\u0000"]}, 422),
        ("/representation_template", {"template_name": "x", "default_values": {"a": "\u0000"}}, 422),
        ("/location_template", {"template_name": "x", "representation_templates": {"\u0000": "y"}}, 422),
        ("/location/from_template", {"location_name": "x", "template_name": "nobody"}, 404),
        ("/transfer/plan", {"source": "\u0000", "target": "x"}, 422),
        ("/transfer/plan", {"source": "nobody", "target": "nobody"}, 404),
    ],
    ids=str,
)
async def test_what_means_nothing_is_refused(rest: httpx.AsyncClient, path: str, body: Any, status: int) -> None:
    """Bad input 16."""
    await assert_refused(rest, await rest.post(path, json=body), status)
