"""Locations that are names of one physical place: there is one thing, whoever brings it, and by whatever name."""

from itertools import pairwise
from typing import Any, Final

import orjson
import pytest

from labstow.contracts.errors import Refusal
from labstow.contracts.location import AddLocation, RemoveLocation
from labstow.contracts.transfer import Configure
from labstow.contracts.ulids import derived_ulid
from labstow.workers.transfer.resolve import Resolve
from tests.rules.errand_room import ErrandRoom
from tests.rules.place_commands import apply, update
from tests.rules.room import Json
from tests.rules.stock import PLATE, Stock

AB: Final = {"linked": [["a", "b"]]}
ARM: Final = {"node_name": "arm", "action": "transfer"}


@pytest.fixture
def stock(errands: ErrandRoom) -> Stock:
    """Templates of things; none yet."""
    return Stock(errands)


def configure(**capabilities: Any) -> Configure:
    return Configure.model_validate({"capabilities": capabilities})


def adding(name: str, **fields: Any) -> AddLocation:
    return AddLocation.model_validate({"location": {"name": name, **fields}})


def occupied(refusal: Refusal) -> tuple[set[str], set[str]]:
    """At which locations which things would be one too many."""
    assert (refusal.code, refusal.status) == ("location.occupied", 409)
    return set(refusal.facts["locations"]), set(refusal.facts["resource_ids"])


def test_two_places_with_a_thing_each_are_not_made_one(errands: ErrandRoom) -> None:
    """I46: it is told which, and what to do; then they may be."""
    one, other = errands.add(name="Plate 1"), errands.add(name="Plate 2")
    for name, thing in (("a", one), ("b", other), ("c", None)):
        errands.place(name, thing)
    for linked in ([["a", "b"]], [["a", "c"], ["c", "b"]], [[derived_ulid("a"), "c", derived_ulid("b")]]):
        refusal = errands.refused(configure(linked=linked))
        assert occupied(refusal) == ({"a", "b"}, {one, other})
        assert all(word in refusal.detail for word in ("Plate 1", "Plate 2", "'a'", "'b'", "detach one of them first"))
    errands.configure(linked=[["a", "ghost"], ["ghost", "b"]])  # links nothing
    errands.detach("b")
    errands.configure(**AB)


def test_a_place_to_which_something_is_on_its_way_is_not_made_one_with_another(errands: ErrandRoom) -> None:
    """I46: whether there something is, or on its way as well; what was at one and goes to the other is one thing."""
    one, other, third = (errands.add(name=f"Plate {number}") for number in (1, 2, 3))
    for name, thing in (("from", one), ("too", third), ("there", other), ("a", None), ("b", None)):
        errands.place(name, thing)
    begun = errands.begin(one, "a")
    errands.configure(linked=[["from", "a"], ["b", "too"]])
    refusal = errands.refused(configure(linked=[["a", "there"]]))
    assert occupied(refusal) == ({"a", "there"}, {one, other})
    assert "Plate 1 is on its way to 'a'" in refusal.detail
    errands.configure()
    errands.begin(third, "b", node="rail")
    assert occupied(errands.refused(configure(**AB))) == ({"a", "b"}, {one, third})
    errands.complete(begun)
    assert occupied(errands.refused(configure(**AB))) == ({"a", "b"}, {one, third})


def test_no_new_name_makes_one_place_of_two_that_have_things(errands: ErrandRoom) -> None:
    """I46: nor does another name of a location."""
    errands.place("a", errands.add())
    errands.place("b", errands.add())
    errands.place("c", errands.add())
    errands.configure(linked=[[derived_ulid("a"), "x"], ["x", "b"], [derived_ulid("c"), "y"]])
    for command in (
        adding("x"),
        adding("x", resource_template_name="Plate"),
        update("c", name="x"),
        apply({"location_name": "x"}),
    ):
        assert errands.code(command) == "location.occupied"
    assert errands.code(update("a", name="y")) == "location.occupied"
    errands.ask(update("c", name="y"))
    errands.detach("b")
    errands.ask(adding("x"))


