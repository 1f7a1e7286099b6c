"""A lab file, applied to the laboratory."""

from datetime import datetime
from typing import Any

from labstow.contracts.capabilities import Capabilities
from labstow.contracts.lab_file import ApplyLab, PlaceEntry, Places
from labstow.contracts.location import NewLocation
from labstow.contracts.pattern import NewLocationTemplate, NewRepresentationTemplate
from labstow.workers.kit.noun import By, Change, Outcome
from labstow.workers.transfer import pattern as patterns
from labstow.workers.transfer.applying import Merge, merged_capabilities, merged_location, merged_template
from labstow.workers.transfer.lab import Lab
from labstow.workers.transfer.location import Location
from labstow.workers.transfer.pattern import Sort
from labstow.workers.transfer.rules.configuring import with_capabilities
from labstow.workers.transfer.rules.locations import changed, made
from labstow.workers.transfer.rules.patterns import new_pattern


def apply(lab: Lab, command: ApplyLab, now: datetime, by: By) -> Outcome[Any]:
    """The laboratory as a lab file says it, as far as nobody changed it by hand."""
    places, merges = command.places, list[Merge]()
    outcome: Outcome[Any] = Outcome(None, ())
    for kind, templates in _templates(places):
        for template in templates:
            merge, made_ = _template(lab, kind, template, now)
            merges.append(merge)
            outcome = _with(outcome, made_)
    for entry in places.locations:
        merge = merged_location(lab.find_location(entry.location_name), entry, absent_only=command.absent_only)
        merges.append(merge)
        outcome = _with(outcome, _location(lab, entry, merge, now, by))
    if places.transfer_capabilities is not None:
        merge = _capabilities(lab, places.transfer_capabilities, absent_only=command.absent_only)
        merges.append(merge)
        outcome = _with(outcome, _set(lab, merge, now))
    differences = [one.model_dump() for merge in merges for one in merge.differences]
    done = () if command.dry_run else outcome.changes
    count = len({(type(change.thing), change.thing.id) for change in done if not _made_for(change.thing)})
    version = lab.lab_version + bool(done or (outcome.notes and not command.dry_run))
    shown = {"differences": differences, "changed": count, "lab_version": version}
    return outcome._replace(shown=shown, changes=done, notes=() if command.dry_run else outcome.notes)


def _templates(
    places: Places,
) -> list[tuple[Sort, tuple[NewRepresentationTemplate | NewLocationTemplate, ...]]]:
    return [
        ("representation_template", places.representation_templates),
        ("location_template", places.location_templates),
    ]


def _template(
    lab: Lab, kind: Sort, template: NewRepresentationTemplate | NewLocationTemplate, now: datetime
) -> tuple[Merge, Outcome[Any]]:
    known = lab.find_pattern(kind, template.name)
    live = {"name": known.name, **known.body} if known is not None else None
    merge = merged_template(f"{kind}s.{template.name}", live, template)
    if known is not None:
        return merge, Outcome(None, ())
    return merge, Outcome(None, (Change(new_pattern(lab, kind, template, now), "created"),))


def _location(lab: Lab, entry: PlaceEntry, merge: Merge, now: datetime, by: By) -> Outcome[Any]:
    known = lab.find_location(entry.location_name)
    if known is None:
        given = {name: value for name, value in entry.model_dump().items() if name in NewLocation.model_fields}
        had_it = lab.locations.get(entry.location_id or "")
        if had_it is not None and had_it.removed_at is not None:  # an id is never used twice
            del given["location_id"]
        new = NewLocation.model_validate({**given, "name": entry.location_name, "owner": entry.owner or {}})
        return Outcome(None, made(lab, new, now, by, applied=merge.applied)[1])
    if not merge.fields:
        noted = known._replace(applied=merge.applied)
        return Outcome(None, (), notes=(noted,) if noted != known else ())
    return changed(known, {**merge.fields, "applied": merge.applied}, now)


def _capabilities(lab: Lab, file: Capabilities, *, absent_only: bool) -> Merge:
    known = lab.setting
    live = Capabilities.model_validate(known.capabilities) if known is not None else None
    return merged_capabilities(live, known.applied if known is not None else None, file, absent_only=absent_only)


def _set(lab: Lab, merge: Merge, now: datetime) -> Outcome[Any]:
    known = lab.setting
    if known is not None and not merge.fields:
        noted = known._replace(applied=merge.applied)
        return Outcome(None, (), notes=(noted,) if noted != known else ())
    before = known.capabilities if known is not None else {}
    after = Capabilities.model_validate(before | merge.fields).model_dump(mode="json")
    return Outcome(None, with_capabilities(lab, after, now, applied=merge.applied)[1])


def _with(one: Outcome[Any], other: Outcome[Any]) -> Outcome[Any]:
    return one._replace(changes=(*one.changes, *other.changes), notes=(*one.notes, *other.notes))


def _made_for(thing: Any) -> bool:
    """Whether it was not named in the file, but made for something that was."""
    return not isinstance(thing, Location | patterns.Pattern) and not hasattr(thing, "capabilities")
