"""What is made for a location from the template of a resource."""

from typing import Final

import pytest

from labstow.contracts.location import RemoveLocation
from labstow.contracts.ulids import derived_ulid
from labstow.workers.transfer.resolve import Resolve
from tests.rules.errand_room import ErrandRoom
from tests.rules.errand_scene import refused
from tests.rules.room import Json
from tests.rules.stock import PLATE, Stock

OVERRIDES: Final[Json] = {
    "resource_class": "tall",
    "capacity": 12,
    "attributes": {"well": {"shape": "v"}},
    "tip": "1 mL",
}


def test_a_resource_is_made_from_its_template_with_overrides(errands: ErrandRoom) -> None:
    """What a resource does not have becomes an attribute; it is named like the location, unless that is overridden."""
    Stock(errands).create("Plate", PLATE)
    made = errands.thing(str(errands.location(errands.place("nest", resource_template_name="plate")).resource_id))
    assert (made.name, made.template_name, made.columns) == ("nest", "Plate", 12)
    fields: Json = {"resource_template_name": "Plate", "resource_template_overrides": OVERRIDES}
    other = errands.location(errands.place("tray", **fields))
    made = errands.thing(str(other.resource_id))
    assert (made.resource_class, str(made.capacity), other.awaits_template) == ("tall", "12", False)
    assert made.attributes == {"material": "polystyrene", "well": {"volume": 200, "shape": "v"}, "tip": "1 mL"}
    named = errands.place("rack", resource_template_name="Plate", resource_template_overrides={"name": "R2"})
    assert errands.thing(str(errands.location(named).resource_id)).name == "R2"
    kept = errands.add()
    assert errands.location(errands.place("bench", kept, resource_template_name="Plate")).resource_id == kept


@pytest.mark.parametrize(
    "overrides",
    [
        {"name": 5},
        {"name": "x" * 300},
        {"attributes": 5, "tip": 1},
        {"attributes": "none"},
        {"rows": -1},
        {"base_type": "moon"},
        {"resource_id": derived_ulid("mine")},
        {"children": 7},
        {"capacity": "lots"},
        {"quantity": 3},
        {"tip": {str(number): 0 for number in range(999)}},
    ],
    ids=str,
)
def test_overrides_that_come_to_nothing_are_refused(errands: ErrandRoom, overrides: Json) -> None:
    """Bad input 15: at once if the template is there; and they hinder nobody if it comes later."""
    fields: Json = {"resource_template_name": "Plate", "resource_template_overrides": overrides}
    waits, fine = errands.place("waits", **fields), errands.place("fine", resource_template_name="Plate")
    Stock(errands).create("Plate", PLATE)
    assert refused(errands.place, "nest", **fields) in (
        "request.invalid",
        "template.missing_overrides",
        "resource.other_shape",
    )
    errands.ask(Resolve(location_ids=(waits, fine)), by="labstow")
    assert (errands.location(waits).awaits_template, errands.location(fine).awaits_template) == (True, False)


def test_a_required_override_is_asked_for(errands: ErrandRoom) -> None:
    Stock(errands).create("Plate", PLATE, required_overrides=["attributes.lot"])
    assert refused(errands.place, "nest", resource_template_name="Plate") == "template.missing_overrides"
    errands.place("nest", resource_template_name="Plate", resource_template_overrides={"attributes": {"lot": 7}})


def test_a_location_awaits_a_template_that_is_not_there_yet(errands: ErrandRoom) -> None:
    """As soon as it is there the resource is made, once; not where something came meanwhile, or is on its way."""
    fields: Json = {"resource_template_name": "Plate", "resource_template_overrides": {"tip": 1}}
    first, second, third, fourth = (errands.place(name, **fields) for name in ("a", "b", "c", "d"))
    assert errands.location(first).awaits_template
    everybody = Resolve(location_ids=(first, second, third, fourth))
    errands.ask(everybody)
    assert errands.location(first).version == 1
    errands.attach("b", errands.add())
    errands.ask(RemoveLocation(location="c"))
    errands.place("from", errands.add())
    begun = errands.begin(str(errands.location("from").resource_id), "d")
    Stock(errands).create("plate", PLATE)
    errands.ask(everybody, by="labstow")
    assert errands.thing(str(errands.location("a").resource_id)).attributes["tip"] == 1
    assert (errands.location("a").version, errands.location("b").version, errands.location("d").version) == (2, 2, 1)
    errands.abort(begun)
    for _ in range(2):
        errands.ask(everybody, by="labstow")
    assert (errands.location("a").version, errands.location("d").version) == (2, 2)
    assert [entry["what"] for entry in errands.history(first)] == ["added", "attached"]
