"""Tells a person what is wrong with a lab file, and what it would change."""

from collections.abc import Iterable, Sequence
from itertools import groupby
from pathlib import Path
from typing import Final

import typer
from pydantic import JsonValue

from labstow.contracts.lab_file import Difference, LabFile
from labstow.infra.lab.checking import Checked
from labstow.infra.lab.mistakes import shown

MAX_MISTAKES: Final = 100
WIDTH: Final = 90
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


def tell(differences: Sequence[Difference]) -> None:
    """Everything that a file says otherwise, by kind and thing."""
    for kind, group in groupby(differences, lambda difference: difference.path.partition(".")[0]):
        typer.secho(kind.replace("_", " ").capitalize(), bold=True)
        for difference in group:
            sign, color = SIGNS[difference.action]
            path = difference.path.removeprefix(f"{kind}.")
            typer.echo(f"  {typer.style(f'{sign} {path}', fg=color)}  {_values(difference)}")


def summary(differences: Iterable[Difference], *, done: bool = False) -> str:
    """What comes of it, in one sentence."""
    counts = {action: sum(each.action == action for each in differences) for action in SIGNS}
    if not any(counts.values()):
        return "The laboratory is as the file says."
    added, changed = ("added", "changed") if done else ("to add", "to change")
    return f"{counts['add']} {added}, {counts['change']} {changed}, {counts['keep']} kept as they are."


def _values(difference: Difference) -> str:
    match difference.action:
        case "add":
            return shown(_unnamed(difference), WIDTH)
        case "change":
            return f"{shown(difference.live)} → {shown(difference.file)}"
    return f"{shown(difference.live)}, not {shown(difference.file)}: {difference.sentence}"


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


def count(number: int, noun: str) -> str:
    """So many of something."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
