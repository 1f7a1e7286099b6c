"""Locations, what is attached there, and what they are made from."""

from collections.abc import Callable
from typing import Any, Final

import pytest

from labstow.contracts.errors import Refusal
from labstow.contracts.lab_file import ApplyLab
from labstow.contracts.location import (
    MAX_NODES,
    AddLocation,
    InitLocation,
    RemoveLocation,
    Represent,
    Unrepresent,
    UpdateLocation,
)
from labstow.contracts.pattern import (
    AddFromTemplate,
    CreateLocationTemplate,
    CreateRepresentationTemplate,
    RemoveLocationTemplate,
    RemoveRepresentationTemplate,
)
from labstow.contracts.placing import Move
from labstow.contracts.ulids import derived_ulid, new_ulid
from labstow.workers.transfer.resolve import Resolve
from tests.rules.errand_room import ErrandRoom
from tests.rules.lock_room import BOB
from tests.rules.room import Json
from tests.rules.stock import PLATE, Stock


@pytest.fixture
def stock(errands: ErrandRoom) -> Stock:
    """Templates of things; none yet."""
    return Stock(errands)


def code(asked: Callable[..., Any], *args: Any, **how: Any) -> str:
    """The code of the refusal that it ends in; "" if it is done."""
    try:
        asked(*args, **how)
    except Refusal as refusal:
        return refusal.code
    return ""


def update(location: str, **changes: Any) -> UpdateLocation:
    return UpdateLocation.model_validate({"location": location, "changes": changes})


def init(name: str, **fields: Any) -> InitLocation:
    return InitLocation.model_validate({"location": {"name": name, **fields}})


def apply(*locations: Json, **fields: Any) -> ApplyLab:
    how = {name: fields.pop(name) for name in ("absent_only", "dry_run") if name in fields}
    return ApplyLab.model_validate({"places": {"locations": locations, **fields}, **how})


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


def test_a_resource_is_at_one_location_and_a_location_has_one(errands: ErrandRoom) -> None:
    """I46: attached resources exist; what is attached stays until it is detached, and so does its location."""
    plate, other, gone = errands.add(), errands.add(), errands.add()
    errands.remove(gone)
    errands.place("nest", plate)
    errands.place("tray")
    assert code(errands.attach, "tray", plate) == "resource.attached"
    assert code(errands.attach, "nest", other) == "location.occupied"
    assert code(errands.attach, "tray", gone) == "resource.removed"
    assert code(errands.attach, "tray", new_ulid()) == "resource.not_found"
    assert code(errands.place, "new", plate) == "resource.attached"
    assert errands.attach("nest", plate)["version"] == 1
    assert errands.code(RemoveLocation(location="nest")) == "location.attached"
    assert code(errands.remove, plate) == "resource.attached"
    errands.detach("nest")
    assert code(errands.detach, "nest") == "location.nothing_attached"
    errands.attach("tray", plate)
    errands.detach("tray")
    errands.remove(plate)


def test_what_is_attached_is_not_removed_with_what_it_is_in(errands: ErrandRoom) -> None:
    """I46: at any depth."""
    shelf = errands.add("container")
    box = errands.add("container", shelf)
    tube = errands.add(into=box)
    errands.place("nest", tube)
    assert code(errands.remove, shelf) == code(errands.remove, box) == "resource.attached"
    errands.ask(Move(resource_id=tube, container_id=None))
    errands.remove(shelf)


def test_linked_locations_have_one_resource_together(errands: ErrandRoom, stock: Stock) -> None:
    """I46: whatever name it is attached to, and whether it comes from a template."""
    stock.create("Plate", PLATE)
    errands.configure(linked=[["a", "b"], ["b", "c"]])
    for name in "abc":
        errands.place(name)
    first = errands.add()
    errands.attach("a", first)
    assert code(errands.attach, "c", errands.add()) == "location.occupied"
    assert code(errands.attach, "c", first) == "resource.attached"
    errands.configure(linked=[["a", "b", "d"]])
    assert code(errands.place, "d", errands.add()) == "location.occupied"
    assert errands.location(errands.place("d", resource_template_name="Plate")).resource_id is None
    errands.attach("c", errands.add())


OVERRIDES: Final[Json] = {
    "resource_class": "tall",
    "capacity": 12,
    "attributes": {"well": {"shape": "v"}},
    "tip": "1 mL",
}


def test_a_resource_is_made_from_its_template_with_overrides(errands: ErrandRoom, stock: Stock) -> None:
    """What a resource does not have becomes an attribute; it is named like the location, unless that is overridden."""
    stock.create("Plate", PLATE)
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
def test_overrides_that_come_to_nothing_are_refused(errands: ErrandRoom, stock: Stock, overrides: Json) -> None:
    """Bad input 15: at once if the template is there; and they hinder nobody if it comes later."""
    fields: Json = {"resource_template_name": "Plate", "resource_template_overrides": overrides}
    waits, fine = errands.place("waits", **fields), errands.place("fine", resource_template_name="Plate")
    stock.create("Plate", PLATE)
    assert code(errands.place, "nest", **fields) in (
        "request.invalid",
        "template.missing_overrides",
        "resource.other_shape",
    )
    errands.ask(Resolve(location_ids=(waits, fine)), by="labstow")
    assert (errands.location(waits).awaits_template, errands.location(fine).awaits_template) == (True, False)


