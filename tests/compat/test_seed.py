"""The examples of the Resource Manager's README do what they say there."""

from collections.abc import Callable

import pytest

from tests.compat.conftest import Tour

pytestmark = [pytest.mark.compat, pytest.mark.system, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def seed(tour_of: Callable[[str], Tour]) -> Tour:
    return tour_of("seed.py")


def names(found: list[Tour]) -> list[str]:
    return [resource["resource_name"] for resource in found]


def test_the_quick_start_runs(seed: Tour) -> None:
    plate = seed["set_child"]
    assert plate["children"][0]["children"][0]["resource_name"] == "Sample A1"
    assert "Sample A1" in names(seed["samples"])
    assert "PBS Buffer" in names(seed["consumables"])
    assert (seed["decreased"]["quantity"], seed["increased"]["quantity"]) == (450, 550)
    assert [change["change_type"] for change in seed["history"]] == ["Added", "Updated"]
    assert (seed["removed"]["removed"], seed["restored"]["removed"]) == (True, False)
    assert seed["restored"]["parent_id"] == plate["resource_id"]
    hierarchy = seed["hierarchy"]
    assert hierarchy["ancestor_ids"] == []
    assert hierarchy["descendant_ids"] == {plate["resource_id"]: [seed["restored"]["resource_id"]]}


def test_container_operations_run(seed: Tour) -> None:
    assert seed["grid access"]["children"][0]["children"][0]["resource_name"] == "tip"
    assert names(seed["stack push"]["children"]) == ["New Plate"]
    popped, stack = seed["stack pop"]
    assert (popped["resource_name"], stack["children"]) == ("New Plate", [])
    assert (seed["row access"]["columns"], seed["row access"]["children"][5]["resource_name"]) == (24, "in the rack")


def test_a_node_writes_its_result(seed: Tour) -> None:
    assert seed["result written"]["attributes"] == {"compound": "aspirin", "analysis_result": "ASPIRIN"}


def test_advanced_operations_run(seed: Tour) -> None:
    assert seed["definition"]["resource_id"] == seed["definition again"]["resource_id"]
    assert seed["empty containers"]
    assert not any(container["quantity"] for container in seed["empty containers"])
    assert {change["change_type"] for change in seed["recent updates"]} == {"Updated"}
    first, last = seed["last changes"]
    assert "Added - added" in first
    assert "Updated - updated: attributes" in last


def test_templates_run(seed: Tour) -> None:
    assert seed["template"]["template_name"] == "standard_96_well_plate"
    attributes = {"well_volume": 200, "material": "polystyrene", "sterilized": True}
    own = {"experiment_id": "EXP001", "assay_type": "ELISA"}
    assert seed["assay plate 1"]["attributes"] == attributes | own
    assert seed["assay plate 2"]["attributes"]["assay_type"] == "cell_culture"
    for listing in ("all templates", "plate templates", "lab templates"):
        assert "standard_96_well_plate" in [template["template_name"] for template in seed[listing]]
    assert "standard_96_well_plate" in seed["templates by category"]["container"]
    info = seed["template info"]
    assert info["required_overrides"] == ["resource_name"]
    assert (info["version"], info["created_by"], info["resource"]["columns"]) == ("1.0.0", "lab_manager", 12)
    updated = seed["updated template"]
    assert (updated["version"], updated["attributes"]) == ("1.1.0", attributes | {"well_volume": 250})
    assert seed["deleted"] is True


def test_template_use_cases_run(seed: Tour) -> None:
    assert [seed[f"tip box {number}"]["attributes"]["batch_number"] for number in (1, 5)] == ["TB001", "TB005"]
    stock = seed["buffer stock"]
    assert (stock["quantity"], stock["attributes"]["pH"], stock["attributes"]["lot_number"]) == (
        5000,
        7.4,
        "PBS2024001",
    )
    assert (seed["incubator storage"]["capacity"], seed["incubator storage"]["attributes"]["temperature"]) == (20, 37)
    assert "attributes.source" in seed["no source"]["detail"]


def test_locking_runs(seed: Tour) -> None:
    assert seed["lock released"]["locked_by"] is None
    wells = seed["filled under a lock"]["children"][0]["children"]
    assert [well["resource_name"] for well in wells[:2]] == ["new sample", "another sample"]
    assert seed["sample of the locked rack"]["resource_name"] == "in the rack"
    bottle, stack = seed["several"]
    assert (bottle["quantity"], names(stack["children"])) == (450, ["Finished"])
    assert seed["is it locked"] == [False, None]
    assert seed["analysed"]["attributes"]["analysis_result"] == 7


def test_large_queries_run_in_batches(seed: Tour) -> None:
    assert len(seed["by attributes"]) == 2
    assert [len(batch) for batch in seed["batches"]] == [2, 2, 1]
    assert len({name for batch in seed["batches"] for name in batch}) == 5
    assert seed["children"] == [[7, 11]]


def test_errors_say_what_the_examples_look_for(seed: Tour) -> None:
    assert seed["not found"]["status"] == 404
    assert (seed["full"]["status"], "capacity" in seed["full"]["detail"]) == (409, True)
    assert (seed["insufficient"]["status"], "insufficient quantity" in seed["insufficient"]["detail"]) == (409, True)
    assert seed["current quantity"] == 450
    assert seed["recovered"]["resource_name"] == "important_sample"


def test_the_quick_reference_runs(seed: Tour) -> None:
    assert seed["processed"]["attributes"] == {"status": "processed"}
    assert seed["recent"] > 10
    assert seed["child"]["resource_name"] == "in the plate"
    assert seed["template of a plate"]["template_name"] == "standard_plate"
    made = seed["new plate"]
    assert (made["resource_name"], made["children"][0]["children"][0]["resource_name"]) == ("Plate #2", "in the plate")
