"""Leases bind: what somebody holds changes only by who proves to hold it, checked where the change is decided.

First comes whether the leases presented are in force (410), then who holds what would change (423), then the rule.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Final

from labstow.contracts.errors import LeaseLost, LeaseRequired, Locked, NotYours, Refusal
from labstow.contracts.message import Command
from labstow.workers.kit.leases import ANY
from labstow.workers.kit.noun import By, Change, Outcome, Rule, Wanted
from labstow.workers.lock.lease import Lease
from labstow.workers.lock.policy import PLAIN
from labstow.workers.resource.footprint import Footprint, needs
from labstow.workers.resource.lab import Lab
from labstow.workers.resource.nesting import contents, line
from labstow.workers.resource.thing import Thing

ANYBODY: Final = "anonymous"
"""A name that many go by: those cannot be told apart."""


def guarded(rule: Rule[Thing]) -> Rule[Any]:
    """The rule, for those who may."""

    def decide(lab: Lab, command: Command[Any], now: datetime, by: By) -> Outcome[Any]:
        guard = Guard(lab, now, by)
        try:
            outcome = rule(lab, command, now, by)
        except Refusal:
            guard.admit(_named(lab, command))
            raise
        return guard.pass_(outcome)

    return decide


class Guard:
    """What one caller may change."""

    def __init__(self, lab: Lab, now: datetime, by: By) -> None:
        """See that the leases presented are in force.

        Raises:
            LeaseLost, NotYours: one of them is over, or somebody else's.
        """
        self._lab, self._now, self._by = lab, now, by
        self._mute = ANY in by.leases and by.via == "rest"  # `*` is the gateway's to say
        if self._mute:  # what it keeps without knowing may be over: that matters where it is needed
            held = [lease for lease in lab.leases.values() if lease.holder == by.principal]
            self._proven = {lease.lease for lease in held if lease.lease in by.leases}
        else:
            self._proven = {key for key in by.leases if key != ANY}
            self._see_in_force()
        self._subtrees = any(lease.scope == "subtree" and lease.held for lease in lab.leases.values())
        self._tokens: dict[str, int | None] = {}
        """Of what was admitted."""
        self._bypassed: dict[str, Lease] = {}

    def _see_in_force(self) -> None:
        for key in self._proven:
            rows = [lease for lease in self._lab.leases.values() if lease.lease == key]
            if not rows:
                raise LeaseLost(how="unknown, or others had it since")
            if rows[0].holder != self._by.principal:
                raise NotYours
            if not any(lease.live(self._now) for lease in rows):
                raise LeaseLost(how=rows[0].how())

    def pass_(self, outcome: Outcome[Any]) -> Outcome[Any]:
        """The outcome, with the tokens of the leases that allowed it.

        Raises:
            Locked: somebody else holds what would change.
            LeaseRequired: nobody does, and such things change under a lease only.
        """
        if not outcome.changes:
            return outcome
        things = [known for change in outcome.changes if (known := self._lab.things.get(change.thing.id)) is not None]
        self.admit(things)
        if self._subtrees:
            self._admit_moved(outcome)
        changes = [change._replace(token=self._tokens.get(change.thing.id)) for change in outcome.changes]
        noted = [Change(lease, "bypassed", token=lease.token) for lease in self._bypassed.values()]
        return outcome._replace(changes=(*changes, *noted))

    def admit(self, things: Iterable[Thing], *, along: bool = False) -> None:
        """Let some things be changed, or only come along with what changes.

        Raises:
            LeaseLost: one of them was given back before the rest of a lease that is presented.
            Locked, LeaseRequired: as above.
        """
        new = [thing for thing in things if thing.id not in self._tokens]
        for thing in new:
            own = self._lab.leases.get(thing.id)
            if own is not None and own.lease in self._proven and not own.live(self._now):
                raise LeaseLost(how=own.how())
        for thing in new:
            self._tokens[thing.id] = self._admit(thing, along=along)

    def _admit(self, thing: Thing, *, along: bool) -> int | None:
        token = None
        for lease in self._binding(thing):
            if lease.lease not in self._proven:
                self._pass_by(thing, lease)
            token = lease.token if token is None else token
        if token is None and not along and self._lab.policies.get(thing.resource_class, PLAIN).require_lease:
            raise LeaseRequired(resource_id=thing.id, name=thing.name, resource_class=thing.resource_class)
        return token

    def _binding(self, thing: Thing) -> Iterable[Lease]:
        """The leases in force on a thing: its own, and those of what it is in."""
        if (own := self._lab.leases.get(thing.id)) is not None and own.live(self._now):
            yield own
        if self._subtrees:
            yield from self._around(line(self._lab, thing)[1:])

    def _around(self, ids: Iterable[str]) -> Iterable[Lease]:
        """The leases in force on the whole of some of these things."""
        for each in ids:
            lease = self._lab.leases.get(each)
            if lease is None or lease.scope != "subtree" or not lease.held:
                continue
            if each not in self._lab.things and not self._lab.complete:  # it could end, or be renewed, before we commit
                raise Wanted(Footprint(rows={each}))
            if lease.live(self._now):
                yield lease

    def _pass_by(self, thing: Thing, lease: Lease) -> None:
        """Let a caller pass who cannot say what it holds, and may be the holder of a lease that allows for that.

        Raises:
            Locked: this is not so.
        """
        alike = self._mute and lease.lenient and lease.holder == self._by.principal
        if not alike or self._lab.strict:
            raise Locked(
                resource_id=thing.id,
                name=thing.name,
                holder=lease.holder,
                session=lease.session,
                purpose=lease.purpose,
                expires_in_ms=lease.left_ms(self._now),
                locked_by=lease.id,
            )
        if lease.holder == ANYBODY and lease.id not in self._bypassed:
            self._bypassed[lease.id] = lease.next()

    def _admit_moved(self, outcome: Outcome[Thing]) -> None:
        """What comes under a lease on a whole subtree comes with all that is in it, so that none of it may be held by
        others, or be about to change.
        """
        after = {change.thing.id: change.thing for change in outcome.changes}
        for thing in after.values():
            before = self._lab.things.get(thing.id)
            if before is None or before.removed_at is not None or not before.is_container:
                continue  # all that comes with these is among the changes
            if thing.parent_id in (None, before.parent_id):
                continue
            if any(self._around(self._way_up(str(thing.parent_id), after))):
                self.admit(contents(self._lab, before), along=True)

    def _way_up(self, start: str, after: Mapping[str, Thing]) -> list[str]:
        """A thing that something will be in, and what it will be in itself."""
        found = [start]
        for each in found:
            known = after.get(each) or self._lab.things.get(each)
            if known is None and each not in self._lab.parents:
                raise Wanted(Footprint(lines={each}))
            above = known.parent_id if known is not None else self._lab.parents[each]
            if above is not None:
                found.append(above)
        return found


def _named(lab: Lab, command: Command[Any]) -> list[Thing]:
    """What a command names, and what that is to leave, as far as it exists."""
    footprint = Footprint()
    needs(command, footprint)
    left = {thing.parent_id for each in footprint.leaving if (thing := lab.things.get(each)) is not None}
    ids = sorted(footprint.rows.union(each for each in left if each is not None))
    return [thing for each in ids if (thing := lab.things.get(each)) is not None]
