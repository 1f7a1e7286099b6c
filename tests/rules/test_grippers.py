"""What is in a gripper, and what becomes of it there."""

import pytest

from labstow.contracts.errors import Invalid
from labstow.contracts.place_errors import NotInGripper
from labstow.contracts.placing import Move
from labstow.contracts.resource import Remove, Restore
from labstow.workers.transfer.transfer import gripper_of
from tests.rules.errand_room import ARM, ErrandRoom
from tests.rules.errand_scene import Scene, refused
from tests.rules.lock_room import BOB


@pytest.fixture
def scene(errands: ErrandRoom) -> Scene:
    return Scene(errands)


def test_where_it_was_left_is_said_of_what_is_in_the_gripper_only(scene: Scene) -> None:
    """What is elsewhere by now stays there, whatever is said, or nothing."""
    lab, plate = scene.lab, scene.plate
    begun = lab.begin(plate, "deck")
    with pytest.raises(Invalid, match="plate is in the gripper of arm: say where it was left"):
        lab.abort(begun, None)
    lab.ask(Move(resource_id=plate, container_id=scene.slot), leases=[begun["lease_id"]])
    with pytest.raises(NotInGripper, match="plate was taken out of the gripper of arm: abort the transfer"):
        lab.complete(begun)
    assert lab.abort(begun, None)["left_at"] == begun["target"]
    assert lab.where(plate)[0] == scene.slot


def test_what_was_removed_from_a_gripper_is_given_up(scene: Scene) -> None:
    """Nothing that is done to a thing keeps its transfer open for ever."""
    lab = scene.lab
    for left in ("source", "gripper", "nowhere", None):
        thing = lab.add(into=scene.rack, name="tube")
        begun = lab.begin(thing, "deck")
        lab.ask(Remove(resource_id=thing), leases=[begun["lease_id"]])
        with pytest.raises(NotInGripper, match="tube was removed: abort the transfer"):
            lab.complete(begun)
        assert lab.abort(begun, left)["left_at"] == {"container_id": None, "position": None, "location_id": None}


def test_a_gripper_that_is_removed_with_what_is_in_it_is_given_up(scene: Scene) -> None:
    lab = scene.lab
    begun = lab.begin(scene.plate, "deck")
    lab.ask(Remove(resource_id=gripper_of(ARM)), leases=[begun["lease_id"]])
    lab.abort(begun, "gripper")
    assert lab.open() == []


def test_what_somebody_locked_since_is_left_in_the_gripper(scene: Scene) -> None:
    """I4: nothing that is locked changes by that, so nobody needs a lease."""
    lab, ends = scene.lab, (scene.plate, scene.slot)
    for locked in ends:
        begun = lab.begin(scene.plate, "deck", due_s=1)
        lab.later(2)
        lease = lab.have(locked, by=BOB)
        assert refused(lab.complete, begun) == "resource.locked"
        lab.abort(begun, "gripper")
        assert lab.gripper() == [scene.plate]
        lab.release(lease, by=BOB)
    assert refused(lab.complete, lab.begin(scene.plate, "deck")) == ""


def test_a_gripper_that_was_removed_is_there_again_when_it_is_needed(scene: Scene) -> None:
    """Its node is not idle for ever. It is in nothing then, wherever it was."""
    lab, gripper = scene.lab, gripper_of(ARM)
    lab.complete(lab.begin(scene.plate, "deck"))
    lab.ask(Move(resource_id=gripper, container_id=lab.add("container", name="arm")))
    for target in ("bench", "deck"):
        lab.remove(gripper)
        assert lab.check(scene.plate, target) == []
        begun = lab.begin(scene.plate, target)
        assert (lab.gripper(), lab.where(gripper)) == ([scene.plate], (None, None, None))
        entries = [entry for entry in lab.unit.entries if entry["op_id"] == lab.unit.entries[-1]["op_id"]]
        assert [entry["what"] for entry in entries if entry["entity_id"] == gripper] == ["restored"]
        lab.complete(begun)


def test_a_gripper_that_was_removed_with_what_it_held_comes_back_with_that(scene: Scene) -> None:
    """Nor where it went with what it was in: somebody has to say what became of that."""
    lab, gripper = scene.lab, gripper_of(ARM)
    lab.abort(lab.begin(scene.plate, "deck"), "gripper")
    lab.remove(gripper)
    assert lab.check(scene.rack, "bench") == ["begin.resource.removed"]
    lab.ask(Restore(resource_id=gripper))
    assert lab.check(scene.rack, "bench") == ["node.busy"]
    lab.complete(lab.begin(scene.plate, "deck"))
    lab.ask(Move(resource_id=gripper, container_id=(arm := lab.add("container", name="arm"))))
    lab.remove(arm)
    assert lab.check(scene.rack, "bench") == ["begin.resource.removed"]


def test_what_is_in_a_gripper_is_at_no_location(scene: Scene) -> None:
    """I16: nor is what is in that, at any depth: under way, or left there. What is in something else may be at one."""
    lab, rack = scene.lab, scene.rack
    box = lab.add("container", scene.plate, position="A1")
    tube = lab.add(into=box)
    lab.place("shelf")
    begun = lab.begin(scene.plate, "deck", due_s=1)
    assert refused(lab.attach, "shelf", scene.plate) == refused(lab.place, "new", scene.plate) == "resource.locked"
    lab.later(2)
    for thing in (scene.plate, box, tube):
        assert refused(lab.attach, "shelf", thing) == "resource.under_way"
        assert refused(lab.place, "new", thing) == "resource.under_way"
    lab.abort(begun, "gripper")
    for thing in (scene.plate, box, tube):
        assert refused(lab.attach, "shelf", thing) == "resource.elsewhere"
        assert refused(lab.place, "new", thing) == "resource.elsewhere"
    lab.complete(lab.begin(scene.plate, rack))
    lab.attach("shelf", tube)
    lab.detach("shelf")
    lab.attach("shelf", scene.plate)
    lab.ask(Move(resource_id=gripper_of(ARM), container_id=(arm := lab.add("container", name="arm"))))
    lab.place("dock", gripper_of(ARM))
    lab.place("aisle", arm)
