"""Ids as they come from outside."""

from labstow.contracts.ulids import derived_ulid, is_ulid, new_ulid


def operation(key: bytes | None) -> str:
    """Give the operation id of a request: the caller's key, or an id made from it, or a new one."""
    if key is None:
        return new_ulid()
    text = key.decode("latin-1")
    return text if is_ulid(text) else derived_ulid("idempotency-key", text)
