"""Templates: what they keep, what they are called, and their versions."""

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labstow.contracts.errors import (
    Full,
    Invalid,
    InvalidPosition,
    NoTemplate,
    Occupied,
    Refusal,
    StaleVersion,
    TemplateExists,
    TooDeep,
)
from labstow.contracts.resource import MAX_DEPTH
from labstow.contracts.template import CreateTemplate, RemoveTemplate, UpdateTemplate
from labstow.contracts.ulids import new_ulid
from labstow.workers.template.overriding import merged
from tests.rules.room import Json, audit
from tests.rules.stock import PLATE, RACK, TUBES, Stock, order


def test_a_template_keeps_what_is_named_but_no_ids_no_versions_and_no_place(stock: Stock) -> None:
    tree = RACK | {"resource_id": new_ulid(), "version": 3, "position": "A1", "description": None}
    tree["children"] = [tube | {"resource_id": new_ulid(), "version": 7} for tube in TUBES]

    template = stock.create("Rack of tubes", tree, label="1.0.0", tags=["rack"], created_by="ann")

    assert template["resource"] == RACK
    assert (template["name"], template["version"], template["label"]) == ("Rack of tubes", 1, "1.0.0")
    assert (template["tags"], template["created_by"], template["removed_at"]) == (["rack"], "ann", None)


@pytest.mark.parametrize("name", ["PLATE", "plate", "Plate", "pLaTe"])
def test_a_name_is_found_and_taken_however_it_is_written(stock: Stock, name: str) -> None:
    """I43."""
    stock.create("Plate", PLATE)

    refusal = stock.refused(CreateTemplate.model_validate({"name": name, "resource": PLATE}))

    assert isinstance(refusal, TemplateExists)
    assert refusal.facts == {"name": "Plate", "version": 1}
    assert stock.make(name)[0]["template_name"] == "Plate"
    assert stock.update(name, description="flat")["name"] == "Plate"


def test_letters_that_only_look_different_are_one_name(stock: Stock) -> None:
    """I43: without regard to case is more than small letters."""
    stock.create("Gefäß GROß µ", PLATE)

    assert isinstance(stock.refused(CreateTemplate(name="gefäß gross Μ", resource=PLATE)), TemplateExists)


def test_a_removed_name_is_free_for_another_template(stock: Stock) -> None:
    """I43; what was made from the first one stays."""
    first = stock.create("Plate", PLATE)
    (made,) = stock.make("Plate")
    gone = stock.ask(RemoveTemplate(name="plate", reason="not sold any more"))
    second = stock.create("PLATE", PLATE)

    assert (gone["version"], gone["removed_at"] is None) == (2, False)
    assert (second["version"], second["name"]) == (1, "PLATE")
    assert second["template_id"] != first["template_id"]
    assert stock.unit.entries[1]["reason"] == "not sold any more"
    assert stock.room.thing(made["resource_id"]).removed_at is None


def test_what_is_not_there_is_not_changed(stock: Stock) -> None:
    stock.create("Plate", PLATE)
    stock.ask(RemoveTemplate(name="Plate"))

    assert isinstance(stock.refused(RemoveTemplate(name="Plate")), NoTemplate)
    assert isinstance(stock.refused(UpdateTemplate.model_validate({"name": "Plate", "changes": {}})), NoTemplate)
    assert isinstance(stock.room.refused(order("Plate")), NoTemplate)


def test_replacing_makes_the_next_version_and_keeps_who_made_it_and_how_it_is_written(stock: Stock) -> None:
    first = stock.create("Plate", PLATE, created_by="ann", tags=["old"])
    second = stock.create("PLATE", RACK, created_by="bob", replace=True)

    assert (second["version"], second["name"], second["created_by"]) == (2, "Plate", "ann")
    assert (second["resource"], second["tags"]) == (RACK, [])
    assert second["template_id"] == first["template_id"]


def test_changing_nothing_makes_no_version(stock: Stock) -> None:
    """I30."""
    stock.create("Plate", PLATE, tags=["plate"])
    stock.create("plate", PLATE, tags=["plate"], replace=True)
    stock.update("Plate", tags=["plate"], resource={"attributes": {"well": {"volume": 200}, "none": None}})

    assert [entry["what"] for entry in stock.unit.entries] == ["created"]
    assert stock.update("Plate", resource={"attributes": {"well": {"volume": 200.5}}})["version"] == 2


def test_an_update_merges_deeply_and_null_removes_a_key(stock: Stock) -> None:
    """D32."""
    stock.create("Plate", PLATE | {"owner": {"project": "p53"}}, description="flat", label="1.0.0")

    changed = {"attributes": {"well": {"volume": 250, "shape": None}, "lot": "L-1"}, "owner": {"project": None}}
    template = stock.update("plate", resource=changed | {"capacity": 90}, label="1.1.0")

    assert template["resource"]["attributes"] == {"material": "polystyrene", "well": {"volume": 250}, "lot": "L-1"}
    assert (template["resource"]["owner"], template["resource"]["capacity"]) == ({}, "90")
    assert (template["description"], template["label"], template["version"]) == ("flat", "1.1.0", 2)
    assert stock.unit.entries[-1]["changes"].keys() == {"resource", "label"}


@pytest.mark.parametrize("field", ["resource_id", "version", "position", "base_type", "children", "colour"])
def test_an_update_of_what_a_template_never_changes_is_refused_by_name(stock: Stock, field: str) -> None:
    """D32, bad input 15."""
    stock.create("Plate", PLATE)
    refusal = stock.refused(
        UpdateTemplate.model_validate({"name": "Plate", "changes": {"resource": {field: "row", "description": "x"}}})
    )

    assert isinstance(refusal, Invalid)
    assert [error["at"] for error in refusal.facts["errors"]] == [f"changes.resource.{field}"]


