"""Places and transfers over REST in front of real workers: what goes in by one door comes out of the other."""

import asyncio

import httpx
import pytest

from labstow.client import AsyncLabstow
from labstow.contracts.history import QueryHistory
from labstow.contracts.location import GetLocation, Represent
from labstow.contracts.ulids import new_ulid
from tests.gateway.lab import Json

pytestmark = pytest.mark.system

MANY = 64


def named(what: str) -> str:
    """A name that no other test has."""
    return f"{what}.{new_ulid()}"


async def made(rest: httpx.AsyncClient, name: str, **fields: object) -> Json:
    """A new location."""
    answer = await rest.post("/location", json={"location_name": name, **fields})
    assert answer.status_code == 200, answer.text
    location: Json = answer.json()
    return location


async def resource(rest: httpx.AsyncClient, **fields: object) -> str:
    """A new resource, by its id."""
    answer = await rest.post("/resource/add", json={"resource_name": "thing", **fields})
    assert answer.status_code == 200, answer.text
    return str(answer.json()["resource_id"])


async def test_a_location_that_is_added_again_with_its_id_is_answered(rest: httpx.AsyncClient) -> None:
    """MADSci's client does so when it heard nothing; under another name, or with another id, it is another one."""
    name, location_id = named("again"), new_ulid()
    first = await made(rest, name, location_id=location_id)
    assert await made(rest, name, location_id=location_id, description="again") == first
    for other in ({"location_name": named("other"), "location_id": location_id}, {"location_name": name}):
        answer = await rest.post("/location", json=other)
        assert (answer.status_code, answer.json()["code"]) == (409, "location.exists")


async def test_what_many_teach_at_once_by_both_doors_is_all_kept(rest: httpx.AsyncClient, client: AsyncLabstow) -> None:
    """I45."""
    name = named("taught")
    await made(rest, name)
    path = f"/location/{name}/set_representation"
    over_rest = (rest.post(f"{path}/arm{number}", json=[number]) for number in range(MANY))
    over_nats = (client.ask(Represent(location=name, node=f"belt{n}", representation=n)) for n in range(MANY))
    answers = await asyncio.gather(*over_rest, *over_nats)
    assert {answer.status_code for answer in answers[:MANY] if isinstance(answer, httpx.Response)} == {200}
    known = {f"arm{number}": [number] for number in range(MANY)} | {f"belt{number}": number for number in range(MANY)}
    assert (await client.ask(GetLocation(location=name))).representations == known
    read = (await rest.get(f"/location/{name}")).json()
    assert (read["representations"], read["version"]) == (known, 2 * MANY + 1)


async def test_of_many_who_change_what_they_read_one_succeeds(rest: httpx.AsyncClient) -> None:
    """I31. Seen to fail when the gateway leaves `If-Match` out."""
    name = named("contested")
    await made(rest, name)
    match = {"If-Match": (await rest.get(f"/location/{name}")).headers["etag"]}
    answers = await asyncio.gather(
        *(rest.patch(f"/location/{name}", json={"description": str(n)}, headers=match) for n in range(16))
    )
    assert sorted(answer.status_code for answer in answers) == [200] + [412] * 15


async def test_of_many_who_attach_one_thing_or_to_one_place_one_succeeds(rest: httpx.AsyncClient) -> None:
    """I46."""
    names = [named("nest") for _ in range(8)]
    for name in names:
        await made(rest, name)
    one, others = await resource(rest), [await resource(rest) for _ in range(8)]
    attach = "attach_resource?resource_id="
    everywhere = await asyncio.gather(*(rest.post(f"/location/{name}/{attach}{one}") for name in names))
    assert sorted(answer.status_code for answer in everywhere) == [200] + [409] * 7
    single = named("nest")
    await made(rest, single)
    into_one = await asyncio.gather(*(rest.post(f"/location/{single}/{attach}{other}") for other in others))
    assert sorted(answer.status_code for answer in into_one) == [200] + [409] * 7


async def test_a_location_has_a_history_and_is_read_as_it_was(rest: httpx.AsyncClient, client: AsyncLabstow) -> None:
    name = named("past")
    location = await made(rest, name, description="first")
    changed = (await rest.patch(f"/location/{name}", json={"description": "second"}, headers={"X-Owner": "ada"})).json()
    await rest.delete(f"/location/{name}")

    entries = (await client.ask(QueryHistory(noun="location", entity_id=location["location_id"]))).entries
    assert [entry.what for entry in entries] == ["added", "updated", "removed"]
    assert (entries[1].actor, entries[1].via, entries[1].noun) == ("ada", "rest", "location")
    assert (await rest.get(f"/location/{name}")).status_code == 404
    for moment, description in ((location["updated_at"], "first"), (changed["updated_at"], "second")):
        then = await rest.get(f"/location/{name}", params={"as_of": moment})
        assert (then.status_code, then.json()["description"]) == (200, description)


