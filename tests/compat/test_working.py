"""MADSci's published client works with containers, quantities and what was removed."""

from collections.abc import Callable

import pytest

from tests.compat.conftest import Tour

pytestmark = [pytest.mark.compat, pytest.mark.system, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def tour(tour_of: Callable[[str], Tour]) -> Tour:
    return tour_of("working.py")


def names(container: Tour) -> list[str]:
    return [child["resource_name"] for child in container["children"]]


def test_a_stack_gives_the_newest_first_and_a_queue_the_oldest(tour: Tour) -> None:
    assert names(tour["push: known, by ids"]) == ["new", "known"]
    popped, stack = tour["pop: stack"]
    assert (popped["resource_name"], popped["parent_id"], names(stack)) == ("known", None, ["new"])
    popped, queue = tour["pop: queue"]
    assert (popped["resource_name"], names(queue)) == ("first", ["second"])


def test_what_is_pushed_may_be_new_known_or_elsewhere(tour: Tour) -> None:
    assert names(tour["push: new"]) == ["new"]
    assert names(tour["push: moved"]) == ["known"]
    assert names(tour["push: a held object again"]) == ["known"]
    assert names(tour["push: through the object"])[-1] == "by the object"


def test_a_plate_comes_out_with_what_is_in_it(tour: Tour) -> None:
    plate, _ = tour["pop: a plate with what is in it"]
    assert plate["children"][0]["children"][0]["resource_name"] == "in the plate"


def test_what_is_full_or_empty_says_so(tour: Tour) -> None:
    assert tour["push: one too many"]["status"] == tour["push: slot is taken"]["status"] == 409
    assert "capacity" in tour["push: one too many"]["detail"]
    assert tour["pop: nothing"]["status"] == tour["pop: not a stack"]["status"] == 409


def test_a_child_is_placed_by_indices_or_by_name_and_replaces_what_is_there(tour: Tour) -> None:
    well = tour["place: by indices"]["children"][0]["children"][1]
    assert (well["resource_name"], well["key"]) == ("first", "1")
    assert tour["place: by name"]["children"][7]["children"][11]["resource_name"] == "second"
    assert tour["place: instead"]["children"][0]["children"][1]["resource_name"] == "instead"
    assert tour["place: what was there"]["parent_id"] is None
    moved = tour["place: moved within"]["children"]
    assert (moved[1]["children"][0]["resource_name"], moved[7]["children"][11]) == ("second", None)
    assert tour["place: row"]["children"][2]["resource_name"] == "first"
    assert tour["place: voxel"]["children"][1]["children"][1]["children"][2]["resource_name"] == "first"
    assert tour["place: collection"]["children"]["left"]["resource_name"] == "first"
    assert tour["place: container"]["children"]["left"]["resource_name"] == "first"
    assert tour["place: pool"]["quantity"] == 2.5


def test_what_is_taken_is_out(tour: Tour) -> None:
    assert tour["take: by name"]["children"][0]["children"][1] is None
    assert tour["take: by indices"]["quantity"] == 0
    assert tour["take: row"]["children"] == [None] * 3
    assert tour["take: voxel"]["children"][1]["children"][1]["children"] == [None] * 3
    assert tour["take: collection"]["children"] == tour["take: container"]["children"] == {}
    assert (tour["empty: pool"]["children"], tour["empty: pool"]["quantity"]) == ({}, 0)
    assert tour["empty: plate"]["children"][0]["children"] == [None] * 12


def test_what_cannot_be_placed_or_taken_is_refused(tour: Tour) -> None:
    assert tour["place: out of range"]["status"] == 422
    assert tour["take: nothing there"]["status"] == 404
    assert tour["place: pool, not a consumable"]["status"] == 409


def test_quantities_are_what_was_said_and_never_clamped(tour: Tour) -> None:
    """I24, I25, I28."""
    steps = ("set", "changed", "increased", "decreased")
    assert [tour[f"quantity: {step}"]["quantity"] for step in steps] == [400, 398.5, 448.5, 448.4]
    assert tour["quantity: more than there is"]["status"] == 409
    assert "insufficient quantity" in tour["quantity: more than there is"]["detail"]
    assert "capacity" in tour["quantity: more than fits"]["detail"]
    assert tour["quantity: ten times 0.1"]["quantity"] == 1
    assert tour["quantity: pieces"]["quantity"] == 88
    assert tour["quantity: half a piece"]["status"] == 422
    assert tour["quantity: of a container"]["status"] == 409


def test_a_bottle_is_filled_to_its_capacity(tour: Tour) -> None:
    assert [tour[step]["quantity"] for step in ("fill", "empty")] == [900, 0]
    assert (tour["capacity: set"]["capacity"], tour["capacity: removed"]["capacity"]) == (900, None)
    assert tour["capacity: too small"]["status"] == tour["fill: without end"]["status"] == 409


def test_what_was_removed_comes_back_to_where_it_was(tour: Tour) -> None:
    """I42."""
    assert (tour["restore: stack without it"]["children"], names(tour["restore: stack with it"])) == ([], ["plate"])
    restored = tour["restore"]
    assert (restored["removed"], restored["children"][0]["children"][0]["resource_name"]) == (False, "kept")
    assert (restored["restored"], restored["refused"]) == (2, None)
    assert tour["restore: again"]["status"] == 404
    assert "No removed resource with ID" in tour["restore: again"]["detail"]


def test_the_history_tells_of_both(tour: Tour) -> None:
    kinds = [change["change_type"] for change in tour["restore: history"]]
    assert kinds[0] == "Added"
    assert "Removed" in kinds
    assert tour["restore: history"][-1]["what"] == "restored"
    assert all(change["timestamp"] and change["details"] for change in tour["restore: history"])
    assert {change["change_type"] for change in tour["restore: updates of a week"]} == {"Updated"}


def test_two_who_write_different_things_both_succeed_and_the_same_thing_not(tour: Tour) -> None:
    assert tour["merge: both"]["attributes"] == {"compound": "aspirin", "volume": 2, "colour": "red"}
    assert tour["merge: the same key"]["status"] == 409


def test_everything_works_in_an_event_loop_too(tour: Tour) -> None:
    quantities = [tour[f"async: {step}"]["quantity"] for step in ("got", "set", "changed", "updated", "restored")]
    assert quantities == [5, 4, 5.5, 5.5, 5.5]
    assert tour["async: updated"]["resource_description"] == "seen"
    assert tour["async: updated"]["resource_id"] in [found["resource_id"] for found in tour["async: found"]]
    assert tour["async: hierarchy"]["ancestor_ids"] == []
    assert tour["async: history"][0]["change_type"] == "Added"
    assert tour["async: removed"]["removed"] is True
    assert tour["async: template"]["attributes"]["lot"] == "L-1"
    assert tour["async: no template"] is None
    assert "async sample" in [template["template_name"] for template in tour["async: templates"]]
    assert tour["async: made"]["attributes"]["lot"] == "L-1"
