"""Plans and transfers over REST."""

import pytest

from labstow.contracts import headers
from labstow.contracts.place_errors import NoPath, NoTransfers, PresenceUnknown
from labstow.contracts.ulids import is_ulid
from tests.gateway.conftest import Connect
from tests.gateway.lab import ID, PLACE, PLATE, Json, WrittenLab

NOW = "2026-11-21T19:00:32Z"
STEP: Json = {
    "node": "robot_arm", "action": "move", "source_id": PLACE, "source": "input_tray", "target_id": PLATE,
    "target": "output_tray", "args": {"speed": "slow"}, "locations": {"from_slot": "input_tray", "to": "output_tray"},
    "cost": "1", "base_cost": "1", "multiplier": "1", "level": "default", "reason": "the cheapest",
}  # fmt: skip
PLAN: Json = {
    "lab_version": 7, "at": NOW, "source_id": PLACE, "source": "input_tray", "target_id": PLATE,
    "target": "output_tray", "resource_id": None, "ways": [{"cost": "1", "steps": [STEP, STEP]}],
}  # fmt: skip
BETWEEN = f"/transfer/plan?source_location_id={PLACE}&target_location_id={PLATE}"
FAN: Json = {"source_id": PLACE, "target_ids": [PLATE], "nodes": ["arm", "belt"], "cost": "0.9", "level": "target"}
GRAPH: Json = {"lab_version": 7, "names": {PLACE: "a", PLATE: "b", ID: "c"}, "edges": [FAN, FAN | {"target_ids": [ID]}]}
ERRAND: Json = {"resource_id": ID, "target": "output_tray", "node": "robot_arm"}


async def test_a_plan_without_a_body_is_their_workflow(http: Connect) -> None:
    lab = WrittenLab(transfer_plan=lambda _: PLAN)
    workflow = (await http(lab).post(BETWEEN, headers={"Content-Type": "application/json"})).json()
    assert lab.asked == [("transfer.plan", {"source": PLACE, "target": PLATE})]
    assert is_ulid(workflow.pop("workflow_definition_id"))
    assert "input_tray" in workflow["definition_metadata"].pop("description")
    first, second = workflow.pop("steps")
    assert workflow == {
        "name": "Transfer: 'input_tray' -> 'output_tray'",
        "definition_metadata": {"author": None, "version": "", "ownership_info": None},
        "parameters": {"json_inputs": [], "file_inputs": [], "feed_forward": []},
    }
    assert first == {
        "name": "transfer_step_1",
        "key": "transfer_step_1",
        "description": "Transfer step 1 using robot_arm",
        "action": "move",
        "node": "robot_arm",
        "args": {"speed": "slow"},
        "files": {},
        "locations": {"from_slot": "input_tray", "to": "output_tray"},
        "conditions": [],
        "data_labels": {},
        "use_parameters": None,
    }
    assert second["key"] == "transfer_step_2"


async def test_the_way_to_where_it_is_has_no_steps(http: Connect) -> None:
    same = PLAN | {"target_id": PLACE, "target": "input_tray", "ways": [{"cost": "0", "steps": []}]}
    workflow = (await http(WrittenLab(transfer_plan=lambda _: same)).post(BETWEEN)).json()
    assert (workflow["name"], workflow["steps"]) == ("Transfer: Same location", [])


async def test_what_is_moved_matters_where_its_place_is_not_named(http: Connect) -> None:
    """Beside a source it is ignored, as by MADSci: where it is recorded to be may be old."""
    lab = WrittenLab(transfer_plan=lambda _: PLAN)
    client = http(lab)
    assert (await client.post(f"{BETWEEN}&resource_id={ID}")).status_code == 200
    assert (await client.post(f"/transfer/plan?target_location_id={PLACE}&resource_id={ID}")).status_code == 200
    assert [asked.get("resource_id") for _, asked in lab.asked] == [None, ID]


async def test_a_plan_with_a_body_is_answered_as_it_is(http: Connect) -> None:
    lab = WrittenLab(transfer_plan=lambda _: PLAN)
    query = {"resource_id": ID, "free_in_class": "rack", "k": 3, "avoid": ["a"], "via": ["b"], "nodes": ["arm"]}
    assert (await http(lab).post("/transfer/plan", json=query)).json() == PLAN
    assert lab.asked == [("transfer.plan", query)]


