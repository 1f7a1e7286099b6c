"""How much there is."""

from decimal import Context, Decimal, Inexact
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labstow.contracts.base_types import CONSUMABLES
from labstow.contracts.errors import Full, Invalid, InvalidQuantity, OverCapacity, Refusal, UnitMismatch
from labstow.contracts.resource import Add, Patch, Replace, Update
from tests.rules.room import Room, audit, new


def patch(resource_id: str, **fields: Any) -> Update:
    return Update(resource_id=resource_id, changes=Patch.model_validate(fields))


def test_ten_times_a_tenth_is_one(room: Room) -> None:
    """I24: poured together one by one, all at once, and up from nothing."""
    tenths = [new("consumable", quantity=0.1, unit="mL", position=f"drop {number}") for number in range(10)]
    pool = room.add("pool")
    for tenth in tenths:
        room.replace(pool, "pool", children=[tenth])
    at_once = room.add("pool", children=tenths)
    slowly = room.add("consumable", quantity=0)
    for step in range(10):
        room.update(slowly, quantity=(step + 1) / 10)

    assert [str(room.thing(each).quantity) for each in (pool, at_once)] == ["1.0", "1.0"]
    assert {room.update(each, name="one")["quantity"] for each in (pool, at_once, slowly)} == {"1"}


EXACT = Context(prec=100, traps=[Inexact])
amounts = st.decimals(0, 10**25, places=12)


@given(st.lists(amounts, min_size=1, max_size=6), st.data())
@settings(max_examples=50)
def test_a_pool_is_exactly_the_sum_of_what_is_in_it(quantities: list[Decimal], data: st.DataObject) -> None:
    """I24: to the last of 38 digits, poured in, changed and taken out; seen to fail with 28 digits, as Python has."""
    room = Room()
    pool = room.add("pool")
    drops = [room.add("consumable", into=pool, quantity=each, position=f"{n}") for n, each in enumerate(quantities)]
    assert room.thing(pool).quantity == exactly(quantities)

    changed = [data.draw(amounts) for _ in quantities]
    children = [
        new("consumable", resource_id=drop, quantity=amount) for drop, amount in zip(drops, changed, strict=True)
    ]
    room.replace(pool, "pool", children=children)
    assert room.thing(pool).quantity == exactly(changed)

    for drop in drops:
        room.remove(drop)
    assert room.thing(pool).quantity == 0


def exactly(quantities: list[Decimal]) -> Decimal:
    """Their sum, in whole picolitres."""
    return Decimal(sum(int(quantity.scaleb(12, EXACT)) for quantity in quantities)).scaleb(-12, EXACT)


@given(amounts)
def test_an_amount_is_told_as_it_was_given(amount: Decimal) -> None:
    """I22, I24: in answers and in the journal."""
    room = Room()
    flask = room.add("consumable", quantity=amount)

    told = room.history(flask)[0]["state"]["quantity"]

    assert Decimal(told) == amount
    assert "E" not in told


@pytest.mark.parametrize("kind", sorted(CONSUMABLES))
def test_a_quantity_never_exceeds_the_capacity(room: Room, kind: str) -> None:
    """I25; seen to fail without `refuse_amount`."""
    flask = room.add(kind, quantity=3, capacity=5)

    for command in (
        patch(flask, quantity=6),
        patch(flask, capacity=2),
        patch(flask, capacity=0),
        Replace(resource=new(kind, resource_id=flask, quantity=6)),
        Add(resource=new(kind, quantity=6, capacity=5)),
        Add(resource=new(kind, quantity=1, capacity=0)),
    ):
        assert isinstance(room.refused(command), OverCapacity)
    assert room.update(flask, quantity=5)["quantity"] == "5"
    assert room.update(flask, capacity=None, quantity=6)["quantity"] == "6"


def test_a_pool_never_holds_more_than_its_capacity(room: Room) -> None:
    """I17, I25."""
    drop = new("consumable", quantity=3, position="a")
    pool = room.add("pool", capacity=5, children=[drop])
    (inside,) = room.inside(pool)

    assert isinstance(room.refused(Add(resource=new("consumable", quantity=3, position="b"), parent_id=pool)), Full)
    assert isinstance(room.refused(patch(inside, quantity=6)), OverCapacity)
    room.update(inside, quantity=5)
    assert room.thing(pool).quantity == 5


