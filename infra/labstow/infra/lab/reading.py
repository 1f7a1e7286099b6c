"""Reads YAML as MADSci does, but tells of each value the line, and of each mistake as well.

Read event by event: the parser's own trees forget what was there twice, and a file of brackets can crash it.
"""

import math
import re
from typing import Any, Final, NamedTuple

import yaml
from yaml import events

from labstow.infra.lab.mistakes import Mistake, Path, shown

MAX_BYTES: Final = 8_000_000
MAX_DEPTH: Final = 40
MAX_VALUES: Final = 1_000_000
"""With all that aliases stand for: a few lines of them can stand for billions."""

HINTS: Final = {
    "mapping values are not allowed": "a text with a colon in it needs quotes",
    "could not find expected ':'": "a key needs a colon, and a space behind it",
    "did not find expected key": "look whether it is indented as what it belongs to",
    "but found '<block mapping start>'": "look whether it is indented as what it belongs to",
}
"""What is often behind what the parser says."""

_TAG: Final = "tag:yaml.org,2002:"
_MERGE: Final = f"{_TAG}merge"
_LOADER: Final[Any] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class Document(NamedTuple):
    """What a file says."""

    value: Any
    lines: dict[Path, int]
    mistakes: list[Mistake]

    def line(self, path: Path) -> int | None:
        """The line of a path, or of the innermost of what it is in that has one."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path)


class _Unreadable(Exception):
    """There is no reading on."""

    def __init__(self, sentence: str, line: int | None = None, path: Path = ()) -> None:
        super().__init__(sentence)
        self.mistake = Mistake(path, line, sentence)


def read(content: bytes) -> Document:
    """What a lab file says, as JSON, with the mistakes that were found on the way."""
    document = Document(None, {}, [])
    try:
        return document._replace(value=_Reader(_text(content), document).read())
    except _Unreadable as stop:
        document.mistakes.append(stop.mistake)
    except yaml.YAMLError as error:
        document.mistakes.append(_explained(error, content.decode(errors="replace")))
    return document


def _text(content: bytes) -> str:
    if len(content) > MAX_BYTES:
        raise _Unreadable(f"has {len(content):,} bytes, at most {MAX_BYTES:,} are read: is this a lab file?")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise _Unreadable(f"is not UTF-8 (byte 0x{content[error.start]:02x}): save it as UTF-8", line) from None


def _explained(error: yaml.YAMLError, text: str) -> Mistake:
    mark, context = getattr(error, "problem_mark", None), getattr(error, "context_mark", None)
    said = getattr(error, "problem", None) or str(error).partition("\n")[0]
    if mark is None:
        return Mistake((), None, f"is not YAML: {said}")
    line, lines = mark.line + 1, text.splitlines()
    if mark.line < len(lines) and lines[mark.line][mark.column : mark.column + 1] == "\t":
        return Mistake((), line, "is not YAML: there is a tab; indent with spaces")
    begun = f" (for what begins in line {context.line + 1})" if context and context.line != mark.line else ""
    hint = next((f"; {hint}" for words, hint in HINTS.items() if words in said), "")
    return Mistake((), line, f"is not YAML: {said}{begun}{hint}")


class _Reader:
    """Makes JSON of events."""

    def __init__(self, text: str, document: Document) -> None:
        self._loader = _LOADER(text)
        self._document = document
        self._anchors: dict[str, tuple[Any, int]] = {}
        """What they stand for, and how many values that is."""
        self._count = 0

    def read(self) -> Any:
        self._next()
        if isinstance(self._next(), events.StreamEndEvent):
            raise _Unreadable("is empty")
        value = self._value(self._next(), ())
        self._next()
        if not isinstance(more := self._next(), events.StreamEndEvent):
            raise _Unreadable("begins a second document: a lab file is one", _line(more))
        return value

    def _next(self) -> Any:
        return self._loader.get_event()

    def _wrong(self, path: Path, event: Any, sentence: str, *, warning: bool = False) -> None:
        self._document.mistakes.append(Mistake(path, _line(event), sentence, warning))

    def _value(self, event: Any, path: Path) -> Any:
        self._document.lines.setdefault(path, _line(event))
        if isinstance(event, events.AliasEvent):
            return self._meant(event, path)
        if len(path) > MAX_DEPTH:
            raise _Unreadable(f"is nested deeper than {MAX_DEPTH} levels", _line(event), path[:3])
        before = self._count
        self._counted(1, event)
        if isinstance(event, events.ScalarEvent):
            value = self._scalar(event, path)
        else:
            if event.tag not in (None, f"{_TAG}map", f"{_TAG}seq"):
                self._wrong(path, event, f"there is no type {event.tag} in a lab file")
            value = self._mapping(path) if isinstance(event, events.MappingStartEvent) else self._sequence(path)
        if event.anchor:
            self._anchors[event.anchor] = (value, self._count - before)
        return value

    def _meant(self, event: Any, path: Path) -> Any:
        value, size = self._anchors.get(event.anchor, (None, 1))
        if event.anchor not in self._anchors:
            self._wrong(path, event, f"*{event.anchor} stands for nothing: no &{event.anchor} ends before it")
        self._counted(size, event)
        return value

    def _counted(self, size: int, event: Any) -> None:
        self._count += size
        if self._count > MAX_VALUES:
            raise _Unreadable(f"has more than {MAX_VALUES:,} values, with all that aliases stand for", _line(event))

    def _sequence(self, path: Path) -> list[Any]:
        values: list[Any] = []
        while not isinstance(event := self._next(), events.SequenceEndEvent):
            values.append(self._value(event, (*path, len(values))))
        return values

    def _mapping(self, path: Path) -> dict[str, Any]:
        values: dict[str, Any] = {}
        merged: list[Any] = []
        while not isinstance(event := self._next(), events.MappingEndEvent):
            key = self._key(event, path)
            if isinstance(event, events.ScalarEvent) and self._tag(event) == _MERGE:
                merged.append((event, self._value(self._next(), (*path, key))))
                continue
            here = (*path, key)
            if key in values:
                self._wrong(here, event, f"is there twice, first in line {self._document.lines[here]}")
            self._document.lines.setdefault(here, _line(event))
            value = self._value(self._next(), here)
            values.setdefault(key, value)
        for event, value in merged:
            several = value if isinstance(value, list) else [value]
            if not all(isinstance(one, dict) for one in several):
                self._wrong(path, event, "<< takes in other mappings, and this is none")
                continue
            for one in several:
                values = one | values
        return values

    def _key(self, event: Any, path: Path) -> str:
        if not isinstance(event, events.ScalarEvent):
            self._wrong(path, event, "a key is a mapping, a list or an alias: put it in quotes if it is a text")
            return str(self._value(event, path))
        if not self._tag(event).endswith((":str", ":merge", ":value")):
            read_as = shown(self._scalar(event, path))
            self._wrong((*path, event.value), event, f"as a key, YAML reads this as {read_as}: put it in quotes")
        return str(event.value)

    def _tag(self, event: Any) -> str:
        """What a scalar is taken for."""
        if event.tag:
            return str(event.tag)
        return str(self._loader.resolve(yaml.ScalarNode, event.value, event.implicit))

    def _scalar(self, event: Any, path: Path) -> Any:
        text, kind = event.value, self._tag(event).removeprefix(_TAG)
        if kind in ("str", "value", "merge"):
            return text
        if kind not in ("null", "bool", "int", "float"):
            told = f"there is no type {kind} in a lab file"
            if kind == "timestamp":
                told = f"{text} is a date to YAML: put it in quotes"
            self._wrong(path, event, told)
            return text
        try:
            value = getattr(self._loader, f"construct_yaml_{kind}")(yaml.ScalarNode(_TAG + kind, text))
        except (ValueError, KeyError):
            self._wrong(path, event, f"{shown(text)} cannot be read as YAML's {kind}: put it in quotes")
            return text
        if isinstance(value, float) and not math.isfinite(value):
            self._wrong(path, event, f"{text} is no number that can be kept")
            return text
        if kind in ("int", "float") and re.match(r"[+-]?0[0-9_]|.*:", text):
            told = f"YAML reads {text} as the number {value}: put it in quotes if it is a text"
            self._wrong(path, event, told, warning=True)
        return value


def _line(event: Any) -> int:
    return int(event.start_mark.line) + 1
