"""MADSci's published client never refreshes the object that it is given. Who keeps one, and writes it again and again,
means what it says then; what others wrote meanwhile stays.

Seen to fail with each write taken for the first one since the object was read: what was set back was not written,
though it was answered 200, and what was changed twice was refused as changed by others.
"""

from collections.abc import Callable

import pytest

from tests.compat.conftest import Tour

pytestmark = [pytest.mark.compat, pytest.mark.system, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def tour(tour_of: Callable[[str], Tour]) -> Tour:
    return tour_of("keeping.py")


def test_what_was_written_last_is_stored(tour: Tour) -> None:
    assert tour["set back"]["attributes"]["in_use"] is False
    assert tour["three in a row"]["attributes"]["status"] == "dried"
    assert tour["removed and taken back"]["attributes"] == {"compound": "aspirin", "in_use": False, "tags": ["a"]}
    assert tour["removed and taken back"]["resource_name"] == "renamed"
    assert tour["named as before"]["resource_name"] == "kept"
    assert tour["quantity set back"]["quantity"] == 10


def test_so_it_is_within_a_lock(tour: Tour) -> None:
    assert tour["locked: set back"]["attributes"]["state"] == "empty"
    assert tour["locked: changed again"]["attributes"]["state"] == "dirty"


def test_what_is_in_something_is_kept_with_it_or_by_itself(tour: Tour) -> None:
    assert tour["with its container"]["children"]["left"]["attributes"]["n"] == 0
    assert tour["by itself"]["children"]["right"]["attributes"]["n"] == 0
    wells = [well for row in tour["a whole plate"]["children"] if row for well in row["children"]]
    assert [well["attributes"]["n"] for well in wells] == [0] * 96


def test_what_is_put_somewhere_again_is_there(tour: Tour) -> None:
    assert tour["placed again"]["children"][0]["children"][0]["resource_name"] == "tip"
    stack, belt, plate = tour["pushed again"]
    assert ([one["resource_name"] for one in stack["children"]], belt["children"]) == (["tip"], [])
    assert plate["quantity"] == 0


def test_what_others_wrote_meanwhile_stays(tour: Tour) -> None:
    """Several copies in one client are several, too: of sixteen threads each has its own."""
    assert {"mine": 0, "theirs": 1}.items() <= tour["others: kept"]["attributes"].items()
    assert tour["others: the same"]["status"] == 409
    keys = {f"key {number}": number for number in range(16)}
    assert keys.items() <= tour["others: sixteen copies"]["attributes"].items()
