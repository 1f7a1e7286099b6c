"""A place in line."""

from datetime import datetime
from typing import Any, NamedTuple

from labstow.contracts.lock import Scope
from labstow.workers.kit.journal import stamp


class Ticket(NamedTuple):
    """A row of the table `ticket`, columns in its order. Noted, not journalled: the line of each lease tells of it."""

    id: str
    """The secret by which its owner asks about it, hashed; it becomes the secret of the lease."""
    number: int
    """Higher than that of everybody it waits behind."""
    principal: str
    session: str | None
    purpose: str | None
    lenient: bool
    resource_ids: list[str]
    scope: Scope
    ttl_s: float
    wait_s: float
    holding: list[str]
    """What its owner presented when it came, by grant."""
    queued_at: datetime
    until: datetime
    """Its owner waits no longer."""
    alive_until: datetime
    """Nobody asked about it after this."""

    def live(self, now: datetime) -> bool:
        """Whether it is to be waited for."""
        return now < self.until and now < self.alive_until

    def waiter(self) -> dict[str, Any]:
        """As others see it."""
        return {
            "holder": self.principal,
            "session": self.session,
            "purpose": self.purpose,
            "since": stamp(self.queued_at),
        }


class Left(NamedTuple):
    """A ticket that is no more."""

    id: str
