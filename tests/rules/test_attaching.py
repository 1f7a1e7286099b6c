"""What is attached to a location."""

from labstow.contracts.location import RemoveLocation
from labstow.contracts.placing import Move
from labstow.contracts.ulids import new_ulid
from tests.rules.errand_room import ErrandRoom
from tests.rules.errand_scene import refused
from tests.rules.stock import PLATE, Stock


def test_a_resource_is_at_one_location_and_a_location_has_one(errands: ErrandRoom) -> None:
    """I46: attached resources exist; what is attached stays until it is detached, and so does its location."""
    plate, other, gone = errands.add(), errands.add(), errands.add()
    errands.remove(gone)
    errands.place("nest", plate)
    errands.place("tray")
    assert refused(errands.attach, "tray", plate) == "resource.attached"
    assert refused(errands.attach, "nest", other) == "location.occupied"
    assert refused(errands.attach, "tray", gone) == "resource.removed"
    assert refused(errands.attach, "tray", new_ulid()) == "resource.not_found"
    assert refused(errands.place, "new", plate) == "resource.attached"
    assert errands.attach("nest", plate)["version"] == 1
    assert errands.code(RemoveLocation(location="nest")) == "location.attached"
    assert refused(errands.remove, plate) == "resource.attached"
    errands.detach("nest")
    assert refused(errands.detach, "nest") == "location.nothing_attached"
    errands.attach("tray", plate)
    errands.detach("tray")
    errands.remove(plate)


def test_what_is_attached_is_not_removed_with_what_it_is_in(errands: ErrandRoom) -> None:
    """I46: at any depth."""
    shelf = errands.add("container")
    box = errands.add("container", shelf)
    tube = errands.add(into=box)
    errands.place("nest", tube)
    assert refused(errands.remove, shelf) == refused(errands.remove, box) == "resource.attached"
    errands.ask(Move(resource_id=tube, container_id=None))
    errands.remove(shelf)


def test_linked_locations_have_one_resource_together(errands: ErrandRoom) -> None:
    """I46: whatever name it is attached to, and whether it comes from a template."""
    Stock(errands).create("Plate", PLATE)
    errands.configure(linked=[["a", "b"], ["b", "c"]])
    for name in "abc":
        errands.place(name)
    first = errands.add()
    errands.attach("a", first)
    assert refused(errands.attach, "c", errands.add()) == "location.occupied"
    assert refused(errands.attach, "c", first) == "resource.attached"
    errands.configure(linked=[["a", "b", "d"]])
    assert refused(errands.place, "d", errands.add()) == "location.occupied"
    assert errands.location(errands.place("d", resource_template_name="Plate")).resource_id is None
    errands.attach("c", errands.add())
