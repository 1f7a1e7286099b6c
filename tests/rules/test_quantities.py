"""How much there is."""

from decimal import Context, Decimal, Inexact
from fractions import Fraction
from typing import Any, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labstow.contracts.base_types import CONSUMABLES, CONTAINERS, BaseType
from labstow.contracts.errors import (
    Full,
    Insufficient,
    Invalid,
    InvalidQuantity,
    NoCapacity,
    NotAConsumable,
    OverCapacity,
    Refusal,
    StaleVersion,
    UnitMismatch,
)
from labstow.contracts.message import Command
from labstow.contracts.quantities import (
    COMMANDS,
    ChangeQuantity,
    ClearCapacity,
    DecreaseQuantity,
    Fill,
    IncreaseQuantity,
    SetCapacity,
    SetQuantity,
)
from labstow.contracts.resource import Add, Patch, Replace, Update
from labstow.workers.kit.journal import plain
from labstow.workers.resource.units import own_units
from tests.rules.loading import decision
from tests.rules.room import Room, audit, new

AMOUNTS: Final[dict[type[Command[Any]], str]] = {
    SetQuantity: "quantity",
    ChangeQuantity: "by",
    IncreaseQuantity: "amount",
    DecreaseQuantity: "amount",
    SetCapacity: "capacity",
}
"""What the amount is called, where there is one."""


def patch(resource_id: str, **fields: Any) -> Update:
    return Update(resource_id=resource_id, changes=Patch.model_validate(fields))


def command(kind: type[Command[Any]], resource_id: str, amount: Any = None, unit: str | None = None) -> Command[Any]:
    named = {AMOUNTS[kind]: amount, "unit": unit} if kind in AMOUNTS else {}
    return kind.model_validate({"resource_id": resource_id, **named})


def told(room: Room, resource_id: str) -> str:
    """How much there is, as people say it."""
    thing = room.thing(resource_id)
    return f"{plain(thing.quantity or Decimal(0))} {thing.unit}"


def test_ten_times_a_tenth_is_one(room: Room) -> None:
    """I24: poured together one by one, all at once, up from nothing, and in other units."""
    tenths = [new("consumable", quantity=0.1, unit="mL", position=f"drop {number}") for number in range(10)]
    pool = room.add("pool")
    for tenth in tenths:
        room.replace(pool, "pool", children=[tenth])
    at_once = room.add("pool", children=tenths)
    slowly = room.add("consumable", quantity=0)
    for step in range(10):
        room.update(slowly, quantity=(step + 1) / 10)

    added = room.add("consumable", unit="mL")
    for number in range(10):
        room.ask(command(IncreaseQuantity, added, *[(0.1, None), ("100", "µL"), ("0.0001", "L")][number % 3]))

    assert [str(room.thing(each).quantity) for each in (pool, at_once)] == ["1.0", "1.0"]
    assert room.thing(added).quantity == 1
    while room.thing(added).quantity:
        room.ask(command(DecreaseQuantity, added, "0.1"))
    assert len(room.history(added)) == 21
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


def test_what_is_mixed_converts_to_one_unit(room: Room) -> None:
    """I29; seen to fail without the conversion in `share`."""
    pool = room.add("pool", children=[new("consumable", quantity=1, unit="mL", position="a")])
    (drop,) = room.inside(pool)
    other = room.add("consumable", into=pool, quantity=250, unit="µL", position="b")
    assert told(room, pool) == "1.25 mL"

    room.update(other, unit="L")
    assert (told(room, other), told(room, pool)) == ("0.00025 L", "1.25 mL")
    room.ask(command(ChangeQuantity, other, "0.75", "mL"))
    assert (told(room, other), told(room, pool)) == ("0.001 L", "2 mL")
    room.update(pool, unit="µL")
    assert told(room, pool) == "2000 µL"

    for refused in (
        Add(resource=new("consumable", unit="g", position="c"), parent_id=pool),
        patch(drop, unit="g"),
        patch(drop, unit="g", quantity=1),
        patch(pool, unit="g"),
        patch(pool, unit=None),
        Replace(resource=new("pool", resource_id=pool, unit="g")),
    ):
        assert isinstance(room.refused(refused), UnitMismatch)
    room.remove(drop)
    assert told(room, pool) == "1000 µL"
    room.remove(other)
    assert room.update(pool, unit="g")["unit"] == "g"


