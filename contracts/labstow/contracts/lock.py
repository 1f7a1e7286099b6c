"""Messages of the lock noun (`labstow.v1.lock.*`): who may change what, for how long, and who is next.

A lease is the right to change some things for some time. It is one thing: taken whole or not at all, renewed whole,
and lost whole. What changes a thing that somebody holds must present the lease (header `Labstow-Lease`); a lease that
is over is refused wherever it is presented, even when the thing is free by now.
"""

from typing import Annotated, Any, ClassVar, Final, Literal

from pydantic import Field, StringConstraints, model_validator

from labstow.contracts.message import Answer, Command, Instant, Name, Query, Text, Ulid

MAX_THINGS: Final = 64
MAX_TTL_S: Final = 3_600
MAX_WAIT_S: Final = 300
MAX_LEASES: Final = 256
"""Leases that one principal may hold."""
MAX_TICKETS: Final = 1_024
"""Places in waiting lines that one principal may have."""
POLL_WITHIN_S: Final = 10
"""How soon a ticket should be asked about again."""
MAX_LINE: Final = 64
"""Waiters that are shown of a line."""

Ttl = Annotated[float, Field(strict=True, ge=1, le=MAX_TTL_S)]
Wait = Annotated[float, Field(strict=True, ge=0, le=MAX_WAIT_S)]
Ids = Annotated[tuple[Ulid, ...], Field(min_length=1, max_length=MAX_THINGS)]
Purpose = Annotated[Text, StringConstraints(max_length=255)]
Reason = Annotated[Text, StringConstraints(pattern=r"\S")]
CompatLocks = Literal["lenient", "strict"]
"""Whether MADSci's clients, who name no lease, are taken for the holder of a lenient lease, or must show it."""
Scope = Literal["self", "subtree"]
"""`subtree`: a thing and everything in it, at any depth; nobody else may hold or change any of it."""

Token = int
"""Fencing token of a thing: one more with each grant and each break, never less. A device that remembers the highest it
saw can refuse an older holder. Below 2**53, and far above 2**32 once the database was restored from a backup."""


class Standing(Answer):
    """Where it stands: granted, or queued."""

    state: Literal["granted", "queued"]
    resource_ids: tuple[Ulid, ...]
    at: Instant
    """The database's clock."""
    lease_id: Ulid | None = None
    """The secret that proves the lease; shown to its holder only."""
    tokens: dict[Ulid, Token] = Field(default_factory=dict)
    expires_at: Instant | None = None
    expires_in_ms: int | None = None
    """Of a lease: from `at`. Count from the moment the request was sent, then your clock does not matter."""
    ticket: Ulid | None = None
    """The secret by which the place in line is known; dropped 15 s after it was last asked about."""
    position: int | None = None
    """Place in line: 1 is next."""
    number: int | None = None
    """As drawn at a counter: it never changes, and who wants some of the same and has a lower one comes before."""
    poll_within_s: int | None = None


class Acquire(Command[Standing]):
    """Take a lease on some things, all or none. With `wait_s`, stand in line where they are not free.

    Who presents a lease that covers these things already renews it.
    """

    subject: ClassVar[str] = "lock.acquire"
    resource_ids: Ids
    ttl_s: Ttl = 60
    wait_s: Wait = 0
    scope: Scope = "self"
    purpose: Purpose | None = None
    """What for: shown to everybody who asks."""
    session: Name | None = None
    """Which of the caller's programs this is: what it holds and waits for counts as one, to find deadlocks."""
    lenient: bool = False
    """For callers that cannot present a lease with what they change, such as MADSci's clients: naming the session
    renews and releases, and where the holder cannot be told from a caller the change passes, noted as bypassed."""

    @model_validator(mode="after")
    def _has_a_session(self) -> "Acquire":
        if self.lenient and self.session is None:
            raise ValueError("session: a lenient lease is known by its session")
        return self


class Await(Command[Standing]):
    """Ask about a place in line; answered when the lease is granted, or after some seconds with the position."""

    subject: ClassVar[str] = "lock.await"
    kept: ClassVar[bool] = False
    ticket: Ulid


class Cancelled(Answer):
    """What became of a place in line: given up, or granted before that."""

    state: Literal["cancelled", "granted"]
    lease: Standing | None = None


class Cancel(Command[Cancelled]):
    """Give up a place in line."""

    subject: ClassVar[str] = "lock.cancel"
    ticket: Ulid


class Renew(Command[Standing]):
    """Let a lease last longer: `ttl_s` from now, or as long as it was taken for. What is over stays over."""

    subject: ClassVar[str] = "lock.renew"
    lease_id: Ulid
    ttl_s: Ttl | None = None


