"""MADSci's published client does what nodes and scripts do every day, and can read all that it wrote."""

from collections.abc import Callable

import pytest

from tests.compat.conftest import Tour

pytestmark = [pytest.mark.compat, pytest.mark.system, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def tour(tour_of: Callable[[str], Tour]) -> Tour:
    return tour_of("everyday.py")


def test_a_node_that_starts_again_gets_the_thing_that_it_worked_with(tour: Tour) -> None:
    """Whatever became of it; but for another name, another owner, or another lot (D20)."""
    first, *again = (
        tour[f"node: {step}"]
        for step in ("first start", "with something in it", "with other attributes", "of a new version", "only shown")
    )
    assert {one["resource_id"] for one in again} == {first["resource_id"]}
    assert [child["resource_name"] for child in again[0]["children"]] == ["in the gripper"]
    assert (again[1]["attributes"], again[1]["resource_description"]) == ({"cycles": 7}, "the left one")
    asked = ("another name", "another lot", "another owner", "another owner, again")
    others = [tour[f"node: {step}"]["resource_id"] for step in asked]
    assert (others[2] == others[3], len({first["resource_id"], *others})) == (True, 4)
    gone, made = tour["node: after it was removed"]
    assert gone["resource_id"] != made["resource_id"]
    buffer, used = tour["node: buffer"], tour["node: buffer, used"]
    assert (used["resource_id"], used["quantity"]) == (buffer["resource_id"], 56.666666666667)


def test_many_nodes_that_start_at_once_get_one_thing(tour: Tour) -> None:
    found = tour["nodes: started at once"]
    assert (len(found), len(set(found))) == (12, 1)


def test_overrides_are_taken_as_required_ones_are_written(tour: Tour) -> None:
    made = tour["overrides: with dots"]
    assert made["attributes"] == {"from": {"shop": "a", "batch": 3}, "lot": "7", "more": True}
    refused = tour["overrides: dots into what has no keys"]
    assert (refused["status"], "capacity.of" in refused["detail"]) == (422, True)


KINDS = ("discrete_consumable", "stack", "queue", "container", "collection", "row", "grid", "voxel_grid", "slot")


@pytest.mark.parametrize("kind", KINDS)
def test_what_counts_pieces_has_no_room_for_half_a_piece(tour: Tour, kind: str) -> None:
    """I28; and it can still be read."""
    refused = tour[f"size: {kind}"]
    assert (refused["status"], "capacity" in refused["detail"]) == (422, True)
    assert tour[f"size: {kind} read"]["capacity"] == (1 if kind == "slot" else None)


def test_a_capacity_that_is_too_small_is_refused_with_what_there_is(tour: Tour) -> None:
    assert tour["size: bottle"]["capacity"] == 5.5
    refused = tour["size: less than there is"]
    assert (refused["status"], "tips has 3" in refused["detail"]) == (409, True)


def test_a_pool_can_be_read_whatever_its_parts_come_to_in_floats(tour: Tour) -> None:
    """I24, I25: their model adds bare numbers."""
    for step, capacity in (("tenths", 0.3), ("tenths, written back", 0.3), ("units", 10)):
        pool = tour[f"pool: {step}"]
        assert (pool["capacity"], pool["labstow"]["capacity"]) == (None, capacity)
    assert "capacity of 0.3" in tour["pool: one more"]["detail"]
    assert tour["pool: on a shelf"]["children"]["left"]["labstow"]["capacity"] == 10


def test_what_floats_come_to_is_kept_to_twelve_places(tour: Tour) -> None:
    assert (tour["floats: added"]["quantity"], tour["floats: added"]["capacity"]) == (0.3, 333.333333333333)
    steps = ("set", "increased", "decreased", "changed", "updated")
    expected = [0.3, 66.966666666667, 66.633333333334, 66.300000000001, 14.285714285714]
    assert [tour[f"floats: {step}"]["quantity"] for step in steps] == expected
    assert tour["floats: capacity"]["capacity"] == 3333.333333333333
    assert tour["floats: inside"]["children"][0]["quantity"] == 0.3
    assert tour["floats: nothing left of it"]["status"] == tour["floats: too large"]["status"] == 422


@pytest.mark.parametrize("kind", ["container", "collection"])
def test_a_number_or_a_tuple_is_a_key_where_keys_are_texts(tour: Tour, kind: str) -> None:
    names = {key: child["resource_name"] for key, child in tour[f"keys: {kind}"]["children"].items()}
    assert names == {"0": "zero", "(0, 1)": "pair"}
    assert tour[f"keys: {kind}, instead"]["children"]["(0, 1)"]["resource_name"] == "instead"
    assert list(tour[f"keys: {kind}, without"]["children"]) == ["0"]


def test_a_key_that_means_nothing_is_refused_with_what_to_do(tour: Tour) -> None:
    assert tour["keys: beyond a grid"]["status"] == 422
    for step in ("keys: out of a stack", "keys: out of a stack by indices"):
        assert (tour[step]["status"], "pop" in tour[step]["detail"]) == (422, True)


def test_an_integer_is_kept_as_it_is_or_refused_with_its_place(tour: Tour) -> None:
    """Bad input 3."""
    for number in (2**64 - 1, -(2**63)):
        assert tour[f"integer {number}"]["attributes"]["stars"] == number
    for number in (2**64, -(2**63) - 1):
        refused = tour[f"integer {number}"]
        assert (refused["status"], "attributes.stars.of.1" in refused["detail"]) == (422, True)
    assert tour["integer in the deep"] in (400, 422)


def test_who_cannot_wait_for_a_lock_is_told_when_it_is_free(tour: Tour) -> None:
    detail = tour["lock: held"]["detail"]
    assert ("free in 60 s" in detail, "wait_s" in detail) == (True, False)


def test_a_hotel_of_full_plates_is_written_and_locked(tour: Tour) -> None:
    attributes, plates, columns = tour["hotel: updated"]
    assert (attributes, plates, columns) == ({"checked": True}, 26, 12)
    assert tour["hotel: locked"] == {"checked": True, "locked": True}
