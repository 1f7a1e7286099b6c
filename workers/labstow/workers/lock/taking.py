"""Rules of taking: acquire, await, renew."""

from datetime import datetime, timedelta
from typing import Any, Final

from labstow.contracts.errors import Deadlock, Held, LeaseLost, LockLimit, NotYours, TicketGone, WaitTimeout
from labstow.contracts.lock import MAX_LEASES, MAX_LINE, MAX_TICKETS, POLL_WITHIN_S, Acquire, Await, Renew
from labstow.contracts.ulids import new_ulid, secret_ulid
from labstow.workers.kit.leases import ANY, hashed
from labstow.workers.kit.noun import By, Change, Outcome, Wanted
from labstow.workers.lock.lab import Footprint, Lab
from labstow.workers.lock.lease import Lease
from labstow.workers.lock.line import Wish, before, endless, obstacle
from labstow.workers.lock.own import LookAgain
from labstow.workers.lock.ticket import Left, Ticket

ALIVE: Final = timedelta(seconds=15)
"""A ticket that nobody asked about for so long is dropped."""
NOTED: Final = timedelta(seconds=1)
"""That somebody asked is noted so often at most: it may live so much longer."""


def acquire(lab: Lab, command: Acquire, now: datetime, by: By) -> Outcome[Lease]:
    """A lease on all things, or a place in line, or the same lease for longer."""
    ids = tuple(sorted(set(command.resource_ids)))
    lab.present(ids)
    mine = presented(lab, now, by)
    if known := _again(lab, ids, command, mine, now, by):
        return renewed(known, command.ttl_s, now)
    wish = Wish(ids, command.scope, command.session)
    hindered = obstacle(lab, wish, now, by)
    if hindered is not None and not command.wait_s:
        raise hindered
    _refuse_more(lab.held_by[by.principal], "leases", MAX_LEASES, by)
    if hindered is None:
        secret = secret_ulid()
        ticket = _ticket(command, ids, hashed(secret), now, by)
        return _grant(lab, ticket, secret, now)
    _refuse_more(lab.queued_by[by.principal], "places in line", MAX_TICKETS, by)
    if (mine or command.session is not None) and not (lab.all_waits or lab.complete):
        raise Wanted(Footprint(waits=True))
    known = [lease for lease in lab.leases.values() if _same_session(lease, command.session, by) and lease.live(now)]
    holding = {str(lease.grant_id) for lease in (*mine, *known)}
    if holding and (way := endless(lab, wish, holding, now)):
        raise Deadlock(cycle=", ".join(way), steps=way)
    return _queue(lab, command, ids, sorted({str(lease.grant_id) for lease in mine}), now, by)


def await_turn(lab: Lab, command: Await, now: datetime, by: By) -> Outcome[Lease]:
    """The lease, if it is this ticket's turn; its place in line, if not yet."""
    key = hashed(command.ticket)
    granted = lab.of(key)
    if (ticket := lab.tickets.get(key)) is None:
        if not granted:
            raise TicketGone
        if granted[0].holder != by.principal:
            raise NotYours
        if not (live := [lease for lease in granted if lease.live(now)]):
            raise LeaseLost(how=granted[0].how())
        return Outcome(standing(live, now, command.ticket), ())
    if ticket.principal != by.principal:
        raise NotYours("this place in line is somebody else's")
    lab.present(ticket.resource_ids)
    wish = Wish(tuple(ticket.resource_ids), ticket.scope, ticket.session, ticket.number, ticket.holding)
    if ticket.alive_until <= now:
        raise TicketGone
    hindered = obstacle(lab, wish, now, by)
    if hindered is None and now < ticket.until:
        _refuse_more(lab.held_by[by.principal], "leases", MAX_LEASES, by)
        return _grant(lab, ticket, command.ticket, now)
    if now >= ticket.until:
        facts = hindered.facts if isinstance(hindered, Held) else {"resource_id": wish.ids[0]}
        raise WaitTimeout(**{**facts, "name": lab.name(wish.ids[0]), "wait_s": ticket.wait_s})
    place = len(before(lab, wish, now)) + 1
    asked = not isinstance(command, LookAgain) and ticket.alive_until - now < ALIVE
    alive = (ticket._replace(alive_until=now + ALIVE + NOTED),) if asked else ()
    return Outcome(_queued(ticket, command.ticket, place, now), (), notes=alive)


def renew(lab: Lab, command: Renew, now: datetime, by: By) -> Outcome[Lease]:
    """The lease, for longer."""
    return renewed(in_force(lab, hashed(command.lease_id), now, by), command.ttl_s, now, command.lease_id)


def renewed(leases: list[Lease], ttl_s: float | None, now: datetime, secret: str | None = None) -> Outcome[Lease]:
    """A lease with its end moved. That is noted, not journalled: it happens every few seconds."""
    ttl_s = ttl_s or leases[0].ttl_s or 0
    later = [lease._replace(ttl_s=ttl_s, expires_at=now + timedelta(seconds=ttl_s)) for lease in leases]
    return Outcome(standing(later, now, secret), (), notes=tuple(later))


