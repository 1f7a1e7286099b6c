"""Writes a laboratory as a lab file."""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any, Final

import yaml

from labstow.contracts.lab_file import Exported, Places, TemplateEntry
from labstow.contracts.resource import NewResource
from labstow.contracts.template import Template
from labstow.workers.kit.journal import plain

ORDER: Final = ("representation_templates", "location_templates", "locations", "transfer_capabilities")


def written(exported: Exported, templates: Iterable[Template]) -> str:
    """The lab file that says what there is: applied to the same laboratory, it changes nothing."""
    places = Places.model_validate(exported.places).model_dump(exclude_unset=True)
    file = {"resource_templates": [_entry(template) for template in templates]}
    file |= {name: places[name] for name in ORDER if name in places}
    told = {name: _bare(value) for name, value in file.items() if value}
    head = f"# The laboratory at its version {exported.lab_version}, as `labstow lab export` wrote it.\n"
    return head + yaml.safe_dump(told, sort_keys=False, allow_unicode=True, width=120)


def _entry(template: Template) -> dict[str, Any]:
    fields = {name: getattr(template, name) for name in TemplateEntry.model_fields}
    resource = NewResource.model_validate(template.resource).model_dump(exclude_unset=True)
    return {name: value for name, value in (fields | {"resource": resource}).items() if value}


def _bare(value: Any) -> Any:
    """A value of which YAML knows all parts; a decimal as a number, if that is as exact."""
    match value:
        case Mapping():
            return {str(key): _bare(inner) for key, inner in value.items()}
        case list() | tuple():
            return [_bare(inner) for inner in value]
        case Decimal():
            text = plain(value)
            number = float(text) if "." in text else int(text)
            return number if plain(Decimal(repr(number))) == text else text
        case str():
            return str(value)  # of an enumeration, too
    return value
