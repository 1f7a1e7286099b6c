"""What the rules of locks see: things as the rules of resources see them, their leases, and who waits."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from labstow.contracts.errors import NotFound
from labstow.contracts.lock import MAX_LINE, Acquire, Await, Break, Cancel, Release, Renew
from labstow.contracts.message import Command
from labstow.workers.kit.leases import hashed
from labstow.workers.kit.noun import Outcome, Wanted
from labstow.workers.lock.lease import Lease, free
from labstow.workers.lock.own import StartOver, Sweep
from labstow.workers.lock.policy import PLAIN, Policy
from labstow.workers.lock.ticket import Left, Ticket
from labstow.workers.resource import footprint as resources
from labstow.workers.resource import lab as resource_lab
from labstow.workers.resource.nesting import line


@dataclass
class Footprint(resources.Footprint):
    """What must be looked at for a decision."""

    limits: bool = False
    """How much those who ask have already."""
    waits: bool = False
    """Who waits for whom, in the whole laboratory: one at a time who wants to know."""


def needs(command: Command[Any], footprint: Footprint) -> None:
    """Note what a command is known to look at."""
    match command:
        case Acquire(resource_ids=ids, scope=scope):
            footprint.rows.update(ids)
            footprint.limits = True
            if scope == "subtree":
                footprint.subtrees.update(ids)
        case Await(ticket=secret):
            footprint.leases.add(hashed(secret))
            footprint.limits = True
        case Cancel(ticket=secret):
            footprint.leases.add(hashed(secret))
        case Renew(lease_id=lease_id):
            footprint.leases.add(hashed(lease_id))
        case Release(lease_id=lease_id, resource_ids=ids):
            if lease_id is not None:
                footprint.leases.add(hashed(lease_id))
            footprint.rows.update(ids or ())
        case Break(resource_id=resource_id):
            footprint.rows.add(resource_id)
        case StartOver(resource_ids=ids, leases=leases):
            footprint.rows.update(ids)
            footprint.leases.update(leases)
        case Sweep(resource_ids=ids, tickets=tickets):
            footprint.rows.update(ids)
            footprint.leases.update(tickets)


@dataclass
class Lab(resource_lab.Lab):
    """The loaded part of the laboratory."""

    secrets: set[str] = field(default_factory=set)
    """Leases and tickets (hashed) of which all is here that there is."""
    tickets: dict[str, Ticket] = field(default_factory=dict)
    """Those that share a thing with what is asked about, and all that want subtrees."""
    all_waits: bool = False
    """Whether all tickets are here, and all leases that anybody waits for."""
    held_by: Counter[str] = field(default_factory=Counter)
    """How many leases those have who ask."""
    queued_by: Counter[str] = field(default_factory=Counter)
    """How many tickets those have who ask."""

    def present(self, ids: Iterable[str]) -> None:
        """See that things are there.

        Raises:
            NotFound: with all that are not.
        """
        found = {resource_id: self.find(resource_id) for resource_id in ids}
        missing = [each for each, thing in found.items() if thing is None or thing.removed_at is not None]
        if missing:
            told = f"there is no resource {', '.join(missing[:8])}"
            raise NotFound(told, resource_id=missing[0], resource_ids=missing)

    def name(self, resource_id: str) -> str:
        """What to call a thing."""
        thing = self.things.get(resource_id)
        return thing.name if thing is not None else resource_id

    def policy(self, resource_id: str) -> Policy:
        """What its class asks of locks."""
        thing = self.things.get(resource_id)
        return self.policies.get(thing.resource_class, PLAIN) if thing is not None else PLAIN

    def lease(self, resource_id: str) -> Lease:
        """The lease row of a thing, which is locked."""
        self.find(resource_id)
        return self.leases.get(resource_id) or free(resource_id)

    def of(self, secret: str) -> list[Lease]:
        """All rows of a lease, by its secret (hashed), in the order of ids."""
        if secret not in self.secrets and not self.complete:
            raise Wanted(Footprint(leases={secret}))
        return sorted(lease for lease in self.leases.values() if lease.lease == secret)

    def above(self, resource_id: str) -> list[str]:
        """What a thing is in, closest first."""
        return line(self, self.thing(resource_id))[1:]

    def waiting(self, resource_id: str, now: datetime, *but: str) -> list[dict[str, Any]]:
        """Who waits for a thing by name, without some tickets; first come first, and not more than are shown."""
        return [one.waiter() for one in self.queue(resource_id, now) if one.id not in but][:MAX_LINE]

    def queue(self, resource_id: str, now: datetime) -> list[Ticket]:
        """The tickets for a thing by name, first come first."""
        here = [one for one in self.tickets.values() if resource_id in one.resource_ids and one.live(now)]
        return sorted(here, key=lambda one: (one.number, one.id))

    def apply(self, outcome: Outcome[Any]) -> None:
        """Make an outcome part of it, for the commands that follow."""
        grants = set()
        for lease, what, *_ in outcome.changes:
            self.leases[lease.id] = lease
            if what == "granted":
                grants.add((lease.grant_id, lease.holder))
        for note in outcome.notes:
            if isinstance(note, Left):
                self.tickets.pop(note.id, None)
            elif isinstance(note, Ticket):
                self.queued_by[note.principal] += note.id not in self.tickets
                self.tickets[note.id] = note
            else:
                self.leases[note.id] = note
        self.held_by.update(holder for _, holder in grants)
