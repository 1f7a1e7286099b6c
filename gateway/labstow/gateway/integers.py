"""Integers that are too large to be read as they are: the fast parser makes floats of them, and says nothing."""

import json
import re
from collections.abc import Iterator
from itertools import islice
from typing import Final

from labstow.contracts.errors import BadRequest, Invalid

LONG_INTEGER: Final = re.compile(rb"[0-9]{19}")
"""What may be one, in a body; it may stand in a text, or be part of a float, too."""
TOKENS: Final = re.compile(rb'"(?:[^"\\]++|\\.)*+"|[-+.0-9eE]{19,}')
"""Texts, and numbers that are long."""
LEAST: Final = -(2**63)
MOST: Final = 2**64 - 1
TOLD: Final = 20
"""So many are told at most."""
SMALL: Final = 1 << 18
"""Bytes of a body that is read once more, slowly, to tell where they are."""


class TooLong(int):
    """An integer that does not fit into 64 bits."""


def refuse_rounded(read: bytes) -> None:
    """Refuse a body, JSON as far as the fast parser knows, with an integer that would come to something else.

    Raises:
        Invalid: with the place of each; in a large body, with that of the first in it.
        BadRequest: it is nested deeper than can be looked through.
    """
    found = next((token for token in TOKENS.finditer(read) if _is_too_long(token[0])), None)
    if found is None:
        return
    what = "an integer has more than 64 bits: give it as a text"
    at = islice(_places(_slowly(read)), TOLD) if len(read) <= SMALL else [f"byte {found.start()}"]
    errors = [{"at": place, "what": what} for place in at]
    raise Invalid(summary="; ".join(f"{one['at']}: {what}" for one in errors[:3]), errors=errors)


def _is_too_long(token: bytes) -> bool:
    return token.removeprefix(b"-").isdigit() and not LEAST <= int(token) <= MOST


def _slowly(read: bytes) -> object:
    try:
        return json.loads(read, parse_int=lambda text: TooLong(text) if _is_too_long(text.encode()) else int(text))
    except RecursionError:
        raise BadRequest(reason="it is nested too deep") from None


def _places(value: object) -> Iterator[str]:
    """Where integers are too long."""
    left: list[tuple[str, object]] = [("", value)]
    while left:
        at, found = left.pop()
        if isinstance(found, TooLong):
            yield at or "body"
        elif isinstance(found, dict):
            left += [(f"{at}.{key}" if at else key, inside) for key, inside in reversed(found.items())]
        elif isinstance(found, list):
            left += [(f"{at}.{number}" if at else str(number), inside) for number, inside in enumerate(found)][::-1]
