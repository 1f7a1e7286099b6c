"""What is made from templates."""

from decimal import Decimal

import pytest

from labstow.contracts.batch import Batch
from labstow.contracts.errors import (
    Full,
    IdTaken,
    Invalid,
    MissingOverrides,
    NotAContainer,
    NoTemplate,
    Occupied,
    TooMany,
)
from labstow.contracts.resource import MAX_NODES, Patch, Update
from labstow.contracts.ulids import new_ulid
from tests.rules.loading import decision
from tests.rules.room import Json, new
from tests.rules.stock import PLATE, RACK, TUBES, Stock, order


def test_what_is_made_is_the_template_with_what_the_caller_says(stock: Stock) -> None:
    stock.create("Plate", PLATE)
    asked = {"name": "Plate 7", "overrides": {"attributes": {"well": {"volume": 180}, "lot": "L-1"}, "columns": 6}}
    plain, made = stock.make("plate", {}, asked)

    assert plain["name"] == "standard plate"
    assert plain["attributes"] == PLATE["attributes"]
    assert (made["name"], made["columns"], made["rows"], made["version"]) == ("Plate 7", 6, 8, 1)
    expected = {"material": "polystyrene", "well": {"volume": 180, "shape": "flat"}, "lot": "L-1"}
    assert made["attributes"] == expected
    assert (made["template_name"], made["template_version"], made["children"]) == ("Plate", 1, [])
    assert [entry["what"] for entry in stock.room.unit.entries] == ["added", "added"]


def test_each_instance_comes_with_everything_in_it(stock: Stock) -> None:
    """I16, I17, I24: two racks of 24 filled tubes, each tube a thing of its own."""
    stock.create("Rack", RACK)
    racks = stock.make("Rack", {"name": "left"}, {"name": "right"})

    tubes = [tube for rack in racks for tube in rack["children"]]
    assert [rack["quantity"] for rack in racks] == ["24", "24"]
    assert [tube["index"] for tube in racks[0]["children"]] == [[number] for number in range(24)]
    assert {tube["quantity"] for tube in tubes} == {"0.25"}
    assert len({tube["resource_id"] for tube in tubes}) == 48
    assert {tube["template_name"] for tube in tubes} == {None}
    for rack in racks:
        inside = stock.room.inside(rack["resource_id"])
        assert inside == {tube["resource_id"]: tube["position"] for tube in rack["children"]}


def test_what_is_in_a_stack_comes_in_its_order(stock: Stock) -> None:
    plates = [PLATE | {"name": f"plate {number}"} for number in range(5)]
    stock.create("Stack", {"name": "stack", "base_type": "stack", "children": plates})
    (made,) = stock.make("Stack")

    assert [(child["name"], child["index"]) for child in made["children"]] == [
        (f"plate {number}", [number]) for number in range(5)
    ]


def test_a_pool_has_what_is_in_it(stock: Stock) -> None:
    """I29."""
    parts = [{"name": n, "base_type": "consumable", "quantity": "0.1", "unit": "mL", "position": n} for n in "abc"]
    stock.create("Mix", {"name": "mix", "base_type": "pool", "children": parts})

    assert stock.room.thing(stock.make("Mix")[0]["resource_id"]).quantity == Decimal("0.3")


def test_instances_go_where_they_are_to_be(stock: Stock) -> None:
    """I15, I16: many into one container, by one command, and each position once."""
    stock.create("Tube", TUBES[0])
    rack = stock.room.add("row")
    made = stock.make("Tube", *({"parent_id": rack, "position": place} for place in (0, "2", "C")))

    assert [(tube["parent_id"], tube["position"]) for tube in made] == [(rack, "1"), (rack, "2"), (rack, "3")]
    assert (str(stock.room.thing(rack).quantity), stock.room.thing(rack).version) == ("3", 2)
    both = [{"parent_id": rack, "position": place} for place in (4, "5")]
    refusal = stock.room.refused(order("Tube", *both))
    assert isinstance(refusal, Occupied)
    assert refusal.facts["instance"] == 1
    assert isinstance(stock.room.refused(order("Tube", {"parent_id": made[0]["resource_id"]})), NotAContainer)


def test_what_is_made_for_many_places_is_loaded_for_in_a_few_rounds(stock: Stock) -> None:
    """Whatever its positions are called, and however deep its containers stand: a worker gives up after 20."""
    stock.create("Plate", PLATE)
    room = stock.room.add("container")
    hotels = [stock.room.add("grid", into=room, position=f"h{n}", one_indexed=False) for n in range(30)]
    shelves = [stock.room.add("grid", into=hotel, position=[0, 1], one_indexed=False) for hotel in hotels]
    instances = [{"parent_id": shelf, "position": [0, 1]} for shelf in shelves]

    assert decision(stock.room.lab, order("Plate", *instances), stock.room.now).rounds < 5
    assert len(stock.make("Plate", *instances)) == 30


