"""What the Location Manager's README says, line by line, with the results that it states."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.compat.conftest import Tour, told_by
from tests.conftest import running_gateway, running_lab
from tests.servers import Servers, fresh_nats

pytestmark = [pytest.mark.compat, pytest.mark.system, pytest.mark.timeout(300)]

STORAGE = "01K5HDZZCF27YHD2WDGSXFPPKQ"
NOBODY = "01K5HDZZCF27YHD2WDGSXFPPKZ"


@pytest.fixture(scope="module")
def seed(
    servers: Servers, migrated: str, madsci_python: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Tour]:
    """A laboratory of its own: the README names its places."""
    with (
        fresh_nats() as nats,
        servers.database(template=migrated) as url,
        running_lab(nats.url, url) as lab,
        running_gateway(lab) as gateway,
    ):
        yield told_by(madsci_python, "location_seed.py", gateway.url, tmp_path_factory.mktemp("seed"))


def refused(told: Tour) -> tuple[int, str]:
    """The status of a refusal, and its sentence."""
    return told["status"], told["body"]["detail"]


def only(steps: list[Any]) -> Any:
    (step,) = steps
    return step


def test_the_id_that_is_none_is_named_and_nothing_is_applied(seed: Tour) -> None:
    status, detail = refused(seed["complete: its id"])
    assert status == 422
    assert "locations.2.location_id" in detail
    assert seed["complete: before"]["body"] == []


def test_the_complete_example_makes_its_places(seed: Tour) -> None:
    assert seed["complete"]["status"] == 200
    storage = seed["complete: storage"]
    assert (storage["location_id"], storage["location_name"]) == (STORAGE, "sample_storage")
    assert storage["representations"]["robotarm_1"] == {"position": "A1", "height": 150}
    assert storage["resource_template_overrides"] == {"capacity": 96, "compartment_size": "small"}


def test_a_resource_is_made_as_soon_as_its_template_is_there(seed: Tour) -> None:
    assert seed["complete: waits"] == {"sample_storage": "storage_rack_template"}
    assert seed["complete: waits no more"]["resource_id"]
    assert seed["complete: rack"]["capacity"] == 96
    assert seed["complete: rack"]["attributes"]["compartment_size"] == "small"


def test_the_overrides_of_the_complete_example_count(seed: Tour) -> None:
    heavy, gentle, plain = (only(seed[f"complete: {way}"]) for way in ("from storage", "to analysis", "elsewhere"))
    assert [step["action"] for step in (heavy, gentle, plain)] == [
        "heavy_transfer",
        "gentle_transfer",
        "transfer_sample",
    ]
    assert heavy["args"] == {"safety_check": True, "grip_force": "strong"}
    assert gentle["args"]["grip_force"] == "gentle"
    assert plain["locations"] == {"pickup_location": "bench", "dropoff_location": "sample_storage"}


def test_a_location_that_is_no_part_of_transfers_is_in_no_plan_and_not_in_the_graph(seed: Tour) -> None:
    for way in ("to", "from"):
        assert refused(seed[f"complete: {way} the zone"]) == (400, "Location 'safety_zone' does not allow transfers")
    assert seed["complete: zone in the graph"] is False


def test_a_location_is_made_and_read_in_every_way(seed: Tour) -> None:
    made = seed["POST /location"]
    assert (made["status"], made["body"]["location_name"]) == (200, "location_name")
    assert "location_name" in seed["GET /locations"]
    for path in ("location?location_id=ID", "location?name=location_name", "location/ID"):
        assert seed[f"GET /{path}"] == made
    assert seed["get_location"] == seed["get_location_by_name"]
    assert seed["get_location"]["location_id"] == made["body"]["location_id"]


def test_representations_of_any_type_are_set_and_removed(seed: Tour) -> None:
    known = {"robotarm_1": 1, "node_name": {"key": "value"}, "robot_arm": [1, 2, 3], "sensor": "position_A"}
    assert seed["set_representations"]["representations"] == known
    del known["sensor"]
    removed = seed["DELETE remove_representation"]
    assert (removed["status"], removed["body"]["representations"]) == (200, known)


def test_a_container_is_attached_asked_about_and_detached(seed: Tour) -> None:
    slot = seed["attach_resource"]["resource_id"]
    hierarchy = seed["get_location_resources"]
    assert (hierarchy["resource_id"], hierarchy["ancestor_ids"], list(hierarchy["descendant_ids"])) == (
        slot,
        [],
        [slot],
    )
    assert seed["GET resources"] == {"status": 200, "body": hierarchy}
    detached = seed["DELETE detach_resource"]
    assert (detached["status"], detached["body"]["resource_id"]) == (200, None)


def test_graph_and_plan_are_there_and_a_location_can_be_deleted(seed: Tour) -> None:
    assert seed["get_transfer_graph"] is True
    assert only(seed["plan_transfer"]["steps"])["locations"]["pickup_location"] == "location_name"
    message = {"message": "Location location_name deleted successfully"}
    assert seed["DELETE /location"] == {"status": 200, "body": message}
    assert seed["GET /location: deleted"]["status"] == 404


def test_it_tells_its_health_and_its_definition(seed: Tour) -> None:
    health, definition = seed["GET /health"], seed["GET /definition"]
    assert (health["status"], health["body"]["healthy"]) == (200, True)
    assert health["body"]["num_locations"] == len(definition["body"]["locations"]) == 4
    assert definition["body"]["manager_type"] == "location_manager"
    assert seed["GET /"] == definition


def test_errors_are_those_of_the_examples(seed: Tour) -> None:
    assert seed["400: no parameters"]["status"] == 400
    assert refused(seed["404: no location"]) == (404, f"Location with ID '{NOBODY}' not found")
    assert refused(seed["404: no such name"]) == (404, "Location with name 'nobody' not found")
    no_representation = f"Representation for node 'robotarm_2' not found in location {STORAGE}"
    assert refused(seed["404: no representation"]) == (404, no_representation)
    no_path = "No transfer path exists from 'source_location' to 'target_location'"
    assert refused(seed["404: no path"]) == (404, no_path)
    assert refused(seed["404: nothing attached"]) == (404, "No resource attached to location source_location")


def test_the_minimal_example_plans_a_workflow(seed: Tour) -> None:
    assert seed["minimal"]["name"] == "Transfer: 'input_tray' -> 'output_tray'"
    step = only(seed["minimal"]["steps"])
    assert (step["node"], step["action"]) == ("robot_arm", "move")
    assert step["locations"] == {"from_slot": "input_tray", "to_slot": "output_tray"}


def test_a_location_with_a_template_has_its_resource_and_its_further_locations(seed: Tour) -> None:
    assert seed["tips"]["resource_id"] == seed["tips: what is there"]["resource_id"]
    attributes = {"tip_type": "1000ul", "brand": "generic", "initial_quantity": 96}
    assert seed["tips: what is there"]["attributes"] == attributes
    assert only(seed["tips: picked up"])["locations"] == {
        "tip_source": "tip_rack_station",
        "liquid_destination": "analysis_station",
        "waste_location": "tip_waste_container",
    }


def test_overrides_come_in_their_order_and_fall_back(seed: Tour) -> None:
    """I49."""
    told = {step.removeprefix("override: "): only(seed[step]) for step in seed if step.startswith("override: ")}
    assert told == {
        "default": "transfer",
        "source": "heavy_transfer",
        "source before target": "heavy_transfer",
        "target": "gentle_transfer",
        "pair": "direct_liquid_transfer",
        "no pair": "transfer",
        "fallback": "transfer",
    }


def test_a_place_that_is_nearly_full_is_dearer(seed: Tour) -> None:
    assert [seed[f"capacity: {used}"] for used in (5, 8, 10)] == [[1], [2], [10]]