def test_a_share_that_cannot_be_written_down_is_not_mixed(room: Room) -> None:
    """I24: each for itself, though the sum could: else it could not be taken out again."""
    pool = room.add("pool", unit="mL", capacity=1)
    for place in "ab":
        room.add("consumable", into=pool, quantity="0.000000000500", unit="mL", position=place)

    assert isinstance(room.refused(patch(pool, unit="L")), InvalidQuantity)
    assert told(room, pool) == "0.000000001 mL"
    far = Add(resource=new("consumable", quantity="0.0001", unit="pL", position="c"), parent_id=pool)
    assert isinstance(room.refused(far), InvalidQuantity)


def test_what_has_no_unit_counts_in_that_of_its_pool(room: Room) -> None:
    """I29: so the pool cannot change it."""
    pool = room.add("pool", unit="mL", children=[new("consumable", quantity=3, position="a")])
    (drop,) = room.inside(pool)
    assert told(room, pool) == "3 mL"

    assert room.refused(patch(pool, unit="L")).facts["own_unit"] == "no unit"
    room.update(drop, unit="µL")
    assert (told(room, drop), told(room, pool)) == ("3 µL", "0.003 mL")
    room.update(pool, unit="L")
    assert told(room, pool) == "0.000003 L"


def test_the_unit_of_a_pool_is_the_first_that_is_said(room: Room) -> None:
    """I29: also when it is said later."""
    pool = room.add("pool", children=[new("consumable", quantity=1, position=place) for place in "ab"])
    one, other = room.inside(pool)

    room.update(one, unit="mL")

    assert room.thing(pool).unit == "mL"
    assert isinstance(room.refused(patch(other, unit="g")), UnitMismatch)


def test_a_thing_that_gets_another_unit_is_as_much_as_before(room: Room) -> None:
    """I29: what is not named is converted; what is named is taken as it is."""
    flask = room.add("consumable", quantity=2, capacity=3, unit="mL")

    assert room.update(flask, unit="µL")["capacity"] == "3000"
    assert told(room, flask) == "2000 µL"
    assert list(room.history(flask)[-1]["changes"]) == ["quantity", "capacity", "unit"]
    room.update(flask, unit="L", quantity="0.001")
    assert (told(room, flask), room.thing(flask).capacity) == ("0.001 L", Decimal("0.003"))
    room.replace(flask, "consumable", unit="mL", quantity=5, capacity=None)
    assert (told(room, flask), room.thing(flask).capacity) == ("5 mL", None)
    room.upsert(flask, "consumable", unit="µL", capacity=6000)
    assert (told(room, flask), room.thing(flask).capacity) == ("5000 µL", Decimal(6000))
    assert isinstance(room.refused(patch(flask, unit="L", capacity="0.001")), OverCapacity)
    assert isinstance(room.refused(patch(flask, unit="g", quantity=1)), UnitMismatch)  # what fits is still in µL
    assert room.refused(patch(flask, unit="g")).facts == {"name": "a consumable", "own_unit": "µL", "unit": "g"}
    room.update(flask, unit="g", quantity=1, capacity=2)
    room.update(flask, unit=None)
    assert told(room, flask) == "1 None"
    room.update(flask, unit="tip")
    assert told(room, flask) == "1 tip"
    assert room.versions() == {flask: 8}


def test_another_unit_keeps_pieces_whole(room: Room) -> None:
    """I28."""
    room.lab.units = own_units({"box": "96 tip"})
    tips = room.add("discrete_consumable", quantity=192, unit="tip")

    room.update(tips, unit="box")
    assert told(room, tips) == "2 box"
    assert isinstance(room.refused(command(DecreaseQuantity, tips, 48, "tip")), InvalidQuantity)
    room.ask(command(DecreaseQuantity, tips, 96, "tip"))
    assert told(room, tips) == "1 box"
    assert isinstance(room.refused(command(SetQuantity, tips, 1, "tip")), InvalidQuantity)


def test_a_unit_of_a_container_is_only_a_word(room: Room) -> None:
    """I17: what is in it is counted, whatever it is called."""
    rack = room.add("grid", unit="L", capacity=5, children=[new(position="A1")])

    room.update(rack, unit="mL")

    assert (told(room, rack), room.thing(rack).capacity) == ("1 mL", Decimal(5))


def test_taking_more_than_there_is_is_refused_and_says_what_there_is(room: Room) -> None:
    """I26; seen to fail with clamping."""
    flask = room.add("consumable", quantity=5, unit="mL")

    for kind, amount in ((DecreaseQuantity, "7000"), (ChangeQuantity, "-7000")):
        refusal = room.refused(command(kind, flask, amount, "µL"))
        assert isinstance(refusal, Insufficient)
        assert refusal.detail == "insufficient quantity: a consumable has 5 mL, 7000 µL was asked for"
        assert refusal.facts["available"] == "5 mL"
    room.ask(command(DecreaseQuantity, flask, "5000", "µL"))
    assert isinstance(room.refused(command(DecreaseQuantity, flask, "0.000000000001")), Insufficient)
    assert told(room, flask) == "0 mL"


