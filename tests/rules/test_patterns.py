"""What locations are made from."""

import pytest

from labstow.contracts.pattern import CreateLocationTemplate, RemoveLocationTemplate, RemoveRepresentationTemplate
from labstow.contracts.ulids import new_ulid
from tests.rules.errand_room import ErrandRoom
from tests.rules.errand_scene import refused
from tests.rules.place_commands import NEST, REACH, apply, create, from_nest
from tests.rules.room import Json
from tests.rules.stock import PLATE, Stock


def test_a_location_is_made_from_a_template_with_what_each_role_must_know(errands: ErrandRoom) -> None:
    Stock(errands).create("Plate", PLATE)
    create(errands, REACH)
    create(errands, NEST)
    made = errands.ask(from_nest(resource_template_overrides={"attributes": {"lot": 2}, "tip": 5}))
    assert made["representations"] == {
        "kuka": {"z": 10, "grip": {"force": 1}, "joints": [1, 2, 3]},
        "hand": {"z": 10, "grip": {"force": 1, "wide": True}, "joints": [1, 2, 3]},
    }
    assert (made["allow_transfers"], made["location_template_name"]) == (False, "nest")
    assert made["node_bindings"] == {"arm": "kuka", "gripper": "hand"}
    attributes = errands.thing(made["resource_id"]).attributes
    assert (attributes["lot"], attributes["tip"], attributes["material"]) == (2, 5, "polystyrene")
    assert errands.ask(from_nest("n2", allow_transfers=True))["allow_transfers"]
    assert errands.code(from_nest("n2")) == "location.exists"


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"node_bindings": {"arm": "kuka"}, "representation_overrides": {}}, "no node for the role 'gripper'"),
        ({"node_bindings": {"arm": "a", "gripper": "b", "lid": "c"}}, "has no role 'lid'"),
        (
            {"representation_overrides": {"arm": {"joints": [1, 2, 3]}}},
            "representation_overrides.gripper: arm reach needs",
        ),
        (
            {"representation_overrides": {"arm": {"joints": [1]}, "gripper": {"joints": [1, 2, 3]}}},
            "representation_overrides.arm.joints: [1] is too short",
        ),
    ],
)
def test_what_a_role_lacks_is_told(errands: ErrandRoom, fields: Json, says: str) -> None:
    """422, with where it is."""
    create(errands, REACH)
    create(errands, NEST)
    refusal = errands.refused(from_nest(**fields))
    assert (refusal.code, refusal.status) == ("pattern.unbound", 422)
    assert says in refusal.detail


def test_patterns_have_names_of_their_own_and_are_there_until_they_are_removed(errands: ErrandRoom) -> None:
    reach, nest = create(errands, REACH), create(errands, NEST)
    assert errands.code(CreateLocationTemplate.model_validate({"template": NEST})) == "pattern.exists"
    assert create(errands, NEST | {"description": "other"}, init=True) == nest
    create(errands, {"name": "nest"})  # of the other kind
    assert errands.code(from_nest(template="moon")) == "pattern.not_found"
    errands.ask(RemoveRepresentationTemplate(name="arm reach"))
    assert errands.code(RemoveRepresentationTemplate(name="arm reach")) == "pattern.not_found"
    refusal = errands.refused(from_nest())
    assert (refusal.code, refusal.detail) == ("pattern.not_found", "Representation template 'arm reach' not found")
    assert create(errands, REACH)["template_id"] != reach["template_id"]
    made = errands.ask(from_nest())
    errands.ask(RemoveLocationTemplate(name="nest"))
    assert errands.location(made["name"]).location_template_name == "nest"


def test_the_id_of_a_pattern_is_never_used_again(errands: ErrandRoom) -> None:
    """I41: neither under another name, nor after it was removed, nor by a lab file."""
    reach = create(errands, REACH | {"template_id": new_ulid()})
    for name in ("other", "arm reach"):
        same = {"name": name, "template_id": reach["template_id"]}
        if name == "arm reach":
            errands.ask(RemoveRepresentationTemplate(name="arm reach"))
        assert refused(create, errands, same) == refused(create, errands, {**NEST, **same}) == "pattern.exists"
        for kind in ("representation_templates", "location_templates"):
            assert errands.code(apply(**{kind: [same]})) == "pattern.exists"


def test_what_is_too_much_together_is_refused(errands: ErrandRoom) -> None:
    """Bad input 16: neither the template nor what is given is too large; the location would be."""
    large = {"text": "x" * 40_000}
    create(errands, {"name": "arm reach", "default_values": large})
    create(errands, NEST)
    other = {"other": "x" * 40_000}
    assert errands.code(from_nest(representation_overrides={"arm": other})) == "request.invalid"
    create(errands, NEST | {"name": "wide", "resource_template_overrides": large})
    assert errands.code(from_nest(template="wide", representation_overrides={}, resource_template_overrides=other)) == (
        "request.invalid"
    )
