"""MADSci's published client makes templates, and resources from them."""

from collections.abc import Callable

import pytest

from tests.compat.conftest import Tour

pytestmark = [pytest.mark.compat, pytest.mark.system, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def tour(tour_of: Callable[[str], Tour]) -> Tour:
    return tour_of("blueprints.py")


def test_a_template_is_a_resource_and_what_is_told_about_the_template(tour: Tour) -> None:
    created = tour["created"]
    assert (created["template_name"], created["version"], created["tags"]) == ("Tour Plate", "1.0.0", ["tour", "plate"])
    assert created["required_overrides"] == ["resource_name", "attributes.lot"]
    assert (created["description"], created["created_by"], created["rows"]) == ("flat", "ada", 2)
    assert created["children"][1]["children"][1]["resource_name"] == "control"


def test_a_template_of_the_same_name_replaces_it(tour: Tour) -> None:
    read = tour["read"]
    assert (read["template_name"], read["version"]) == ("Tour Plate", "2.0.0")
    assert read["resource_id"] == tour["created"]["resource_id"]
    assert tour["read: nobody's"] is None
    assert tour["info: nobody's"] is None


def test_what_is_told_about_a_template_has_defaults_and_the_resource(tour: Tour) -> None:
    info = tour["info"]
    assert (info["description"], info["version"], info["created_by"]) == ("flat", "2.0.0", "ada")
    assert info["default_values"]["attributes"] == {"volume": 200}
    assert (info["default_values"]["resource_name"], info["resource"]["rows"]) == ("Standard", 2)


def test_a_plate_is_made_with_what_is_in_it_and_once_if_asked_for_the_same_twice(tour: Tour) -> None:
    made = tour["made"]
    assert (made["resource_name"], made["attributes"]) == ("Plate 1", {"volume": 200, "lot": "L-1"})
    assert made["children"][1]["children"][1]["resource_name"] == "control"
    assert made["template_name"] == "Tour Plate"
    assert tour["made: the same again"]["resource_id"] == made["resource_id"]
    assert tour["made: another lot"]["resource_id"] != made["resource_id"]


def test_what_lacks_is_named_and_what_is_only_shown_is_not_there(tour: Tour) -> None:
    assert "attributes.lot" in tour["made: without a lot"]["detail"]
    assert tour["made: without a lot"]["status"] == 422
    assert tour["made: from nobody's"]["status"] == tour["updated: nobody's"]["status"] == 404
    assert tour["made: only shown"]["resource_name"] == "Only shown"
    assert tour["made: only shown, read"]["status"] == 404


def test_an_update_changes_what_it_names_and_what_is_made_from_then_on(tour: Tour) -> None:
    updated = tour["updated"]
    assert (updated["description"], updated["tags"], updated["version"]) == ("deep", ["tour", "v3"], "3.0.0")
    assert updated["required_overrides"] == ["resource_name", "attributes.lot"]
    assert tour["made: after the update"]["attributes"] == {"volume": 250, "lot": "L-1"}
    assert tour["made"]["attributes"]["volume"] == 200


def test_a_template_is_initialised_once_and_brought_to_another_version(tour: Tour) -> None:
    new, known, following = (tour[f"init: {step}"] for step in ("new", "known", "next"))
    assert known == new
    assert (new["capacity"], following["capacity"]) == (20, 30)
    assert (following["version"], following["description"]) == ("1.1.0", "for more")
    assert tour["init: a plate, next"]["version"] == "4.0.0"
    assert tour["init: consumable, next"]["quantity"] == 1000
    assert (tour["made: buffer"]["quantity"], tour["made: buffer"]["unit"]) == (5000, "mL")


def test_templates_are_found_by_type_tags_and_maker(tour: Tour) -> None:
    assert {"Tour Plate", "tour rack", "tour buffer"} <= {template["template_name"] for template in tour["all"]}
    assert {template["template_name"] for template in tour["containers"]} == {"tour rack", "Tour Plate"}
    assert [template["template_name"] for template in tour["by grace"]] == ["tour buffer"]
    assert {"Tour Plate", "tour rack"} <= set(tour["categories"]["container"])


def test_a_deleted_template_is_gone(tour: Tour) -> None:
    assert (tour["deleted"], tour["deleted: again"], tour["read: deleted"]) == (True, False, None)
