"""What a lab file makes of locations that are there: their resources, and the version of the laboratory."""

from typing import Any

import pytest

from labstow.contracts.location import RemoveLocation
from labstow.workers.transfer.resolve import Resolve
from labstow.workers.transfer.rules import awaiting, laying
from tests.rules.errand_room import ErrandRoom
from tests.rules.place_commands import NEST, REACH, apply, create, from_nest
from tests.rules.room import Json
from tests.rules.stock import PLATE, Stock


@pytest.fixture
def stock(errands: ErrandRoom) -> Stock:
    """Templates of things; none yet."""
    return Stock(errands)


def plate(name: str, **fields: Any) -> Json:
    """A location of a lab file at which there is to be a plate."""
    return {"location_name": name, "resource_template_name": "Plate", **fields}


def sentence(told: Json) -> str:
    """What is said of its template."""
    (difference,) = (one for one in told["differences"] if one["path"].endswith(".resource_template_name"))
    return str(difference["sentence"])


def test_a_template_that_a_file_names_for_a_location_that_is_there_makes_its_resource(
    errands: ErrandRoom, stock: Stock
) -> None:
    """Once, and as for a new location: with its overrides. A dry run says the same, and makes nothing."""
    stock.create("Plate", PLATE)
    key = errands.place("a", description="by hand")
    file = plate("a", resource_template_overrides={"tip": 1})
    said = errands.ask(apply(file, dry_run=True))
    assert errands.location("a").resource_id is None
    told = errands.ask(apply(file))
    assert said["differences"] == told["differences"]
    assert sentence(told) == "is not there yet; a resource is made from it and attached"
    assert (told["changed"], errands.location("a").version) == (1, 2)
    made = errands.thing(str(errands.location("a").resource_id))
    assert (made.name, made.template_name, made.attributes["tip"]) == ("a", "Plate", 1)
    assert [entry["what"] for entry in errands.history(key)] == ["added", "updated"]
    assert errands.ask(apply(file))["changed"] == 0
    errands.detach("a")
    errands.ask(apply(file))
    assert errands.location("a").resource_id is None, "it was detached by hand, and the file says nothing new"


def test_a_location_that_is_there_awaits_the_template_that_a_file_names(errands: ErrandRoom, stock: Stock) -> None:
    key = errands.place("a")
    told = errands.ask(apply(plate("a")))
    assert sentence(told) == "is not there yet; a resource is made from it as soon as that can be"
    assert (errands.location("a").resource_id, errands.location("a").awaits_template) == (None, True)
    stock.create("Plate", PLATE)
    errands.ask(Resolve(location_ids=(key,)), by="labstow")
    assert errands.location("a").resource_id is not None


def test_where_something_is_attached_a_template_makes_nothing(errands: ErrandRoom, stock: Stock) -> None:
    """There, or by another name of the place."""
    stock.create("Plate", PLATE)
    thing = errands.add()
    errands.place("a", thing)
    errands.place("b")
    errands.configure(linked=[["a", "b"]])
    for name in "ab":
        told = errands.ask(apply(plate(name)))
        assert sentence(told) == "is not there yet; what is there stays"
    assert (errands.location("a").resource_id, errands.location("b").resource_id) == (thing, None)
    assert len(errands.lab.things) == 1


def test_a_file_that_makes_what_cannot_be_is_refused_whole(errands: ErrandRoom, stock: Stock) -> None:
    stock.create("Plate", PLATE, required_overrides=["attributes.lot"])
    errands.place("a")
    assert errands.code(apply({"location_name": "b"}, plate("a"))) == "template.missing_overrides"
    assert errands.lab.find_location("b") is None


def test_what_is_too_much_for_one_transaction_is_refused_or_made_in_parts(
    errands: ErrandRoom, stock: Stock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """I56: by a lab file, and where many locations await one template."""
    box = {"base_type": "container", "children": [{"name": f"{n}", "base_type": "resource"} for n in range(900)]}
    ids = [errands.place(name, resource_template_name="Box") for name in "abcde"]
    stock.create("Box", box)
    monkeypatch.setattr(laying, "MAX_CHANGES", 2_000)
    monkeypatch.setattr(awaiting, "MAX_NODES", 2_000)
    file = [{"location_name": name, "resource_template_name": "Box"} for name in "xyz"]
    assert errands.code(apply(*file)) == "operation.too_many"
    errands.ask(apply(*file[:2]))
    for filled in (3, 5):
        errands.ask(Resolve(location_ids=tuple(ids)), by="labstow")
        assert [errands.location(name).resource_id is not None for name in "abcde"].count(True) == filled


def test_the_version_that_is_told_moves_with_places_and_capabilities_only(errands: ErrandRoom) -> None:
    """Not with templates of them: that is what is read afterwards (see `tests/workers/test_linked_places.py`)."""
    assert errands.ask(apply(representation_templates=[REACH], location_templates=[NEST]))["lab_version"] == 0
    assert errands.ask(apply({"location_name": "a"}))["lab_version"] == 1
    assert errands.ask(apply({"location_name": "b"}, dry_run=True))["lab_version"] == 0
    errands.ask(RemoveLocation(location="a"))


def test_a_node_that_plays_two_roles_knows_a_place_in_one_way(errands: ErrandRoom) -> None:
    """What it is to know for one role is not lost behind what it is to know for the other: 422, with the role."""
    create(errands, REACH)
    create(errands, NEST)
    joints = {"joints": [1, 2, 3]}
    both = {"arm": "kuka", "gripper": "kuka"}
    differing = {"arm": joints, "gripper": {"joints": [3, 2, 1]}}
    refusal = errands.refused(from_nest(node_bindings=both, representation_overrides=differing))
    assert (refusal.code, refusal.status) == ("pattern.unbound", 422)
    assert refusal.detail == "node_bindings.gripper: kuka plays another role, in which it knows the place otherwise"
    same = {"arm": joints, "gripper": joints}
    told = errands.ask(from_nest(node_bindings=both, representation_overrides=same))
    assert told["representations"] == {"kuka": {"z": 10, "grip": {"force": 1}, **joints}}