def test_a_required_override_is_asked_for(errands: ErrandRoom, stock: Stock) -> None:
    stock.create("Plate", PLATE, required_overrides=["attributes.lot"])
    assert code(errands.place, "nest", resource_template_name="Plate") == "template.missing_overrides"
    errands.place("nest", resource_template_name="Plate", resource_template_overrides={"attributes": {"lot": 7}})


def test_a_location_awaits_a_template_that_is_not_there_yet(errands: ErrandRoom, stock: Stock) -> None:
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
    stock.create("plate", PLATE)
    errands.ask(everybody, by="labstow")
    assert errands.thing(str(errands.location("a").resource_id)).attributes["tip"] == 1
    assert (errands.location("a").version, errands.location("b").version, errands.location("d").version) == (2, 2, 1)
    errands.abort(begun)
    for _ in range(2):
        errands.ask(everybody, by="labstow")
    assert (errands.location("a").version, errands.location("d").version) == (2, 2)
    assert [entry["what"] for entry in errands.history(first)] == ["added", "attached"]


REACH: Final[Json] = {
    "name": "arm reach",
    "default_values": {"z": 10, "grip": {"force": 1}},
    "schema_def": {"type": "object", "required": ["joints"], "properties": {"joints": {"minItems": 3}}},
    "required_overrides": ["joints"],
}
NEST: Final[Json] = {
    "name": "nest",
    "representation_templates": {"arm": "arm reach", "gripper": "arm reach"},
    "resource_template_name": "Plate",
    "resource_template_overrides": {"attributes": {"lot": 1}},
    "default_allow_transfers": False,
}


def create(errands: ErrandRoom, template: Json, **fields: Any) -> Json:
    """A pattern."""
    known = CreateLocationTemplate if "representation_templates" in template else CreateRepresentationTemplate
    return errands.ask(known.model_validate({"template": template, **fields}))


def from_nest(name: str = "n1", **fields: Any) -> AddFromTemplate:
    """A location made from `NEST`, unless something is said otherwise."""
    joints = {"joints": [1, 2, 3]}
    whole = {
        "name": name,
        "template": "nest",
        "node_bindings": {"arm": "kuka", "gripper": "hand"},
        "representation_overrides": {"arm": joints, "gripper": {**joints, "grip": {"wide": True}}},
    }
    return AddFromTemplate.model_validate(whole | fields)


def test_a_location_is_made_from_a_template_with_what_each_role_must_know(errands: ErrandRoom, stock: Stock) -> None:
    stock.create("Plate", PLATE)
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
        assert code(create, errands, same) == code(create, errands, {**NEST, **same}) == "pattern.exists"
        for kind in ("representation_templates", "location_templates"):
            assert errands.code(apply(**{kind: [same]})) == "pattern.exists"


SCHEMAS: Final[dict[str, tuple[Json, str]]] = {
    "a remote reference": ({"$ref": "https://example.org/schema"}, "$ref"),
    "one deep inside": ({"properties": {"a": {"items": {"$ref": "file:///etc/passwd"}}}}, "$ref"),
    "a dynamic one": ({"$dynamicRef": "#meta"}, "$dynamicRef"),
    "none": ({"type": "moon"}, "schema_def"),
    "a regular expression": ({"properties": {"x": {"pattern": "^(a+)+$"}}}, "pattern"),
    "of names": ({"patternProperties": {"^(a+)+$": {}}}, "patternProperties"),
}


@pytest.mark.parametrize("schema", SCHEMAS)
def test_a_schema_that_leads_elsewhere_is_refused(errands: ErrandRoom, schema: str) -> None:
    """It is never fetched; a regular expression could keep a worker busy for years (bad input 8, I56)."""
    given, says = SCHEMAS[schema]
    refusal = errands.refused(CreateRepresentationTemplate.model_validate({"template": REACH | {"schema_def": given}}))
    assert (refusal.code, says in refusal.detail) == ("pattern.unbound", True)
    assert errands.code(apply(representation_templates=[REACH | {"schema_def": given}])) == "pattern.unbound"


def test_words_of_a_schema_can_be_names_of_the_users(errands: ErrandRoom) -> None:
    schema = {
        "properties": {"pattern": {"type": "string"}, "$ref": {"$ref": "#/$defs/pattern"}},
        "$defs": {"pattern": {}},
    }
    create(errands, REACH | {"schema_def": schema})


ENDLESS: Final[dict[str, Json]] = {
    "to what is not there": {"$ref": "#/nowhere"},
    "to itself": {"$ref": "#"},
    "to itself by names": {"$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"$ref": "#/$defs/a"}}, "$ref": "#/$defs/a"},
    "to more and more": {
        "$defs": {f"a{n}": {"allOf": [{"$ref": f"#/$defs/a{n + 1}"}] * 2} for n in range(40)} | {"a40": {}},
        "$ref": "#/$defs/a0",
    },
    "to all pairs": {"properties": {"x": {"uniqueItems": True}}},
}


@pytest.mark.parametrize("schema", ENDLESS)
def test_a_schema_without_end_is_given_up(errands: ErrandRoom, schema: str) -> None:
    """I56: no message keeps a worker busy."""
    create(errands, {"name": "arm reach", "schema_def": ENDLESS[schema]})
    create(errands, NEST)
    mixed = {"x": [[n] if n else {} for n in range(4_800)]}
    refusal = errands.refused(from_nest(representation_overrides={"arm": mixed}))
    assert (refusal.code, refusal.status) == ("pattern.unbound", 422)


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


def test_a_lab_file_adds_and_never_overwrites_what_was_taught(errands: ErrandRoom, stock: Stock) -> None:
    """I47."""
    stock.create("Plate", PLATE)
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
