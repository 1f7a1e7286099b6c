"""MADSci's published location client, unchanged and with its own settings, does everything it can."""

import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.compat.conftest import HERE, Tour

pytestmark = [pytest.mark.compat, pytest.mark.system, pytest.mark.timeout(300)]

LOCAL = {"close", "aclose", "session"}
"""What asks nobody."""
COMPUTED = {"version", "created_at", "updated_at", "removed_at", "awaits_template"}
DECK = {"deck": "standard", "grip": {"force": 2}}


@pytest.fixture(scope="module")
def tour(tour_of: Callable[[str], Tour]) -> Tour:
    return tour_of("places.py")


def theirs(location: Any) -> Any:
    """A location without what only we tell of it."""
    return {key: value for key, value in location.items() if key not in COMPUTED}


def names(locations: list[Any]) -> list[str]:
    return [one["location_name"] for one in locations]


def test_every_method_of_the_client_is_used(madsci_python: Path, tmp_path: Path) -> None:
    ask = "from madsci.client.location_client import LocationClient as L; print(*[n for n in dir(L) if n[0] != '_'])"
    told = subprocess.run([madsci_python, "-c", ask], capture_output=True, text=True, cwd=tmp_path, check=True)
    script = (HERE / "places.py").read_text()
    assert set(told.stdout.split()) - LOCAL - set(re.findall(r"client\.(\w+)\(", script)) == set()


def test_what_was_sent_is_what_was_added_and_is_read(tour: Tour) -> None:
    assert theirs(tour["added"]) == theirs(tour["sent"])
    assert tour["read by id"] == tour["read by name"] == tour["added"]


def test_a_name_and_an_id_are_given_once(tour: Tour) -> None:
    """Bad input 16."""
    again = tour["added: the name again"]
    assert again == {"status": 409, "detail": "Location with name 'tour.made' already exists"}
    assert tour["added: the id again"]["status"] == 409


def test_what_is_not_there_is_said_as_they_know_it(tour: Tour) -> None:
    nobody = {"status": 404, "detail": "Location with ID '01K5HDZZCF27YHD2WDGSXFPPKZ' not found"}
    assert tour["read: unknown id"] == nobody
    assert tour["read: unknown name"] == {"status": 404, "detail": "Location with name 'tour.nobody' not found"}
    assert tour["taught: nobody"]["status"] == tour["deleted: again"]["status"] == 404


def test_who_makes_a_location_owns_it_and_who_comes_later_changes_nothing(tour: Tour) -> None:
    assert (tour["init: new"]["managed_by"], tour["init: new"]["owner"]["user_id"]) == (
        "node",
        "01M7ZQPRQ5JJRRMTRHKCAVZN4P",
    )
    assert tour["init: known"] == tour["added"]


def test_all_are_listed_and_those_of_nodes_alone(tour: Tour) -> None:
    assert {"tour.made", "tour.owned"} <= set(tour["listed"])
    assert "tour.owned" in tour["listed: of nodes"]
    assert "tour.made" not in tour["listed: of nodes"]
    assert tour["listed: of nobody"]["status"] == 422


def test_a_deleted_location_is_named(tour: Tour) -> None:
    assert tour["deleted"] == {"message": "Location tour.owned deleted successfully"}


def test_a_node_is_taught_any_json_and_forgets_it(tour: Tour) -> None:
    known = {"node dict": {"key": "value"}, "node list": [1, 2, 3], "node str": "position_A", "node float": 1.5}
    known |= {"node bool": True, "node NoneType": None}
    assert tour["taught"]["representations"] == known
    assert tour["taught by id"]["representations"] == known | {"tour_arm": [4]}
    del known["node list"]
    assert tour["forgotten"]["representations"] == known | {"tour_arm": [4]}
    detail = "Representation for node 'node list' not found in location tour.taught"
    assert tour["forgotten: again"] == {"status": 404, "detail": detail}