def test_all_are_made_or_none(stock: Stock) -> None:
    """I21."""
    stock.create("Tube", TUBES[0])
    rack = stock.room.add("row", capacity=2)
    before = stock.room.versions()

    assert isinstance(stock.room.refused(order("Tube", *({"parent_id": rack, "position": n} for n in range(3)))), Full)
    assert stock.room.versions() == before


@pytest.mark.parametrize(
    ("instance", "missing"),
    [
        ({}, ["name", "quantity", "attributes.lot", "attributes.from.batch"]),
        ({"name": "tube", "overrides": {"quantity": None, "attributes": {"lot": None}}},
         ["quantity", "attributes.lot", "attributes.from.batch"]),
        ({"overrides": {"name": "tube", "quantity": 0, "attributes": {"lot": False, "from": "x"}}},
         ["attributes.from.batch"]),
    ],
)  # fmt: skip
def test_what_a_template_leaves_to_its_user_must_be_given(stock: Stock, instance: Json, missing: list[str]) -> None:
    """Bad input 15: missing, null, or something else where a key should be; that the template has one is not enough."""
    required = ["name", "quantity", "attributes.lot", "attributes.from.batch"]
    tube = TUBES[0] | {"attributes": {"lot": "L-0", "from": {"batch": 1}}}
    stock.create("Tube", tube, required_overrides=required)
    refusal = stock.room.refused(order("Tube", instance))

    assert isinstance(refusal, MissingOverrides)
    assert refusal.facts == {"fields": missing}
    assert refusal.detail == f"Missing required fields: {missing}"


def test_what_is_left_out_of_a_template_is_left_to_its_user(stock: Stock) -> None:
    stock.create("Tube", {"base_type": "asset"})

    assert stock.room.refused(order("Tube")).facts == {"fields": ["name"]}
    assert stock.make("Tube", {"name": "tube 1"})[0]["name"] == "tube 1"


@pytest.mark.parametrize(
    "field",
    ["multiple", "unique", "resource_id", "version", "position", "base_type", "children", "parent_id", "length"],
)
def test_an_override_of_what_a_template_fixes_is_refused_by_name(stock: Stock, field: str) -> None:
    """Bad input 15."""
    stock.create("Plate", PLATE)
    refusal = stock.room.refused(order("Plate", {}, {"overrides": {field: "grid", "description": "x"}}))

    assert isinstance(refusal, Invalid)
    assert [error["at"] for error in refusal.facts["errors"]] == [f"instances.1.overrides.{field}"]
    assert refusal.facts["instance"] == 1


@pytest.mark.parametrize(
    ("overrides", "at"),
    [
        ({"columns": 0}, "instances.0.columns"),
        ({"quantity": 1}, "instances.0"),
        ({"attributes": "blue"}, "instances.0.attributes"),
        ({"attributes": {"more": "x" * 40_000}}, "instances.0.attributes"),
    ],
)
def test_an_override_to_what_cannot_be_is_refused_with_its_place(stock: Stock, overrides: Json, at: str) -> None:
    stock.create("Plate", PLATE | {"attributes": {"note": "x" * 40_000}})
    refusal = stock.room.refused(order("Plate", {"overrides": overrides}))

    assert isinstance(refusal, Invalid)
    assert refusal.facts["errors"][0]["at"] == at


