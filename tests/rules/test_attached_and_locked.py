"""What is locked is attached and detached by who holds it, as it is changed in any other way."""

from typing import Any

import pytest

from labstow.contracts.location import AddLocation, InitLocation
from labstow.workers.kit.leases import ANY
from labstow.workers.lock.policy import Policy
from tests.rules.errand_room import ErrandRoom
from tests.rules.errand_scene import refused
from tests.rules.lock_room import BOB


@pytest.fixture
def plate(errands: ErrandRoom) -> str:
    """A plate; besides a bench and a shelf, with nothing."""
    errands.place("bench")
    errands.place("shelf")
    return errands.add(name="plate")


def token(lab: ErrandRoom, name: str) -> Any:
    """What is noted of the lease that allowed the newest change of a location."""
    return lab.history(lab.location(name).id)[-1].get("token")


def test_what_somebody_holds_is_attached_and_detached_by_nobody_else(errands: ErrandRoom, plate: str) -> None:
    """I2: of all refusals, that is told first; but nothing is refused where nothing changes."""
    lab = errands
    assert lab.attach("shelf", plate)["resource_id"] == plate
    assert token(lab, "shelf") is None
    lease = lab.have(plate, by=BOB)
    lab.attach("shelf", plate)
    assert refused(lab.detach, "shelf") == refused(lab.attach, "bench", plate) == "resource.locked"
    assert refused(lab.attach, "nowhere", plate) == "resource.locked"
    lab.detach("shelf", by=BOB, leases=[lease])
    assert token(lab, "shelf") == 1
    assert refused(lab.attach, "bench", plate) == refused(lab.attach, "bench", plate, by=BOB) == "resource.locked"
    lab.attach("bench", plate, by=BOB, leases=[lease])
    assert token(lab, "bench") == 1
    lab.later(61)
    lab.detach("bench")
    assert token(lab, "bench") is None


def test_what_somebody_holds_is_at_no_new_location_of_anybody_elses(errands: ErrandRoom, plate: str) -> None:
    """I2: what a location is added with is attached to it."""
    lab = errands
    lease = lab.have(plate, by=BOB)
    new = {"location": {"name": "tray", "resource_id": plate}}
    for command in (AddLocation.model_validate(new), InitLocation.model_validate(new)):
        assert lab.code(command) == "resource.locked"
        assert lab.code(command, leases=[lease]) == "lock.not_yours"
    lab.ask(AddLocation.model_validate(new), by=BOB, leases=[lease])
    assert token(lab, "tray") == 1


def test_what_somebody_holds_whole_is_attached_with_its_lease_only(errands: ErrandRoom, plate: str) -> None:
    """I2: also what is in it; what is in something of which only the outside is held may be attached."""
    lab = errands
    rack = lab.add("container")
    tube = lab.add(into=lab.add("grid", rack, position="x"), position="A1")
    lease = lab.have(rack, by=BOB)
    lab.attach("bench", tube)
    lab.detach("bench")
    lab.release(lease, by=BOB)
    lease = lab.have(rack, by=BOB, scope="subtree")
    assert refused(lab.attach, "bench", tube) == "resource.locked"
    lab.attach("bench", tube, by=BOB, leases=[lease])
    assert refused(lab.detach, "bench") == "resource.locked"
    assert token(lab, "bench") == 2


def test_a_lease_that_is_presented_is_in_force_whatever_is_attached(errands: ErrandRoom, plate: str) -> None:
    """I4: also where nothing is locked, and where nothing changes."""
    lab = errands
    over, others = lab.have(plate, ttl_s=1), lab.have(lab.add(), by=BOB)
    lab.later(2)
    for lease, code in ((over, "lock.lost"), (others, "lock.not_yours")):
        assert refused(lab.attach, "bench", plate, leases=[lease]) == code
        lab.attach("bench", plate)
        assert refused(lab.attach, "bench", plate, leases=[lease]) == code
        assert refused(lab.detach, "bench", leases=[lease]) == code
        lab.detach("bench")


def test_what_changes_under_a_lease_only_is_attached_under_one(errands: ErrandRoom, plate: str) -> None:
    lab = errands
    lab.lab.policies = {"gold": Policy(require_lease=True)}
    bar = lab.add(resource_class="gold")
    assert refused(lab.attach, "bench", bar) == "resource.lease_required"
    lease = lab.have(bar)
    lab.attach("bench", bar, leases=[lease])
    lab.release(lease)
    assert refused(lab.detach, "bench") == "resource.lease_required"


def test_who_cannot_say_what_he_holds_passes_a_lenient_lock_of_his_own(errands: ErrandRoom, plate: str) -> None:
    """As with resources: a lock of one of MADSci's clients, under the same name; where nobody has one, it is noted."""
    lab = errands
    for who in ("node", "anonymous"):
        lab.lock(plate, by=who, session="s", lenient=True)
        assert refused(lab.attach, "bench", plate, by=BOB, leases=[ANY]) == "resource.locked"
        assert refused(lab.attach, "bench", plate, by=who, leases=[ANY], via="nats") == "resource.locked"
        lab.attach("bench", plate, by=who, leases=[ANY])
        lab.detach("bench", by=who, leases=[ANY])
        assert [entry["what"] for entry in lab.entries(plate)].count("bypassed") == 2 * (who == "anonymous")
        lab.lab.strict = True
        assert refused(lab.attach, "bench", plate, by=who, leases=[ANY]) == "resource.locked"
        lab.lab.strict = False
        lab.force(plate)


def test_a_transfer_attaches_and_detaches_what_it_carries(errands: ErrandRoom, plate: str) -> None:
    """What it moves is leased to it; so is nothing that it moves from bare place to bare place refused."""
    lab = errands
    lab.attach("bench", plate)
    lease = lab.have(plate, by=BOB)
    assert refused(lab.begin, plate, "shelf") == "transfer.hindered"
    lab.release(lease, by=BOB)
    lab.complete(lab.begin(plate, "shelf"))
    lab.abort(lab.begin(plate, "bench"), by=BOB, reason="stuck")
    assert lab.where(plate) == (None, None, "shelf")
