"""Who waits for whom: what stands in the way of a wish, who is first, and whether waiting would ever end."""

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import NamedTuple

from labstow.contracts.errors import Conflict, Cooling, Held, InLine
from labstow.contracts.lock import Scope
from labstow.workers.kit.journal import stamp
from labstow.workers.kit.noun import By
from labstow.workers.lock.lab import Lab
from labstow.workers.lock.lease import Lease
from labstow.workers.lock.ticket import Ticket
from labstow.workers.resource.nesting import contents


class Wish(NamedTuple):
    """Some things that somebody wants to have at once."""

    ids: tuple[str, ...]
    """In their order."""
    scope: Scope
    session: str | None
    number: int | None = None
    """Its place in line, if it has one."""
    holding: Collection[str] = ()
    """What was presented when it came, by grant."""


def obstacle(lab: Lab, wish: Wish, now: datetime, by: By) -> Conflict | None:
    """What stands in the way of a wish: a lease, a thing that cools, somebody who came earlier."""
    if wish.scope == "subtree":
        contents(lab, *map(lab.thing, wish.ids))  # of all things at once, for what is not loaded yet
    for resource_id in wish.ids:
        for lease in holders(lab, resource_id, wish, now, by):
            return _held(lab, resource_id, lease, wish, now, by)
        settled = lab.lease(resource_id)
        if settled.held:  # its time is over, which nobody noted yet
            settled = settled.end("expired", lab.policy(resource_id), now)
        if settled.cooling(now):
            return _cooling(lab, settled, now)
    if ahead := before(lab, wish, now):
        first = ahead[0]
        shared = next((each for each in wish.ids if each in first.resource_ids), wish.ids[0])
        facts = {"holder": first.principal, "session": first.session, "purpose": first.purpose}
        return InLine(resource_id=shared, name=lab.name(shared), waiters=len(ahead), **facts)
    return None


def holders(lab: Lab, resource_id: str, wish: Wish, now: datetime, by: By) -> Iterable[Lease]:
    """The leases in force that keep a wish from a thing, or from it and everything in it. Around it and in it, those
    that the caller presents, or presented when he came, keep nobody.
    """
    if (own := lab.lease(resource_id)).live(now):
        yield own
    if any(lease.scope == "subtree" and lease.held for lease in lab.leases.values()):
        for above in lab.above(resource_id):
            if (known := lab.leases.get(above)) is None or known.scope != "subtree" or not known.held:
                continue
            lease = known if known.live(now) else lab.lease(above)  # with its row locked: it may just be renewed
            if lease.live(now) and not _presented(lease, wish, by):
                yield lease
    if wish.scope == "subtree":
        for inside in contents(lab, lab.thing(resource_id)):
            if (lease := lab.lease(inside.id)).live(now) and not _presented(lease, wish, by):
                yield lease


def before(lab: Lab, wish: Wish, now: datetime) -> list[Ticket]:
    """Who came earlier and wants some of the same, first come first."""
    if wish.number == 1:  # it came when nobody wanted any of it
        return []
    named = [lab.thing(each) for each in wish.ids]
    wanted = {each.id for each in (*named, *(contents(lab, *named) if wish.scope == "subtree" else ()))}
    ahead = []
    for one in lab.tickets.values():
        if not one.live(now) or (wish.number is not None and one.number >= wish.number):
            continue
        around = one.scope == "subtree" and any(
            not {*lab.above(each)}.isdisjoint(one.resource_ids) for each in wish.ids
        )
        if around or not wanted.isdisjoint(one.resource_ids):
            ahead.append(one)
    return sorted(ahead, key=lambda one: (one.number, one.id))


def endless(lab: Lab, wish: Wish, mine: set[str], now: datetime) -> list[str] | None:
    """The way from a wish to something that its owner holds (`mine`, by grant), over all who wait, if there is one.

    Only things that are named are followed, not what they contain; where that misses a circle, `wait_s` ends it.
    """
    ways: list[tuple[tuple[str, ...], int | None, list[str]]] = [(wish.ids, None, [])]
    seen: set[str] = set()
    for ids, number, way in ways:
        for resource_id in ids:
            lease = lab.leases.get(resource_id)
            if lease is not None and lease.live(now) and lease.grant_id is not None:
                if lease.grant_id in mine:
                    return [*way, lab.name(resource_id)]
                for other in lab.tickets.values():
                    if other.live(now) and other.id not in seen and _holds(other, lease):
                        seen.add(other.id)
                        step = f"{lab.name(resource_id)}, held by {lease.holder}, who waits"
                        ways.append((tuple(other.resource_ids), other.number, [*way, step]))
        for other in lab.tickets.values():
            ahead = other.live(now) and (number is None or other.number < number)
            if ahead and other.id not in seen and not set(other.resource_ids).isdisjoint(ids):
                seen.add(other.id)
                ways.append((tuple(other.resource_ids), other.number, [*way, f"{other.principal}, who came earlier"]))
    return None


def _holds(ticket: Ticket, lease: Lease) -> bool:
    """Whether who waits has the lease, as far as is known."""
    own = ticket.session is not None and (lease.holder, lease.session) == (ticket.principal, ticket.session)
    return own or lease.grant_id in ticket.holding


def _presented(lease: Lease, wish: Wish, by: By) -> bool:
    return lease.holder == by.principal and (lease.lease in by.leases or lease.grant_id in wish.holding)


def _held(lab: Lab, resource_id: str, lease: Lease, wish: Wish, now: datetime, by: By) -> Held:
    own = wish.session is not None and (lease.holder, lease.session) == (by.principal, wish.session)
    name = lab.name(resource_id)
    if lease.id != resource_id:
        lab.find(lease.id)
        name = f"{name} (with {lab.name(lease.id)})"
    return Held(
        resource_id=resource_id,
        name=name,
        holder=lease.holder,
        session=lease.session,
        purpose=lease.purpose,
        expires_in_ms=lease.left_ms(now),
        waiters=len(lab.queue(resource_id, now)),
        self=own,
    )


def _cooling(lab: Lab, lease: Lease, now: datetime) -> Cooling:
    name = lab.name(lease.id)
    if lease.awaits_operator or lease.cooling_until is None:
        return Cooling(resource_id=lease.id, name=name, until="until an operator breaks it", remaining_ms=None)
    left = max(0, int((lease.cooling_until - now).total_seconds() * 1000))
    return Cooling(resource_id=lease.id, name=name, until=f"until {stamp(lease.cooling_until)}", remaining_ms=left)