def test_more_than_fits_is_refused_and_said(room: Room) -> None:
    """I25; seen to fail with clamping."""
    flask = room.add("consumable", quantity=5, capacity=6, unit="mL")

    for kind, amount in ((IncreaseQuantity, 2), (ChangeQuantity, 2), (SetQuantity, 7), (SetCapacity, 4)):
        refusal = room.refused(command(kind, flask, amount))
        assert isinstance(refusal, OverCapacity)
        assert "capacity" in refusal.detail
    room.ask(command(SetCapacity, flask, 7000, "µL"))
    assert room.ask(command(Fill, flask))["quantity"] == "7"
    room.ask(command(ClearCapacity, flask))
    assert room.ask(command(IncreaseQuantity, flask, "1", "L"))["quantity"] == "1007"
    assert isinstance(room.refused(command(Fill, flask)), NoCapacity)


@pytest.mark.parametrize("kind", sorted(BaseType))
def test_only_consumables_have_a_quantity_of_their_own(room: Room, kind: BaseType) -> None:
    """Containers are counted; all that is counted may have a capacity."""
    thing = room.add(kind)
    writing = [command(each, thing, 1) for each in (SetQuantity, ChangeQuantity, IncreaseQuantity, DecreaseQuantity)]
    bounding = [command(SetCapacity, thing, 2), command(Fill, thing), command(ClearCapacity, thing)]

    if kind in CONSUMABLES:
        for each in (*writing, *bounding):
            assert room.ask(each)
        assert room.thing(thing).version == 7
        return
    for each in (*writing, bounding[1]):
        assert isinstance(room.refused(each), NotAConsumable)
    if kind not in CONTAINERS:
        assert {type(room.refused(each)) for each in bounding} == {NotAConsumable}
    elif kind is BaseType.SLOT:
        room.ask(command(SetCapacity, thing, 1))
        assert {type(room.refused(each)) for each in (bounding[0], bounding[2])} == {Invalid}
        assert room.thing(thing).capacity == 1
    else:
        assert [room.ask(each)["capacity"] for each in (bounding[0], bounding[2])] == ["2", None]


def test_a_container_has_room_for_what_is_in_it(room: Room) -> None:
    """I17, I25: in pieces, and of a pool in its unit."""
    rack = room.add("stack", children=[new(), new()])
    pool = room.add("pool", children=[new("consumable", quantity=2, unit="mL", position="a")])

    assert isinstance(room.refused(command(SetCapacity, rack, 1)), OverCapacity)
    room.ask(command(SetCapacity, rack, 2))
    assert isinstance(room.refused(Add(resource=new(), parent_id=rack)), Full)
    assert isinstance(room.refused(command(SetCapacity, rack, 3, "mL")), UnitMismatch)
    assert isinstance(room.refused(command(SetCapacity, pool, 1999, "µL")), OverCapacity)
    assert room.ask(command(SetCapacity, pool, 2500, "µL"))["capacity"] == "2.5"
    assert room.update(pool, unit="µL")["capacity"] == "2500"
    refused = Add(resource=new("consumable", quantity="0.6", unit="mL", position="b"), parent_id=pool)
    assert isinstance(room.refused(refused), Full)


def test_the_first_amount_with_a_unit_gives_a_thing_its_unit(room: Room) -> None:
    """But only if it is written: nobody can add mL to a number of what nobody knows."""
    flask, other, pool = room.add("consumable", quantity=3), room.add("consumable"), room.add("pool")

    for kind in (ChangeQuantity, IncreaseQuantity, DecreaseQuantity):
        refusal = room.refused(command(kind, flask, 1, "mL"))
        assert isinstance(refusal, UnitMismatch)
        assert refusal.facts["own_unit"] == "no unit"
    room.ask(command(SetQuantity, flask, 3, "mL"))
    room.ask(command(SetCapacity, other, 3, "g"))
    room.ask(command(SetCapacity, pool, 3, "g"))
    assert [room.thing(each).unit for each in (flask, other, pool)] == ["mL", "g", "g"]
    assert isinstance(room.refused(command(SetQuantity, flask, 3, "g")), UnitMismatch)


