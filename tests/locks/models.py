"""How things behave towards one operation at a time: a leased register, a counter, a stack, a queue, a position."""

from functools import partial
from math import inf
from typing import Final, NamedTuple

from tests.locks.checker import Model
from tests.locks.histories import Operation


class Lease(NamedTuple):
    """The right to write, for a time. When it ends was decided between the call of its grant, or of its last renewal,
    and the return: all that is known is from when on it may have ended, and from when on it must have.
    """

    name: str
    may_end: float
    must_end: float


class Register(NamedTuple):
    """A value under a lease, or under none."""

    token: int = 0
    """Rises by one with each grant and each break; a release or an expiry leaves it."""
    value: object = None
    lease: Lease | None = None
    free_since: float = -inf
    """From when on it may have been free, if it is."""

    def granted(self, name: str, ttl: float, grant: Operation) -> "Register":
        """Under a new lease. A grant that was waited for came when the register was free, not when it was called."""
        since = max(grant.called, self.free_since)
        return Register(self.token + 1, self.value, Lease(name, since + ttl, grant.returned + ttl))

    def renewed(self, name: str, ttl: float, renewal: Operation) -> "Register":
        """Under the same lease for another while."""
        return self._replace(lease=Lease(name, renewal.called + ttl, renewal.returned + ttl))

    def freed(self, since: float) -> "Register":
        """Without a lease."""
        return self._replace(lease=None, free_since=since)


def leased_register(state: Register, operation: Operation) -> Register | None:
    """What a lock service does to one resource.

    - `acquire` (ttl): `granted` (lease, token) or `held`
    - `write` (value, and lease and token or neither): `ok`, `held` by another, or `lost`: the lease presented is over
    - `renew` (lease, ttl), `release` (lease): `ok` or `lost`
    - `break`: `ok` (token, if it is told) or `not held`
    - `read`: `ok` (value)

    Nobody calls an expiry. Where a result can only be explained by one, it has happened, and no later result can be
    explained by that lease. A refusal that says nothing about the lease, as after too long a wait, is to be left out.
    """
    asked, told, lease = operation.arguments, operation.result or {}, state.lease
    presented = asked.get("lease")
    is_current = lease is not None and presented == lease.name and asked.get("token", state.token) == state.token

    # The register at this moment, if the lease is live, if it is live and presented, and if there is none.
    held = state if lease is not None and operation.called < lease.must_end else None
    mine = held if is_current else None
    free = state if lease is None else state.freed(lease.may_end) if operation.returned >= lease.may_end else None

    match operation.kind, operation.answer:
        case "acquire", "granted" | None:
            name, token = told.get("lease", "nobody knows"), told.get("token", state.token + 1)
            return free and free.granted(name, asked["ttl"], operation) if token == state.token + 1 else None
        case "acquire", "held":
            return held
        case "write", "ok" | None:
            allowed = free if presented is None else mine
            return allowed and allowed._replace(value=asked["value"])
        case "write", "held":
            return None if is_current else held
        case "renew", "ok" | None:
            return mine and mine.renewed(asked["lease"], asked["ttl"], operation)
        case "release", "ok" | None:
            return mine and mine.freed(operation.called)
        case "write" | "renew" | "release", "lost":
            return None if presented is None else free if is_current else state
        case "break", "ok" | None:
            broken = state.freed(operation.called)._replace(token=state.token + 1)
            return broken if told.get("token", broken.token) == broken.token else None
        case "break", "not held":
            return free
        case "read", "ok" | None:
            return state if told.get("value", state.value) == state.value else None
    raise ValueError(f"a leased register does not say this: {operation}")


def counter(state: int, operation: Operation) -> int | None:
    """How much there is.

    - `change` (by): `ok` (quantity, if it is told) or `not enough`
    - `read`: `ok` (quantity)
    """
    after = state + operation.arguments.get("by", 0)
    match operation.kind, operation.answer:
        case "change" | "read", "ok" | None:
            told = (operation.result or {}).get("quantity", after)
            return after if after >= 0 and told == after else None
        case "change", "not enough":
            return state if after < 0 else None
    raise ValueError(f"a counter does not say this: {operation}")


def line(state: tuple[str, ...], operation: Operation, *, pops: int, room: float = inf) -> tuple[str, ...] | None:
    """Items one after the other, of which the first (`pops` 0) or the last (-1) goes first.

    - `push` (item): `ok` or `full`
    - `pop`: `ok` (item) or `empty`

    Keep it short, or look often: every two items that came at the same time double what there is to try, until one of
    them is seen.
    """
    match operation.kind, operation.answer:
        case "push", "ok" | None:
            return (*state, operation.arguments["item"]) if len(state) < room else None
        case "push", "full":
            return state if len(state) >= room else None
        case "pop", "ok" | None:
            is_first = state and (operation.result or {}).get("item", state[pops]) == state[pops]
            return (state[:-1] if pops else state[1:]) if is_first else None
        case "pop", "empty":
            return None if state else state
    raise ValueError(f"a line does not say this: {operation}")


REGISTER: Final = Model(Register(), leased_register)
COUNTER: Final = Model(0, counter)
EMPTY: Final[tuple[str, ...]] = ()
STACK: Final = Model(EMPTY, partial(line, pops=-1))
QUEUE: Final = Model(EMPTY, partial(line, pops=0))
POSITION: Final = Model(EMPTY, partial(line, pops=-1, room=1))
