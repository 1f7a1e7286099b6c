"""Load and save of locks. The rows that are locked, and waited for, are those of the resources: who changes a thing
and who changes its lease take turns, so that a write and a grant never pass each other.
"""

from collections.abc import Mapping
from typing import Any, Final

from sqlalchemy import delete
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.sql import any_, select

from labstow.workers.kit.journal import dumps
from labstow.workers.kit.pipeline import Ask, Rows
from labstow.workers.kit.statements import change, records, save, texts
from labstow.workers.lock import loads
from labstow.workers.lock.lab import Footprint, Lab
from labstow.workers.lock.lease import Lease
from labstow.workers.lock.loads import TICKET
from labstow.workers.lock.policy import Policies
from labstow.workers.lock.tables import lease, ticket
from labstow.workers.lock.ticket import Left, Ticket
from labstow.workers.resource import repository as resources
from labstow.workers.resource.loads import LEASE, QUEUE_UP

LINE_LOCK: Final = 0x6C616204

_tickets = records("tickets", TICKET)
_queue = insert(ticket).from_select(list(Ticket._fields), select(*_tickets.c))
_queue = _queue.on_conflict_do_update(index_elements=["id"], set_={"alive_until": _queue.excluded.alive_until})

SAVE: Final = save(change(lease, "leases", LEASE).cte("updated"))
SAVE_LINE: Final = save(
    change(lease, "leases", LEASE).cte("updated"),
    _queue.cte("queued"),
    delete(ticket).where(ticket.c.id == any_(texts("left"))).cte("gone"),
)


class Repository:
    """What the unit of the lock worker reads and writes."""

    def __init__(self, policies: Policies) -> None:
        self._policies = policies
        self._subtrees = False
        """Whether there were leases on whole subtrees, or wishes, the last time: then the ways up will be wanted."""

    def loads(self, footprint: Footprint) -> dict[str, Ask]:
        """The statements that load a footprint, by what they bring."""
        named = {"ids": sorted(footprint.rows), "secrets": sorted(footprint.leases)}
        turn = {"turn": Ask(QUEUE_UP, {"keys": [LINE_LOCK]})} if footprint.waits else {}
        asks = turn | {"rows": Ask(loads.LOCK, named), "leases": Ask(loads.LEASES, named)}
        asks["tickets"] = Ask(loads.ALL_TICKETS) if footprint.waits else Ask(loads.TICKETS, named)
        if footprint.waits:
            asks["awaited"] = Ask(loads.AWAITED, {"callers": sorted(footprint.callers)})
        if footprint.limits:
            asks["counts"] = Ask(loads.COUNTS, {"callers": sorted(footprint.callers)})
        if self._subtrees:
            footprint.lines |= footprint.rows
        return asks | resources.wanted(footprint)

    def lab(self, footprint: Footprint, found: Mapping[str, Rows]) -> Lab:
        """The lab that they brought."""
        lab = Lab(policies=self._policies, secrets=set(footprint.leases), all_waits=footprint.waits)
        self.fill(lab, footprint, found)
        return lab

    def fill(self, lab: Lab, footprint: Footprint, found: Mapping[str, Rows]) -> None:
        """Put into a lab what was brought of things, leases and tickets."""
        resources.read(lab, footprint, found)
        for name in ("awaited", "leases"):  # in this order: of what is locked, what was read under the lock is true
            lab.leases |= {row[0]: Lease._make(row) for row in found.get(name, ())}
        lab.tickets = {row[0]: Ticket._make(row) for row in found.get("tickets", ())}
        for caller, leases, tickets in found.get("counts", ()):
            lab.held_by[caller], lab.queued_by[caller] = leases, tickets
        scopes = [one.scope for one in lab.tickets.values()] + [one.scope for one in lab.leases.values() if one.held]
        self._subtrees = "subtree" in scopes

    def save(self, new: list[Lease], changed: list[Lease], notes: list[Any]) -> Ask:
        """What saves leases and tickets, of each its last state."""
        leases = {one.id: one for one in changed}
        tickets: dict[str, Ticket | Left] = {}
        for note in notes:
            if not isinstance(note, Lease):
                tickets[note.id] = note
            elif note.id not in leases or leases[note.id].version <= note.version:
                leases[note.id] = note
        values = {"leases": dumps([one._asdict() for one in leases.values()]).decode(), "leases_ids": list(leases)}
        if not tickets:
            return Ask(SAVE, values)
        queued = [one._asdict() for one in tickets.values() if isinstance(one, Ticket)]
        left = [one.id for one in tickets.values() if isinstance(one, Left)]
        return Ask(SAVE_LINE, {**values, "tickets": dumps(queued).decode(), "left": left})
