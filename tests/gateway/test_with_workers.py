"""The gateway in front of real workers: what goes in by one door comes out of the other."""

import asyncio

import httpx
import orjson
import pytest
from hypothesis import HealthCheck
from hypothesis import given as forall
from hypothesis import settings as hypothesis_settings

from labstow.client import AsyncLabstow
from labstow.contracts.base_types import BaseType
from labstow.contracts.history import QueryHistory
from labstow.contracts.queries import Find, Get
from labstow.contracts.resource import Add, NewResource
from labstow.contracts.ulids import new_ulid
from tests.copies import alike
from tests.gateway.things import Json, answered, things

pytestmark = pytest.mark.system


def anew(thing: Json) -> Json:
    """The same with ids that nobody has yet."""
    children = [anew(child) for child in thing.get("children") or ()]
    return thing | {"resource_id": new_ulid(), "children": children}


@forall(drawn=things())
@hypothesis_settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_any_resource_added_over_rest_is_read_over_nats_and_writing_it_back_changes_nothing(
    rest: httpx.AsyncClient, client: AsyncLabstow, drawn: Json
) -> None:
    sent = answered(anew(drawn))
    added = await rest.post("/resource/add", json=sent)
    assert added.status_code == 200, added.text

    over_nats = await client.ask(Get(resource_id=sent["resource_id"]))
    over_rest = await rest.get(f"/resource/{sent['resource_id']}")
    shown = alike(over_rest.json())
    assert alike(added.json()) == shown == alike(answered(orjson.loads(over_nats.model_dump_json())))

    for path in ("/resource/update", "/resource/add_or_update", "/resource/add"):
        again = await rest.post(path, json=over_rest.json())
        assert again.status_code == 200, again.text
        assert alike(again.json()) == shown
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
    assert alike(first.json()) == alike(again.json())


async def test_the_history_names_the_caller_and_the_door(rest: httpx.AsyncClient, client: AsyncLabstow) -> None:
    """I39."""
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


async def test_where_a_sample_is_and_where_there_is_room_is_told(rest: httpx.AsyncClient) -> None:
    kind, sample = new_ulid(), new_ulid()
    row = {"resource_name": "A", "base_type": "row", "columns": 3, "children": [None, {"resource_id": sample}, None]}
    row["children"][1]["resource_name"] = "sample"  # type: ignore[index]
    plate = {"resource_name": "Plate 7", "base_type": "grid", "rows": 2, "columns": 3, "children": [row]}
    plate |= {"resource_class": kind, "resource_id": new_ulid()}
    shelf = {"resource_name": "Shelf 1", "base_type": "slot", "children": [plate], "resource_id": new_ulid()}
    assert (await rest.post("/resource/add", json=shelf)).status_code == 200

    where = (await rest.get(f"/resource/{sample}/where")).json()
    assert [step["name"] for step in where["path"]] == ["Shelf 1", "Plate 7", "sample"]
    assert where["words"].startswith("Shelf 1")
    tree = (await rest.get(f"/resource/{shelf['resource_id']}/tree")).json()
    assert tree["children"][0]["children"][0]["position"] == "A2"
    space = (await rest.get(f"/resource/{plate['resource_id']}/free?count=2")).json()
    assert (space["spaces"][0]["positions"], space["enough"]) == (["A1", "A3"], True)
    (space,) = (await rest.get("/free", params={"resource_class": kind})).json()["spaces"]
    assert (space["container_id"], space["free"]) == (plate["resource_id"], 5)


async def test_resources_are_listed_in_pages_that_leave_nothing_out(rest: httpx.AsyncClient) -> None:
    kind = new_ulid()
    tips = [{"resource_name": f"tip {number}", "resource_class": kind} for number in range(25)]
    assert (
        await rest.post("/resource/add", json={"resource_name": "q", "base_type": "queue", "children": tips})
    ).is_success
    found, query = [], {"resource_class": kind, "limit": "10", "count": "true", "sort": "resource_name"}
    while True:
        page = (await rest.get("/resources", params=query)).json()
        assert page["count"] == 25
        found += [tip["resource_name"] for tip in page["resources"]]
        if page["next"] is None:
            break
        query["after"] = page["next"]
    assert found == sorted(tip["resource_name"] for tip in tips)
    offset = {"resource_class": kind, "offset": 20, "sort": "resource_name", "descending": True}
    rest_of_it = (await rest.post("/resource/query", json=offset)).json()
    assert [tip["resource_name"] for tip in rest_of_it] == found[4::-1]


async def test_the_past_is_read_and_compared(rest: httpx.AsyncClient) -> None:
    bottle: Json = {"resource_id": new_ulid(), "resource_name": "PBS", "base_type": "consumable", "quantity": 5}
    added = (await rest.post("/resource/add", json=bottle)).json()
    then, path = added["created_at"], f"/resource/{bottle['resource_id']}"
    now = (await rest.post(f"{path}/quantity/decrease?amount=2")).json()
    assert now["quantity"] == 3
    assert (await rest.get(path, params={"as_of": then})).json()["quantity"] == 5
    query: dict[str, str] = {"resource_id": bottle["resource_id"]}
    entry = (await rest.get("/history/at", params=query | {"at": then})).json()
    assert (entry["quantity"], entry["change_type"]) == (5, "Added")
    (difference,) = (await rest.get("/history/diff", params=query | {"since": then})).json()["differences"]
    assert (difference["what"], set(difference["changes"])) == ("changed", {"quantity"})
    assert len((await rest.get(f"{path}/history", params={"change_type": "Updated"})).json()) == 1