async def test_a_repetition_of_an_import_is_done_once(rest: httpx.AsyncClient) -> None:
    body = [{"location_name": named("in")} for _ in range(40)]
    key = {"Idempotency-Key": new_ulid()}
    first, again = [(await rest.post("/locations/import", json=body, headers=key)).json() for _ in range(2)]
    assert (first["imported"], first["errors"]) == (40, [])
    assert first == again
    assert (await rest.post("/locations/import", json=body)).json()["skipped"] == 40


async def test_all_of_many_locations_are_listed(rest: httpx.AsyncClient) -> None:
    node = named("arm")
    names = {named("listed") for _ in range(120)}
    body = [{"location_name": name, "representations": {node: "x" * 60_000}} for name in names]
    for start in range(0, 120, 10):
        assert (await rest.post("/locations/import", json=body[start : start + 10])).json()["imported"] == 10
    listed = (await rest.get("/locations", params={"node": node})).json()
    assert {one["location_name"] for one in listed} == names


async def test_a_thing_is_planned_checked_moved_and_where_it_was_to_go(rest: httpx.AsyncClient) -> None:
    arm, here, there = named("arm"), named("here"), named("there")
    rack, nest = [await resource(rest, base_type=kind) for kind in ("stack", "slot")]
    plate = (await rest.post(f"/resource/{rack}/push", json={"child": {"resource_name": "P"}})).json()["children"][0]
    for name, at in ((here, rack), (there, nest)):
        await made(rest, name, representations={arm: name}, resource_id=at)
    can = {"transfer_templates": [{"node_name": arm, "action": "move", "cost_weight": 2}]}
    assert (await rest.put("/transfer/capabilities", json=can)).status_code == 200

    plan = (await rest.post("/transfer/plan", json={"resource_id": plate["resource_id"], "target": there})).json()
    assert (plan["source"], plan["target"], [step["node"] for step in plan["ways"][0]["steps"]]) == (here, there, [arm])
    assert float(plan["ways"][0]["cost"]) == 2
    picture = await rest.get("/transfer/graph.svg", params={"source": here, "target": there})
    assert picture.text.startswith("<svg")

    errand = {"resource_id": plate["resource_id"], "target": there, "node": arm}
    found = (await rest.post("/transfer/check", json={"errand": errand})).json()
    assert (found["ok"], found["findings"]) == (True, [])
    begun = (await rest.post("/transfer/begin", json={"errand": errand}, headers={"X-Owner": "ada"})).json()
    reserved = (await rest.get(f"/location/{there}")).json()["reservation"]
    assert (reserved["transfer_id"], reserved["holder"]) == (begun["transfer_id"], "ada")
    assert (await rest.get(f"/resource/{rack}")).json()["children"] == []
    assert (await rest.post("/transfer/begin", json={"errand": errand})).status_code in (409, 423)
    assert (await rest.delete(f"/location/{there}")).status_code == 409

    as_ada = {"X-Owner": "ada", "Labstow-Lease": begun["lease_id"]}
    ended = (await rest.post(f"/transfer/{begun['transfer_id']}/complete", headers=as_ada)).json()
    assert ended["state"] == "completed"
    assert [one["resource_id"] for one in (await rest.get(f"/resource/{nest}")).json()["children"]] == [
        plate["resource_id"]
    ]
    assert (await rest.get(f"/transfer/{begun['transfer_id']}")).json()["state"] == "completed"
    (listed,) = (await rest.get("/transfers", params={"node": arm})).json()["transfers"]
    assert (listed["transfer_id"], listed.get("lease_id")) == (begun["transfer_id"], None)
    again = await rest.post(f"/transfer/{begun['transfer_id']}/abort", json={"left": "source"}, headers=as_ada)
    assert (again.status_code, again.json()["code"]) == (409, "transfer.over")


async def test_a_lab_file_is_tried_applied_and_read_back(rest: httpx.AsyncClient) -> None:
    name = named("bench")
    body: Json = {"places": {"locations": [{"location_name": name, "representations": {"arm": {"x": 1}}}]}}
    tried = (await rest.post("/lab/apply", json=body | {"dry_run": True})).json()
    assert (tried["changed"], [one["action"] for one in tried["differences"]]) == (0, ["add"])
    assert (await rest.get(f"/location/{name}")).status_code == 404
    applied = (await rest.post("/lab/apply", json=body)).json()
    assert applied["changed"] > 0
    exported = (await rest.get("/lab/export")).json()["places"]["locations"]
    (mine,) = [one for one in exported if one["location_name"] == name]
    assert mine["representations"] == {"arm": {"x": 1}}
