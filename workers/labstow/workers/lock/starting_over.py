"""The rule of starting over: the database was restored from a backup, so what it knows of locks is of the past."""

from datetime import UTC, datetime, timedelta
from typing import Final

from labstow.workers.kit.noun import By, Change, Outcome
from labstow.workers.lock.lab import Lab
from labstow.workers.lock.lease import Lease
from labstow.workers.lock.own import StartOver
from labstow.workers.lock.ticket import Left

REASON: Final = "the database was restored from a backup"
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def floor(now: datetime, highest: int) -> int:
    """A token above the highest there is, and above any that was given since the backup was made: microseconds since
    1970, as no thing is granted once in each. JSON has it exactly until the year 2255.
    """
    return max((now - EPOCH) // timedelta(microseconds=1), highest + 1)


def start_over(lab: Lab, command: StartOver, now: datetime, by: By) -> Outcome[Lease]:
    """No lease in force, nobody in line, and tokens from the floor up."""
    low = [lease for each in command.resource_ids if (lease := lab.lease(each)).token < command.floor]
    known = {lease.id: lease for lease in low if not lease.held or lease.lease in command.leases}
    held = [
        lease for secret in sorted({str(one.lease) for one in known.values() if one.held}) for lease in lab.of(secret)
    ]
    over = [_ended(lab, lease, now) for lease in held if lease.held]
    ended = known | {change.thing.id: change.thing for change in over}
    raised = [ended[each].next(token=max(ended[each].token + 1, command.floor), line=[]) for each in known]
    gone = [Left(one.id) for one in lab.tickets.values() if not known.keys().isdisjoint(one.resource_ids)]
    changes = (*over, *(Change(lease, "raised", REASON) for lease in raised))
    return Outcome({"things": len(raised), "held": len(over)}, changes, notes=tuple(gone))


def _ended(lab: Lab, lease: Lease, now: datetime) -> Change[Lease]:
    policy = lab.policy(lease.id)
    if lease.live(now):
        return Change(lease.end("broken", policy, now), "broken", REASON)
    return Change(lease.end("expired", policy, now), "expired")