def in_force(lab: Lab, key: str, now: datetime, by: By) -> list[Lease]:
    """The rows of a lease that is in force, and the caller's.

    Raises:
        LeaseLost: it is over.
        NotYours: somebody else holds it.
    """
    rows = lab.of(key)
    if not rows:
        raise LeaseLost(how="unknown, or others had it since")
    if rows[0].holder != by.principal:
        raise NotYours
    if not (live := [lease for lease in rows if lease.live(now)]):
        raise LeaseLost(how=rows[0].how())
    return live


def presented(lab: Lab, now: datetime, by: By) -> list[Lease]:
    """The rows of all leases that the caller presents.

    Raises:
        LeaseLost, NotYours: one of them is over, or somebody else's.
    """
    return [lease for key in by.leases if key != ANY for lease in in_force(lab, key, now, by)]


def _again(lab: Lab, ids: tuple[str, ...], command: Acquire, mine: list[Lease], now: datetime, by: By) -> list[Lease]:
    """The rows of the lease that the caller has on all these things already; none if there is no such one."""
    own = {lease.id: lease for lease in mine}
    if command.lenient:
        own |= {each: lease for each in ids if (lease := lab.lease(each)).lenient and lease.live(now)}
        own = {each: lease for each, lease in own.items() if _same_session(lease, command.session, by)}
    if command.scope == "subtree":  # less than that is not the same lease
        own = {each: lease for each, lease in own.items() if lease.scope == "subtree"}
    keys = {own[each].lease if each in own else None for each in ids}
    (key,) = keys if len(keys) == 1 else (None,)
    return in_force(lab, key, now, by) if key is not None else []


def _same_session(lease: Lease, session: str | None, by: By) -> bool:
    return session is not None and (lease.holder, lease.session) == (by.principal, session)


def _ticket(command: Acquire, ids: tuple[str, ...], key: str, now: datetime, by: By) -> Ticket:
    return Ticket(
        id=key,
        number=0,
        principal=by.principal,
        session=command.session,
        purpose=command.purpose,
        lenient=command.lenient,
        resource_ids=list(ids),
        scope=command.scope,
        ttl_s=command.ttl_s,
        wait_s=command.wait_s,
        holding=[],
        queued_at=now,
        until=now + timedelta(seconds=command.wait_s),
        alive_until=now + ALIVE + NOTED,
    )


def _grant(lab: Lab, ticket: Ticket, secret: str, now: datetime) -> Outcome[Lease]:
    """A lease on all things of a ticket."""
    grant_id = new_ulid()
    changes: list[Change[Lease]] = []
    granted: list[Lease] = []
    for resource_id in ticket.resource_ids:
        lease = lab.lease(resource_id)
        if lease.held:  # its time is over, which nobody noted yet
            lease = lease.end("expired", lab.policy(resource_id), now)
            changes.append(Change(lease, "expired"))
        lease = lease.next(
            token=lease.token + 1,
            lease=ticket.id,
            grant_id=grant_id,
            holder=ticket.principal,
            session=ticket.session,
            purpose=ticket.purpose,
            scope=ticket.scope,
            lenient=ticket.lenient,
            ttl_s=ticket.ttl_s,
            granted_at=now,
            expires_at=now + timedelta(seconds=ticket.ttl_s),
            ended=None,
            cooling_until=None,
            awaits_operator=False,
            line=lab.waiting(resource_id, now, ticket.id),
        )
        granted.append(lease)
        changes.append(Change(lease, "granted", token=lease.token))
    notes = (Left(ticket.id),) if ticket.id in lab.tickets else ()
    return Outcome(standing(granted, now, secret), tuple(changes), grant_id, notes)


def _queue(
    lab: Lab, command: Acquire, ids: tuple[str, ...], holding: list[str], now: datetime, by: By
) -> Outcome[Lease]:
    """A place at the end of the line."""
    secret = secret_ulid()
    ticket = _ticket(command, ids, hashed(secret), now, by)
    ahead = before(lab, Wish(ids, command.scope, command.session), now)
    number = 1 + max((one.number for one in ahead), default=0)
    ticket = ticket._replace(number=number, holding=holding)
    changes = []
    for resource_id in ids:
        line = [*lab.waiting(resource_id, now), ticket.waiter()][:MAX_LINE]
        changes.append(Change(lab.lease(resource_id).next(line=line), "queued"))
    return Outcome(_queued(ticket, secret, len(ahead) + 1, now), tuple(changes), None, (ticket,))


def standing(leases: list[Lease], now: datetime, secret: str | None) -> dict[str, Any]:
    """A lease, as its holder is told."""
    return {
        "state": "granted",
        "resource_ids": [lease.id for lease in leases],
        "at": now,
        "lease_id": secret,
        "tokens": {lease.id: lease.token for lease in leases},
        "expires_at": leases[0].expires_at,
        "expires_in_ms": leases[0].left_ms(now),
    }


def _queued(ticket: Ticket, secret: str, position: int, now: datetime) -> dict[str, Any]:
    return {
        "state": "queued",
        "resource_ids": ticket.resource_ids,
        "at": now,
        "ticket": secret,
        "position": position,
        "number": ticket.number,
        "poll_within_s": POLL_WITHIN_S,
    }


def _refuse_more(count: int, what: str, limit: int, by: By) -> None:
    if count >= limit:
        raise LockLimit(principal=by.principal, count=count, what=what, limit=limit)
