"""A lab file, applied to the laboratory."""

from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from labstow.contracts.capabilities import Capabilities
from labstow.contracts.errors import TooMany
from labstow.contracts.lab_file import ApplyLab, PlaceEntry, Places
from labstow.contracts.location import NewLocation
from labstow.contracts.pattern import NewLocationTemplate, NewRepresentationTemplate
from labstow.workers.kit.noun import By, Change, Outcome
from labstow.workers.resource.thing import Thing
from labstow.workers.transfer.applying import Merge, merged_capabilities, merged_location, merged_template
from labstow.workers.transfer.lab import Lab
from labstow.workers.transfer.location import Location
from labstow.workers.transfer.pattern import Pattern, Sort
from labstow.workers.transfer.rules.awaiting import from_template
from labstow.workers.transfer.rules.configuring import with_capabilities
from labstow.workers.transfer.rules.linking import refuse_crowded
from labstow.workers.transfer.rules.locations import changed, made
from labstow.workers.transfer.rules.patterns import new_pattern
from labstow.workers.transfer.setting import Setting

MAX_CHANGES: Final = 30_000
"""Locations, and resources that are made for them: about half a minute."""
MADE: Final = "a resource is made from it and attached"
AWAITED: Final = "a resource is made from it as soon as that can be"
STAYS: Final = "what is there stays"


def apply(lab: Lab, command: ApplyLab, now: datetime, by: By) -> Outcome[Any]:
    """The laboratory as a lab file says it, as far as nobody changed it by hand.

    Raises:
        OtherAttached: two things would be at one place, by what is linked.
        TooMany: what is made for its locations is too much for one transaction.
    """
    places, merges = command.places, list[Merge]()
    changes, notes = list[Change[Any]](), list[Any]()
    skills = None
    if places.transfer_capabilities is not None:
        skills, set_ = _capabilities(lab, places.transfer_capabilities, now, absent_only=command.absent_only)
        changes += set_.changes
        notes += set_.notes
        lab = _after(lab, changes)  # what is linked counts for the locations of the same file
    for kind, templates in _templates(places):
        for template in templates:
            merge, created = _template(lab, kind, template, now)
            merges.append(merge)
            changes += created.changes
    for entry in places.locations:
        merge = merged_location(lab.find_location(entry.location_name), entry, absent_only=command.absent_only)
        laid = _location(lab, entry, merge, now, by)
        merges.append(_telling(entry, merge, laid))
        changes += laid.changes
        notes += laid.notes
        if len(changes) > MAX_CHANGES:
            raise TooMany(count=len(changes), limit=MAX_CHANGES, instead="bring the locations in by several files")
    merges += [skills] if skills is not None else []
    refuse_crowded(_after(lab, changes), "detach one of them first, or have only one made by the file")
    differences = [one.model_dump() for merge in merges for one in merge.differences]
    if command.dry_run:
        changes, notes = [], []
    count = len({(type(change.thing), change.thing.id) for change in changes if not _made_for(change.thing)})
    moved = any(isinstance(each, Location | Setting) for each in (*(change.thing for change in changes), *notes))
    shown = {"differences": differences, "changed": count, "lab_version": lab.lab_version + moved}
    return Outcome(shown, tuple(changes), notes=tuple(notes))


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
    fields = {**merge.fields, "applied": merge.applied}
    if "resource_template_name" not in merge.fields or known.resource_id is not None:
        return changed(known, fields, now)
    filled, things = from_template(lab, known._replace(**fields), now, by)
    fields |= {"resource_id": filled.resource_id, "awaits_template": filled.awaits_template}
    outcome = changed(known, fields, now)
    return outcome._replace(changes=(*things, *outcome.changes))


def _telling(entry: PlaceEntry, merge: Merge, laid: Outcome[Any]) -> Merge:
    """What becomes of a location, with what comes of a template that is named for one that was there."""
    if "resource_template_name" not in merge.fields or not laid.changes:
        return merge
    path = f"locations.{entry.location_name}.resource_template_name"
    *things, place = (change.thing for change in laid.changes)
    then = MADE if things else AWAITED if place.awaits_template else STAYS
    told = (
        one.model_copy(update={"sentence": f"{one.sentence}; {then}"}) if one.path == path else one
        for one in merge.differences
    )
    return merge._replace(differences=tuple(told))


def _capabilities(lab: Lab, file: Capabilities, now: datetime, *, absent_only: bool) -> tuple[Merge, Outcome[Any]]:
    known = lab.setting
    live = Capabilities.model_validate(known.capabilities) if known is not None else None
    applied = known.applied if known is not None else None
    merge = merged_capabilities(live, applied, file, absent_only=absent_only)
    if known is not None and not merge.fields:
        noted = known._replace(applied=merge.applied)
        return merge, Outcome(None, (), notes=(noted,) if noted != known else ())
    before = known.capabilities if known is not None else {}
    after = Capabilities.model_validate(before | merge.fields).model_dump(mode="json")
    return merge, Outcome(None, with_capabilities(lab, after, now, applied=merge.applied)[1])


def _after(lab: Lab, changes: list[Change[Any]]) -> Lab:
    """The laboratory, when that is done."""
    done = [change.thing for change in changes]
    places = {one.id: one for one in done if isinstance(one, Location)}
    return replace(
        lab,
        things=lab.things | {one.id: one for one in done if isinstance(one, Thing)},
        locations=lab.locations | places,
        named=lab.named | {one.name: one.id for one in places.values()},
        setting=next((one for one in done if isinstance(one, Setting)), lab.setting),
    )


def _made_for(thing: Any) -> bool:
    """Whether it was not named in the file, but made for something that was."""
    return not isinstance(thing, Location | Pattern | Setting)