@pytest.mark.parametrize(("path", "body"), [(BETWEEN, {}), ("/transfer/plan", []), ("/transfer/plan?from=x", None)])
async def test_a_plan_is_asked_for_in_one_way_or_the_other(http: Connect, path: str, body: object) -> None:
    answer = await http(WrittenLab(transfer_plan=lambda _: PLAN)).post(path, json=body)
    assert answer.status_code == 422


async def test_where_there_is_no_plan_it_is_said_as_their_clients_know_it(http: Connect) -> None:
    no_way = NoPath(source="a", target="b", why_not=["the belt does not know b"])
    for refusal, status, detail in (
        (NoTransfers(name="safety_zone"), 400, "Location 'safety_zone' does not allow transfers"),
        (no_way, 404, "No transfer path exists from 'a' to 'b'"),
    ):
        answer = await http(WrittenLab(transfer_plan=refusal)).post(BETWEEN)
        assert (answer.status_code, answer.json()["detail"]) == (status, detail)
    assert answer.json()["why_not"] == ["the belt does not know b"]


async def test_the_graph_is_told_by_ids_in_detail_and_as_a_picture(http: Connect) -> None:
    lab = WrittenLab(transfer_graph=lambda _: GRAPH, transfer_picture=lambda _: {"svg": "<svg/>"})
    client = http(lab)
    assert (await client.get("/transfer/graph")).json() == {PLACE: [PLATE, ID]}
    edges = (await client.get("/transfer/graph/detailed")).json()["edges"]
    first = {"source_location_id": PLACE, "target_location_id": PLATE, "node_names": ["arm", "belt"], "min_cost": 0.9}
    assert (edges[0], len(edges)) == (first, 2)
    picture = await client.get("/transfer/graph.svg?source=a&target=b")
    assert (picture.text, picture.headers["content-type"]) == ("<svg/>", "image/svg+xml")
    assert lab.asked[-1] == ("transfer.picture", {"source": "a", "target": "b"})
    assert (await client.get("/transfer/graph.svg?source=a")).status_code == 422


async def test_a_graph_that_is_the_same_is_not_told_again(http: Connect) -> None:
    now = {"graph": GRAPH}

    def graph(query: Json) -> Json:
        same = query.get("unless") == now["graph"]["lab_version"]
        return {"lab_version": 7, "unchanged": True} if same else now["graph"]

    client = http(lab := WrittenLab(transfer_graph=graph))
    for path in ("", "/detailed"):
        first, again = [(await client.get(f"/transfer/graph{path}")).json() for _ in range(2)]
        assert first == again != {}
    assert [query.get("unless") for _, query in lab.asked] == [None, 7, None, 7]
    now["graph"] = GRAPH | {"lab_version": 8, "edges": []}
    assert (await client.get("/transfer/graph")).json() == {}
    assert (await client.get("/transfer/graph/detailed")).json() == {"edges": []}


async def test_what_the_robots_can_do_is_read_and_set_with_its_version(http: Connect) -> None:
    """I31."""
    can: Json = {"transfer_templates": [{"node_name": "arm", "action": "move", "cost_weight": 0.5}]}
    told = {"capabilities": can, "version": 4}
    lab = WrittenLab(transfer_configuration=lambda _: told, transfer_configure=lambda _: told | {"version": 5})
    client = http(lab)
    read = await client.get("/transfer/capabilities")
    assert (read.json(), read.headers["etag"]) == (can, '"4"')
    put = await client.put("/transfer/capabilities", json=read.json(), headers={"If-Match": read.headers["etag"]})
    assert (put.json(), put.headers["etag"]) == (can, '"5"')
    await client.put("/transfer/capabilities", json=can, headers={"If-Match": '"0"'})
    assert [asked.get("expected_version") for _, asked in lab.asked] == [None, 4, 0]


