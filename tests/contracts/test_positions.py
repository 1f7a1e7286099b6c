"""Where things can be: one way to write each position, and no way to write what is not there."""

import json
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from labstow.contracts.base_types import SHAPED, BaseType
from labstow.contracts.errors import InvalidPosition
from labstow.contracts.positions import MAX_DIMENSION, Geometry, Position, canonical, guesses, index, letters, number

POSITION: TypeAdapter[Position] = TypeAdapter(Position)
PLATE = Geometry(BaseType.GRID, rows=8, columns=12)
BIG_PLATE = Geometry(BaseType.GRID, rows=32, columns=48)
RACK = Geometry(BaseType.ROW, columns=24)
CUBE = Geometry(BaseType.VOXEL_GRID, rows=4, columns=3, layers=2)

sizes = st.integers(1, MAX_DIMENSION)


@st.composite
def shapes(draw: st.DrawFn) -> Geometry:
    """A row, a grid or a voxel grid."""
    kind, names = draw(st.sampled_from(list(SHAPED.items())))
    rows, columns, layers = (draw(sizes) if name in names else None for name in ("rows", "columns", "layers"))
    return Geometry(kind, rows, columns, layers, draw(st.booleans()))


def dimensions(at: Geometry) -> list[int]:
    return [size for size in (at.rows, at.columns, at.layers) if size is not None]


@st.composite
def places(draw: st.DrawFn) -> tuple[Geometry, list[int]]:
    """A container and the indices of one of its positions."""
    at = draw(shapes())
    return at, [draw(st.integers(0, size - 1)) for size in dimensions(at)]


def key_of(indices: list[int]) -> Position:
    return indices[0] if len(indices) == 1 else [*indices]


@given(places())
def test_a_position_is_written_one_way_and_read_back_as_the_same_indices(place: tuple[Geometry, list[int]]) -> None:
    """I18."""
    at, indices = place

    text = canonical(at, key_of(indices))

    assert text is not None
    assert canonical(at, text) == text
    assert index(at, text) == tuple(indices)


@given(places(), st.data())
def test_two_positions_never_share_a_text(place: tuple[Geometry, list[int]], data: st.DataObject) -> None:
    """I18."""
    at, one = place
    other = [data.draw(st.integers(0, size - 1)) for size in dimensions(at)]

    assert (canonical(at, key_of(one)) == canonical(at, key_of(other))) is (one == other)


@given(places())
def test_lower_case_leading_zeros_and_parts_in_a_list_mean_the_same_position(place: tuple[Geometry, list[int]]) -> None:
    at, indices = place
    text = canonical(at, key_of(indices))
    assert text is not None
    digits = [str(part + at.one_indexed) for part in indices]

    assert canonical(at, text.lower()) == text
    if at.base_type is BaseType.ROW:
        assert canonical(at, digits[0].zfill(5)) == text
        assert canonical(at, letters(indices[0])) == text
    else:
        assert canonical(at, [letters(indices[0]), *digits[1:]]) == text


def test_every_well_of_a_1536_well_plate_has_its_name() -> None:
    wells = [canonical(BIG_PLATE, [row, column]) for row, column in product(range(32), range(48))]

    assert len(set(wells)) == 1536
    assert (wells[0], wells[-1]) == ("A1", "AF48")
    assert index(BIG_PLATE, "AF48") == (31, 47)


@given(st.integers(0, 10**6))
def test_letters_and_numbers_are_inverse(row: int) -> None:
    assert number(letters(row)) == row
    assert number(letters(row).lower()) == row


@given(st.integers(0, 10**4))
def test_rows_further_down_have_later_letters(row: int) -> None:
    here, below = letters(row), letters(row + 1)

    assert (len(here), here) < (len(below), below)


BAD = [
    (PLATE, -1), (PLATE, 0), (PLATE, "A0"), (PLATE, "A00"), (PLATE, "AA1"), (PLATE, "I1"), (PLATE, "A13"),
    (PLATE, "a1 "), (PLATE, " A1"), (PLATE, "A1\n"), (PLATE, "1A"), (PLATE, "A"), (PLATE, "1"), (PLATE, ""),
    (PLATE, "A-1"), (PLATE, "A1:1"), (PLATE, "A1.0"), (PLATE, "A１"), (PLATE, "A1️⃣"), (PLATE, "A١"), (PLATE, "А1"),
    (PLATE, "ſ1"), (PLATE, "K1"), (PLATE, 2**31), (PLATE, [0]), (PLATE, [0, 0, 0]), (PLATE, [-1, 0]),
    (PLATE, [0, -1]), (PLATE, [8, 0]), (PLATE, [0, 12]), (PLATE, [2**31, 0]), (PLATE, ["A", "0"]), (PLATE, ["A", ""]),
    (PLATE, ["A1", 0]), (PLATE, None), (PLATE, "A000001"), (PLATE, "AAAA1"),
    (RACK, -1), (RACK, 24), (RACK, 2**31), (RACK, "0"), (RACK, "25"), (RACK, "-1"), (RACK, "Y"), (RACK, "AA"),
    (RACK, "²"), (RACK, "٣"), (RACK, "3️⃣"), (RACK, "1.0"), (RACK, "1e1"), (RACK, " 1"), (RACK, ""), (RACK, None),
    (RACK, [0]), (RACK, [0, 0]), (RACK, "000001"),
    (CUBE, [0, 0]), (CUBE, [0, 0, 2]), (CUBE, [0, 0, -1]), (CUBE, [4, 0, 0]), (CUBE, "A1"), (CUBE, "A1:0"),
    (CUBE, "A1:3"), (CUBE, "A4:1"), (CUBE, "E1:1"), (CUBE, "A1:"), (CUBE, ":1"), (CUBE, "A1:1:1"), (CUBE, 0),
    (CUBE, None),
    (Geometry(BaseType.SLOT), 1), (Geometry(BaseType.SLOT), -1), (Geometry(BaseType.SLOT), "1"),
    (Geometry(BaseType.SLOT), "A"), (Geometry(BaseType.SLOT), [0]), (Geometry(BaseType.SLOT), ""),
    (Geometry(BaseType.COLLECTION), None), (Geometry(BaseType.POOL), None), (Geometry(BaseType.COLLECTION), 0),
    (Geometry(BaseType.COLLECTION), ""), (Geometry(BaseType.COLLECTION), "  "), (Geometry(BaseType.COLLECTION), "a\nb"),
    (Geometry(BaseType.COLLECTION), "a\x00"), (Geometry(BaseType.COLLECTION), "\u202ea"),
    (Geometry(BaseType.COLLECTION), ["a", "b"]),
    (Geometry(BaseType.CONTAINER), 0), (Geometry(BaseType.CONTAINER), ["a"]), (Geometry(BaseType.CONTAINER), ""),
    (Geometry(BaseType.RESOURCE), "A1"), (Geometry(BaseType.CONSUMABLE), 0), (Geometry(BaseType.ASSET), None),
]  # fmt: skip


