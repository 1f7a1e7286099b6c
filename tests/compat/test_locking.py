"""MADSci's published client locks things: so that no other client locks them too, and nobody else changes them."""

from collections.abc import Callable
from datetime import datetime

import pytest

from tests.compat.conftest import Tour

pytestmark = [pytest.mark.compat, pytest.mark.system, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def tour(tour_of: Callable[[str], Tour]) -> Tour:
    return tour_of("locking.py")


def names(container: Tour) -> list[str]:
    return [child["resource_name"] for child in container["children"]]


def test_a_lock_names_who_has_it_and_until_when(tour: Tour) -> None:
    mine, _ = tour["clients"]
    acquired, longer = tour["acquired"], tour["acquired again, for longer"]
    assert (tour["before"], acquired["resource_name"], acquired["locked_by"]) == ([False, None], "locked", mine)
    assert tour["acquired: asked"] == tour["acquired: asked by another"] == [True, mine]
    until, later = (datetime.fromisoformat(lock["locked_until"]) for lock in (acquired, longer))
    assert (longer["locked_by"], (later - until).total_seconds() > 500) == (mine, True)


def test_a_lock_changes_nothing_of_the_resource(tour: Tour) -> None:
    """I11."""
    assert tour["acquired"]["version"] == tour["acquired again, for longer"]["version"] == 1
    assert tour["block by id"]["version"] == tour["block: saved"]["version"]


def test_who_has_the_lock_changes_the_resource(tour: Tour) -> None:
    assert names(tour["pushed"]) == ["locked"]


def test_what_one_has_the_other_gets_not_and_cannot_give_back(tour: Tour) -> None:
    mine, _ = tour["clients"]
    assert tour["acquired by another"]["status"] == 409
    assert "locked" in tour["acquired by another"]["detail"]
    assert tour["released by another"] is None
    assert tour["released by another: asked"] == [True, mine]


def test_what_is_given_back_is_free_for_the_next(tour: Tour) -> None:
    _, next_ = tour["clients"]
    assert (tour["released"]["resource_name"], tour["released"]["locked_by"]) == ("locked", None)
    assert tour["released: asked"] == [False, None]
    assert tour["released again"]["resource_id"] == tour["released"]["resource_id"]
    assert tour["acquired by the next"]["locked_by"] == next_
    assert tour["released by the one before"] is None
    assert tour["released by the next"]["locked_by"] is None
    assert tour["released: nobody's"] is None


def test_what_cannot_be_locked_is_refused(tour: Tour) -> None:
    """Bad input 12."""
    assert [tour[f"acquired for {seconds}"]["status"] for seconds in ("0", "-5", "1000000000.0")] == [422] * 3
    assert tour["acquired: unknown"]["status"] == tour["asked: unknown"]["status"] == 404


def test_who_loses_a_lock_is_told_when_giving_it_back(tour: Tour) -> None:
    """I4."""
    _, next_ = tour["clients"]
    assert (tour["lost: asked"], tour["lost: released"]) == ([False, None], None)
    assert tour["lost: acquired by another"]["locked_by"] == next_


def test_a_block_holds_what_it_names_and_saves_and_gives_it_back(tour: Tour) -> None:
    mine, _ = tour["clients"]
    assert (tour["block: asked"], tour["block: asked after"]) == ([True, mine], [False, None])
    assert tour["block: acquired by another"]["status"] == 409
    assert tour["block: saved"]["attributes"]["washed"] is True
    assert (tour["block by id"]["resource_name"], tour["block by id"]["locked_by"]) == ("first", mine)
    assert sorted(names(tour["block: a plate that was filled in it"]["children"][0])) == ["beside it", "in the plate"]


def test_a_block_of_several_holds_all_or_none(tour: Tour) -> None:
    mine, next_ = tour["clients"]
    assert tour["block of two: asked"] == [[True, mine]] * 2
    assert tour["block of two: asked after"] == [[False, None]] * 2
    assert names(tour["block of two: saved"]) == ["first"]
    assert [lock["locked_by"] for lock in tour["block without refresh"]] == [mine, mine]
    assert tour["block without refresh: not saved"]["resource_description"] is None
    assert "Failed to acquire lock" in tour["block: one of two is held"]
    assert tour["block: one of two is held, asked"] == [[False, None], [True, next_]]


def test_between_clients_that_cannot_be_told_apart_a_change_passes(tour: Tour) -> None:
    written = tour["block: written by who cannot be told from the holder"]
    assert written["resource_name"] == "first"


def test_whoever_has_the_same_name_has_the_same_locks(tour: Tour) -> None:
    assert (tour["named"]["locked_by"], tour["named: asked"]) == ("arm 7", [True, "arm 7"])
    assert tour["named: released by the same name"]["locked_by"] is None


def test_everything_works_in_an_event_loop_too(tour: Tour) -> None:
    mine, _ = tour["clients"]
    assert (tour["async: acquired"]["locked_by"], tour["async: asked"]) == (mine, [True, mine])
    assert (tour["async: released"]["locked_by"], tour["async: asked after"]) == (None, [False, None])
