"""Journal entries: one per changed thing and command, chained by hash from the thing's first entry to its newest."""

from datetime import datetime
from decimal import Decimal
from hashlib import sha256
from typing import Any, Final

import orjson

OPTIONS: Final = orjson.OPT_UTC_Z | orjson.OPT_NON_STR_KEYS
HASHED: Final = (
    "event_id", "noun", "entity_id", "version", "what", "at", "actor", "via", "op_id", "group_id", "reason", "trace",
    "parent_id", "changes", "state", "prev_hash",
)  # fmt: skip
"""The columns an entry's hash is over, in this order; and `token`, where there is one."""


def dumps(value: Any) -> bytes:
    """JSON as labstow writes it: decimals as plain strings, times in UTC."""
    return orjson.dumps(value, default=_exact, option=OPTIONS)


def _exact(value: object) -> str:
    if isinstance(value, Decimal):
        return plain(value)
    raise TypeError(f"{type(value).__name__} is not JSON")


def plain(value: Decimal) -> str:
    """A decimal without exponent and without trailing zeros: `0.1`, `12`, `0`."""
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def changes(before: dict[str, Any] | None, after: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The fields that differ; nothing for a thing that is new."""
    if before is None:
        return {}
    return {
        name: {"before": before[name], "after": value}
        for name, value in after.items()
        if name not in ("version", "updated_at") and not same(value, before[name])
    }


def same(one: object, other: object) -> bool:
    """Whether two values are equal in JSON too: to Python, 1 is true."""
    if one is other or one != other or not isinstance(one, dict):
        return one is other or one == other
    return orjson.dumps(one, option=orjson.OPT_SORT_KEYS) == orjson.dumps(other, option=orjson.OPT_SORT_KEYS)


def entry(columns: dict[str, Any], changed: bytes, state: bytes) -> tuple[bytes, str]:
    """An entry as JSON and its hash. `columns` are those of `HASHED`, in its order, then `token`; the texts are kept
    verbatim.
    """
    columns["changes"], columns["state"] = orjson.Fragment(changed), orjson.Fragment(state)
    if columns.get("token") is None:  # earlier entries know of none
        columns.pop("token", None)
    line = dumps(columns)
    digest = sha256(line).hexdigest()
    return line[:-1] + b',"hash":"%b"}' % digest.encode(), digest


def verify(row: dict[str, Any], changed: str, state: str) -> bool:
    """Whether a stored entry still is what was hashed. `changed` and `state` are the stored texts."""
    columns = {name: row.get(name) for name in (*HASHED, "token")}
    return entry(columns, changed.encode(), state.encode())[1] == str(row["hash"])


def stamp(moment: datetime) -> str:
    """A moment as answers and entries write it."""
    return str(orjson.loads(dumps(moment)))
