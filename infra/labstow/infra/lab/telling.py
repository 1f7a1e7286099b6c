"""Tells a person what is wrong with a lab file, and what it would change."""

import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import groupby, takewhile
from pathlib import Path
from typing import Any, Final

import typer
from pydantic import JsonValue

from labstow.contracts.lab_file import Difference, LabFile
from labstow.infra.lab.checking import Checked
from labstow.infra.lab.differing import ABSENT, parts
from labstow.infra.lab.mistakes import shown, written

MAX_MISTAKES: Final = 100
MAX_PARTS: Final = 10
WIDTH: Final = 90
SHORT: Final = 60
BEFORE: Final = 12
"""Characters that two texts have in common, shown before what differs."""
NAMES: Final = ("location_name", "name")
SIGNS: Final = {
    "add": ("+", typer.colors.GREEN),
    "change": ("~", typer.colors.YELLOW),
    "keep": ("=", typer.colors.MAGENTA),
}


def tell_mistakes(file: Path, checked: Checked) -> None:
    """Every mistake on a line, and how many there are of what."""
    for mistake in checked.mistakes[:MAX_MISTAKES]:
        color, word = (typer.colors.YELLOW, "warning") if mistake.warning else (typer.colors.RED, "mistake")
        typer.echo(f"{typer.style(word, fg=color)}  {mistake}")
    if (more := len(checked.mistakes) - MAX_MISTAKES) > 0:
        typer.echo(f"and {more} more")
    if checked.lab is not None and not checked.wrong:
        typer.echo(f"{file}: {_contents(checked.lab)}")


def mistakes(checked: Checked) -> str:
    """How many mistakes there are."""
    return count(sum(not mistake.warning for mistake in checked.mistakes), "mistake")


def tell(differences: Sequence[Difference], *, full: bool = False) -> None:
    """Everything that a file says otherwise, by kind and thing; of long values what differs, or with `full` all."""
    for kind, group in groupby(differences, lambda difference: difference.path.partition(".")[0]):
        typer.secho(kind.replace("_", " ").capitalize(), bold=True)
        for difference in group:
            sign, color = SIGNS[difference.action]
            path = difference.path.removeprefix(f"{kind}.")
            said, *more = _values(difference, full=full)
            typer.echo(f"  {typer.style(f'{sign} {path}', fg=color)}  {said}")
            for line in more:
                typer.echo(f"      {line}")


def summary(differences: Iterable[Difference], *, done: bool = False) -> str:
    """What comes of it, in one sentence."""
    counts = {action: sum(each.action == action for each in differences) for action in SIGNS}
    if not any(counts.values()):
        return "The laboratory is as the file says."
    added, changed = ("added", "changed") if done else ("to add", "to change")
    return f"{counts['add']} {added}, {counts['change']} {changed}, {counts['keep']} kept as they are."


def _values(difference: Difference, *, full: bool) -> list[str]:
    """What is to be said of a difference, line by line."""
    if difference.action == "add":
        return [shown(_unnamed(difference), sys.maxsize if full else WIDTH)]
    between, end = (", not ", f": {difference.sentence}") if difference.action == "keep" else (" → ", "")
    live, file = difference.live, difference.file
    if full or max(len(shown(live)), len(shown(file))) < SHORT:
        return [_both(live, file, between, sys.maxsize) + end]
    found = [
        f"{written(part.path)}  {_both(part.one, part.other, between, SHORT)}".lstrip() for part in parts(live, file)
    ]
    if len(found) == 1:
        return [found[0] + end]
    more = [f"and {len(found) - MAX_PARTS} more: see --full"] if len(found) > MAX_PARTS else []
    return [f"{len(found)} differences{end}", *found[:MAX_PARTS], *more]


def _both(live: Any, file: Any, between: str, width: int) -> str:
    """What is in the laboratory, and what the file says; of long texts what comes when they begin to differ."""
    if isinstance(live, str) and isinstance(file, str) and max(len(live), len(file)) > width - 2:
        alike = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(live, file, strict=False)))
        live, file = (f"…{text[alike - BEFORE :]}" if alike > BEFORE else text for text in (live, file))
    elif ABSENT in (live, file):
        width = max(width, WIDTH)
    return between.join("nothing" if each is ABSENT else shown(each, width) for each in (live, file))


def _unnamed(difference: Difference) -> JsonValue:
    """What is added, without the name that its path ends with."""
    file = difference.file
    if isinstance(file, dict) and any(difference.path.endswith(f".{file.get(name)}") for name in NAMES):
        return {key: value for key, value in file.items() if key not in (*NAMES, "location_id", "template_id")}
    return file


def _contents(lab: LabFile) -> str:
    counts = [
        count(len(lab.locations), "location"),
        count(len(lab.resource_templates), "resource template"),
        count(len(lab.representation_templates), "representation template"),
        count(len(lab.location_templates), "location template"),
    ]
    if (abilities := lab.transfer_capabilities) is not None:
        counts.append(count(len(abilities.transfer_templates), "transfer template"))
    return ", ".join(count for count in counts if not count.startswith("0 ")) or "nothing is in it"


def kinds(paths: Iterable[str]) -> str:
    """How many things of which kinds these are, locations first."""
    found = Counter(path.partition(".")[0] for path in paths)
    skills = found.pop("transfer_capabilities", 0)
    counts = [count(found.pop("locations", 0), "location")]
    counts += [count(number, kind.replace("_", " ").removesuffix("s")) for kind, number in found.items()]
    counts += ["transfer capabilities"] if skills else []
    return " and ".join(filter(None, (", ".join(counts[:-1]), counts[-1])))


def count(number: int, noun: str) -> str:
    """So many of something."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
