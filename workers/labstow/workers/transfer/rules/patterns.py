"""Patterns that locations are made from, and making locations from them."""

from datetime import datetime
from typing import Any

from pydantic import ValidationError

from labstow.contracts.location import NewLocation
from labstow.contracts.pattern import (
    AddFromTemplate,
    CreateLocationTemplate,
    CreateRepresentationTemplate,
    NewLocationTemplate,
    NewRepresentationTemplate,
    RemoveLocationTemplate,
    RemoveRepresentationTemplate,
)
from labstow.contracts.place_errors import PatternExists
from labstow.contracts.ulids import new_ulid
from labstow.workers.kit.mistakes import invalid
from labstow.workers.kit.noun import By, Change, Outcome, Wanted
from labstow.workers.template.overriding import gives, merged
from labstow.workers.transfer.comparing import same
from labstow.workers.transfer.lab import Footprint, Lab
from labstow.workers.transfer.pattern import Pattern, Sort
from labstow.workers.transfer.rules.fitting import misfit, refuse_schema, unbound
from labstow.workers.transfer.rules.locations import made


def create_representation_template(
    lab: Lab, command: CreateRepresentationTemplate, now: datetime, by: By
) -> Outcome[Any]:
    """A new representation template, or with `init` the one of this name."""
    return _created(lab, "representation_template", command.template, now, init=command.init)


def create_location_template(lab: Lab, command: CreateLocationTemplate, now: datetime, by: By) -> Outcome[Any]:
    """A new location template, or with `init` the one of this name."""
    return _created(lab, "location_template", command.template, now, init=command.init)


def remove_representation_template(
    lab: Lab, command: RemoveRepresentationTemplate, now: datetime, by: By
) -> Outcome[Any]:
    """A representation template that is no more."""
    return _removed(lab.pattern("representation_template", command.name), now)


def remove_location_template(lab: Lab, command: RemoveLocationTemplate, now: datetime, by: By) -> Outcome[Any]:
    """A location template that is no more."""
    return _removed(lab.pattern("location_template", command.name), now)


def from_pattern(lab: Lab, command: AddFromTemplate, now: datetime, by: By) -> Outcome[Any]:
    """A new location, made from a location template.

    Raises:
        NoPattern: it, or a representation template that it names, is not there.
        Unbound: a role has no node, or what its node must know of the place is not complete, or it plays several roles
            and would have to know the place in several ways.
    """
    pattern = lab.pattern("location_template", command.template)
    roles: dict[str, str] = pattern.body["representation_templates"]
    if unknown := sorted(command.node_bindings.keys() - roles.keys()):
        raise unbound(f"node_bindings: {pattern.name} has no role {unknown[0]!r}")
    if missing := sorted(roles.keys() - command.node_bindings.keys()):
        raise unbound(f"node_bindings: no node for the role {', '.join(map(repr, missing))}")
    made_from = pattern.body["resource_template_name"]
    lab.want(
        Footprint(
            patterns={("representation_template", name) for name in roles.values()},
            templates={(made_from.casefold(), None)} if made_from is not None else set(),
        )
    )
    representations: dict[str, Any] = {}
    for role, name in roles.items():
        node, overrides = command.node_bindings[role], command.representation_overrides.get(role, {})
        known = representation(lab.pattern("representation_template", name), overrides, role)
        if not same(known, representations.setdefault(node, known)):
            raise unbound(f"node_bindings.{role}: {node} plays another role, in which it knows the place otherwise")
    given = merged(pattern.body["resource_template_overrides"] or {}, command.resource_template_overrides or {})
    try:
        new = NewLocation(
            name=command.name,
            description=command.description,
            representations=representations,
            resource_template_name=made_from,
            resource_template_overrides=given or None,
            allow_transfers=_given(command.allow_transfers, pattern.body["default_allow_transfers"]),
            location_template_name=pattern.name,
            node_bindings=command.node_bindings,
        )
    except ValidationError as error:  # both together are more than either of them may be
        raise invalid(error) from None
    location, changes = made(lab, new, now, by)
    return Outcome(location, changes)


def representation(pattern: Pattern, overrides: dict[str, Any], role: str) -> dict[str, Any]:
    """What a node must know of a place: the defaults with overrides.

    Raises:
        Unbound: something that must be given is not, or it does not fit the schema.
    """
    missing = [path for path in pattern.body["required_overrides"] if not gives(overrides, path)]
    if missing:
        raise unbound(f"representation_overrides.{role}: {pattern.name} needs {', '.join(missing)}")
    known: dict[str, Any] = _laid_over(pattern.body["default_values"], overrides)
    if (schema := pattern.body["schema_def"]) is not None and (wrong := misfit(schema, known)) is not None:
        path = ".".join(["representation_overrides", role, *wrong.path])
        raise unbound(f"{path}: {wrong.what[:500]}")
    return known


def _laid_over(defaults: Any, given: dict[str, Any]) -> dict[str, Any]:
    """Defaults with what is given; objects merge key by key, and null is a value like any other."""
    known = dict(defaults) if isinstance(defaults, dict) else {}
    for key, value in given.items():
        known[key] = _laid_over(known.get(key), value) if isinstance(value, dict) else value
    return known


def new_pattern(
    lab: Lab, kind: Sort, template: NewRepresentationTemplate | NewLocationTemplate, now: datetime
) -> Pattern:
    """A pattern as it is first.

    Raises:
        PatternExists: there is, or was, one of this id.
        Unbound: its schema is none.
    """
    body = _body(template)
    if template.template_id is not None and lab.is_pattern(template.template_id):
        raise PatternExists(kind=kind.replace("_", " ").capitalize(), name=template.template_id)
    return Pattern(template.template_id or new_ulid(), kind, template.name, body, now, now, None, 1, "")


def _body(template: NewRepresentationTemplate | NewLocationTemplate) -> dict[str, Any]:
    """All that a pattern says, but for its id and its name.

    Raises:
        Unbound: its schema is none.
    """
    if isinstance(template, NewRepresentationTemplate) and template.schema_def is not None:
        refuse_schema(template.schema_def)
    return template.model_dump(mode="json", exclude={"template_id", "name"})


def _created(
    lab: Lab, kind: Sort, template: NewRepresentationTemplate | NewLocationTemplate, now: datetime, *, init: bool
) -> Outcome[Any]:
    if template.name not in lab.seen.names and not lab.complete:
        raise Wanted(Footprint(names={template.name}, patterns={(kind, template.name)}))
    if (known := lab.find_pattern(kind, template.name)) is not None:
        if init and known.body["label"] == template.label:
            return Outcome(known, ())
        if init:
            changed = known._replace(body=_body(template), updated_at=now, version=known.version + 1)
            return Outcome(changed, (Change(changed, "updated"),))
        raise PatternExists(kind=kind.replace("_", " ").capitalize(), name=template.name)
    new = new_pattern(lab, kind, template, now)
    return Outcome(new, (Change(new, "created"),))


def _removed(pattern: Pattern, now: datetime) -> Outcome[Any]:
    gone = pattern._replace(removed_at=now, updated_at=now, version=pattern.version + 1)
    return Outcome(gone, (Change(gone, "removed"),))


def _given(value: bool | None, default: bool) -> bool:
    return default if value is None else value
