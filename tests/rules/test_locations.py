"""Locations: their names and ids, and what changes of them."""

from typing import Any

from labstow.contracts.location import AddLocation, InitLocation, RemoveLocation, UpdateLocation
from labstow.contracts.ulids import derived_ulid
from tests.rules.errand_room import ErrandRoom
from tests.rules.lock_room import BOB
from tests.rules.place_commands import apply, update


def init(name: str, **fields: Any) -> InitLocation:
    return InitLocation.model_validate({"location": {"name": name, **fields}})


def test_a_name_and_an_id_are_of_one_location(errands: ErrandRoom) -> None:
    """Names are free again when their location is removed; ids never are (I41)."""
    first = errands.place("nest", description="of the arm")
    for fields in ({"name": "nest"}, {"name": "tray", "location_id": first}, {"name": "nest", "location_id": first}):
        assert errands.code(AddLocation.model_validate({"location": fields})) == "location.exists"
    assert errands.ask(init("nest", description="another"))["location_id"] == first
    assert errands.location(first) is errands.location("nest")
    errands.place("tray")
    assert errands.code(update("tray", name="nest")) == "location.exists"
    assert errands.ask(update("nest", name="nest"))["version"] == 1
    errands.ask(RemoveLocation(location="nest"))
    assert errands.code(RemoveLocation(location="nest")) == errands.code(RemoveLocation(location=first))
    again = AddLocation.model_validate({"location": {"name": "nest", "location_id": first}})
    assert errands.code(again) == "location.exists"
    assert errands.ask(init("nest"))["location_id"] != first
    errands.ask(update("tray", name="tray.1"))
    assert errands.ask(init("tray"))["location_id"] != derived_ulid("tray")


def test_only_named_fields_change(errands: ErrandRoom) -> None:
    errands.place("nest", description="of the arm", representations={"arm": 1, "rail": None}, owner={"lab": "a"})
    changed = errands.ask(update("nest", representations={"arm": [2]}, allow_transfers=False))
    assert changed["representations"] == {"arm": [2], "rail": None}
    assert (changed["description"], changed["owner"], changed["allow_transfers"]) == ("of the arm", {"lab": "a"}, False)
    assert errands.ask(update("nest", representations={"arm": [2]}))["version"] == changed["version"] == 2
    assert errands.ask(update("nest", description=None))["description"] is None
    stale = UpdateLocation.model_validate({"location": "nest", "changes": {"owner": {}}, "expected_version": 2})
    assert errands.code(stale) == errands.code(RemoveLocation(location="nest", expected_version=2)) == "version.stale"


def test_a_lab_file_brings_a_location_that_was_renamed_back_beside_it(errands: ErrandRoom) -> None:
    """Unless it says which one it was: then all of it is refused."""
    errands.place("nest")
    errands.ask(update("nest", name="nest.1"))
    file = {"location_name": "nest"}
    assert errands.code(apply({**file, "location_id": derived_ulid("nest")})) == "location.exists"
    errands.ask(apply(file))
    assert errands.location("nest").id != errands.location("nest.1").id == derived_ulid("nest")


def test_a_lab_file_does_not_use_the_id_of_a_location_that_was_removed(errands: ErrandRoom) -> None:
    """I41: the location is made, with an id of its own. That of another location is refused, all or nothing."""
    errands.place("nest")
    errands.ask(RemoveLocation(location="nest"), by=BOB)
    file = {"location_name": "nest", "location_id": derived_ulid("nest")}
    errands.ask(apply({"location_name": "tray"}, file))
    assert errands.location("nest").id != derived_ulid("nest")
    other = {"location_name": "other", "location_id": errands.location("tray").id}
    assert errands.code(apply({"location_name": "shelf"}, other)) == "location.exists"
    assert errands.lab.find_location("shelf") is None