CALLED: Final = [
    ({"linked": [["far", "b"], ["b", "a"]]}, ["linked.1.1"]),
    ({"exclusive": [["a", "b"]] * 5}, [f"exclusive.{number}.0" for number in range(5)]),
    ({"override_transfer_templates": {"source_overrides": {"a": [ARM]}, "target_overrides": {"b": [ARM]}}},
     ["override_transfer_templates.source_overrides.a"]),
    ({"override_transfer_templates": {"target_overrides": {"a": []}}},
     ["override_transfer_templates.target_overrides.a"]),
    ({"override_transfer_templates": {"pair_overrides": {"a": {"b": [ARM]}, "b": {"a": [ARM], "far": [ARM]}}}},
     ["override_transfer_templates.pair_overrides.a", "override_transfer_templates.pair_overrides.b.a"]),
    ({"transfer_templates": [ARM, {**ARM, "additional_location_args": {"over": "a"}}]},
     ["transfer_templates.1.additional_location_args.over"]),
    ({"override_transfer_templates": {"source_overrides": {"b": [{**ARM, "additional_location_args": {"x": "a"}}]}}},
     ["override_transfer_templates.source_overrides.b.0.additional_location_args.x"]),
]  # fmt: skip
"""Where capabilities name the location `a`."""


@pytest.mark.parametrize(("capabilities", "paths"), CALLED, ids=[paths[0] for _, paths in CALLED])
def test_a_location_keeps_the_name_by_which_capabilities_call_it(
    errands: ErrandRoom, capabilities: Json, paths: list[str]
) -> None:
    """I46: else what they say of it would end unseen, also while something is on its way there. By its id all of it
    stays, whatever the name is.
    """
    for name, thing in (("a", None), ("b", None), ("from", errands.add())):
        errands.place(name, thing)
    errands.configure(**capabilities)
    errands.begin(str(errands.location("from").resource_id), "a")
    refusal = errands.refused(update("a", name="a.1", description="new"))
    assert (refusal.code, refusal.status, refusal.facts["paths"]) == ("location.named", 409, paths)
    assert all(part in refusal.detail for part in (f"'a' is called by this name at {paths[0]}", derived_ulid("a")))
    errands.ask(update("a", name="a", description="as it was called"))
    errands.ask(update("from", name="from.1"))
    with_id = orjson.loads(orjson.dumps(capabilities).replace(b'"a"', f'"{derived_ulid("a")}"'.encode()))
    errands.configure(**with_id)
    errands.ask(update("a", name="a.1"))
    errands.ask(update(derived_ulid("a"), name="a.2"))


def test_what_is_linked_and_exclusive_by_id_stays_so_under_another_name(errands: ErrandRoom) -> None:
    """I46: also while something is on its way there."""
    one, other = errands.add(), errands.add()
    for name, thing in (("from", one), ("too", other), ("a", None), ("b", None), ("c", None)):
        errands.place(name, thing)
    errands.configure(linked=[[derived_ulid("a"), "b"]], exclusive=[[derived_ulid("a"), "c"]])
    errands.begin(one, "a")
    errands.ask(update("a", name="a.1"))
    assert errands.check(other, "b", node="rail") == ["target.reserved"]
    assert errands.check(other, "c", node="rail") == ["zone.busy"]


def test_a_location_that_capabilities_name_can_be_removed(errands: ErrandRoom) -> None:
    errands.place("a")
    errands.configure(exclusive=[["a", "b"]])
    errands.ask(RemoveLocation(location="a"))
    assert errands.lab.find_location("a") is None


