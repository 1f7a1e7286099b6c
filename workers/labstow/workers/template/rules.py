"""What each command to templates decides. Pure: values in, outcome or refusal out."""

from datetime import datetime
from typing import Any, Final

from labstow.contracts.errors import StaleVersion, TemplateExists
from labstow.contracts.message import Command
from labstow.contracts.resource import NewResource
from labstow.contracts.template import CreateTemplate, RemoveTemplate, UpdateTemplate
from labstow.contracts.ulids import new_ulid
from labstow.workers.kit.journal import same
from labstow.workers.kit.noun import By, Change, Outcome, Rule
from labstow.workers.resource import lab as resources
from labstow.workers.resource.draft import Draft
from labstow.workers.resource.rules.life import refuse_tree
from labstow.workers.resource.writing import enter
from labstow.workers.template.blueprint import Blueprint
from labstow.workers.template.lab import Lab
from labstow.workers.template.overriding import merged, refuse_fixed, refuse_paths, stored, validated


def create(lab: Lab, command: CreateTemplate, now: datetime, by: By) -> Outcome[Blueprint]:
    """A new template; or with `replace` all of one that is there, but for its name and who made it."""
    known = lab.find(command.name)
    if known is not None and not command.replace:
        raise TemplateExists(name=known.name, version=known.version)
    refuse_paths(command.required_overrides, "required_overrides")
    resource = stored(command.resource)
    refuse_unmakeable(lab, validated(resource, "resource"), command.name, now)
    fields: dict[str, Any] = {
        "description": command.description,
        "label": command.label,
        "tags": list(command.tags),
        "required_overrides": list(command.required_overrides),
        "resource": resource,
    }
    if known is not None:
        return _changed(known, fields, now)
    new = Blueprint(
        id=new_ulid(),
        name=command.name,
        created_by=command.created_by,
        created_at=now,
        updated_at=now,
        removed_at=None,
        version=1,
        head="",
        **fields,
    )
    return Outcome(new, (Change(new, "created"),))


def update(lab: Lab, command: UpdateTemplate, now: datetime, by: By) -> Outcome[Blueprint]:
    """The named fields, as the next version."""
    template = lab.template(command.name)
    refuse_stale(template, command.expected_version)
    fields = {name: getattr(command.changes, name) for name in command.changes.model_fields_set}
    if "tags" in fields:
        fields["tags"] = list(fields["tags"])
    if "required_overrides" in fields:
        refuse_paths(fields["required_overrides"], "changes.required_overrides")
        fields["required_overrides"] = list(fields["required_overrides"])
    if "resource" in fields:
        refuse_fixed(fields["resource"], "changes.resource")
        node = validated(merged(template.resource, fields["resource"]), "changes.resource")
        refuse_unmakeable(lab, node, template.name, now)
        fields["resource"] = stored(node)
    return _changed(template, fields, now)


def remove(lab: Lab, command: RemoveTemplate, now: datetime, by: By) -> Outcome[Blueprint]:
    """Nothing is made from it from now on."""
    template = lab.template(command.name)
    refuse_stale(template, command.expected_version)
    gone = template._replace(removed_at=now, updated_at=now, version=template.version + 1)
    return Outcome(gone, (Change(gone, "removed", command.reason),))


RULES: Final[dict[type[Command[Any]], Rule[Blueprint]]] = {
    CreateTemplate: create,
    UpdateTemplate: update,
    RemoveTemplate: remove,
}


def refuse_stale(template: Blueprint, expected: int | None) -> None:
    """Refuse a change by somebody who has not seen the newest version.

    Raises:
        StaleVersion: with the version there is.
    """
    if expected is not None and expected != template.version:
        facts = {"template_id": template.id, "name": template.name}
        raise StaleVersion(version=template.version, expected=expected, **facts)


def refuse_unmakeable(lab: Lab, node: NewResource, name: str, now: datetime) -> None:
    """Refuse a template that nothing can be made from: better now than when somebody stands there with a plate.

    Raises:
        Refusal: what `add` would say.
    """
    refuse_tree(node)
    nowhere = resources.Lab(complete=True, units=lab.units)
    enter(Draft(nowhere, now), node.model_copy(update={"name": node.name or name}))


def _changed(template: Blueprint, fields: dict[str, Any], now: datetime) -> Outcome[Blueprint]:
    fields = {name: value for name, value in fields.items() if not same(getattr(template, name), value)}
    if not fields:
        return Outcome(template, ())
    new = template._replace(version=template.version + 1, updated_at=now, **fields)
    return Outcome(new, (Change(new, "updated"),))
