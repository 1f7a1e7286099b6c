"""Ids as they come from outside."""

import re
from typing import Final

from labstow.contracts.message import ULID_LENGTH
from labstow.contracts.ulids import derived_ulid, new_ulid

_ULID: Final = re.compile(f"[0-7][0-9A-HJKMNP-TV-Z]{{{ULID_LENGTH - 1}}}")


def is_ulid(value: object) -> bool:
    """Whether it is written as ids of ours are."""
    return isinstance(value, str) and _ULID.fullmatch(value) is not None


def operation(key: bytes | None) -> str:
    """Give the operation id of a request: the caller's key, or an id made from it, or a new one."""
    if key is None:
        return new_ulid()
    text = key.decode("latin-1")
    return text if is_ulid(text) else derived_ulid("idempotency-key", text)
