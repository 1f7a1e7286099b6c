"""Locks as simple as can be: who has what until when, and who came first. One answer at a time, and one clock."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

ALIVE, NOTED = timedelta(seconds=15), timedelta(seconds=1)
"""A ticket lives for so long after it was asked about, and up to so much longer."""


class No(Exception):
    """It cannot be; with the code that says why."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(eq=False)
class Grant:
    """A lease, from its beginning on."""

    holder: str
    ids: set[str]
    """What it is on; what was given back is not."""
    whole: bool
    until: datetime
    secret: str = ""
    given_back: set[str] = field(default_factory=set)
    broken: bool = False


@dataclass(eq=False)
class Ticket:
    """A place in line, or what it has become."""

    holder: str
    ids: tuple[str, ...]
    whole: bool
    ttl: timedelta
    until: datetime
    kept_until: datetime
    proof: Grant | None = None
    """What was presented when it came."""
    secret: str = ""
    grant: Grant | None = None
    left: bool = False


@dataclass
class Model:
    """Everything there is. Each principal is one session."""

    parents: dict[str, str | None]
    delays: Mapping[str, timedelta]
    now: datetime
    tokens: dict[str, int] = field(default_factory=dict)
    last: dict[str, Grant] = field(default_factory=dict)
    """The last lease that there was on a thing."""
    cleared: set[str] = field(default_factory=set)
    """What an operator has looked at since."""
    cool_since: dict[str, datetime] = field(default_factory=dict)
    grants: list[Grant] = field(default_factory=list)
    tickets: list[Ticket] = field(default_factory=list)
    """First come first."""

    def holder_of(self, thing: str) -> Grant | None:
        """The lease that is in force on a thing by its name."""
        grant = self.last.get(thing)
        live = grant is not None and not grant.broken and thing in grant.ids and self.now < grant.until
        return grant if live else None

    def rows(self, grant: Grant) -> set[str]:
        """What nobody else has had since."""
        return {thing for thing, last in self.last.items() if last is grant}

    def waiting(self) -> list[Ticket]:
        """Who is in line."""
        return [one for one in self.tickets if self._waits(one) and self.now < min(one.until, one.kept_until)]

    def acquire(
        self, by: str, ids: Sequence[str], proof: Grant | None, ttl: timedelta, wait: timedelta, *, whole: bool
    ) -> Grant | Ticket:
        """A lease or a place in line."""
        mine = self._proven(by, proof)
        if proof is not None and set(ids) <= mine and (proof.whole or not whole):
            proof.until = self.now + ttl
            return proof
        hindered = self._hindered(ids, whole, by, proof, None)
        if hindered is None:
            return self._grant(by, ids, ttl, whole=whole)
        if not wait:
            raise No(hindered)
        if self._endless(by, ids, None, set()):
            raise No("lock.deadlock")
        ticket = Ticket(by, tuple(ids), whole, ttl, self.now + wait, self.now + ALIVE + NOTED, proof)
        self.tickets.append(ticket)
        return ticket

    def wait(self, by: str, ticket: Ticket, proof: Grant | None = None) -> Grant | None:
        """The lease, or none yet."""
        if ticket.grant is not None:
            if not self.rows(ticket.grant):
                raise No("lock.ticket_gone")
            self._proven(by, ticket.grant)
            return ticket.grant
        if ticket.left:
            raise No("lock.ticket_gone")
        if ticket.holder != by:
            raise No("lock.not_yours")
        if ticket.kept_until <= self.now:
            raise No("lock.ticket_gone")
        if ticket.until <= self.now:
            raise No("lock.wait_timeout")
        if self._hindered(ticket.ids, ticket.whole, by, proof, ticket) is not None:
            if ticket.kept_until - self.now < ALIVE:
                ticket.kept_until = self.now + ALIVE + NOTED
            return None
        ticket.grant = self._grant(by, ticket.ids, ticket.ttl, whole=ticket.whole)
        ticket.grant.secret = ticket.secret
        return ticket.grant

    def place(self, ticket: Ticket) -> int:
        """A place in line: 1 is next."""
        return 1 + len(self._ahead(ticket.ids, ticket.whole, ticket))

    def cancel(self, by: str, ticket: Ticket) -> str:
        """What became of it."""
        grant = ticket.grant
        waits = self._waits(ticket)
        if not waits and not (grant is not None and any(self.holder_of(each) is grant for each in grant.ids)):
            raise No("lock.no_ticket")
        if ticket.holder != by:
            raise No("lock.not_yours")
        ticket.left |= waits
        return "cancelled" if waits else "granted"

    def renew(self, by: str, grant: Grant, ttl: timedelta) -> None:
        self._proven(by, grant)
        grant.until = self.now + ttl

    def release(self, by: str, grant: Grant, ids: set[str] | None) -> None:
        rows = self.rows(grant)
        if not rows:
            raise No("lock.lost")
        if grant.holder != by:
            raise No("lock.not_yours")
        if ids is not None and not ids <= rows:
            raise No("lock.lost")
        wanted = (rows if ids is None else ids) - grant.given_back
        if any(self.holder_of(each) is not grant for each in wanted):
            raise No("lock.lost")
        grant.ids -= wanted
        grant.given_back |= wanted

    def force(self, thing: str) -> set[str]:
        """What was taken from its holder."""
        if (grant := self.holder_of(thing)) is not None:
            grant.broken = True
            for each in grant.ids:
                self.tokens[each] += 1
                self.cool_since[each] = self.now
            return grant.ids
        if not self.cools(thing):
            raise No("lock.not_held")
        self.cleared.add(thing)
        return {thing}

    def cools(self, thing: str) -> bool:
        """Whether nobody gets it yet, for it was left by force."""
        grant = self.last.get(thing)
        if grant is None or thing not in grant.ids or self.holder_of(thing) or thing in self.cleared:
            return False
        since = self.cool_since.get(thing, grant.until)
        return self.now < since + self.delays.get(thing, timedelta())

    def sweep(self) -> None:
        """Forget who does not wait any more."""
        for one in set(self.tickets) - {*self.waiting()}:
            one.left = True

    def change(self, by: str, proof: Grant | None, steps: Sequence[tuple[str, str | None]]) -> None:
        """Things are moved, one after the other; what is moved to itself is written."""
        self._proven(by, proof)
        after, changed = dict(self.parents), set[str]()
        for thing, into in steps:
            if thing == into:
                changed.add(thing)
            elif after[thing] != into:
                changed |= {each for each in (thing, after[thing], into) if each is not None}
                after[thing] = into
        self._admit(changed, proof)
        for thing in self.parents:
            goes_into = after[thing] if after[thing] != self.parents[thing] else None
            up = [] if goes_into is None else [goes_into, *above(after, goes_into)]
            if any((grant := self.holder_of(each)) and grant.whole for each in up):
                self._admit(below(self.parents, thing), proof)
        self.parents = after

    def _admit(self, things: Iterable[str], proof: Grant | None) -> None:
        things = list(things)
        for each in things:
            if proof is not None and self.last.get(each) is proof and self.holder_of(each) is not proof:
                raise No("lock.lost")
        for each in things:
            if any(grant is not proof for grant in [self.holder_of(each), *self._around(each)] if grant):
                raise No("resource.locked")

    def _around(self, thing: str) -> list[Grant]:
        """The leases in force on the whole of what a thing is in."""
        found = [self.holder_of(each) for each in above(self.parents, thing)]
        return [grant for grant in found if grant is not None and grant.whole]

    def _waits(self, ticket: Ticket) -> bool:
        return ticket.grant is None and not ticket.left

    def _proven(self, by: str, grant: Grant | None) -> set[str]:
        """What somebody has by a lease."""
        if grant is None:
            return set()
        if not (rows := self.rows(grant)):
            raise No("lock.lost")
        if grant.holder != by:
            raise No("lock.not_yours")
        if not (live := {each for each in rows if self.holder_of(each) is grant}):
            raise No("lock.lost")
        return live

    def _hindered(
        self, ids: Sequence[str], whole: bool, by: str, proof: Grant | None, ticket: Ticket | None
    ) -> str | None:
        proofs = [each for each in (proof, ticket and ticket.proof) if each is not None and each.holder == by]
        for each in sorted(ids):
            others = self._around(each)
            others += [grant for inside in below(self.parents, each) if whole and (grant := self.holder_of(inside))]
            if self.holder_of(each) or any(grant not in proofs for grant in others):
                return "lock.held"
            if self.cools(each):
                return "lock.cooling"
        return "lock.in_line" if self._ahead(ids, whole, ticket) else None

    def _ahead(self, ids: Sequence[str], whole: bool, ticket: Ticket | None) -> list[Ticket]:
        """Who came earlier and wants some of the same."""
        earlier = self.tickets[: self.tickets.index(ticket)] if ticket else self.tickets
        wanted = self._all(ids, whole)
        return [one for one in self.waiting() if one in earlier and wanted & self._all(one.ids, one.whole)]

    def _all(self, ids: Sequence[str], whole: bool) -> set[str]:
        return {*ids, *(inside for each in ids if whole for inside in below(self.parents, each))}

    def _endless(self, by: str, ids: Sequence[str], ticket: Ticket | None, seen: set[int]) -> bool:
        """Whether those who are waited for wait for the one who asks."""
        next_ones = []
        earlier = self.tickets[: self.tickets.index(ticket)] if ticket else self.tickets
        for one in self.waiting():
            holders = {grant.holder for each in ids if (grant := self.holder_of(each))}
            if by in holders:
                return True
            if one.holder in holders or (one in earlier and {*ids} & {*one.ids}):
                next_ones.append(one)
        if any((grant := self.holder_of(each)) and grant.holder == by for each in ids):
            return True
        fresh = [one for one in next_ones if id(one) not in seen]
        seen |= {id(one) for one in fresh}
        return any(self._endless(by, one.ids, one, seen) for one in fresh)

    def _grant(self, by: str, ids: Sequence[str], ttl: timedelta, *, whole: bool) -> Grant:
        grant = Grant(by, set(ids), whole, self.now + ttl)
        for each in ids:
            self.tokens[each] = self.tokens.get(each, 0) + 1
            self.last[each] = grant
            self.cool_since.pop(each, None)
        self.cleared -= set(ids)
        self.grants.append(grant)
        return grant


def above(parents: Mapping[str, str | None], thing: str) -> list[str]:
    """What a thing is in."""
    parent = parents[thing]
    return [] if parent is None else [parent, *above(parents, parent)]


def below(parents: Mapping[str, str | None], thing: str) -> list[str]:
    """What is in a thing, at any depth."""
    return [each for each in parents if thing in above(parents, each)]