@pytest.mark.parametrize(
    ("fields", "at"),
    [
        ({"rows": None}, "changes.resource"),
        ({"quantity": 7}, "changes.resource"),
        ({"attributes": None}, "changes.resource.attributes"),
        ({"capacity": -1}, "changes.resource.capacity"),
        ({"name": ""}, "changes.resource.name"),
    ],
)
def test_an_update_to_something_that_cannot_be_is_refused_with_its_place(stock: Stock, fields: Json, at: str) -> None:
    """D32: before it is stored."""
    stock.create("Plate", PLATE)
    refusal = stock.refused(UpdateTemplate.model_validate({"name": "Plate", "changes": {"resource": fields}}))

    assert isinstance(refusal, Invalid)
    assert refusal.facts["errors"][0]["at"] == at


def test_who_saw_an_older_version_changes_nothing(stock: Stock) -> None:
    """I31."""
    stock.create("Plate", PLATE)
    stock.update("Plate", description="flat")
    changes = {"description": "round"}

    for command in (
        UpdateTemplate.model_validate({"name": "Plate", "changes": changes, "expected_version": 1}),
        RemoveTemplate(name="Plate", expected_version=1),
    ):
        refusal = stock.refused(command)
        assert isinstance(refusal, StaleVersion)
        assert refusal.facts["version"] == 2


@pytest.mark.parametrize(
    ("resource", "refusal"),
    [
        (RACK | {"children": [TUBES[0], TUBES[0]]}, Occupied),
        (RACK | {"children": [TUBES[0] | {"position": 24}]}, InvalidPosition),
        (RACK | {"capacity": 23}, Full),
        (RACK | {"children": [{"position": 0}]}, Invalid),
    ],
)
def test_a_template_that_nothing_can_be_made_of_is_refused_when_it_is_written(
    stock: Stock, resource: Json, refusal: type[Refusal]
) -> None:
    """I22."""
    assert isinstance(stock.refused(CreateTemplate(name="Rack", resource=resource)), refusal)

    stock.create("Rack", PLATE)
    assert isinstance(stock.refused(CreateTemplate(name="Rack", resource=resource, replace=True)), refusal)


def test_a_template_is_not_nested_deeper_than_things_are(stock: Stock) -> None:
    tree: Json = {"name": "box", "base_type": "container"}
    for _ in range(MAX_DEPTH):
        tree = {"name": "box", "base_type": "container", "children": [tree]}

    assert isinstance(stock.refused(CreateTemplate(name="Boxes", resource=tree)), TooDeep)
    stock.create("Boxes", tree["children"][0])
    (made,) = stock.make("Boxes")
    assert isinstance(stock.room.refused(order("Boxes", {"parent_id": made["resource_id"]})), TooDeep)


@pytest.mark.parametrize(
    "path",
    ["multiple", "unique", "resource_id", "version", "position", "base_type", "children", "children.0",
     "quantity.unit", "attributes.", "attributes..lot", ".", "Name"],
)  # fmt: skip
def test_what_cannot_be_overridden_cannot_be_required(stock: Stock, path: str) -> None:
    """Bad input 15."""
    stock.create("Plate", PLATE)
    paths = ["attributes.lot", path]

    created = stock.refused(CreateTemplate(name="Other", resource=PLATE, required_overrides=paths))
    updated = stock.refused(UpdateTemplate.model_validate({"name": "Plate", "changes": {"required_overrides": paths}}))

    for refusal, at in ((created, "required_overrides.1"), (updated, "changes.required_overrides.1")):
        assert isinstance(refusal, Invalid)
        assert [error["at"] for error in refusal.facts["errors"]] == [at]
        assert path in refusal.detail


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(0, 3), lambda one: st.dictionaries(st.sampled_from("abc"), one)
)
OBJECTS = st.dictionaries(st.sampled_from("abc"), JSON)


def flat(tree: object, path: str = "") -> Iterator[tuple[str, object]]:
    if isinstance(tree, dict) and tree:
        for key, value in tree.items():
            yield from flat(value, f"{path}.{key}")
    else:
        yield path, tree


@given(OBJECTS, OBJECTS)
def test_merging_takes_all_that_is_given_and_keeps_all_that_is_not(old: Json, new: Json) -> None:
    """Null removes; merging the same again changes nothing."""
    found = merged({"attributes": old}, {"attributes": new})["attributes"]

    told = dict(flat(found))
    for path, value in flat(new):
        if value is not None and value != {}:
            assert told[path] == value
        elif value is None:
            assert path not in told
    for path, value in flat(old):
        named = [other for other, _ in flat(new)]
        if not any(other == path or other.startswith(f"{path}.") or path.startswith(f"{other}.") for other in named):
            assert told.get(path) == value or value == {}
    assert merged({"attributes": found}, {"attributes": new})["attributes"] == found


def test_the_room_holds_after_all_of_it(stock: Stock) -> None:
    """I35, I36, I38: the journal of templates is one like all others."""
    stock.create("Plate", PLATE)
    stock.update("Plate", tags=["a"])
    stock.create("plate", RACK, replace=True)
    stock.ask(RemoveTemplate(name="PLATE"))
    audit(stock.room)

    assert [entry["version"] for entry in stock.unit.entries] == [1, 2, 3, 4]
    assert [entry["what"] for entry in stock.unit.entries] == ["created", "updated", "updated", "removed"]
    assert [entry["prev_hash"] for entry in stock.unit.entries[1:]] == [e["hash"] for e in stock.unit.entries[:-1]]
