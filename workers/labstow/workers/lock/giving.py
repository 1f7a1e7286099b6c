"""Rules of giving back: release, cancel, break, and what ends by itself."""

from datetime import datetime
from typing import Any

from labstow.contracts.errors import LeaseLost, NotFound, NotHeld, NoTicket, NotYours
from labstow.contracts.lock import Break, Cancel, Release
from labstow.workers.kit.leases import hashed
from labstow.workers.kit.noun import By, Change, Outcome
from labstow.workers.lock.lab import Lab
from labstow.workers.lock.lease import Lease
from labstow.workers.lock.line import Wish, holders
from labstow.workers.lock.own import Sweep
from labstow.workers.lock.taking import standing
from labstow.workers.lock.ticket import Left


def release(lab: Lab, command: Release, now: datetime, by: By) -> Outcome[Lease]:
    """A lease ended by its holder; to do so twice is fine."""
    if command.lease_id is not None:
        rows = _named(lab, command, now, by)
    else:
        ids = sorted(set(command.resource_ids or ()))
        for resource_id in ids:
            if lab.find(resource_id) is None:
                raise NotFound(resource_id=resource_id)
        rows = [lab.lease(resource_id) for resource_id in ids]
        for lease in rows:
            if (lease.holder, lease.session, lease.lenient) != (by.principal, command.session, True):
                raise NotYours
    for lease in rows:
        if lease.ended != "released" and not lease.live(now):
            raise LeaseLost(how=lease.how())
    changes = given_back(lab, rows, now)
    shown = {"resource_ids": [lease.id for lease in rows], "at": now}
    return Outcome(shown, tuple(changes), rows[0].grant_id)


def given_back(lab: Lab, rows: list[Lease], now: datetime) -> list[Change[Lease]]:
    """What ends those of some leases that are in force."""
    return [
        Change(_with_line(lab, lease.end("released", lab.policy(lease.id), now), now), "released", token=lease.token)
        for lease in rows
        if lease.live(now)
    ]


def cancel(lab: Lab, command: Cancel, now: datetime, by: By) -> Outcome[Lease]:
    """A place in line given up, or the lease that came of it."""
    key = hashed(command.ticket)
    granted = [lease for lease in lab.of(key) if lease.live(now)]
    if ticket := lab.tickets.get(key):
        if ticket.principal != by.principal:
            raise NotYours("this place in line is somebody else's")
        return Outcome({"state": "cancelled", "lease": None}, _left(lab, {key}, now), notes=(Left(key),))
    if not granted:
        raise NoTicket
    if granted[0].holder != by.principal:
        raise NotYours
    return Outcome({"state": "granted", "lease": standing(granted, now, command.ticket)}, ())


def break_(lab: Lab, command: Break, now: datetime, by: By) -> Outcome[Lease]:
    """A lease ended by force, with all its things; or a thing that may be taken again, for somebody has looked."""
    if lab.find(command.resource_id) is None:  # what was removed may be held, and then nobody else can restore it
        raise NotFound(resource_id=command.resource_id)
    lease = lab.lease(command.resource_id)
    policy = lab.policy(lease.id)
    if lease.live(now):
        rows = [row for row in lab.of(str(lease.lease)) if row.live(now)]
        broken = [row.end("broken", lab.policy(row.id), now) for row in rows]
        changes = [Change(_with_line(lab, row, now), "broken", command.reason) for row in broken]
        return Outcome(_broken(broken, lease.holder, now), tuple(changes), lease.grant_id)
    over = lease.end("expired", policy, now) if lease.held else lease
    if not over.cooling(now):
        wish = Wish((lease.id,), "self", None)
        around = next(iter(holders(lab, lease.id, wish, now, by._replace(leases=()))), None)
        if around is not None:
            told = f"{lab.name(lease.id)} is held with {lab.name(around.id)}, by {around.holder}: break that"
            raise NotHeld(told, resource_id=lease.id, name=lab.name(lease.id), held_with=around.id)
        raise NotHeld(resource_id=lease.id, name=lab.name(lease.id))
    cleared = _with_line(lab, over.next(cooling_until=None, awaits_operator=False), now)
    noted = [Change(over, "expired")] if lease.held else []
    return Outcome(_broken([cleared], lease.holder, now), (*noted, Change(cleared, "cleared", command.reason)))


def sweep(lab: Lab, command: Sweep, now: datetime, by: By) -> Outcome[Lease]:
    """What is over, noted."""
    dead = {key for key in command.tickets if (one := lab.tickets.get(key)) and not one.live(now)}
    over = [lease for each in command.resource_ids if (lease := lab.lease(each)).held and not lease.live(now)]
    expired = [
        Change(_with_line(lab, lease.end("expired", lab.policy(lease.id), now), now), "expired") for lease in over
    ]
    left = [change for change in _left(lab, dead, now) if change.thing.id not in {lease.id for lease in over}]
    shown = {"resource_ids": [lease.id for lease in over], "at": now}
    return Outcome(shown, (*expired, *left), notes=tuple(map(Left, sorted(dead))))


def _named(lab: Lab, command: Release, now: datetime, by: By) -> list[Lease]:
    rows = lab.of(hashed(str(command.lease_id)))
    if not rows:
        raise LeaseLost(how="unknown, or others had it since")
    if rows[0].holder != by.principal:
        raise NotYours
    if command.resource_ids is None:
        return [lease for lease in rows if lease.ended != "released"] or rows
    if others := set(command.resource_ids) - {lease.id for lease in rows}:
        for each in sorted(others):
            if lab.find(each) is None:
                raise NotFound(resource_id=each)
        over = not any(lease.live(now) for lease in rows)  # others may have had them since
        told = f"not on {', '.join(sorted(others)[:8])}, or given back, and others had it since"
        raise LeaseLost(how=rows[0].how() if over else told)
    return [lease for lease in rows if lease.id in command.resource_ids]


def _left(lab: Lab, tickets: set[str], now: datetime) -> tuple[Change[Lease], ...]:
    """The lines that somebody left."""
    ids = sorted({each for key in tickets for each in lab.tickets[key].resource_ids})
    return tuple(Change(lab.lease(each).next(line=lab.waiting(each, now, *tickets)), "left") for each in ids)


def _with_line(lab: Lab, lease: Lease, now: datetime) -> Lease:
    return lease._replace(line=lab.waiting(lease.id, now))


def _broken(leases: list[Lease], holder: str | None, now: datetime) -> dict[str, Any]:
    tokens = {lease.id: lease.token for lease in leases}
    return {"resource_ids": list(tokens), "tokens": tokens, "holder": holder, "at": now}