async def test_a_transfer_is_checked_begun_completed_and_aborted(http: Connect) -> None:
    verbs = ("check", "begin", "complete", "abort", "get")
    client = http(lab := WrittenLab(**{f"transfer_{verb}": lambda _: {"state": "begun"} for verb in verbs}))
    lease = {headers.LEASE: PLATE}
    for verb in ("check", "begin"):
        assert (await client.post(f"/transfer/{verb}", json={"errand": ERRAND}, headers=lease)).status_code == 200
    assert (await client.post(f"/transfer/{ID}/complete", headers=lease)).json() == {"state": "begun"}
    await client.post(f"/transfer/{ID}/complete", json={"position": [0, 1]})
    await client.post(f"/transfer/{ID}/abort", json={"left": "source", "reason": "it slipped"})
    await client.post(f"/transfer/{ID}/abort")
    await client.get(f"/transfer/{ID}")
    assert lab.asked == [
        ("transfer.check", {"errand": ERRAND}),
        ("transfer.begin", {"errand": ERRAND}),
        ("transfer.complete", {"transfer_id": ID}),
        ("transfer.complete", {"transfer_id": ID, "position": [0, 1]}),
        ("transfer.abort", {"transfer_id": ID, "left": "source", "reason": "it slipped"}),
        ("transfer.abort", {"transfer_id": ID}),
        ("transfer.get", {"transfer_id": ID}),
    ]
    assert [heads.get(headers.LEASE) for heads in lab.heads] == [PLATE] * 3 + [None] * 4


async def test_transfers_are_listed(http: Connect) -> None:
    lab = WrittenLab(transfer_list=lambda _: {"transfers": [], "next": None})
    answer = await http(lab).get(f"/transfers?state=begun&node=arm&limit=5&before={ID}")
    assert answer.json() == {"transfers": [], "next": None}
    assert lab.asked == [("transfer.list", {"state": "begun", "node": "arm", "limit": 5, "before": ID})]


@pytest.mark.parametrize(("method", "path"), [("GET", ""), ("POST", "/complete"), ("POST", "/abort")])
async def test_a_transfer_that_is_none_is_404(http: Connect, method: str, path: str) -> None:
    answer = await http(lab := WrittenLab()).request(method, f"/transfer/soon{path}")
    assert (answer.status_code, answer.json()["code"], lab.asked) == (404, "transfer.not_found", [])


async def test_a_transfer_is_not_ended_with_words_nobody_knows(http: Connect) -> None:
    client = http(lab := WrittenLab())
    for path in ("complete", "abort"):
        assert (await client.post(f"/transfer/{ID}/{path}", json={"postion": "A1"})).status_code == 422
    assert lab.asked == []


async def test_nodes_say_that_they_are_there_and_others_see_it(http: Connect) -> None:
    beat, present = {"node": "arm", "until": NOW}, {"node": "arm", "until": NOW, "about": {}}
    client = http(lab := WrittenLab(node_beat=lambda _: beat, node_list=lambda _: {"nodes": [present]}))
    assert (await client.post("/node/arm/beat")).json() == beat
    await client.post("/node/arm/beat", json={"for_s": 60, "about": {"battery": 0.9}})
    assert (await client.get("/nodes")).json() == {"nodes": [present]}
    assert [asked for _, asked in lab.asked[:2]] == [
        {"node": "arm"},
        {"node": "arm", "for_s": 60, "about": {"battery": 0.9}},
    ]
    unknown = http(WrittenLab(node_list=PresenceUnknown(reason="Redis is away")))
    assert (await unknown.get("/nodes")).status_code == 503


async def test_a_lab_file_is_applied_and_read(http: Connect) -> None:
    applied: Json = {"differences": [], "changed": 0, "lab_version": 7}
    exported: Json = {"places": {"locations": []}, "lab_version": 7}
    client = http(lab := WrittenLab(location_apply=lambda _: applied, location_export=lambda _: exported))
    body = {"places": {"locations": [{"location_name": "a"}]}, "dry_run": True}
    assert (await client.post("/lab/apply", json=body)).json() == applied
    assert (await client.get("/lab/export")).json() == exported
    assert lab.asked == [("location.apply", body), ("location.export", {})]
