"""What converts to what, and that nothing is rounded on the way."""

import re
from decimal import Decimal
from fractions import Fraction
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labstow.contracts.errors import InvalidQuantity, UnitMismatch
from labstow.infra import environment
from labstow.infra.refusal import CannotStart
from labstow.workers.kit.settings import Settings
from labstow.workers.resource.units import EXACT, KNOWN, STANDARD, own_units
from tests.docs.pages import ROOT, tables

EXPONENTS: Final = [
    {"m3": 3, "m³": 3, "kL": 3, "L": 0, "l": 0, "dm3": 0, "dm³": 0, "dL": -1, "dl": -1, "cL": -2, "mL": -3, "ml": -3,
     "cm3": -3, "cm³": -3, "µL": -6, "μL": -6, "uL": -6, "ul": -6, "mm3": -6, "mm³": -6, "nL": -9, "nl": -9, "pL": -12,
     "µm3": -15, "um³": -15, "fL": -15},
    {"t": 6, "kg": 3, "g": 0, "mg": -3, "µg": -6, "μg": -6, "ug": -6, "ng": -9, "pg": -12},
    {"mol": 0, "mmol": -3, "µmol": -6, "μmol": -6, "umol": -6, "nmol": -9, "pmol": -12},
    {"km": 3, "m": 0, "dm": -1, "cm": -2, "mm": -3, "µm": -6, "um": -6, "nm": -9},
    {"s": 0, "ms": -3},
]  # fmt: skip
"""Powers of ten of litre, gram, mole, metre and second, written down by hand."""
SAME: Final = [(unit, other) for units in EXPONENTS for unit in units for other in units]
OTHER: Final = [(a, b) for one in EXPONENTS for two in EXPONENTS if one is not two for a in one for b in two]

OWN: Final = own_units({"crate": "10 box", "drop": "0.05 mL", "box": "960 tip", "rack": "96 tip"})
FAMILIES: Final = [[*EXPONENTS[0], "drop"], ["tip", "box", "rack", "crate"], ["s", "min", "h", "d"], EXPONENTS[1]]

amounts = st.decimals(-(10**14), 10**14, places=12) | st.integers(-(10**6), 10**6).map(Decimal)
three = st.sampled_from(FAMILIES).flatmap(lambda family: st.tuples(*[st.sampled_from([*family])] * 3))


def convert(amount: str, unit: str, into: str) -> str:
    return f"{OWN.convert(Decimal(amount), unit, into, 'it').normalize():f}"


def writable(exact: Fraction) -> bool:
    """Whether it has 12 digits after the point at most, and 26 before it."""
    return (exact * 10**12).denominator == 1 and abs(exact) < 10**26


@given(st.sampled_from(SAME), amounts)
def test_an_amount_converts_exactly_or_not_at_all(units: tuple[str, str], amount: Decimal) -> None:
    """I24, I29: by powers of ten, to the last digit that can be written down."""
    exponents = next(each for each in EXPONENTS if units[0] in each)
    exact = Fraction(amount) * Fraction(10) ** (exponents[units[0]] - exponents[units[1]])
    try:
        converted = STANDARD.convert(amount, *units, "flask")
    except InvalidQuantity as refusal:
        assert units[1] in refusal.detail  # noqa: PT017
        assert not writable(exact)
    else:
        assert Fraction(converted) == exact
        assert units[0] == units[1] or writable(exact)


@given(three, amounts)
def test_there_and_back_again_is_as_much_as_before(units: tuple[str, str, str], amount: Decimal) -> None:
    """I24."""
    unit, other, _ = units
    try:
        there = OWN.convert(amount, unit, other, "flask")
    except InvalidQuantity:
        return
    assert OWN.convert(there, other, unit, "flask") == amount


@given(three, amounts)
def test_a_detour_changes_nothing(units: tuple[str, str, str], amount: Decimal) -> None:
    """I24: however it gets there, it is the same."""
    unit, via, other = units
    try:
        detour = OWN.convert(OWN.convert(amount, unit, via, "flask"), via, other, "flask")
    except InvalidQuantity:
        return
    assert OWN.convert(amount, unit, other, "flask") == detour


@given(three, amounts, amounts)
def test_the_sum_converts_as_its_parts_do(units: tuple[str, str, str], one: Decimal, two: Decimal) -> None:
    """I24."""
    unit, other, _ = units
    try:
        parts = [OWN.convert(each, unit, other, "flask") for each in (one, two)]
        both = OWN.convert(EXACT.add(one, two), unit, other, "flask")
    except InvalidQuantity:
        return
    assert Fraction(both) == sum(map(Fraction, parts))


@given(st.sampled_from(OTHER), amounts)
def test_nothing_converts_to_another_dimension(units: tuple[str, str], amount: Decimal) -> None:
    """I29, bad input 11: not even nothing."""
    with pytest.raises(UnitMismatch) as refused:
        STANDARD.convert(amount, *units, "flask")
    assert refused.value.facts == {"name": "flask", "own_unit": units[1], "unit": units[0]}


