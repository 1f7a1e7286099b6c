"""How much fits."""

import pytest

from labstow.contracts.base_types import WHOLE, BaseType
from labstow.contracts.errors import InvalidQuantity, OverCapacity
from labstow.contracts.quantities import SetCapacity
from labstow.contracts.resource import Add, Patch, Replace, Update
from tests.rules.room import Room, new


def capacity(resource_id: str, amount: str) -> SetCapacity:
    return SetCapacity.model_validate({"resource_id": resource_id, "capacity": amount})


def patch(resource_id: str, amount: str) -> Update:
    return Update(resource_id=resource_id, changes=Patch.model_validate({"capacity": amount}))


@pytest.mark.parametrize("kind", sorted(WHOLE - {BaseType.SLOT}))
def test_what_counts_pieces_has_room_for_whole_ones(room: Room, kind: BaseType) -> None:
    """I28: whoever says so, when it is new or known; seen to be taken without `refuse_capacity`."""
    thing = room.add(kind, capacity="7.0")

    for refusal in (
        room.refused(capacity(thing, "5.5")),
        room.refused(patch(thing, "0.5")),
        room.refused(Replace(resource=new(kind, resource_id=thing, capacity="7.25"))),
        room.refused(Add(resource=new(kind, capacity="5.5"))),
    ):
        assert isinstance(refusal, InvalidQuantity)
        assert "whole pieces" in refusal.detail
    assert room.ask(capacity(thing, "8.000"))["capacity"] == "8"


def test_a_capacity_that_is_too_small_is_refused_with_what_there_is(room: Room) -> None:
    """I25."""
    tips = room.add("discrete_consumable", quantity=3)

    for refusal in (room.refused(capacity(tips, "0")), room.refused(patch(tips, "2"))):
        assert isinstance(refusal, OverCapacity)
        assert "has 3" in refusal.detail
