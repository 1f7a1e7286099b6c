"""The same decision about places and transfers on parts of a lab, as they come from a database."""

from datetime import datetime
from typing import Any, Final

from labstow.contracts.errors import Refusal
from labstow.contracts.message import Command
from labstow.workers.kit.noun import By, Change, Outcome
from labstow.workers.lock.lease import Lease
from labstow.workers.resource.thing import Thing
from labstow.workers.transfer.lab import Footprint, Lab
from labstow.workers.transfer.noun import TRANSFER
from tests.rules.lock_loading import WORDS, Decision, done, in_rounds, locks, said
from tests.rules.room import Json

MORE: Final = 7
"""So often at most is loaded again what a command turned out to need; a worker gives up after 20."""
MADE_ANEW: Final = {"id", "head", "lease", "resource_id"}


def at_once(full: Lab, command: Command[Any], now: datetime, by: By) -> object:
    """What a command comes to on all of the lab."""
    try:
        return told_of(TRANSFER.rules[type(command)](full, command, now, by))
    except Refusal as refusal:
        return _plainly(said(refusal))


def decision(full: Lab, command: Command[Any], now: datetime, by: By) -> Decision:
    """What a command comes to on parts of the lab. It asks for what it needs in a few rounds."""
    found = in_rounds(TRANSFER, places, MORE, full, command, now, by, told_of=told_of)
    return found._replace(comes_to=_plainly(found.comes_to))


def _plainly(said: Any) -> object:
    """What was said, with findings instead of their sentences, which have the names of things."""
    return (said[0], _found(said[1])) if isinstance(said[1], dict) and "findings" in said[1] else said


def _found(told: Any) -> list[tuple[str, Json]]:
    """Findings, without the words."""
    findings = told.get("findings", ()) if isinstance(told, dict) else ()
    return [(each["code"], {key: fact for key, fact in each["facts"].items() if key not in WORDS}) for each in findings]


def told_of(outcome: Outcome[Any]) -> object:
    """What changes, without what is different each time."""
    of_things = tuple(change for change in outcome.changes if isinstance(change.thing, Thing | Lease))
    others = [_told(change) for change in outcome.changes if not isinstance(change.thing, Thing | Lease)]
    tokens = outcome.shown["tokens"] if isinstance(outcome.shown, dict) and "tokens" in outcome.shown else {}
    return done(outcome._replace(changes=of_things, shown=None)), others, tokens, _found(outcome.shown)


def _told(change: Change[Any]) -> object:
    fields = {name: value for name, value in change.thing._asdict().items() if name not in MADE_ANEW}
    return type(change.thing), change.what, change.reason, fields


def places(full: Lab, footprint: Footprint) -> Lab:
    """What the transfer worker would load."""
    lab = Lab(policies=full.policies, units=full.units, seen=footprint)
    if footprint.rows or footprint.leases or footprint.templates or footprint.made or footprint.limits:
        vars(lab).update({key: part for key, part in vars(locks(full, footprint)).items() if key != "units"})
    lab.tree_locked, lab.alone, lab.there, lab.strict = footprint.tree, footprint.alone, full.there, full.strict
    named = footprint.places | footprint.names
    for one in full.locations.values():
        live = one.removed_at is None
        if (
            (footprint.everything and live)
            or one.id in named
            or (live and one.name in named)
            or one.resource_id in footprint.occupied
        ):
            lab.locations[one.id] = one
            if live:
                lab.named[one.name] = one.id
    lab.seen.places |= footprint.names
    names = {name for _, name in footprint.patterns}
    lab.patterns = {key: one for key, one in full.patterns.items() if key[1] in names}
    lab.pattern_ids = full.pattern_ids & ({one.id for one in lab.patterns.values()} | footprint.pattern_ids)
    if footprint.setting or footprint.settings:
        lab.setting, lab.lab_version = full.setting, full.lab_version
    lab.transfers = {
        each: one
        for each, one in full.transfers.items()
        if each in footprint.transfers or (one.open and (footprint.under_way or footprint.begins))
    }
    return lab
