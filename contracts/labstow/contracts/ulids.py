"""Making ULIDs: 48 bits of time in milliseconds, 80 bits of chance, Crockford base 32 (github.com/ulid/spec)."""

import os
import re
import time
from hashlib import sha256
from itertools import count
from typing import Final

_ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_PAIRS: Final = [high + low for high in _ALPHABET for low in _ALPHABET]
_WRITTEN: Final = re.compile("[0-7][0-9A-HJKMNP-TV-Z]{25}")
_MARK: Final = re.compile("[0-9A-HJKMNP-TV-Z]{8}")
_marks: Final = count(int.from_bytes(os.urandom(5)))


def is_ulid(value: object) -> bool:
    """Whether it is written as ids of ours are."""
    return isinstance(value, str) and _WRITTEN.fullmatch(value) is not None


def new_ulid() -> str:
    """A new id; ids made later sort later, by the millisecond."""
    return _write(time.time_ns() // 1_000_000 << 80 | int.from_bytes(os.urandom(10)))


def secret_ulid() -> str:
    """128 bits of chance, written as an id: nobody can guess it."""
    return _write(int.from_bytes(os.urandom(16)))


def is_mark(value: object) -> bool:
    """Whether it is written as marks are."""
    return isinstance(value, str) and _MARK.fullmatch(value) is not None


def derived_ulid(*parts: str) -> str:
    """The same id for the same parts, always: for what has no id of its own."""
    return _write(int.from_bytes(sha256("\0".join(parts).encode()).digest()[:16]))


def new_mark() -> str:
    """Another mark each time: eight digits, begun by chance and counted on."""
    return _write((next(_marks) & (1 << 40) - 1) << 40)[10:18]


def marked_ulid(mark: str) -> str:
    """A new id that bears a mark (`mark_of`), and is a matter of chance otherwise."""
    made = new_ulid()
    return made[:10] + mark + made[18:]


def mark_of(ulid: str) -> str:
    """The mark that an id bears; where nobody marked it, 40 bits of chance."""
    return ulid[10:18]


def _write(value: int) -> str:
    return "".join([_PAIRS[value >> shift & 1023] for shift in range(120, -1, -10)])