def test_what_is_at_a_location_is_told_with_what_is_in_it(tour: Tour) -> None:
    """I46."""
    nest, stack = tour["things"]
    assert tour["contents: nothing"] == {"ancestor_ids": [], "resource_id": "", "descendant_ids": {}}
    assert tour["attached"]["resource_id"] == tour["contents"]["resource_id"] == nest
    assert tour["contents"]["descendant_ids"][nest] == [stack]
    assert len(tour["contents"]["descendant_ids"][stack]) == 1
    assert (tour["attached: elsewhere too"]["status"], tour["attached: what is not there"]["status"]) == (409, 404)
    assert tour["deleted: full"]["status"] == 409
    assert tour["detached"]["resource_id"] is None
    assert tour["detached: again"] == {"status": 404, "detail": "No resource attached to location tour.filled"}


def test_templates_are_made_once_read_listed_and_deleted(tour: Tour) -> None:
    assert tour["deck: init"] == tour["deck: init, known"]
    assert (tour["deck: init"]["default_values"], tour["deck: init"]["schema_def"]) == (DECK, {"type": "object"})
    assert tour["slot: init"] == tour["slot: init, known"]
    for one, kind in (("arm", "Representation"), ("shelf", "Location")):
        name = tour[f"{one}: created"]["template_name"]
        assert tour[f"{one}: created"] == tour[f"{one}: read"]
        again = {"status": 409, "detail": f"{kind} template '{name}' already exists"}
        assert tour[f"{one}: created again"] == again
        assert tour[f"{one}: unknown"] == {"status": 404, "detail": f"{kind} template 'tour_nobody' not found"}
    assert {"tour_deck", "tour_arm_access"} <= set(tour["decks"])
    assert {"tour_slot", "tour_shelf"} <= set(tour["slots"])
    assert tour["deck: deleted"] == {"message": "Representation template 'tour_deck' deleted successfully"}
    assert tour["slot: deleted"] == {"message": "Location template 'tour_slot' deleted successfully"}
    assert tour["deck: deleted again"]["status"] == tour["slot: deleted again"]["status"] == 404


def test_a_location_from_a_template_has_what_each_node_must_know(tour: Tour) -> None:
    made = tour["from template"]
    deck = {"deck": "standard", "grip": {"force": 2, "width": 3}, "position": 1}
    assert made["representations"] == {"lh1": deck, "arm1": {"speed": "slow"}}
    assert (made["location_template_name"], made["allow_transfers"]) == ("tour_slot", False)
    assert made["node_bindings"] == {"controller": "lh1", "arm": "arm1"}


def test_a_location_is_not_made_from_what_is_not_complete(tour: Tour) -> None:
    assert tour["from template: the name again"]["status"] == 409
    for what, word in (("no node", "controller"), ("no position", "position")):
        told = tour[f"from template: {what}"]
        assert (told["status"], word in told["detail"]) == (422, True)
    assert tour["from template: unknown"]["status"] == 404


def test_many_are_brought_in_and_those_that_are_there_are_left_or_written_over(tour: Tour) -> None:
    counts = {step: [tour[step][key] for key in ("imported", "skipped", "errors")] for step in tour if "import" in step}
    assert counts["imported"] == [2, 0, []]
    assert counts["imported: again"] == [1, 1, []]
    (over,) = tour["imported: over"]["locations"]
    assert (over["description"], over["representations"]) == ("again", {"tour_eye": 2})
    (bare,) = tour["imported: over, without a description"]["locations"]
    assert (bare["description"], bare["representations"]) == (None, {"tour_eye": 2})
    (error,) = tour["imported: with a removed id"]["errors"]
    assert "was removed" in error
    assert over["location_id"] == tour["imported"]["locations"][0]["location_id"]
    assert names(tour["imported: a file"]["locations"]) == ["tour.in_4", "tour.in_5"]


