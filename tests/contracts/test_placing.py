"""What is asked about places and amounts, and what of it is refused before anybody looks at the laboratory."""

import json
from decimal import Decimal
from typing import Any, Final

import pytest
from pydantic import ValidationError

from labstow.contracts import placing, quantities, resource
from labstow.contracts.message import Command, Message
from labstow.contracts.placing import Move, Place, Push, Swap, Take
from labstow.contracts.quantities import ChangeQuantity, DecreaseQuantity, IncreaseQuantity, SetCapacity, SetQuantity
from labstow.contracts.resource import MAX_NODES, Restore
from tests.contracts.examples import EXAMPLES, PLATE_ID, RACK_ID, SAMPLE_ID

COMMANDS: Final = (*resource.COMMANDS, *placing.COMMANDS, *quantities.COMMANDS)
BOUND: Final = [command for command in COMMANDS if "expected_version" in command.model_fields]
AMOUNTS: Final[dict[type[Message], str]] = {
    SetQuantity: "quantity",
    SetCapacity: "capacity",
    ChangeQuantity: "by",
    IncreaseQuantity: "amount",
    DecreaseQuantity: "amount",
}
NO_ID: Final = ["", "x", PLATE_ID.lower(), PLATE_ID + "0", "../../x", "' or 1=1 --", "0" * 10_000, 7, ["x"]]


def said(message: type[Message], **fields: object) -> Message:
    """The example of a message with other fields, as it comes over the wire."""
    return message.model_validate_json(json.dumps(EXAMPLES[message] | fields))


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.__name__)
def test_whatever_names_a_thing_takes_ulids_only(command: type[Command[Any]]) -> None:
    """Bad input 6."""
    for field in command.model_fields:
        if field.endswith("_id"):
            for bad in NO_ID:
                with pytest.raises(ValidationError, match=rf"\n{field}\n"):
                    said(command, **{field: bad})


def test_everything_that_changes_what_is_there_can_be_bound_to_the_version_that_was_read() -> None:
    """I31: all but what makes things, and what brings them back."""
    unbound = {command.subject for command in COMMANDS if command not in BOUND}

    assert unbound == {"resource.add", "resource.init", "resource.upsert", "resource.restore"}


@pytest.mark.parametrize("command", BOUND, ids=lambda command: command.__name__)
@pytest.mark.parametrize("version", [0, -1, 2**31, True, "1", 1.0])
def test_only_a_version_that_a_thing_can_have_is_expected(command: type[Command[Any]], version: object) -> None:
    """Bad input 8."""
    with pytest.raises(ValidationError, match=r"\nexpected_version\n"):
        said(command, expected_version=version)


@pytest.mark.parametrize("version", [0, -1, 2**31, True, "1", 1.0])
def test_only_a_version_that_a_thing_can_have_was_read(version: object) -> None:
    """Bad input 13: the version in a body is what its sender read, and nothing else."""
    with pytest.raises(ValidationError, match=r"\nresource\.version\n"):
        said(Place, resource={"resource_id": SAMPLE_ID, "version": version})


@pytest.mark.parametrize("position", [True, 1.0, {}, [], [0, 0, 0, 0], [[0]], [True], [0.0], "x" * 256])
@pytest.mark.parametrize("message", [Move, Take])
def test_what_is_no_position_anywhere_is_refused(message: type[Message], position: object) -> None:
    """Bad input 9; what is none in this container, its shape decides."""
    with pytest.raises(ValidationError, match=r"\nposition"):
        said(message, position=position)


def test_what_is_taken_is_named_by_its_position_or_by_its_id() -> None:
    Take(container_id=RACK_ID, position=0)
    Take(container_id=RACK_ID, resource_id=SAMPLE_ID)
    Take(container_id=RACK_ID)  # out of a slot
    with pytest.raises(ValidationError, match="either a position or a resource_id"):
        Take(container_id=RACK_ID, position=0, resource_id=SAMPLE_ID)


def test_a_thing_is_moved_somewhere_or_nowhere() -> None:
    assert Move(resource_id=SAMPLE_ID).container_id is None
    assert Move(resource_id=SAMPLE_ID, container_id=RACK_ID).position is None
    with pytest.raises(ValidationError):
        Swap.model_validate({"resource_id": SAMPLE_ID})


@pytest.mark.parametrize("command", [Place, Push])
def test_what_is_put_somewhere_has_3000_things_in_it_at_most(command: type[Message]) -> None:
    """Seen to fail without `_counted`."""
    for extra in (0, 1):
        box = {"name": "box", "base_type": "container", "children": [{"name": "x"}] * (MAX_NODES - 1 + extra)}
        if extra:
            with pytest.raises(ValidationError, match="3001 resources in one command"):
                said(command, resource=box)
        else:
            said(command, resource=box)


def test_a_removal_is_undone_by_its_own_id_or_by_that_of_anything_it_took() -> None:
    """Bad input 14."""
    Restore(removal_id=PLATE_ID)
    Restore(resource_id=SAMPLE_ID)
    for both in ({}, {"removal_id": PLATE_ID, "resource_id": SAMPLE_ID}):
        with pytest.raises(ValidationError, match="either a resource_id or a removal_id"):
            Restore.model_validate(both)


@pytest.mark.parametrize("message", AMOUNTS, ids=lambda message: message.__name__)
@pytest.mark.parametrize("amount", ["NaN", "Infinity", "-Infinity", "1e999999", "five", "", "0x10", "0.1234567890123",
    "1e37", "9" * 5000, True, None, [], {}])  # fmt: skip
def test_what_is_no_amount_is_refused_by_every_command(message: type[Message], amount: object) -> None:
    """I25, bad input 3 and 11."""
    with pytest.raises(ValidationError, match=rf"\n{AMOUNTS[message]}\n"):
        said(message, **{AMOUNTS[message]: amount})


def test_nothing_is_no_change_and_only_one_command_takes_a_sign() -> None:
    """I28: to add nothing, or to take less than nothing, is a mistake of somebody's; seen to fail with an `Exact`."""
    assert ChangeQuantity(resource_id=SAMPLE_ID, by=Decimal("-0.1")).by == Decimal("-0.1")
    assert SetQuantity(resource_id=SAMPLE_ID, quantity=Decimal("-0")).quantity.is_signed() is False
    refused: dict[type[Message], list[str]] = {
        ChangeQuantity: ["0", "-0", "0.0"],
        IncreaseQuantity: ["0", "-1", "-0.000000000001"],
        DecreaseQuantity: ["0", "-1", "-0.000000000001"],
        SetQuantity: ["-1", "-0.000000000001"],
        SetCapacity: ["-1", "-0.000000000001"],
    }
    for message, amounts in refused.items():
        for amount in amounts:
            with pytest.raises(ValidationError, match=rf"\n{AMOUNTS[message]}\n"):
                said(message, **{AMOUNTS[message]: amount})


@pytest.mark.parametrize("message", AMOUNTS, ids=lambda message: message.__name__)
@pytest.mark.parametrize("unit", ["m\x00L", "L" * 65, "\ud800", 7, ["mL"]], ids=ascii)
def test_a_unit_is_a_short_text(message: type[Message], unit: object) -> None:
    """Bad input 5."""
    with pytest.raises(ValidationError, match=r"\nunit\n"):
        message.model_validate(EXAMPLES[message] | {"unit": unit})