async def test_a_move_a_swap_and_a_batch_leave_everything_in_one_place(rest: httpx.AsyncClient) -> None:
    deck, ids = new_ulid(), [new_ulid(), new_ulid()]
    rack = {"resource_id": deck, "resource_name": "bench", "base_type": "row", "columns": 3}
    rack["children"] = [{"resource_id": id_, "resource_name": id_} for id_ in ids]
    assert (await rest.post("/resource/add", json=rack)).status_code == 200
    swapped = (await rest.post(f"/resource/{ids[0]}/swap", json={"other_id": ids[1]})).json()
    assert (swapped["resource"]["key"], swapped["other"]["key"]) == ("2", "1")
    moved = (await rest.post(f"/resource/{ids[0]}/move", json={"parent_id": deck, "key": 2})).json()
    assert (moved["resource"]["key"], moved["container"]["resource_id"]) == ("3", deck)
    taken = await rest.post(f"/resource/{ids[0]}/move", json={"container_id": deck, "key": 0})
    assert (taken.status_code, taken.json()["occupant_id"]) == (409, ids[1])
    steps = [{"verb": "take", "command": {"container_id": deck, "resource_id": id_}} for id_ in ids]
    assert len((await rest.post("/batch", json={"steps": steps})).json()["answers"]) == 2
    assert (await rest.get(f"/resource/{deck}")).json()["children"] == [None] * 3
    none = await rest.post("/batch", json={"steps": steps})
    assert none.status_code in (404, 409)


async def test_of_many_who_write_what_they_read_one_succeeds(rest: httpx.AsyncClient) -> None:
    """I31. Seen to fail when the gateway leaves `If-Match` out."""
    body = {"resource_id": new_ulid(), "resource_name": "contested"}
    match = {"If-Match": (await rest.post("/resource/add", json=body)).headers["etag"]}
    answers = await asyncio.gather(
        *(
            rest.post("/resource/update", json=body | {"resource_description": str(number)}, headers=match)
            for number in range(16)
        )
    )
    assert sorted(answer.status_code for answer in answers) == [200] + [412] * 15


async def test_of_many_who_write_different_attributes_nobody_loses(rest: httpx.AsyncClient) -> None:
    """Each read the same version. Seen to fail when the gateway leaves the `version` of a body out."""
    added = (await rest.post("/resource/add", json={"resource_name": "shared", "attributes": {"n": 0}})).json()
    copies = [(await rest.get(f"/resource/{added['resource_id']}")).json() for _ in range(16)]
    await rest.post("/resource/update", json=added | {"attributes": {"n": 1}})
    answers = await asyncio.gather(
        *(
            rest.post("/resource/update", json=copy | {"attributes": {"n": 0, f"a{i}": i}})
            for i, copy in enumerate(copies)
        )
    )
    assert {answer.status_code for answer in answers} == {200}
    read = (await rest.get(f"/resource/{added['resource_id']}")).json()
    assert read["attributes"] == {"n": 1} | {f"a{i}": i for i in range(16)}


async def test_who_writes_one_copy_again_knows_what_he_wrote(rest: httpx.AsyncClient) -> None:
    """What was set back is set back, as by MADSci's clients, which never refresh what they hold. Copies of it that
    are written at once know nothing of each other. Seen to fail: what was set back stayed as it was, and was answered
    200; and with each of them taken for the same, keys were lost.
    """
    held = (await rest.post("/resource/add", json={"resource_name": "held", "attributes": {"n": 0}})).json()
    path = f"/resource/{held['resource_id']}"
    for n in (1, 2, 0):
        assert (await rest.post("/resource/update", json=held | {"attributes": {"n": n}})).status_code == 200
    assert (await rest.get(path)).json()["attributes"] == {"n": 0}
    bodies = [held | {"attributes": {"n": 0, f"a{i}": i}} for i in range(8)]
    await asyncio.gather(*(rest.post("/resource/update", json=body) for body in bodies))
    assert (await rest.get(path)).json()["attributes"] == {"n": 0} | {f"a{i}": i for i in range(8)}


async def test_the_history_of_everything_is_read_by_noun_and_actor(rest: httpx.AsyncClient) -> None:
    """I40: page by page, nothing left out; templates have a history as resources do."""
    name, who = new_ulid(), new_ulid()
    owner = {"x-owner": who}
    blueprint = {"template_name": name, "resource": {"resource_name": "tube", "base_type": "asset"}}
    made = await rest.post("/template/create", json=blueprint, headers=owner)
    added = await rest.post("/resource/add", json={"resource_name": "tube", "base_type": "asset"}, headers=owner)
    assert (made.status_code, added.status_code) == (200, 200)

    first = (await rest.get("/history", params={"actor": who, "limit": 1})).json()
    before = (await rest.get("/history", params={"actor": who, "before": first["previous"]})).json()
    templates = (await rest.get("/history", params={"actor": who, "noun": "template"})).json()

    assert [entry["noun"] for entry in (*before["entries"], *first["entries"])] == ["template", "resource"]
    assert before["previous"] is None
    assert [entry["what"] for entry in templates["entries"]] == ["created"]
    assert (await rest.get("/history", params={"limit": "many"})).status_code == 422
