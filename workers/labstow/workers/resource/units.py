"""Units and how they convert: exactly, within one dimension, or not at all.

Factors are exact by definition: the SI prefixes; 1 L = 1 dm3, 1 t = 1000 kg, the minute, the hour and the day (BIPM, SI
Brochure, 9th edition, tables 7 and 8). Case matters. A unit nobody knows, such as "tip", is a dimension of its own: it
converts to nothing but itself, and to what a laboratory defines by it.
"""

import re
from collections.abc import Iterator, Mapping
from decimal import Context, Decimal, Inexact
from fractions import Fraction
from typing import Final

from labstow.contracts.errors import InvalidQuantity, UnitMismatch
from labstow.workers.kit.journal import plain

EXACT: Final = Context(prec=60, traps=[Inexact])
"""Adds all amounts that can be stored without rounding; Python's own arithmetic keeps 28 digits."""
PLACES: Final = 12
DIGITS: Final = 38

Factors = Mapping[str, tuple[str, Fraction]]
"""Of each unit its dimension, named by the unit it is measured in, and how many of that one it is."""

PREFIXES: Final = {"": 0, "k": 3, "d": -1, "c": -2, "m": -3, "µ": -6, "μ": -6, "u": -6, "n": -9, "p": -12, "f": -15}
"""Micro is the sign of its own, the Greek letter that looks like it, or `u`."""
BASES: Final = {"L": "L", "l": "L", "g": "g", "mol": "mol", "m": "m", "m3": "L", "m³": "L"}
"""What takes prefixes, and what it is measured in."""
OTHERS: Final[Factors] = {
    "t": ("g", Fraction(10**6)),
    "s": ("s", Fraction(1)),
    "ms": ("s", Fraction(1, 1000)),
    "min": ("s", Fraction(60)),
    "h": ("s", Fraction(3600)),
    "d": ("s", Fraction(86400)),
}
TEMPERATURES: Final = frozenset({"K", "mK", "°C", "℃", "degC", "Cel", "°F", "℉", "degF", "[degF]"})
"""They have no common zero, so no factor makes one of another."""


def _known() -> Iterator[tuple[str, tuple[str, Fraction]]]:
    for base, dimension in BASES.items():
        for prefix, exponent in PREFIXES.items():
            cubic = base in ("m3", "m³")
            yield prefix + base, (dimension, Fraction(10) ** (3 * exponent + 3 if cubic else exponent))
    yield from OTHERS.items()


KNOWN: Final[Factors] = dict(_known())


class Units:
    """What converts to what."""

    def __init__(self, factors: Factors) -> None:
        self._factors = factors
        self._ratios: dict[tuple[str, str | None], Fraction] = {}

    def convert(self, amount: Decimal, unit: str | None, into: str | None, of: str) -> Decimal:
        """An amount in another unit. Without a unit it is in the right one. `of` is the name of what there is so much
        of.

        Raises:
            UnitMismatch: the units have no common dimension.
            InvalidQuantity: it cannot be written down in that unit.
        """
        if not unit or unit == into:
            return amount
        ratio = self._ratios.get((unit, into)) or self._ratio(unit, into, of)
        whole, parts = amount.as_integer_ratio()  # whole numbers: arithmetic of fractions takes longer
        digits, rest = divmod(whole * ratio.numerator * 10**PLACES, parts * ratio.denominator)
        if rest or abs(digits) >= 10**DIGITS:
            reason = f"in {into} it has more than {PLACES} digits after the point, or {DIGITS - PLACES} before it"
            raise InvalidQuantity(name=of, quantity=f"{plain(amount)} {unit}", reason=reason)
        return Decimal(digits).scaleb(-PLACES, EXACT)

    def _ratio(self, unit: str, into: str | None, of: str) -> Fraction:
        """How many of the one are one of the other."""
        dimension, factor = self._factors.get(unit, (unit, Fraction(1)))
        wanted, part = self._factors.get(into, (into, Fraction(1))) if into else (None, Fraction(1))
        if dimension != wanted:
            raise UnitMismatch(name=of, own_unit=into or "no unit", unit=unit)
        self._ratios[unit, into] = factor / part
        return factor / part


STANDARD: Final = Units(KNOWN)


def own_units(definitions: Mapping[str, str]) -> Units:
    """The units everybody knows, and those of a laboratory, such as `{"drop": "0.05 mL", "box": "960 tip"}`.

    Raises:
        ValueError: a definition says nothing, says it anew, or goes in a circle.
    """
    factors = dict(KNOWN)
    for name in definitions:
        _resolve(name, definitions, factors, ())
    return Units(factors)


def _resolve(
    name: str, definitions: Mapping[str, str], factors: dict[str, tuple[str, Fraction]], above: tuple[str, ...]
) -> tuple[str, Fraction]:
    """What a unit is, by its definition and those of the units in it."""
    if name in TEMPERATURES:
        raise ValueError(f"{name} is a temperature, and those do not convert by a factor")
    if name in above:
        raise ValueError(f"{name} is defined by itself: {' is '.join((*above, name))}")
    if name not in definitions:
        return factors.get(name, (name, Fraction(1)))
    if name in KNOWN:
        raise ValueError(f"{name} is known already, and means the same everywhere")
    found = re.fullmatch(r"(\d+(?:\.\d+)?) +(\S+(?: \S+)*)", definitions[name], re.ASCII)
    if found is None or not name.strip() or not Fraction(found[1]):
        raise ValueError(f'{name}: "{definitions[name]}" is not a definition; say how much of what, as in "0.05 mL"')
    dimension, factor = _resolve(found[2], definitions, factors, (*above, name))
    factors[name] = dimension, Fraction(found[1]) * factor
    return factors[name]
