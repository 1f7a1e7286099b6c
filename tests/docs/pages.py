"""The pages of the documentation, and what is in them to be checked."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

from labstow.contracts import batch, history, lab_file, location, lock, node, pattern, queries, template, transfer
from labstow.contracts.message import Request

NOUNS: Final = (template, lock, location, pattern, transfer, lab_file)
COMMANDS: Final = (*batch.COMMANDS, *(one for noun in NOUNS for one in noun.COMMANDS))
QUERIES: Final = (
    *queries.QUERIES, *history.QUERIES, *node.QUERIES, *(one for noun in NOUNS for one in noun.QUERIES)
)  # fmt: skip
REQUESTS: Final[dict[str, type[Request[Any]]]] = {one.subject: one for one in (*COMMANDS, *QUERIES)}
"""What can be asked of workers, by subject."""

PLACES: Final = {
    one.subject
    for noun in (location, pattern, transfer, lab_file)
    for one in (*noun.COMMANDS, *noun.QUERIES)
}  # fmt: skip
"""What is about places, of which a laboratory has one of a name, and one way between two that is best."""

METHODS: Final = ("POST", "PUT")
ROOT: Final = Path(__file__).parent.parent.parent
README: Final = ROOT / "README.md"
PAGES: Final = [README, ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]

_FENCE: Final = re.compile(r"^```(\w+)([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_SPAN: Final = re.compile(r"(`+)\s?(.+?)\s?\1", re.DOTALL)
_ULID: Final = re.compile(r"\b[0-7][0-9A-HJKMNP-TV-Z]{25}\b")


class Block(NamedTuple):
    """Something between fences. What stands behind the language is what it claims to be."""

    page: Path
    line: int
    language: str
    claim: tuple[str, ...]
    text: str

    def __str__(self) -> str:
        return f"{name(self.page)}:{self.line}"

    @property
    def terms(self) -> dict[str, str]:
        """How a request is made and what comes of it: `as` whom, `with` which lease, `refused` with which code."""
        words = self.claim[2 if self.claim[0] in METHODS else 1 :]
        return dict(zip(words[::2], words[1::2], strict=True))


def name(page: Path) -> str:
    """The page as one would write it."""
    return str(page.relative_to(ROOT))


def blocks(page: Path, *languages: str) -> list[Block]:
    """Everything between fences, in these languages."""
    text = page.read_text()
    return [
        Block(page, text.count("\n", 0, found.start()) + 1, found[1], tuple(found[2].split()), found[3])
        for found in _FENCE.finditer(text)
        if found[1] in languages
    ]


def prose(page: Path) -> str:
    """The page without what is between fences."""
    return _FENCE.sub("", page.read_text())


def spans(page: Path) -> list[str]:
    """What is between backticks, outside fences."""
    return [found[2] for found in _SPAN.finditer(prose(page))]


def tables(page: Path) -> list[list[str]]:
    """The rows of all tables, cell by cell."""
    rows = [line.strip("| ").split(" | ") for line in prose(page).splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in row] for row in rows]


def commands(page: Path) -> Iterator[list[str]]:
    """The words behind `labstow` wherever the page says to run it."""
    lines = [line for block in blocks(page, "sh") for line in block.text.splitlines()]
    for line in [*lines, *(span for span in spans(page) if "…" not in span)]:
        for part in line.split("&&"):
            try:
                program, *words = shlex.split(part, comments=True) or [""]
            except ValueError:  # an apostrophe in a sentence
                continue
            if words and program in ("labstow", ".venv/bin/labstow"):
                yield words


def ulids(text: str) -> set[str]:
    """All ids in a text."""
    return set(_ULID.findall(text))


def without_ulids(text: str) -> str:
    """The text with one word for every id."""
    return _ULID.sub("ULID", text)