@pytest.mark.parametrize(
    ("unit", "other"),
    [
        ("M", "m"), ("ML", "mL"), ("Mg", "mg"), ("KG", "kg"), ("tip", "tips"), (" mL", "mL"), ("mM", "mm"),
        ("K", "°C"), ("°F", "°C"), ("U", "mol"), ("%", "g"), ("mol", "mmol/L"), ("d", "dL"), ("__class__", "g"),
    ],
)  # fmt: skip
def test_what_is_not_the_same_does_not_convert(unit: str, other: str) -> None:
    """Case matters, words are dimensions of their own, and degrees have no common zero."""
    for pair in ((unit, other), (other, unit)):
        with pytest.raises(UnitMismatch):
            STANDARD.convert(Decimal(1), *pair, "flask")


def test_minutes_hours_and_days_are_seconds() -> None:
    assert convert("1.5", "h", "min") == "90"
    assert convert("2", "d", "h") == "48"
    assert convert("90", "s", "min") == "1.5"
    with pytest.raises(InvalidQuantity, match=r"1 s: in min it has more than 12 digits"):
        convert("1", "s", "min")


def test_an_amount_without_a_unit_is_in_the_right_one() -> None:
    """Bad input 11: a missing unit."""
    assert STANDARD.convert(Decimal("0.1"), None, "mL", "flask") == Decimal("0.1")
    assert STANDARD.convert(Decimal("0.1"), None, None, "flask") == Decimal("0.1")
    with pytest.raises(UnitMismatch, match="flask counts in no unit, and mL does not convert to that"):
        STANDARD.convert(Decimal("0.1"), "mL", None, "flask")


def test_a_laboratory_has_units_of_its_own() -> None:
    """In any order, by known ones, by words, and by each other."""
    assert convert("3", "drop", "µL") == "150"
    assert convert("0.3", "mL", "drop") == "6"
    assert convert("2", "crate", "tip") == "19200"
    assert convert("480", "tip", "box") == "0.5"
    assert convert("1", "box", "rack") == "10"
    with pytest.raises(UnitMismatch):
        convert("1", "drop", "tip")
    with pytest.raises(InvalidQuantity):
        convert("1", "tip", "box")


@pytest.mark.parametrize("amount", ["1e25", "-1e25"])
def test_what_has_too_many_digits_is_refused(amount: str) -> None:
    """I25: whatever somebody defines."""
    units = own_units({"huge": "1000000000000000000000000000000000000000000000 g"})
    for unit in ("huge", "t"):
        with pytest.raises(InvalidQuantity):
            units.convert(Decimal(amount), unit, "fg", "flask")


@pytest.mark.parametrize(
    ("definitions", "said"),
    [
        ('{"mL": "1 L"}', "mL is known already"),
        ('{"a": "2 b", "b": "2 c", "c": "2 a"}', "a is defined by itself: a is b is c is a"),
        ('{"a": "2 a"}', "a is defined by itself: a is a"),
        ('{"a": "mL"}', 'a: "mL" is not a definition; say how much of what, as in "0.05 mL"'),
        ('{"a": "5"}', "is not a definition"),
        ('{"a": ""}', "is not a definition"),
        ('{"a": "0 mL"}', "is not a definition"),
        ('{"a": "-1 mL"}', "is not a definition"),
        ('{"a": "1e3 mL"}', "is not a definition"),
        ('{"a": "NaN mL"}', "is not a definition"),
        ('{"a": "٣ mL"}', "is not a definition"),
        ('{" ": "1 mL"}', "is not a definition"),
        ('{"a": "2 °C"}', "°C is a temperature"),
        ('{"degF": "0.5 a"}', "degF is a temperature"),
        ('{"a": 3}', "valid string"),
        ("[]", "valid dictionary"),
        ("drop = 0.05 mL", "Invalid JSON"),
    ],
)
def test_what_defines_nothing_stops_the_start(monkeypatch: pytest.MonkeyPatch, definitions: str, said: str) -> None:
    monkeypatch.setenv("LABSTOW_UNITS", definitions)

    with pytest.raises(CannotStart) as refused:
        environment.check({"LABSTOW_UNITS": definitions})

    assert str(refused.value).startswith("LABSTOW_UNITS is wrong: ")
    assert said in str(refused.value)


def test_own_units_come_from_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    assert Settings().units is STANDARD
    monkeypatch.setenv("LABSTOW_UNITS", '{"drop": "0.05 mL"}')

    assert Settings().units.convert(Decimal(20), "drop", "mL", "flask") == 1
    assert Settings(units=OWN).units is OWN


def test_the_page_on_quantities_names_units_there_are() -> None:
    dimensions = {"volume": "L", "mass": "g", "amount of substance": "mol", "length": "m", "time": "s"}
    named = {row[0]: re.findall("`(.+?)`", row[1]) for row in tables(ROOT / "docs" / "quantities.md") if len(row) == 2}

    for name, base in dimensions.items():
        assert base in named[name]
        assert {KNOWN[unit][0] for unit in named[name]} == {base}
