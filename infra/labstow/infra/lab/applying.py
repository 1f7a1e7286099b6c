"""What a lab file would change in a running labstow, and changing it: resource templates first, then all else."""

from collections.abc import Iterable, Iterator
from typing import Final, Literal

from labstow.contracts.lab_file import ApplyLab, Difference, LabFile, Places, TemplateEntry
from labstow.contracts.resource import NewResource
from labstow.contracts.template import CreateTemplate, ListTemplates, Template
from labstow.infra.lab.door import BUDGET, Door
from labstow.workers.template.overriding import stored, validated

PAGE: Final = 1_000
Action = Literal["add", "change", "keep"]
SENTENCES: Final[dict[Action, str]] = {
    "add": "is new",
    "change": "becomes its next version",
    "keep": "is there already, and stays",
}


async def differences(
    door: Door, lab: LabFile, *, absent_only: bool = False, replace_templates: bool = False
) -> list[Difference]:
    """Everything that the file says otherwise; nothing is changed."""
    found = [each for _, each in _of_templates(await templates(door), lab, replace=replace_templates)]
    command = ApplyLab(places=places(lab), absent_only=absent_only, dry_run=True)
    return [*found, *(await door.ask(command, budget=BUDGET)).differences]


async def apply(
    door: Door, lab: LabFile, *, absent_only: bool = False, replace_templates: bool = False
) -> list[Difference]:
    """Bring the laboratory to what the file says, and tell what was changed and what was kept."""
    found = [*_of_templates(await templates(door), lab, replace=replace_templates)]
    for entry, difference in found:
        if difference.action != "keep":
            await door.ask(_create(entry, replace=difference.action == "change"), budget=BUDGET)
    command = ApplyLab(places=places(lab), absent_only=absent_only)
    return [*(each for _, each in found), *(await door.ask(command, budget=BUDGET)).differences]


async def templates(door: Door) -> list[Template]:
    """All resource templates, by name."""
    found: list[Template] = []
    query = ListTemplates(limit=PAGE)
    while True:
        page = await door.ask(query)
        found += page.templates
        if page.next is None:
            return found
        query = ListTemplates(limit=PAGE, after=page.next)


def places(lab: LabFile) -> Places:
    """What the worker of places is told of a file."""
    named = lab.model_fields_set & Places.model_fields.keys()
    return Places(**{name: getattr(lab, name) for name in named})


def _of_templates(
    known: Iterable[Template], lab: LabFile, *, replace: bool
) -> Iterator[tuple[TemplateEntry, Difference]]:
    there = {template.name.casefold(): template for template in known}
    for entry in lab.resource_templates:
        template = there.get(entry.name.casefold())
        if template is not None and _alike(template, entry):
            continue
        file = entry.model_dump(mode="json", exclude_unset=True)
        if template is not None:  # like is compared with like
            file["resource"] = stored(_create(entry).resource)
        action: Action = "add" if template is None else "change" if replace else "keep"
        difference = Difference(
            path=f"resource_templates.{entry.name}",
            live=template and template.model_dump(mode="json", include=entry.model_fields_set),
            file=file,
            action=action,
            sentence=SENTENCES[action],
        )
        yield entry, difference


def _alike(template: Template, entry: TemplateEntry) -> bool:
    """Whether the template is all that is said of it."""
    about = entry.model_fields_set - {"name", "resource"}
    made, known = _create(entry).resource, NewResource.model_validate(template.resource)
    same = validated(stored(made)) == validated(stored(known))
    return same and all(getattr(template, name) == getattr(entry, name) for name in about)


def _create(entry: TemplateEntry, *, replace: bool = False) -> CreateTemplate:
    return CreateTemplate.model_validate({**entry.model_dump(exclude_unset=True), "replace": replace})
