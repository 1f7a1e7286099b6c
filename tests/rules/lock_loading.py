"""The same decision about locks, and about what may be locked, on parts of a lab, as they come from a database."""

from collections.abc import Callable
from datetime import datetime
from typing import Any, Final, NamedTuple

from labstow.contracts.errors import Refusal
from labstow.contracts.message import Command
from labstow.workers.kit.noun import By, Outcome, Wanted
from labstow.workers.lock.lab import Footprint, Lab
from labstow.workers.lock.lease import Lease
from labstow.workers.lock.noun import LOCK
from labstow.workers.resource import footprint as resources
from labstow.workers.resource.lab import Lab as Things
from labstow.workers.resource.noun import RESOURCE
from tests.rules.loading import loaded, told

MORE: Final = {"lock": 4, "resource": 7}
"""So often at most is loaded again what a command turned out to need; about locks, 3 times, but once more where a lease
on the whole of something is over and nobody has noted it.
"""
WORDS: Final = {"name", "cycle", "steps"}
"""Facts in the words of who looks: he does not know what everything is called."""
SECRETS: Final = {"lease_id", "ticket"}


class Decision(NamedTuple):
    """What a command comes to, and how often more was loaded for that."""

    comes_to: object
    more: int


def at_once(full: Things, command: Command[Any], now: datetime, by: By) -> object:
    """What a command comes to on all of the lab."""
    noun: Any = LOCK if type(command) in LOCK.rules else RESOURCE
    try:
        return done(noun.rules[type(command)](full, command, now, by))
    except Refusal as refusal:
        return said(refusal)


def decision(full: Lab, command: Command[Any], now: datetime, by: By) -> Decision:
    """What a command comes to on parts of the lab. It asks for what it needs in a few rounds."""
    if type(command) in LOCK.rules:
        return in_rounds(LOCK, locks, MORE["lock"], full, command, now, by)
    return in_rounds(RESOURCE, things, MORE["resource"], full, command, now, by)


def in_rounds(
    noun: Any,
    load: Any,
    more: int,
    full: Lab,
    command: Command[Any],
    now: datetime,
    by: By,
    *,
    told_of: Callable[[Outcome[Any]], object] | None = None,
) -> Decision:
    """What a command comes to on what `load` brings of the lab, which is asked for more so often at most."""
    footprint = noun.footprint()
    noun.needs(command, footprint)
    footprint.leases.update(by.leases)
    footprint.callers.add(by.principal)
    for rounds in range(more + 1):
        lab = load(full, footprint)
        try:
            outcome = noun.rules[type(command)](lab, command, now, by)
        except Wanted as wanted:
            footprint.add(wanted.footprint)
            if has_wholes(lab, noun):  # then the ways up are loaded of all that is
                footprint.lines |= footprint.rows
        except Refusal as refusal:
            return Decision(said(refusal), rounds)
        else:
            return Decision((told_of or done)(outcome), rounds)
    raise AssertionError(f"it wants more and more: {footprint}")


def has_wholes(lab: Any, noun: Any) -> bool:
    """Whether somebody has the whole of anything, or waits for that."""
    scopes = {lease.scope for lease in lab.leases.values() if lease.held}
    return "subtree" in scopes or (noun is LOCK and any(one.scope == "subtree" for one in lab.tickets.values()))


def said(refusal: Refusal) -> object:
    """A refusal, without the words."""
    return refusal.code, {key: fact for key, fact in refusal.facts.items() if key not in WORDS}


def done(outcome: Outcome[Any]) -> object:
    """What changes, and what is answered about a lock; without what is different each time."""
    changed = tuple(change for change in outcome.changes if not isinstance(change.thing, Lease))
    locked = [
        (
            change.what,
            one.id,
            one.version,
            one.token,
            one.holder,
            one.expires_at,
            one.ended,
            one.cooling_until,
            one.line,
        )
        for change in outcome.changes
        if isinstance(one := change.thing, Lease)
    ]
    tokens = sorted((change.thing.id, change.token) for change in outcome.changes if change.token is not None)
    shown = outcome.shown if isinstance(outcome.shown, dict) and "at" in outcome.shown else {}
    answer = {key: value for key, value in shown.items() if key not in SECRETS}
    return told(changed), sorted(locked, key=lambda one: one[:2]), tokens, answer


def things(full: Lab, footprint: resources.Footprint) -> Things:
    """What the resource worker would load: things, with what binds them and what is presented."""
    part = loaded(full, footprint)
    part.policies, part.strict = full.policies, full.strict
    part.leases = {
        each: lease
        for each, lease in full.leases.items()
        if lease.lease in footprint.leases or (lease.held and (each in part.things or lease.scope == "subtree"))
    }
    return part


def locks(full: Lab, footprint: Footprint) -> Lab:
    """What the lock worker would load: of leases and tickets that are named, their things, too."""
    secrets, tickets = footprint.leases, full.tickets.values()
    meant = {
        *footprint.rows,
        *(lease.id for lease in full.leases.values() if lease.lease in secrets),
        *(each for one in tickets if one.id in secrets for each in one.resource_ids),
    }
    lab = Lab(policies=full.policies, secrets=set(secrets), all_waits=footprint.waits)
    vars(lab).update({key: part for key, part in vars(loaded(full, footprint)).items() if key != "policies"})
    lab.things = {each: full.things.get(each) for each in meant}
    awaited = {each for one in tickets for each in one.resource_ids} if footprint.waits else set()
    callers = footprint.callers if footprint.waits else set()
    lab.leases = {
        each: lease
        for each, lease in full.leases.items()
        if each in meant or (lease.held and (lease.scope == "subtree" or each in awaited or lease.holder in callers))
    }
    lab.tickets = {
        one.id: one
        for one in tickets
        if footprint.waits or one.id in secrets or one.scope == "subtree" or not meant.isdisjoint(one.resource_ids)
    }
    for caller in footprint.callers if footprint.limits else ():
        lab.held_by[caller], lab.queued_by[caller] = full.held_by[caller], full.queued_by[caller]
    return lab