@pytest.mark.parametrize("quantity", ["0.5", "2.000000000001"])
def test_what_is_counted_whole_stays_whole(room: Room, quantity: str) -> None:
    """I28; seen to fail without `refuse_amount`."""
    tips = room.add("discrete_consumable", quantity=96)

    assert isinstance(room.refused(patch(tips, quantity=quantity)), InvalidQuantity)
    assert isinstance(room.refused(Add(resource=new("discrete_consumable", quantity=quantity))), InvalidQuantity)
    assert room.update(tips, quantity="95.000")["quantity"] == "95"


def test_a_consumable_begins_with_nothing_and_always_has_a_number(room: Room) -> None:
    flask = room.add("consumable")

    assert room.thing(flask).quantity == 0
    assert isinstance(room.refused(patch(flask, quantity=None)), Invalid)
    assert isinstance(room.refused(patch(room.add("pool"), quantity=1)), Invalid)
    assert isinstance(room.refused(patch(room.add("asset"), quantity=1)), Invalid)
    assert isinstance(room.refused(patch(room.add("asset"), capacity=1)), Invalid)


def test_what_is_mixed_has_one_unit(room: Room) -> None:
    """I29: until units can be converted, another one is refused; seen to fail without `unit_with`'s check and without
    `refuse_other_unit`.
    """
    pool = room.add("pool", children=[new("consumable", quantity=1, unit="mL", position="a")])
    (drop,) = room.inside(pool)
    assert room.thing(pool).unit == "mL"

    for command in (
        Add(resource=new("consumable", unit="g", position="b"), parent_id=pool),
        patch(drop, unit="g"),
        patch(pool, unit="g"),
        patch(pool, unit=None),
        Replace(resource=new("pool", resource_id=pool, unit="g")),
    ):
        assert isinstance(room.refused(command), UnitMismatch)
    room.remove(drop)
    assert room.update(pool, unit="g")["unit"] == "g"


def test_the_unit_of_a_pool_is_the_first_that_is_said(room: Room) -> None:
    """I29: also when it is said later."""
    pool = room.add("pool", children=[new("consumable", quantity=1, position=place) for place in "ab"])
    one, other = room.inside(pool)

    room.update(one, unit="mL")

    assert room.thing(pool).unit == "mL"
    assert isinstance(room.refused(patch(other, unit="g")), UnitMismatch)


def test_a_pool_does_not_change_when_nothing_in_it_does(room: Room) -> None:
    """I30."""
    pool = room.add("pool", unit="mL", children=[new("consumable", quantity=1, position="a")])
    (drop,) = room.inside(pool)

    room.update(drop, unit="mL")

    assert room.versions() == {pool: 1, drop: 2}


@given(st.lists(amounts, min_size=2, max_size=4), st.integers(0, 10**13))
@settings(max_examples=30)
def test_a_refused_amount_changes_nothing(quantities: list[Decimal], capacity: int) -> None:
    """I25: what fits is there, what does not fit is not."""
    room = Room()
    pool = room.add("pool", capacity=capacity)
    inside = Decimal(0)
    for number, quantity in enumerate(quantities):
        try:
            room.add("consumable", into=pool, quantity=quantity, position=f"{number}")
        except Refusal as refusal:
            assert isinstance(refusal, Full)  # noqa: PT017
            assert EXACT.add(inside, quantity) > capacity
        else:
            inside = EXACT.add(inside, quantity)
        assert room.thing(pool).quantity == inside
    audit(room)


def test_a_pool_never_holds_more_than_can_be_written_down(room: Room) -> None:
    """I25: 26 digits before the point; seen to fail without the bound in `refuse_amount`."""
    pool = room.add("pool", children=[new("consumable", quantity="9e25", position="a")])

    refusal = room.refused(Add(resource=new("consumable", quantity="1e25", position="b"), parent_id=pool))

    assert isinstance(refusal, InvalidQuantity)
