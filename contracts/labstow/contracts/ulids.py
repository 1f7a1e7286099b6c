"""Making ULIDs: 48 bits of time in milliseconds, 80 bits of chance, Crockford base 32 (github.com/ulid/spec)."""

import os
import re
import time
from hashlib import sha256
from typing import Final

_ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_PAIRS: Final = [high + low for high in _ALPHABET for low in _ALPHABET]
_WRITTEN: Final = re.compile("[0-7][0-9A-HJKMNP-TV-Z]{25}")


def is_ulid(value: object) -> bool:
    """Whether it is written as ids of ours are."""
    return isinstance(value, str) and _WRITTEN.fullmatch(value) is not None


def new_ulid() -> str:
    """A new id; ids made later sort later, by the millisecond."""
    return _write(time.time_ns() // 1_000_000 << 80 | int.from_bytes(os.urandom(10)))


def secret_ulid() -> str:
    """128 bits of chance, written as an id: nobody can guess it."""
    return _write(int.from_bytes(os.urandom(16)))


def derived_ulid(*parts: str) -> str:
    """The same id for the same parts, always: for what has no id of its own."""
    return _write(int.from_bytes(sha256("\0".join(parts).encode()).digest()[:16]))


def _write(value: int) -> str:
    return "".join([_PAIRS[value >> shift & 1023] for shift in range(120, -1, -10)])