@pytest.mark.parametrize("kind", COMMANDS)
def test_an_amount_is_not_changed_by_who_saw_another_one(room: Room, kind: type[Command[Any]]) -> None:
    """I31; seen to fail without `refuse_stale`."""
    flask = room.add("consumable", quantity=1, capacity=9)
    room.update(flask, name="flask")
    asked = command(kind, flask, 1 if kind in AMOUNTS else None)

    assert isinstance(room.refused(asked.model_copy(update={"expected_version": 1})), StaleVersion)
    room.ask(asked.model_copy(update={"expected_version": 2}))


def test_what_is_so_already_is_no_change(room: Room) -> None:
    """I30: not even when it is said in another unit."""
    flask = room.add("consumable", quantity=1, capacity=1, unit="mL")

    for asked in (
        command(SetQuantity, flask, "1.000"),
        command(SetQuantity, flask, 1000, "µL"),
        command(SetCapacity, flask, "0.001", "L"),
        command(Fill, flask),
    ):
        assert room.ask(asked)["version"] == 1
    for _ in range(2):
        assert room.ask(command(ClearCapacity, flask))["version"] == 2


def test_only_a_pool_is_looked_at_when_an_amount_changes(room: Room) -> None:
    """A sample in a plate costs one row; the plate is not even loaded."""
    plate = room.add("grid", children=[new("consumable", quantity=1, position="A1")])
    pool = room.add("pool", children=[new("consumable", quantity=1, position="a")])
    for container, seen in ((plate, 1), (pool, 2)):
        (sample,) = room.inside(container)
        found = decision(room.lab, command(IncreaseQuantity, sample, 1), room.now)
        assert (len(found.footprint.rows), found.rounds) == (seen, seen)


@given(amounts.filter(bool), st.integers(10**30, 10**37).map(lambda digits: Decimal(digits).scaleb(-12, EXACT)))
@settings(max_examples=50)
def test_a_change_is_exact_to_the_last_digit(quantity: Decimal, by: Decimal) -> None:
    """I24; seen to fail with 28 digits, as Python has, in the sum or in the sign."""
    room = Room()
    flask = room.add("consumable", quantity=quantity)

    room.ask(command(IncreaseQuantity, flask, by))
    assert room.thing(flask).quantity == exactly([quantity, by])
    room.ask(command(DecreaseQuantity, flask, by))
    assert room.thing(flask).quantity == quantity
    room.ask(command(ChangeQuantity, flask, quantity.copy_negate()))
    assert room.thing(flask).quantity == 0


LITRES: Final = {"L": Fraction(1), "mL": Fraction(1, 10**3), "µL": Fraction(1, 10**6), "drop": Fraction(5, 10**5)}
some = st.sampled_from(["0.1", "1", "2.5", "40", "0.000001", "7"])
units = st.sampled_from([*LITRES, "g", None])


@given(st.lists(st.tuples(st.sampled_from([*COMMANDS, Update]), st.integers(0, 3), some, units), max_size=25))
@settings(max_examples=200)
def test_there_is_what_was_there_and_what_was_put_to_it(steps: list[tuple[Any, int, str, str | None]]) -> None:
    """I24, I26, I27, I29: by any commands in any units, in a pool and beside it; a refused one does nothing."""
    room = Room()
    room.lab.units = own_units({"drop": "0.05 mL"})
    pool = room.add("pool", unit="mL")
    flasks = [room.add("consumable", quantity=1, unit="mL") for _ in range(2)]
    flasks += [room.add("consumable", into=pool, quantity=1, unit=unit, position=unit) for unit in ("mL", "L")]
    litres = [LITRES["mL"], LITRES["mL"], LITRES["mL"], LITRES["L"]]
    for kind, index, amount, unit in steps:
        flask = flasks[index]
        by = Fraction(amount) * LITRES.get(unit or str(room.thing(flask).unit), Fraction(0))
        asked = patch(flask, unit=unit or "L") if kind is Update else command(kind, flask, amount, unit)
        try:
            room.ask(asked)
        except Refusal:
            continue
        thing = room.thing(flask)
        if kind is SetQuantity:
            litres[index] = by
        elif kind in (ChangeQuantity, IncreaseQuantity):
            litres[index] += by
        elif kind is DecreaseQuantity:
            litres[index] -= by
        elif kind is Fill:
            litres[index] = Fraction(thing.capacity or 0) * LITRES[str(thing.unit)]
        assert Fraction(thing.quantity or 0) * LITRES[str(thing.unit)] == litres[index]
        assert Fraction(room.thing(pool).quantity or 0) * LITRES["mL"] == sum(litres[2:])
    audit(room)


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
