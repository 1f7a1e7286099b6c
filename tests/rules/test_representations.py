"""What nodes know of a location."""

from typing import Any

from labstow.contracts.location import MAX_NODES, Represent, Unrepresent
from tests.rules.errand_room import ErrandRoom
from tests.rules.place_commands import NEST, REACH, apply, update
from tests.rules.stock import PLATE, Stock


def test_a_node_is_taught_and_forgets(errands: ErrandRoom) -> None:
    """Null is a representation like any other; others' stay."""
    errands.place("nest", representations={"rail": 7})
    values: list[Any] = [None, 0, False, "", [], {}, {"deep": [{"er": None}]}]
    for value in values:
        told = errands.ask(Represent(location="nest", node="arm", representation=value))
        assert told["representations"] == {"rail": 7, "arm": value}
        assert errands.ask(Represent(location="nest", node="arm", representation=value)) == told
    assert errands.ask(Unrepresent(location="nest", node="arm"))["representations"] == {"rail": 7}
    assert errands.code(Unrepresent(location="nest", node="arm")) == "representation.not_found"


def test_not_more_nodes_know_a_location_than_there_may_be(errands: ErrandRoom) -> None:
    """Bad input 16: one by one as little as all at once."""
    errands.place("nest", representations={f"n{number}": None for number in range(MAX_NODES)})
    assert errands.code(Represent(location="nest", node="one more", representation=None)) == "request.invalid"
    assert errands.code(update("nest", representations={"one more": 1})) == "request.invalid"
    errands.ask(Represent(location="nest", node="n0", representation=1))


def test_a_lab_file_adds_and_never_overwrites_what_was_taught(errands: ErrandRoom) -> None:
    """I47."""
    Stock(errands).create("Plate", PLATE)
    arm = {"transfer_capabilities": {"transfer_templates": [{"node_name": "arm", "action": "transfer"}]}}
    nest = {"location_name": "nest", "representations": {"arm": 1, "rail": 2}, "resource_template_name": "Plate"}
    told = errands.ask(apply(nest, **arm, representation_templates=[REACH], location_templates=[NEST]))
    assert told["changed"] == 4
    errands.ask(Represent(location="nest", node="arm", representation="taught"))
    for file in (nest, {**nest, "representations": {"arm": 9, "rail": 2}}):
        errands.ask(apply(file, **arm))
        assert errands.location("nest").representations == {"arm": "taught", "rail": 2}
    told = errands.ask(apply({**nest, "representations": {"arm": 9, "rail": 3}}, dry_run=True))
    assert (told["changed"], errands.location("nest").version) == (0, 2)
    errands.ask(apply({**nest, "representations": {"arm": 9, "rail": 3}}, absent_only=True))
    assert errands.location("nest").representations["rail"] == 2
    errands.ask(apply({**nest, "representations": {"arm": 9, "rail": 3}}))
    assert errands.location("nest").representations == {"arm": "taught", "rail": 3}