def test_a_lab_file_makes_no_place_of_two_that_have_things(errands: ErrandRoom, stock: Stock) -> None:
    """I46: neither of what is there, nor of what it makes; all or nothing, and a dry run says so, too."""
    stock.create("Plate", PLATE)
    plate: Json = {"resource_template_name": "Plate"}
    both = [{"location_name": name, **plate} for name in "ab"]
    for dry_run in (True, False):
        refusal = errands.refused(apply(*both, transfer_capabilities=AB, dry_run=dry_run))
        assert occupied(refusal) == ({"a", "b"}, set())
        assert refusal.detail.endswith("detach one of them first, or have only one made by the file")
    assert not errands.lab.locations
    errands.configure(**AB)
    assert errands.code(apply(*both)) == "location.occupied"
    errands.configure()
    errands.ask(apply(*both))
    assert errands.code(apply(transfer_capabilities=AB)) == "location.occupied"
    errands.detach("b")
    third = {"location_name": "c", **plate}
    errands.ask(apply(third, transfer_capabilities={"linked": [["a", "b", "c"]]}))
    assert errands.location("c").resource_id is None, "it is but another name of a place where something is"


def test_of_linked_locations_that_await_a_template_the_first_gets_what_is_made(
    errands: ErrandRoom, stock: Stock
) -> None:
    """I46: in one go, and in the next."""
    errands.configure(linked=[["a", "b"], ["b", "c"]])
    ids = [errands.place(name, resource_template_name="Plate") for name in "abcd"]
    stock.create("Plate", PLATE)
    for _ in range(2):
        errands.ask(Resolve(location_ids=tuple(ids)), by="labstow")
        assert [errands.location(name).resource_id is not None for name in "abcd"] == [True, False, False, True]


def test_nothing_is_made_where_something_is_on_its_way_by_another_name(errands: ErrandRoom, stock: Stock) -> None:
    """I46: the location awaits it."""
    stock.create("Plate", PLATE)
    errands.place("from", thing := errands.add())
    errands.place("a")
    errands.configure(**AB)
    begun = errands.begin(thing, "a")
    made = errands.place("b", resource_template_name="Plate")
    assert (errands.location("b").resource_id, errands.location("b").awaits_template) == (None, True)
    errands.abort(begun)
    errands.ask(Resolve(location_ids=(made,)), by="labstow")
    assert errands.location("b").resource_id is not None


def test_many_names_are_looked_up_in_few_rounds(errands: ErrandRoom, stock: Stock) -> None:
    """A chain of sixty names, ids and names in turns, and sixty zones with links of their own: a worker does not give
    up (see `errand_loading.MORE`). Seen to fail where each is looked up for itself.
    """
    chain = [f"n{number}" for number in range(60)]
    zone = [f"z{number}" for number in range(60)]
    for name in (*chain, *zone, *(f"{name}.too" for name in zone)):
        errands.place(name)
    ids = {name: derived_ulid(name) for name in chain}
    linked = [[ids[one], other] for one, other in pairwise(chain)]
    together = [[name, f"{name}.too"] for name in zone]
    errands.configure(linked=[*linked, *together], exclusive=[["n7", *zone[:40]], [ids["n9"], *zone[40:]]])
    errands.place("home", thing := errands.add())
    errands.place("far", other := errands.add())
    begun = errands.begin(thing, "n30")
    assert errands.check(other, "n59", node="rail") == ["target.reserved"]
    assert errands.check(other, "z3.too", node="rail") == ["zone.busy"]
    assert errands.check(other, "z59.too", node="rail") == ["zone.busy"]
    errands.abort(begun)
    waiting = [errands.place(f"w{number}", resource_template_name="Plate") for number in range(60)]
    pairs = [[f"w{number}", f"w{number}.too"] for number in range(60)]
    for number in range(60):
        errands.place(f"w{number}.too")
    errands.configure(linked=pairs)
    stock.create("Plate", PLATE)
    errands.ask(Resolve(location_ids=tuple(waiting)), by="labstow")
    assert all(errands.location(each).resource_id is not None for each in waiting)
    errands.ask(RemoveLocation(location="n0"))