def test_too_much_for_one_command_is_refused_before_it_is_made(stock: Stock) -> None:
    stock.create("Rack", RACK)
    refusal = stock.room.refused(order("Rack", *({} for _ in range(MAX_NODES // 25 + 1))))

    assert isinstance(refusal, TooMany)
    assert len(stock.make("Rack", *({} for _ in range(MAX_NODES // 25)))) == MAX_NODES // 25


def test_a_version_is_made_as_it_was(stock: Stock) -> None:
    """I43."""
    stock.create("Plate", PLATE)
    stock.update("Plate", resource={"attributes": {"material": "glass"}})

    (old,), (new,) = stock.make("Plate", version=1), stock.make("Plate")
    assert (old["attributes"]["material"], old["template_version"]) == ("polystyrene", 1)
    assert (new["attributes"]["material"], new["template_version"]) == ("glass", 2)
    refusal = stock.room.refused(order("Plate", version=3))
    assert isinstance(refusal, NoTemplate)
    assert "version 3" in refusal.detail


def test_two_things_of_one_name_are_two(stock: Stock) -> None:
    """I44, D20: whoever asks for lot B does not get lot A."""
    stock.create("Buffer", TUBES[0])
    made = [stock.make("Buffer", {"name": "PBS", "overrides": {"attributes": {"lot": lot}}})[0] for lot in "AAB"]

    assert len({one["resource_id"] for one in made}) == 3
    assert [one["attributes"]["lot"] for one in made] == ["A", "A", "B"]


def test_an_id_that_exists_is_answered_only_if_it_is_all_that_would_be_made(stock: Stock) -> None:
    """I44, D20, D21."""
    stock.create("Rack", RACK)
    resource_id = new_ulid()
    (made,) = stock.make("Rack", {"resource_id": resource_id, "name": "left"})
    (again,) = stock.make("Rack", {"resource_id": resource_id, "name": "left"})

    assert again == made
    assert len(stock.room.inside(resource_id)) == 24
    refusal = stock.room.refused(order("Rack", {"resource_id": resource_id, "name": "right"}))
    assert isinstance(refusal, IdTaken)
    assert refusal.facts["differs"] == "name"
    stock.room.remove(resource_id)
    assert "removed_at" in stock.room.refused(order("Rack", {"resource_id": resource_id, "name": "left"})).detail


def test_one_id_is_not_for_two(stock: Stock) -> None:
    stock.create("Tube", TUBES[0])
    resource_id = new_ulid()

    assert isinstance(stock.room.refused(order("Tube", *[{"resource_id": resource_id}] * 2)), Invalid)


def test_attaching_answers_the_same_thing_again(stock: Stock) -> None:
    """I44: with everything in it, however the template's name is written."""
    stock.create("Rack", RACK)
    (first,) = stock.make("rack", {"name": "left"}, attach=True)
    (again,) = stock.make("RACK", {"name": "left"}, attach=True)

    assert again == first
    assert len(again["children"]) == 24


@pytest.mark.parametrize(
    "fields",
    [{"attributes": {"lot": "B"}}, {"owner": {"project": "x"}}, {"quantity": "0.2"}, {"description": "x"},
     {"capacity": 2}, {"unit": "L"}, {"resource_class": "x"}, {"name": "other"}],
)  # fmt: skip
def test_attaching_to_something_that_differs_makes_another_one(stock: Stock, fields: Json) -> None:
    """I44; whether it was asked for otherwise, or has changed since."""
    stock.create("Buffer", TUBES[0] | {"attributes": {"lot": "A"}})
    (first,) = stock.make("Buffer", attach=True)
    (other,) = stock.make("Buffer", {"overrides": fields}, attach=True)
    assert other["resource_id"] != first["resource_id"]

    stock.room.ask(Update(resource_id=first["resource_id"], changes=Patch.model_validate(fields)))
    (third,) = stock.make("Buffer", attach=True)
    assert third["resource_id"] not in {first["resource_id"], other["resource_id"]}


def test_attaching_never_answers_what_was_removed_or_taken_from_or_made_from_another_template(stock: Stock) -> None:
    """I44."""
    stock.create("Rack", RACK)
    stock.create("Other", RACK)
    removed, used = (stock.make("Rack", {"name": name}, attach=True)[0] for name in ("removed", "used"))
    stock.room.remove(removed["resource_id"])
    stock.room.remove(used["children"][0]["resource_id"])
    (other,) = stock.make("Other", {"name": "left"}, attach=True)

    for known, name in ((removed, "removed"), (used, "used"), (other, "left")):
        assert stock.make("Rack", {"name": name}, attach=True)[0]["resource_id"] != known["resource_id"]


@pytest.mark.parametrize(
    "fields",
    [{"attributes": {"lot": "B"}}, {"quantity": "0.2"}, {"description": "x"}, {"capacity": 2}, {"unit": "L"},
     {"owner": {"project": "x"}}],
)  # fmt: skip
def test_what_goes_by_a_name_is_answered_as_it_is_whatever_became_of_it(stock: Stock, fields: Json) -> None:
    """A node that starts again asks by name for what it worked with; the template may have changed, too."""
    stock.create("Buffer", TUBES[0] | {"attributes": {"lot": "A"}})
    (first,) = stock.make("Buffer", attach_by_name=True)
    stock.room.ask(Update(resource_id=first["resource_id"], changes=Patch.model_validate(fields)))
    stock.create("Buffer", TUBES[0] | {"attributes": {"lot": "C"}}, replace=True)
    versions = stock.room.versions()
    (again,) = stock.make("buffer", attach_by_name=True)

    assert (again["resource_id"], again["version"]) == (first["resource_id"], 2)
    assert stock.room.versions() == versions


def test_what_goes_by_a_name_comes_with_what_was_put_into_it_whoever_made_it(stock: Stock) -> None:
    stock.create("Nest", {"name": "nest", "resource_class": "nest", "base_type": "slot"})
    nest = stock.room.add("slot", name="nest", resource_class="nest", children=[new(name="plate")])
    (found,) = stock.make("Nest", attach_by_name=True)

    assert (found["resource_id"], found["template_name"]) == (nest, None)
    assert [child["name"] for child in found["children"]] == ["plate"]


def test_what_goes_by_another_name_class_type_or_owner_is_another_thing(stock: Stock) -> None:
    """And what was removed goes by no name."""
    stock.create("Nest", {"name": "nest", "resource_class": "nest", "base_type": "slot"})
    stock.room.add("stack", name="nest", resource_class="nest")
    asked: list[Json] = [{}, {"name": "nest 2"}, {"overrides": {"resource_class": "x"}}]
    asked += [{"overrides": {"owner": {"node": node, "at": None}}} for node in "ab"]
    made = [stock.make("Nest", one, attach_by_name=True)[0]["resource_id"] for one in asked]

    assert len(set(made)) == 5
    assert [stock.make("Nest", one, attach_by_name=True)[0]["resource_id"] for one in asked] == made
    stock.room.remove(made[1])
    assert stock.make("Nest", asked[1], attach_by_name=True)[0]["resource_id"] != made[1]


def test_of_several_of_one_name_the_oldest_is_answered_or_the_one_with_the_id(stock: Stock) -> None:
    stock.create("Tube", TUBES[0])
    ids = [new_ulid() for _ in range(3)]
    stock.make("Tube", *({"resource_id": id_} for id_ in ids))
    first, named, other = stock.make("Tube", {}, {"resource_id": ids[2]}, {"name": "x"}, attach_by_name=True)

    assert (first["resource_id"], named["resource_id"]) == (ids[0], ids[2])
    assert other["resource_id"] not in ids
    refusal = stock.room.refused(order("Tube", {"name": "y", "resource_id": ids[1]}, attach_by_name=True))
    assert isinstance(refusal, IdTaken)


def test_one_name_twice_in_one_command_is_one_thing(stock: Stock) -> None:
    stock.create("Rack", RACK)
    racks = stock.make("Rack", {"name": "a"}, {"name": "b"}, {"name": "a"}, attach_by_name=True)

    assert [rack["resource_id"] == racks[0]["resource_id"] for rack in racks] == [True, False, True]
    assert racks[2]["children"] == racks[0]["children"]


@pytest.mark.parametrize(
    ("overrides", "at"),
    [
        ({"resource_class": 7}, "resource_class"),
        ({"owner": "me"}, "owner"),
        ({"name": ""}, "name"),
        ({"base_type": "x"}, "overrides.base_type"),
    ],
)
def test_what_nothing_can_go_by_is_refused_with_its_place(stock: Stock, overrides: Json, at: str) -> None:
    stock.create("Plate", PLATE)
    refusal = stock.room.refused(order("Plate", {"overrides": overrides}, attach_by_name=True))

    assert [error["at"] for error in refusal.facts["errors"]] == [f"instances.0.{at}"]


def test_what_goes_by_a_name_and_is_not_there_needs_all_that_the_template_requires(stock: Stock) -> None:
    stock.create("Plate", PLATE, required_overrides=["attributes.lot"])

    assert isinstance(stock.room.refused(order("Plate", attach_by_name=True)), MissingOverrides)


def test_what_is_asked_for_twice_at_once_with_attach_is_one(stock: Stock) -> None:
    """I44: within one command, and within one batch."""
    stock.create("Tube", TUBES[0])
    first, second = stock.make("Tube", {}, {}, attach=True)
    assert first == second

    steps = [
        {"verb": "instantiate", "command": order("Tube", {"name": "new"}, attach=True).model_dump()} for _ in range(2)
    ]
    answers = stock.room.ask(Batch.model_validate({"steps": steps}))["answers"]
    assert answers[0] == answers[1]
    assert len([thing for thing in stock.room.lab.things.values() if thing]) == 2


def test_what_is_only_shown_is_not_made(stock: Stock) -> None:
    stock.create("Rack", RACK)
    rack = stock.room.add("container")
    (shown,) = stock.make("Rack", {"parent_id": rack, "position": "left"}, add=False)

    assert (shown["parent_id"], shown["position"], len(shown["children"])) == (rack, "left", 24)
    assert not stock.room.inside(rack)
    assert len(stock.room.unit.entries) == 1
