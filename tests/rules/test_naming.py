"""What is new needs a name; what is known is named by its id."""

from labstow.contracts.base_types import BaseType
from labstow.contracts.batch import Batch
from labstow.contracts.placing import Place
from labstow.contracts.resource import Add, Init, NewResource, Upsert
from labstow.contracts.ulids import new_ulid
from tests.rules.room import Room


def test_what_is_new_needs_a_name(room: Room) -> None:
    """Without a name and an id nobody knows what is meant; an id that nobody has was meant to be known."""
    shelf = room.add("container")
    for node, code in (
        (NewResource(), "request.invalid"),
        (NewResource(resource_id=new_ulid()), "resource.not_found"),
        (NewResource(name="box", base_type=BaseType.CONTAINER, children=(NewResource(),)), "request.invalid"),
    ):
        for command in (
            Add(resource=node), Init(resource=node), Upsert(resource=node), Place(container_id=shelf, resource=node),
        ):  # fmt: skip
            assert room.refused(command).code == code, command


def test_a_child_that_is_known_is_named_by_its_id(room: Room) -> None:
    """It comes from nowhere, and keeps its name."""
    tube = room.add(name="tube 1")
    rack = room.add("row", children=[{"resource_id": tube, "position": 0}])

    assert room.inside(rack) == {tube: "1"}
    assert room.thing(tube).name == "tube 1"


def test_a_step_can_name_what_the_step_before_it_made(room: Room) -> None:
    stack, plate = room.add("stack"), new_ulid()
    steps = [
        {"verb": "add", "command": {"resource": {"resource_id": plate, "name": "Plate 7"}}},
        {"verb": "push", "command": {"container_id": stack, "resource": {"resource_id": plate}}},
    ]

    room.ask(Batch.model_validate({"steps": steps}), op_id=new_ulid())

    assert room.inside(stack) == {plate: None}
    nobody = {"container_id": stack, "resource": {"resource_id": new_ulid()}}
    refusal = room.refused(Batch.model_validate({"steps": [{"verb": "push", "command": nobody}]}))
    assert (refusal.code, refusal.facts["step"]) == ("resource.not_found", 0)
    assert refusal.detail.startswith("step 0 (push): there is no resource")
