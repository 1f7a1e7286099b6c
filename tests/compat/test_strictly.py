"""Where locks are strict, those of MADSci's published client bind other clients of its kind, and not its own."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.compat.conftest import Tour, told_by
from tests.conftest import running_gateway, running_lab
from tests.servers import Spares, fresh_nats

pytestmark = [pytest.mark.compat, pytest.mark.system, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def tour(spares: Spares, madsci_python: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tour]:
    """A laboratory of its own: it is strict."""
    url = spares.take()
    with (
        fresh_nats() as nats,
        running_lab(nats.url, url, LABSTOW_COMPAT_LOCKS="strict") as lab,
        running_gateway(lab) as gateway,
    ):
        yield told_by(madsci_python, "strictly.py", gateway.url, tmp_path_factory.mktemp("tour"))
    spares.give_back(url)


def test_who_has_the_lock_changes_the_resource_and_no_other_client(tour: Tour) -> None:
    """Rule 10. Seen to fail with no lease kept by the client: its own changes were refused; and with a lenient labstow,
    where those of the other passed.
    """
    assert tour["changed by its holder"]["quantity"] == 90
    for what in ("changed", "removed"):
        assert tour[f"{what} by another"]["status"] == 423
        assert "locked" in tour[f"{what} by another"]["detail"]


def test_a_lock_that_was_made_longer_is_the_same_lock_in_all_threads_of_a_client(tour: Tour) -> None:
    assert tour["changed by its holder's threads"]["quantity"] == 50


def test_what_was_given_back_is_changed_by_anybody(tour: Tour) -> None:
    assert tour["changed by another when it is free"]["quantity"] == 40
    assert tour["changed by who had it"]["quantity"] == 30


def test_a_block_saves_what_it_holds(tour: Tour) -> None:
    assert tour["block: changed by another"]["status"] == 423
    assert [child["resource_name"] for child in tour["block: saved"]["children"]] == ["tube"]
    assert len(tour["block: changed after it"]["children"]) == 2


def test_who_lost_a_lock_is_told_of_that_thing_only(tour: Tour) -> None:
    """I4. Seen to fail with the lease forgotten as soon as it is over: the thing was changed as if it had no owner."""
    assert tour["lost: changed"]["status"] == 410
    assert [child["resource_name"] for child in tour["lost: something else changed"]["children"]] == ["of the rack"]
    assert tour["lost: changed while another has it"]["status"] == 423
    assert tour["lost: changed with a new lock"]["removed"]


def test_what_somebody_has_locked_is_attached_by_nobody_else(tour: Tour) -> None:
    assert tour["attached by another"]["status"] == 423
    assert tour["attached when it is free"]["resource_id"]
