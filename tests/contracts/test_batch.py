"""What a batch takes, and what it refuses before anybody looks at the laboratory."""

import json
from typing import Any, Final

import pytest
from pydantic import ValidationError

from labstow.contracts import batch
from labstow.contracts.batch import MAX_COMMANDS, SINGLE, Batch
from labstow.contracts.message import Command
from labstow.contracts.placing import Place, Push
from labstow.contracts.resource import MAX_NODES, Add, Init, Replace, Upsert
from labstow.contracts.template import Instantiate
from tests.contracts.examples import EXAMPLES, PLATE_ID, RACK_ID, SAMPLE_ID

Json = dict[str, Any]
POP: Final[Json] = {"verb": "pop", "command": {"container_id": RACK_ID}}
TREES: Final = (Add, Init, Upsert, Replace, Place, Push)


def verb(command: type[Command[Any]]) -> str:
    return command.subject.split(".")[1]


def sent(*steps: Json) -> Batch:
    """A batch as it comes over the wire."""
    return Batch.model_validate_json(json.dumps({"steps": steps}))


def box(things: int) -> Json:
    """That many things: a box, and the rest in it."""
    inside = [{"name": "x"}] * (things - 1)
    return {"resource_id": PLATE_ID, "name": "box", "base_type": "container", "children": inside}


@pytest.mark.parametrize("command", SINGLE, ids=lambda command: command.__name__)
def test_a_step_is_the_last_word_of_a_subject_and_its_command(command: type[Command[Any]]) -> None:
    (step,) = sent({"verb": verb(command), "command": EXAMPLES[command]}).steps

    assert step.verb == verb(command)
    assert type(step.command) is command
    assert step.command == command.model_validate(EXAMPLES[command])


def test_every_command_to_resources_has_a_verb_of_its_own() -> None:
    assert len({verb(command) for command in SINGLE}) == len(SINGLE)
    assert set(batch.COMMANDS) == {*SINGLE, Batch}


@pytest.mark.parametrize("bad", [
    {"verb": "explode", "command": {}},
    {"verb": "batch", "command": {"steps": [POP]}},  # a batch in a batch
    {"verb": "get", "command": {"resource_id": PLATE_ID}},
    {"verb": "resource.pop", "command": {"container_id": RACK_ID}},
    {"verb": "POP", "command": {"container_id": RACK_ID}},
    {"verb": None, "command": {"container_id": RACK_ID}},
    {"verb": "pop"},
    {"command": {"container_id": RACK_ID}},
    {"verb": "pop", "command": {"container_id": "x"}},
    {"verb": "pop", "command": {"container_id": RACK_ID, "colour": "blue"}},
    POP | {"op_id": PLATE_ID},
    "pop", None, 7, [],
], ids=json.dumps)  # fmt: skip
def test_what_is_no_step_is_refused_with_its_number(bad: Any) -> None:
    """Bad input 4, 6 and 13."""
    with pytest.raises(ValidationError, match=r"\nsteps\.1"):
        sent(POP, bad)


def test_a_batch_has_1_to_500_steps() -> None:
    assert len(sent(*[POP] * MAX_COMMANDS).steps) == MAX_COMMANDS
    for steps in ([], [POP] * (MAX_COMMANDS + 1)):
        with pytest.raises(ValidationError, match=r"\nsteps\n"):
            sent(*steps)


@pytest.mark.parametrize("command", TREES, ids=lambda command: command.__name__)
def test_the_steps_of_a_batch_hold_3000_resources_at_most_in_all(command: type[Command[Any]]) -> None:
    """Each of them is small enough alone, and all together are no transaction; seen to fail without `_counted`."""

    def step(things: int) -> Json:
        return {"verb": verb(command), "command": EXAMPLES[command] | {"resource": box(things)}}

    sent(step(MAX_NODES - 1000), step(999), step(1), POP)
    with pytest.raises(ValidationError, match="3001 resources in one batch, at most 3000 fit: send it in parts"):
        sent(step(MAX_NODES - 1000), step(1000), step(1), POP)


def test_what_is_to_be_made_from_templates_counts_as_well() -> None:
    """How much each of them is, only the worker knows."""
    step = {"verb": verb(Instantiate), "command": {"template": "Plate 96", "instances": [{}] * 500}}

    sent(*[step] * 6)
    with pytest.raises(ValidationError, match="3001 resources in one batch"):
        sent(*[step] * 6, {"verb": "push", "command": {"container_id": RACK_ID, "resource": {"name": "x"}}})


def test_a_batch_can_say_why() -> None:
    assert Batch.model_validate(EXAMPLES[Batch]).reason == "run 12"
    with pytest.raises(ValidationError):
        Batch.model_validate(EXAMPLES[Batch] | {"reason": "because\x00"})
    assert SAMPLE_ID in Batch.model_validate(EXAMPLES[Batch]).model_dump_json()
