"""Where in a container a thing can be, and the one way each position is written.

| container                   | accepted                                       | written   |
|-----------------------------|------------------------------------------------|-----------|
| row                         | `2` (from 0), `"3"` (from 1), `"C"`            | `3`       |
| grid                        | `[0, 1]` (from 0), `"A2"`, `["A", "2"]`        | `A2`      |
| voxel grid                  | `[0, 1, 2]` (from 0), `"A2:3"`                 | `A2:3`    |
| slot                        | nothing, `0`, `"0"`                            | `0`       |
| container, collection, pool | a text                                         | as given  |
| stack, queue                | nothing: the order of arrival is the position  | nothing   |

Integers count from 0 always. Digits in a text count from 1, or from 0 where the container says so (`one_indexed`).
Rows of a plate go A..Z, AA..ZZ. What is written can be read back: `canonical(at, canonical(at, key))` is the same.
"""

import re
from typing import Annotated, Final, NamedTuple

from pydantic import Field, StrictInt, StrictStr

from labstow.contracts.base_types import KEYED, ORDERED, BaseType
from labstow.contracts.errors import InvalidPosition

MAX_DIMENSION: Final = 10_000
MAX_POSITIONS: Final = 100_000

Key = StrictInt | Annotated[StrictStr, Field(max_length=255)]
Position = Key | Annotated[list[Key], Field(min_length=1, max_length=3)]
"""A position as callers say it."""

_WELL: Final = re.compile(r"([A-Za-z]{1,3})([0-9]{1,5})")
_VOXEL: Final = re.compile(r"([A-Za-z]{1,3})([0-9]{1,5}):([0-9]{1,5})")
_NUMBER: Final = re.compile(r"[0-9]{1,5}")
_LETTERS: Final = re.compile(r"[A-Za-z]{1,3}")


class Geometry(NamedTuple):
    """The shape of a container; a dimension it does not have is None."""

    base_type: BaseType
    rows: int | None = None
    columns: int | None = None
    layers: int | None = None
    one_indexed: bool = True

    def __str__(self) -> str:
        size = " x ".join(str(n) for n in (self.rows, self.columns, self.layers) if n is not None)
        return f"a {self.base_type} of {size}" if size else f"a {self.base_type}"


def letters(index: int) -> str:
    """0 is A, 25 is Z, 26 is AA."""
    text = ""
    index += 1
    while index:
        index, rest = divmod(index - 1, 26)
        text = chr(65 + rest) + text
    return text


def number(text: str) -> int:
    """A is 0, Z is 25, AA is 26."""
    value = 0
    for letter in text.upper():
        value = value * 26 + ord(letter) - 64
    return value - 1


def canonical(at: Geometry, key: Position | None) -> str | None:
    """The one way the position is written; None in a stack or queue, and for an unordered child of a container.

    Raises:
        InvalidPosition: the key is malformed, out of range, or the container has no such thing as positions.
    """
    kind = at.base_type
    if kind in ORDERED:
        return None
    if kind is BaseType.SLOT:
        if key in (None, 0, "0"):
            return "0"
        raise refuse(at, key, "a slot has one position, 0")
    if kind in KEYED:
        if key is None and kind is BaseType.CONTAINER:
            return None
        if isinstance(key, str) and key.strip() and key.isprintable():
            return key
        raise refuse(at, key, "expected a text")
    if kind is BaseType.ROW:
        return write(at, (_along(at, key, key, "columns"),))
    if kind in (BaseType.GRID, BaseType.VOXEL_GRID):
        return write(at, _indices(at, key))
    raise refuse(at, key, "it is not a container")


def index(at: Geometry, position: str) -> tuple[int, ...]:
    """The position as indices from 0: (column,), (row, column) or (row, column, layer); empty where there are none."""
    if at.base_type is BaseType.ROW:
        return (int(position) - at.one_indexed,)
    if at.base_type in (BaseType.GRID, BaseType.VOXEL_GRID):
        return _indices(at, position)
    return (0,) if at.base_type is BaseType.SLOT else ()


def write(at: Geometry, indices: tuple[int, ...]) -> str:
    """Indices from 0 as canonical text; what is in range is the caller's business."""
    if len(indices) == 1:
        return str(indices[0] + at.one_indexed)
    well = letters(indices[0]) + str(indices[1] + at.one_indexed)
    return well if len(indices) == 2 else f"{well}:{indices[2] + at.one_indexed}"


def guesses(key: Position | None) -> set[str]:
    """What `canonical` may answer for a container not yet known: good for looking ahead, never for deciding."""
    if key is None:
        return {"0"}
    if isinstance(key, str):
        return {key, key.upper()} if key.isprintable() else set()
    indices = tuple(part for part in (key if isinstance(key, list) else [key]) if isinstance(part, int))
    if not all(0 <= part < MAX_DIMENSION for part in indices):
        return set()
    if isinstance(key, int):
        return {str(key), str(key + 1)}
    return {write(Geometry(BaseType.GRID), indices)} if len(indices) == len(key) > 1 else set()


def refuse(at: Geometry, key: Position | None, reason: str) -> InvalidPosition:
    """A refusal that names the position, the container and what is wrong."""
    shown = "nothing" if key is None else str(key)[:80]
    return InvalidPosition(position=shown, container=str(at), reason=reason)


def _indices(at: Geometry, key: Position | None) -> tuple[int, ...]:
    """Row, column and, in a voxel grid, layer."""
    dimensions = ("rows", "columns", "layers")[: 3 if at.base_type is BaseType.VOXEL_GRID else 2]
    parts: list[Key] | tuple[str, ...] | None = key if isinstance(key, list) else None
    if isinstance(key, str) and (well := (_VOXEL if len(dimensions) == 3 else _WELL).fullmatch(key)):
        parts = well.groups()
    if parts is None or len(parts) != len(dimensions):
        example = "A1:1 or [0, 0, 0]" if len(dimensions) == 3 else "A1 or [0, 0]"
        raise refuse(at, key, f"expected the form {example}")
    return tuple(_along(at, key, part, name) for part, name in zip(parts, dimensions, strict=True))


def _along(at: Geometry, key: Position | None, part: Position | None, dimension: str) -> int:
    """One index, checked against its dimension."""
    if isinstance(part, int):
        found = part
    elif isinstance(part, str) and part.isascii() and _NUMBER.fullmatch(part):
        found = int(part) - at.one_indexed
    elif isinstance(part, str) and part.isascii() and _LETTERS.fullmatch(part):
        found = number(part)
    else:
        raise refuse(at, key, "expected a number from 0, digits in a text, or letters")
    size = getattr(at, dimension) or 0
    if not 0 <= found < size:
        raise refuse(at, key, f"there are {size} {dimension}")
    return found