@pytest.mark.parametrize(("at", "key"), BAD, ids=lambda part: ascii(str(part)))
def test_what_is_no_position_is_refused_by_name(at: Geometry, key: Position | None) -> None:
    """I18, bad input 9."""
    with pytest.raises(InvalidPosition) as refused:
        canonical(at, key)

    problem = refused.value.problem()
    assert (problem["code"], problem["status"]) == ("position.invalid", 422)
    assert problem["container"] == str(at)
    json.dumps(problem)


def test_what_counts_from_0_has_a_column_0_and_no_column_beyond_its_last() -> None:
    plate = PLATE._replace(one_indexed=False)

    assert canonical(plate, "A0") == canonical(plate, [0, 0]) == "A0"
    assert canonical(RACK._replace(one_indexed=False), "0") == "0"
    with pytest.raises(InvalidPosition):
        canonical(plate, "A12")


@pytest.mark.parametrize("key", [None, 0, "0"])
def test_a_slot_has_one_position(key: Position | None) -> None:
    assert canonical(Geometry(BaseType.SLOT), key) == "0"


@pytest.mark.parametrize("kind", [BaseType.STACK, BaseType.QUEUE])
@given(key=st.one_of(st.none(), st.integers(), st.text(max_size=10)))
def test_in_a_line_the_order_of_arrival_is_the_position(kind: BaseType, key: Position | None) -> None:
    assert canonical(Geometry(kind), key) is None


@pytest.mark.parametrize("key", [True, False, 1.0, 0.5, [True, 0], [0.0, 1], {"row": 1}, [], [0, 0, 0, 0], [[0], 0]])
def test_a_position_is_an_integer_a_text_or_a_few_of_them(key: object) -> None:
    """Bad input 9: floats and truth values are no positions, also where Python would take them for integers."""
    with pytest.raises(ValidationError):
        POSITION.validate_json(json.dumps(key))


@given(places())
def test_looking_ahead_finds_the_position_of_an_ordinary_key(place: tuple[Geometry, list[int]]) -> None:
    at, indices = place
    text = canonical(at, key_of(indices))
    assert text is not None

    assert text in guesses(text)
    assert text in guesses(text.lower())
    if at.one_indexed and len(indices) < 3:
        assert text in guesses(key_of(indices))


@given(st.text(min_size=1, max_size=20))
def test_looking_ahead_finds_a_named_place(name: str) -> None:
    try:
        text = canonical(Geometry(BaseType.COLLECTION), name)
    except InvalidPosition:
        return
    assert text == name
    assert text in guesses(name)


@given(st.one_of(st.none(), st.integers(), st.text(max_size=9), st.lists(st.integers() | st.text(max_size=3))))
def test_looking_ahead_answers_whatever_is_asked(key: Position | None) -> None:
    """Bad input 9: it runs before anybody has looked at the key."""
    assert all(guess.isprintable() and len(guess) < 100 for guess in guesses(key))


@pytest.mark.parametrize("key", [-5, [-5, 0], [0, -(2**63)], 10**4299, -(10**4299), [10**4299, 0], "a\x00"])
def test_looking_ahead_does_not_get_lost_in_a_number(key: Position) -> None:
    """Bad input 9: without a bound it never comes back from [-5, 0]."""
    assert guesses(key) == set()


@given(st.one_of(st.none(), st.integers(), st.text(), st.lists(st.integers() | st.text(max_size=300), max_size=3)))
def test_any_key_is_a_position_or_refused(key: Position | None) -> None:
    for at in (PLATE, RACK, CUBE, *(Geometry(kind) for kind in BaseType if kind not in {"grid", "row", "voxel_grid"})):
        try:
            text = canonical(at, key)
        except InvalidPosition:
            continue
        assert canonical(at, text) == text
