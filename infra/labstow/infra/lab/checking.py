"""Tells everything that is wrong with a lab file, and what looks so."""

from collections.abc import Iterator
from typing import Any, Final, NamedTuple, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from labstow.contracts.errors import Invalid
from labstow.contracts.lab_file import LabFile
from labstow.contracts.message import ULID_LENGTH
from labstow.contracts.resource import NewResource
from labstow.contracts.template import CreateTemplate
from labstow.contracts.ulids import derived_ulid, is_ulid
from labstow.contracts.wording import worded
from labstow.gateway.madsci.fields import OURS
from labstow.infra.lab.mistakes import Mistake, Path, near, shown
from labstow.infra.lab.reading import Document, read
from labstow.infra.lab.strangers import strangers
from labstow.workers.template.overriding import refuse_paths

ALSO: Final = {**OURS, "template_name": "name", "version": "label", "schema": "schema_def", "base_resource": "resource"}
"""What MADSci calls some of our fields."""


class Checked(NamedTuple):
    """What a lab file says, and what is wrong with it."""

    lab: LabFile | None
    """None, if that makes no lab file of it."""
    mistakes: list[Mistake]

    @property
    def wrong(self) -> bool:
        """Whether it cannot be used."""
        return any(not mistake.warning for mistake in self.mistakes)


def check(content: bytes, *, strict: bool = False) -> Checked:
    """What a lab file says, and every mistake in it, by line; with `strict`, a warning is a mistake, too."""
    document = read(content)
    mistakes, lab = document.mistakes, None
    if isinstance(document.value, dict):
        mistakes += _ids(document)
        mistakes += (twice := [*_twice(document)])
        lab, wrong = _validated(document)
        mistakes += wrong if not twice else [one for one in wrong if one.path]
        mistakes += _unmakeable(document)
        if lab is not None:
            mistakes += strangers(lab, document)
    elif not mistakes:
        told = f"expected locations and others by name, found {_found(document.value)}"
        mistakes.append(Mistake((), document.line(()), told))
    if strict:
        mistakes = [mistake._replace(warning=False) for mistake in mistakes]
    return Checked(lab, sorted(mistakes, key=lambda mistake: mistake.line or 0))


def _found(value: Any) -> str:
    match value:
        case None:
            return "nothing"
        case [{"node_name": _}, *_]:
            return "a list of templates: they belong under transfer_capabilities, transfer_templates"
        case [{"location_name": _}, *_]:
            return "a list of locations: they belong under locations"
    return shown(value)


def _ids(document: Document) -> Iterator[Mistake]:
    """Give places whose id is none one of their own, so that the file works, and tell so."""
    for number, entry in enumerate(_list(document.value, "locations")):
        wrong, name = entry.get("location_id"), entry.get("location_name")
        if not isinstance(wrong, str) or is_ulid(wrong) or not isinstance(name, str):
            continue
        path = ("locations", number, "location_id")
        if is_ulid(wrong.upper()):
            entry["location_id"] = id_ = wrong.upper()
            then = f"It is taken for {id_}: write that"
        else:
            entry["location_id"] = id_ = derived_ulid("location", name)
            then = f"The location gets an id made from its name: write {id_}, or leave location_id out"
        told = f"{shown(wrong)} is not a ULID{_why_none(wrong)}. {then}"
        yield Mistake(path, document.line(path), told, warning=True)


def _why_none(text: str) -> str:
    if len(text) != ULID_LENGTH:
        return f": it has {len(text)} characters, not {ULID_LENGTH}"
    if text > "8":
        return ": the first character is at most 7"
    return ": it has digits and capital letters only, without I, L, O and U"


def _twice(document: Document) -> Iterator[Mistake]:
    """What is there more than once though it may not."""
    for of, key in (
        ("locations", "location_name"),
        ("locations", "location_id"),
        ("representation_templates", "name"),
        ("location_templates", "name"),
        ("resource_templates", "name"),
    ):
        first: dict[str, Path] = {}
        for number, entry in enumerate(_list(document.value, of)):
            if not isinstance(value := entry.get(key), str):
                continue
            path = (of, number, key)
            same = value.casefold() if of == "resource_templates" else value
            if (other := first.setdefault(same, path)) != path:
                line = document.line(path)
                yield Mistake(path, line, f"{shown(value)} is there twice, first in line {document.line(other)}")


def _validated(document: Document) -> tuple[LabFile | None, list[Mistake]]:
    try:
        return LabFile.model_validate(document.value), []
    except ValidationError as error:
        return None, [_mistake(one, document) for one in error.errors(include_url=False)]


def _unmakeable(document: Document) -> Iterator[Mistake]:
    """What would be refused when the resource templates are made."""
    for number, entry in enumerate(_list(document.value, "resource_templates")):
        at: Path = ("resource_templates", number)
        try:
            CreateTemplate.model_validate({"name": "template", "resource": entry.get("resource")})
        except ValidationError as error:
            found = (one | {"loc": (*at, *one["loc"])} for one in error.errors(include_url=False))
            if isinstance(entry.get("resource"), dict):
                yield from (_mistake(one, document) for one in found)
        paths = entry.get("required_overrides")
        try:
            refuse_paths([one for one in paths if isinstance(one, str)] if isinstance(paths, list) else [], "")
        except Invalid as refusal:
            here = (*at, "required_overrides")
            yield from (Mistake(here, document.line(here), one["what"]) for one in refusal.facts["errors"])


def _mistake(error: ErrorDetails, document: Document) -> Mistake:
    """What pydantic found, as a person would say it."""
    path = _existing(document.value, error["loc"])
    kind, found = error["type"], error["input"]
    if kind == "missing":
        path = (*path, error["loc"][-1])
    told = worded(error)
    if kind == "extra_forbidden":
        key = str(path[-1])
        told = f"there is no such key{near(ALSO.get(key, key), _known(path))}"
    elif kind == "string_type" and isinstance(found, int | float):
        told = f"expected a text, found {shown(found)}: put it in quotes"
    elif kind not in ("missing", "value_error"):
        told += f", found {shown(found)}"
    return Mistake(path, document.line(path), told)


def _existing(value: Any, loc: Path) -> Path:
    """As much of a place as there is in the file: pydantic also tells which kind it tried there."""
    for depth, part in enumerate(loc):
        if part not in (value if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()):
            return loc[:depth]
        value = value[part]
    return loc


def _known(path: Path) -> list[str]:
    """The keys that there are where the last of a path is."""
    model: type[BaseModel] = LabFile
    for part in path[:-1]:
        if part == "resource":  # its contract leaves it open
            model = NewResource
        elif isinstance(part, str) and part in model.model_fields:
            model = _model(model.model_fields[part].annotation) or model
    return [*model.model_fields]


def _model(annotation: Any) -> type[BaseModel] | None:
    """The model in an annotation, however deep."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for each in get_args(annotation) if (found := _model(each))), None)


def _list(value: dict[str, Any], key: str) -> list[dict[str, Any]]:
    """What a file has under a key, if it is a list, with nothing for what is no mapping."""
    entries = value.get(key)
    return [one if isinstance(one, dict) else {} for one in entries] if isinstance(entries, list) else []