class Released(Answer):
    """What was given back."""

    resource_ids: tuple[Ulid, ...]
    at: Instant


class Release(Command[Released]):
    """Give a lease back, or some of its things. To do so twice is fine.

    A lenient lease is given back by its session and the things instead.
    """

    subject: ClassVar[str] = "lock.release"
    lease_id: Ulid | None = None
    session: Name | None = None
    resource_ids: Ids | None = None

    @model_validator(mode="after")
    def _names_a_lease(self) -> "Release":
        if (self.lease_id is None) == (self.session is None):
            raise ValueError("name either lease_id or session")
        if self.session is not None and self.resource_ids is None:
            raise ValueError("resource_ids: name what the session is to give back")
        return self


class Waiter(Answer):
    """Somebody in line."""

    holder: str
    session: str | None
    purpose: str | None
    since: Instant


class Lock(Answer):
    """How things stand with one thing."""

    resource_id: Ulid
    state: Literal["free", "held", "cooling"]
    """`cooling`: its last lease ended by force, and nobody gets it until the delay is over or an operator says so."""
    token: Token
    holder: str | None = None
    session: str | None = None
    purpose: str | None = None
    scope: Scope | None = None
    granted_at: Instant | None = None
    expires_at: Instant | None = None
    expires_in_ms: int | None = None
    cooling_ms: int | None = None
    """None while cooling: until an operator breaks it, having looked."""
    held_with: Ulid | None = None
    """What it is in, whose lease is on everything in it; None where it is held by itself."""
    waiters: int = 0
    line: tuple[Waiter, ...] = ()
    """Who waits, first come first; the first 64."""


class Locks(Answer):
    """How things stand, in the order asked, at one moment of the database's clock."""

    locks: tuple[Lock, ...]
    at: Instant


class Status(Query[Locks]):
    """Read how things stand with some things."""

    subject: ClassVar[str] = "lock.status"
    resource_ids: Ids


class Lease(Answer):
    """A lease that somebody holds."""

    grant_id: Ulid
    """Names the lease in events and history; proves nothing."""
    holder: str
    session: str | None
    purpose: str | None
    scope: Scope
    resource_ids: tuple[Ulid, ...]
    granted_at: Instant
    expires_at: Instant
    expires_in_ms: int


class Leases(Answer):
    """A page of leases, oldest first. `after` of the next query is `next`; null at the end."""

    leases: tuple[Lease, ...]
    at: Instant
    next: Ulid | None


class ListLeases(Query[Leases]):
    """Read who holds what."""

    subject: ClassVar[str] = "lock.list"
    holder: Text | None = None
    older_than_s: Annotated[float, Field(strict=True, ge=0, le=10**9)] | None = None
    limit: Annotated[int, Field(strict=True, ge=1, le=1_000)] = 100
    after: Ulid | None = None


class Broken(Answer):
    """What was taken from its holder, or released from cooling."""

    resource_ids: tuple[Ulid, ...]
    """All things of the lease: a lease is lost whole."""
    tokens: dict[Ulid, Token]
    holder: str | None
    at: Instant


class Break(Command[Broken]):
    """End a lease by force: its holder can change nothing any more. What is cooling may be taken again after it."""

    subject: ClassVar[str] = "lock.break"
    resource_id: Ulid
    reason: Reason


class Share(Answer):
    """How long somebody held a thing."""

    resource_id: Ulid
    holder: str
    grants: int
    held_s: float


class Usage(Answer):
    """Who held what for how long, in the order of things, longest first."""

    since: Instant
    until: Instant
    shares: tuple[Share, ...]


class ReadUsage(Query[Usage]):
    """Read for how long things were locked, by whom: from the journal, leases of now included."""

    subject: ClassVar[str] = "lock.usage"
    since: Instant
    until: Instant | None = None
    """None: now."""
    resource_ids: Ids | None = None
    holder: Text | None = None


COMMANDS: Final[tuple[type[Command[Any]], ...]] = (Acquire, Await, Cancel, Renew, Release, Break)
QUERIES: Final[tuple[type[Query[Any]], ...]] = (Status, ListLeases, ReadUsage)
EVENTS: Final = {
    "granted": "somebody has it",
    "released": "its holder gave it back",
    "expired": "its time was over",
    "broken": "somebody ended it by force",
    "cleared": "it was cooling, and somebody broke it once more",
    "bypassed": "it was changed by somebody who cannot be told from its holder",
    "queued": "somebody stands in line for it",
    "left": "somebody left the line without having had it",
    "raised": "its token was raised, as the database was restored from a backup",
}