def test_what_was_exported_can_be_brought_in_and_changes_nothing(tour: Tour) -> None:
    exported = tour["exported"]
    assert {"tour.in_1", "tour.in_4", "tour.made"} <= set(names(exported))
    assert [tour["imported: what was exported"][key] for key in ("imported", "skipped")] == [0, len(exported)]
    assert tour["imported: what was exported"]["errors"] == []
    assert tour["imported: over what was exported"]["locations"] == exported


def test_the_graph_has_what_both_ends_are_known_to(tour: Tour) -> None:
    ids, graph = tour["ids"], tour["graph"]
    reached = {id_: set(graph.get(id_, ())) & set(ids.values()) for id_ in ids.values()}
    assert reached[ids["bench"]] == {ids["scale"], ids["gate"]}
    assert reached[ids["gate"]] == {ids["bench"], ids["scale"], ids["far"]}
    assert reached[ids["zone"]] == reached[ids["alone"]] == set()
    assert ids["zone"] not in graph
    edges = {(one["source_location_id"], one["target_location_id"]): one for one in tour["graph in detail"]["edges"]}
    belt = edges[ids["gate"], ids["far"]]
    assert (belt["node_names"], belt["min_cost"]) == (["tour_belt"], 0.5)
    assert {source for source, _ in edges} == set(graph)


def test_a_plan_is_a_workflow_with_names_in_its_steps(tour: Tour) -> None:
    planned = tour["planned"]
    assert planned["name"] == "Transfer: 'tour.bench' -> 'tour.scale'"
    (step,) = planned["steps"]
    assert (step["node"], step["action"], step["args"]) == ("tour_arm", "move", {"grip": "soft"})
    assert step["locations"] == {"from": "tour.bench", "to": "tour.scale", "over": "tour.gate"}
    assert [step["node"] for step in tour["planned: far"]["steps"]] == ["tour_arm", "tour_belt"]
    assert [step["key"] for step in tour["planned: far"]["steps"]] == ["transfer_step_1", "transfer_step_2"]
    assert tour["planned: here"]["steps"] == []
    for same in ("planned: by name", "planned: a thing"):
        assert tour[same]["steps"] == planned["steps"]


def test_where_there_is_no_plan_it_is_said_as_they_know_it(tour: Tour) -> None:
    forbidden = {"status": 400, "detail": "Location 'tour.zone' does not allow transfers"}
    assert tour["planned: forbidden"] == forbidden
    no_way = {"status": 404, "detail": "No transfer path exists from 'tour.bench' to 'tour.alone'"}
    assert tour["planned: no way"] == no_way
    assert tour["planned: to nobody"]["status"] == 404


def test_whatever_waits_in_an_event_loop_gets_the_same(tour: Tour) -> None:
    got = {step.removeprefix("async: "): value for step, value in tour.items() if step.startswith("async: ")}
    assert got["added"] == got["read by id"] == got["read by name"]
    assert (got["unknown"], "tour.async" in got["listed"]) == (404, True)
    assert got["taught"]["representations"] == {"tour_arm": 1, "tour_eye": None}
    assert got["forgotten"]["representations"] == {"tour_arm": 1}
    assert got["attached"]["resource_id"] == got["contents"]["resource_id"]
    assert got["detached"]["resource_id"] is None
    assert (got["imported"]["imported"], "tour.async_2" in got["exported"]) == (1, True)
    assert tour["ids"]["bench"] in got["graph"][got["added"]["location_id"]]
    assert [step["node"] for step in got["planned"]["steps"]] == ["tour_arm"]
    assert (got["pattern"], got["slot"]) == (got["pattern read"], got["slot read"])
    assert ("tour_async" in got["patterns"], "tour_async" in got["slots"]) == (True, True)
    assert got["from template"]["representations"] == {"arm1": {"speed": "slow"}}
    assert got["deleted"] == {"message": "Location tour.async_3 deleted successfully"}
    assert "deleted" in got["slot deleted"]["message"]
    assert "deleted" in got["pattern deleted"]["message"]
