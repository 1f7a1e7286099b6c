"""What `labstow lab` does, and `labstow up --lab`."""

import asyncio
from collections.abc import Iterable
from pathlib import Path

import typer

from labstow.contracts.lab_file import Difference, ExportLab, LabFile
from labstow.infra.lab import applying
from labstow.infra.lab.checking import Checked
from labstow.infra.lab.checking import check as checked
from labstow.infra.lab.door import BUDGET, reach
from labstow.infra.lab.telling import count, kinds, mistakes, summary, tell, tell_mistakes
from labstow.infra.lab.writing import written
from labstow.infra.refusal import CannotStart


def check(file: Path, *, strict: bool) -> bool:
    """Tell what is wrong with a file; say whether it can be used."""
    found = _read(file, strict=strict)
    tell_mistakes(file, found)
    return not found.wrong


def load(file: Path) -> LabFile:
    """What a file says; what is wrong with it is told.

    Raises:
        CannotStart: it cannot be used.
    """
    found = _read(file)
    if found.mistakes:
        tell_mistakes(file, found)
    if found.lab is None or found.wrong:
        raise CannotStart(f"{file} cannot be used: {mistakes(found)}.")
    return found.lab


def diff(file: Path, url: str, *, full: bool) -> None:
    """Tell what a file says otherwise than the laboratory; with `full`, however long it is."""
    lab = load(file)

    async def asked() -> list[Difference]:
        async with reach(url) as door:
            return await applying.differences(door, lab)

    differences = asyncio.run(asked())
    tell(differences, full=full)
    typer.echo(summary(differences))


def apply(file: Path, url: str, *, yes: bool, replace_templates: bool, full: bool) -> None:
    """Bring the laboratory to what a file says, once somebody has seen what that changes.

    Also where it changes nothing: from then on, file and laboratory are known to agree.
    """
    lab = load(file)

    async def planned() -> list[Difference]:
        async with reach(url) as door:
            return await applying.differences(door, lab, replace_templates=replace_templates)

    async def done() -> list[Difference]:
        async with reach(url) as door:
            return await applying.apply(door, lab, replace_templates=replace_templates)

    plan = asyncio.run(planned())
    tell(plan, full=full)
    if _changes(plan) and not yes:
        typer.confirm(f"{summary(plan)} Apply?", abort=True)
    result = asyncio.run(done())
    if result != plan:
        typer.secho("Meanwhile the laboratory changed. This is what was done:", fg=typer.colors.YELLOW)
        tell(result, full=full)
    typer.echo(summary(result, done=True))


def export(url: str) -> str:
    """The laboratory as a lab file."""

    async def asked() -> str:
        async with reach(url) as door:
            return written(await door.ask(ExportLab(), budget=BUDGET), await applying.templates(door))

    return asyncio.run(asked())


def seed(lab: LabFile, url: str) -> str:
    """Add what is not there at all, and tell in a line what came of it.

    Raises:
        CannotStart: labstow says no; nothing was added but resource templates.
    """

    async def done() -> list[Difference]:
        async with reach(url) as door:
            return await applying.apply(door, lab, absent_only=True)

    result = asyncio.run(done())
    new = [difference.path for difference in result if difference.action == "add"]
    kept = count(len(lab.locations) - sum(path.startswith("locations.") for path in new), "location")
    told = f"lab: {kinds(new)} added, {kept} kept"
    return f"{told}; some differ: labstow lab diff" if len(new) < len(result) else told


def _read(file: Path, *, strict: bool = False) -> Checked:
    try:
        return checked(file.read_bytes(), strict=strict)
    except OSError as problem:
        raise CannotStart(f"{file} cannot be read ({problem.strerror}).") from problem


def _changes(differences: Iterable[Difference]) -> bool:
    return any(difference.action != "keep" for difference in differences)
