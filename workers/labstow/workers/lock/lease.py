"""A lease as the rules see it: one row for each resource, whether somebody holds it or not."""

from datetime import datetime, timedelta
from typing import Any, Literal, NamedTuple

from labstow.contracts.lock import Scope
from labstow.workers.kit.noun import Kind
from labstow.workers.lock.policy import Policy

Ending = Literal["released", "expired", "broken"]


class Lease(NamedTuple):
    """A row of the table `lease`, columns in its order. What an ended lease was stays until the next grant."""

    id: str
    """Of the resource."""
    version: int
    head: str
    """Hash of the newest journal entry."""
    token: int
    """Fencing token: one more with each grant and each break, never less."""
    lease: str | None
    """The secret that proves it, hashed; the same for all things of one lease."""
    grant_id: str | None
    holder: str | None
    session: str | None
    purpose: str | None
    scope: Scope | None
    lenient: bool
    ttl_s: float | None
    granted_at: datetime | None
    expires_at: datetime | None
    ended: Ending | None
    cooling_until: datetime | None
    """Until then nobody gets it, for it was left by force."""
    awaits_operator: bool
    """Nobody gets it until an operator has looked."""
    line: list[dict[str, Any]]
    """Who waits, first come first."""

    @property
    def parent_id(self) -> None:
        """Nothing: a lease is not in anything."""

    @property
    def held(self) -> bool:
        """Whether it was granted, and its end has not been noted yet."""
        return self.lease is not None and self.ended is None

    def live(self, now: datetime) -> bool:
        """Whether it is in force."""
        return self.held and self.expires_at is not None and self.expires_at > now

    def left_ms(self, now: datetime) -> int:
        """How much of its time is left, in milliseconds; never less than 0."""
        return max(0, int((self.expires_at - now) / timedelta(milliseconds=1))) if self.expires_at else 0

    def cooling(self, now: datetime) -> bool:
        """Whether nobody gets it yet, for it was left by force."""
        return self.awaits_operator or (self.cooling_until is not None and self.cooling_until > now)

    def how(self) -> str:
        """How it ended, for one that is not in force any more."""
        return self.ended or "expired"

    def next(self, **fields: Any) -> "Lease":
        """It, one version later."""
        return self._replace(version=self.version + 1, **fields)

    def end(self, how: Ending, policy: Policy, now: datetime) -> "Lease":
        """Ended; by force, it may have to cool."""
        if how == "released":
            return self.next(ended=how)
        since = self.expires_at if how == "expired" and self.expires_at is not None else now
        until = since + timedelta(seconds=policy.lock_delay_s) if policy.lock_delay_s else None
        token = self.token + (how == "broken")
        return self.next(ended=how, token=token, cooling_until=until, awaits_operator=policy.hold_for_operator)


def free(resource_id: str) -> Lease:
    """That of a thing that nobody ever had."""
    return Lease(
        id=resource_id,
        version=0,
        head="",
        token=0,
        lease=None,
        grant_id=None,
        holder=None,
        session=None,
        purpose=None,
        scope=None,
        lenient=False,
        ttl_s=None,
        granted_at=None,
        expires_at=None,
        ended=None,
        cooling_until=None,
        awaits_operator=False,
        line=[],
    )


def state(of: Lease) -> dict[str, Any]:
    """How things stand, as events and the journal show it. Renewals are no entries: `expires_at` is as last noted."""
    held = of.held
    return {
        "resource_id": of.id,
        "state": "held" if held else "cooling" if of.awaits_operator or of.cooling_until else "free",
        "token": of.token,
        "grant_id": of.grant_id,
        "holder": of.holder if held else None,
        "session": of.session if held else None,
        "purpose": of.purpose if held else None,
        "scope": of.scope if held else None,
        "granted_at": of.granted_at if held else None,
        "expires_at": of.expires_at if held else None,
        "ended": of.ended,
        "cooling_until": of.cooling_until,
        "awaits_operator": of.awaits_operator,
        "line": of.line,
        "version": of.version,
    }


def seal(of: Lease, head: str) -> Lease:
    """It, with the hash of its newest journal entry."""
    return of._replace(head=head)


KIND = Kind("lock", state, seal)
