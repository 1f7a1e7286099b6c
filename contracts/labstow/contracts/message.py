"""What all messages share: the base classes and the value types."""

import re
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Any, ClassVar, Final, Generic, TypeVar

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    JsonValue,
    StringConstraints,
)

ULID_LENGTH: Final = 26
ATTRIBUTES_DEPTH: Final = 16
ATTRIBUTES_KEYS: Final = 1_000
ATTRIBUTES_BYTES: Final = 65_536
KEY_LENGTH: Final = 256

_NUMBER = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]{1,3})?")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")


class Message(BaseModel):
    """Base of every message: immutable, and a field nobody knows is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Answer(Message):
    """Base of what workers say. Who reads it lives with fields that a newer worker adds."""

    model_config = ConfigDict(extra="ignore")


A = TypeVar("A", bound=Answer)


class Request(Message, Generic[A]):
    """A message that is answered by an `A`. `subject` is what follows `labstow.v1.`."""

    subject: ClassVar[str]
    answer: ClassVar[type[Answer]]
    """`A`, for those who parse answers."""

    @classmethod
    def __pydantic_init_subclass__(cls, **_: object) -> None:
        if args := cls.__pydantic_generic_metadata__["args"]:
            cls.answer = args[0]


class Command(Request[A]):
    """A request that may change something: one command, one outcome, one journal entry per changed thing."""

    kept: ClassVar[bool] = True
    """Whether the answer is kept, so that a repetition is answered the same; else a repetition is asked anew."""


class Query(Request[A]):
    """A request that changes nothing."""


def _clean(text: str) -> str:
    """Refuse what no label, screen or database can show: control characters (tab and line breaks may stay)."""
    if found := _CONTROL.search(text):
        raise ValueError(f"must not contain the character U+{ord(found.group()):04X} (at index {found.start()})")
    return text


def _utc(moment: datetime) -> datetime:
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise ValueError("must lie in the years 1 to 9999, in UTC too") from None


def written_plainly(number: object) -> object:
    """Refuse texts that only Python takes for a number, such as 1_000."""
    if isinstance(number, str) and not _NUMBER.fullmatch(number):
        raise ValueError("expected a decimal number, such as 12.5")
    return number


def _storable(number: object) -> None:
    """Refuse a number that JSON, or those who read it, cannot hold."""
    if isinstance(number, float) and number - number != 0:
        raise ValueError("NaN and infinity are not JSON numbers")
    if isinstance(number, int) and not -(2**63) <= number < 2**64:
        raise ValueError("an integer has more than 64 bits: give it as a text")


def bounded(value: dict[str, JsonValue]) -> dict[str, JsonValue]:
    """Free-form JSON, unless it is too large, too deep, or holds characters or numbers that nothing can store.

    Raises:
        ValueError: with what is wrong.
    """
    keys = size = 0
    level: list[Any] = [value]
    for _ in range(ATTRIBUTES_DEPTH):
        below: list[Any] = []
        size += 2 * len(level)  # quotes, brackets, commas: nothing is for nothing
        for item in level:
            if isinstance(item, dict):
                keys += len(item)
                for key in item:
                    if len(key) > KEY_LENGTH:
                        raise ValueError(f"a key has {len(key)} characters, at most {KEY_LENGTH} are allowed")
                    size += len(_clean(key).encode())
                below.extend(item.values())
            elif isinstance(item, list):
                below.extend(item)
            elif isinstance(item, str):
                size += len(_clean(item).encode())
            else:
                size += 8
                _storable(item)
        if keys > ATTRIBUTES_KEYS:
            raise ValueError(f"more than {ATTRIBUTES_KEYS} keys")
        if size > ATTRIBUTES_BYTES:
            raise ValueError(f"more than {ATTRIBUTES_BYTES} bytes in UTF-8")
        if not (level := below):
            return value
    raise ValueError(f"nested deeper than {ATTRIBUTES_DEPTH} levels")


Ulid = Annotated[
    str,
    StringConstraints(pattern=r"^[0-7][0-9A-HJKMNP-TV-Z]{25}$"),
    Field(description="A ULID: 26 characters, Crockford base 32.", examples=["01M7ZQPJ4RNK3G1KAYMQFFSG2C"]),
]
"""The identity of a thing; made by whoever first speaks of it."""

Instant = Annotated[AwareDatetime, AfterValidator(_utc)]
"""A moment with its zone, kept in UTC."""

Version = Annotated[int, Field(strict=True, ge=1, lt=2**31)]
"""A version that a thing can have."""

DIGITS: Final[Any] = {"max_digits": 38, "decimal_places": 12, "allow_inf_nan": False}
"""What the database holds of a decimal number. Limits stand directly behind the type: so they are checked quickly."""
Exact = Annotated[Decimal, Field(**DIGITS), BeforeValidator(written_plainly)]
"""An exact decimal number: on the way in a string, or a number as far as JSON numbers are exact (15 digits); on the
way out a string. Never rounded."""

Text = Annotated[str, StringConstraints(max_length=10_000), AfterValidator(_clean)]
Name = Annotated[str, StringConstraints(min_length=1, max_length=255), AfterValidator(_clean)]

Attributes = Annotated[dict[str, JsonValue], AfterValidator(bounded)]
"""Free-form JSON of the user: at most 64 KiB of text in UTF-8, 1,000 keys, 16 levels."""
