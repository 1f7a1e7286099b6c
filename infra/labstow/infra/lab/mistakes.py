"""What is wrong with a lab file, and where."""

import json
import re
from collections.abc import Iterable
from difflib import get_close_matches
from typing import Any, NamedTuple

Path = tuple[str | int, ...]
"""Keys and indices, from the outside in."""


class Mistake(NamedTuple):
    """Something that is wrong, or looks so."""

    path: Path
    line: int | None
    sentence: str
    warning: bool = False
    """The file works as it stands, perhaps not as it was meant."""

    def __str__(self) -> str:
        where = written(self.path) or "the file"
        return f"{where} (line {self.line}): {self.sentence}" if self.line else f"{where}: {self.sentence}"


def written(path: Path) -> str:
    """A path as people write it: `locations[2].representations.robotarm_1`."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        elif re.fullmatch(r"[\w-]+", part):
            text += f".{part}" if text else part
        else:
            text += f"[{json.dumps(part, ensure_ascii=False)}]"
    return text


def shown(value: Any, width: int = 60) -> str:
    """A value in so many characters at most."""
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= width else f"{text[: width - 1]}…"


def near(word: str, known: Iterable[str]) -> str:
    """A guess at what was meant, as the end of a sentence."""
    among = sorted(known)
    close = get_close_matches(word, among, n=1) or [one for one in among if word and word in one]
    return f". Did you mean {close[0]}?" if close else ""
