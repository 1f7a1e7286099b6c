"""What stands in the query of a URL."""

import math
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

import orjson
from fastapi import Request

from labstow.contracts.errors import Invalid
from labstow.contracts.message import written_plainly


class Kind(NamedTuple):
    """What a parameter is: how it is read, and how it is documented."""

    read: Callable[[str], object]
    schema: Mapping[str, Any]
    many: bool = False
    """Whether it may stand there several times; then it is a list."""


Kinds = Mapping[str, Kind]


def instant(text: object) -> str:
    """Give a date as ours, which has a zone; one without is UTC.

    Raises:
        ValueError: it is none.
    """
    try:
        moment = datetime.fromisoformat(str(text))
    except ValueError:
        raise ValueError(f"{str(text)[:80]} is not a date and time in ISO 8601") from None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).isoformat()


def _flag(text: str) -> bool:
    if text.lower() not in ("true", "false"):
        raise ValueError("expected true or false")
    return text.lower() == "true"


def _whole(text: str) -> int:
    if not (text.isascii() and text.removeprefix("-").isdecimal() and len(text) <= 20):
        raise ValueError("expected a whole number")
    return int(text)


def _number(text: str) -> float:
    written_plainly(text)
    number = float(text)
    if not math.isfinite(number):
        raise ValueError("expected a number that is not as large")
    return number


def _mapping(text: str) -> object:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        raise ValueError("expected a JSON object") from None


TEXT: Final = Kind(str, {"type": "string"})
WHOLE: Final = Kind(_whole, {"type": "integer"})
NUMBER: Final = Kind(_number, {"type": "number"})
FLAG: Final = Kind(_flag, {"type": "boolean"})
MOMENT: Final = Kind(instant, {"type": "string", "format": "date-time"})
MAPPING: Final = Kind(_mapping, {"type": "string", "contentMediaType": "application/json"})
TEXTS: Final = Kind(str, {"type": "array", "items": {"type": "string"}}, many=True)


def parameters(request: Request, kinds: Kinds) -> dict[str, Any]:
    """Read the parameters of a request.

    Raises:
        Invalid: one is unknown, stands there twice, or is not of its kind; to leave it out would mean something else.
    """
    if not request.scope["query_string"]:
        return {}
    found: dict[str, Any] = {}
    for name, text in request.query_params.multi_items():
        if name not in kinds:
            raise Invalid(summary=f"no parameter {name[:80]} here, only {', '.join(kinds) or 'none at all'}", errors=[])
        kind = kinds[name]
        if name in found and not kind.many:
            raise Invalid(summary=f"{name}: stands there twice", errors=[])
        try:
            value = kind.read(text)
        except ValueError as error:
            raise Invalid(summary=f"{name}: {error}", errors=[]) from None
        found[name] = [*found.get(name, ()), value] if kind.many else value
    return found
