"""A claim on some things: from the moment they are asked for, over the line, until they are given back."""

import asyncio
import logging
import math
import time
from typing import TYPE_CHECKING, Final, NamedTuple, TypeVar

from labstow.client.bus import BUDGET
from labstow.contracts.errors import (
    DeadlinePassed,
    Late,
    LeaseLost,
    OutcomeUnknown,
    Refusal,
    TicketGone,
    Unavailable,
    WaitTimeout,
)
from labstow.contracts.lock import POLL_WITHIN_S, Acquire, Await, Cancel, Release, Renew, Standing, Token
from labstow.contracts.message import Answer, Request
from labstow.contracts.ulids import new_ulid

if TYPE_CHECKING:
    from labstow.client.async_labstow import AsyncLabstow

A = TypeVar("A", bound=Answer)

USED: Final = 0.9
"""Part of its time for which a lease is used; the rest is for clocks that do not run equally fast."""
RENEWED: Final = 1 / 3
"""Part of its time after which a lease is renewed."""
GIVE_BACK: Final = 2.0
"""Seconds in which things are given back; what cannot be by then expires."""
PAUSE: Final = 0.1
NOTHING_DONE: Final = (Unavailable, DeadlinePassed)

log = logging.getLogger(__name__)


class Term(NamedTuple):
    """The time of a lease, by our monotonic clock; counted from when it was asked for, for it did not begin before."""

    asked: float
    seconds: float

    @classmethod
    def of(cls, standing: Standing, asked: float) -> "Term":
        """As it was granted."""
        return cls(asked, (standing.expires_in_ms or 0) / 1000)

    @property
    def due(self) -> float:
        """When to renew it."""
        return self.asked + RENEWED * self.seconds

    @property
    def end(self) -> float:
        """Until when to use it."""
        return self.asked + USED * self.seconds


class Claim:
    """Some things that are wanted, and then had. For one time."""

    def __init__(self, lab: "AsyncLabstow", acquire: Acquire) -> None:
        self.lease_id = ""
        self.tokens: dict[str, Token] = {}
        self._lab = lab
        self._acquire = acquire
        self._op_id = new_ulid()
        self._ticket: str | None = None

    def __str__(self) -> str:
        return ", ".join(self._acquire.resource_ids)

    async def take(self) -> Term:
        """Stand in line until the lease is ours. Whoever is cancelled meanwhile leaves nothing behind.

        Raises:
            Refusal: what the worker says; or, some seconds after the time to wait, that it says nothing.
        """
        wait_s = self._acquire.wait_s
        came = asked = time.monotonic()
        end = came + wait_s + BUDGET
        try:
            standing = await self._insist(self._acquire, end, self._op_id)
            while standing.state == "queued" and standing.ticket:
                self._ticket, asked = standing.ticket, time.monotonic()
                standing = await self._insist(Await(ticket=self._ticket), end, new_ulid(), POLL_WITHIN_S)
                if standing.state == "queued":  # at once perhaps, if our clock is wrong: nobody is to be flooded
                    await asyncio.sleep(PAUSE)
            return await self._granted(standing, asked)
        except TicketGone:
            if time.monotonic() - came < USED * wait_s:
                raise
            raise WaitTimeout(wait_s=wait_s, name=str(self)) from None  # the place was cleared away before we asked
        except (asyncio.CancelledError, Unavailable, Late) as trouble:
            if self._known or not isinstance(trouble, NOTHING_DONE):
                await self.give_back()
            raise
        except Refusal as refusal:
            if self._ticket and not isinstance(refusal, WaitTimeout):  # others need not wait for us
                await self.give_back()
            raise

    async def renew(self, end: float) -> Term:
        """Renew the lease, however often it takes.

        Raises:
            LeaseLost: it is over, or it was not renewed until then.
        """
        trouble: Refusal | None = None
        while (now := time.monotonic()) < end:
            try:
                renewed = await self._lab.ask(Renew(lease_id=self.lease_id), budget=min(BUDGET, (end - now) / 2))
            except LeaseLost:
                raise
            except Refusal as refusal:
                if trouble is None:
                    log.warning("%s: the lock could not be renewed yet: %s", self, refusal)
                    trouble = refusal
                await asyncio.sleep(min(PAUSE, end - time.monotonic()))
            else:
                if time.monotonic() < end:
                    return Term.of(renewed, now)
        raise LeaseLost(how="not renewed in time") from trouble

    async def give_back(self) -> LeaseLost | None:
        """Give back what we have, or may have, as far as that can be done within moments; tell if it was lost."""
        end = time.monotonic() + GIVE_BACK
        try:
            if not self._known:
                standing = await self._insist(self._acquire, end, self._op_id)
                self._ticket, self.lease_id = standing.ticket, standing.lease_id or ""
            if self._ticket and not self.lease_id:
                cancelled = await self._insist(Cancel(ticket=self._ticket), end, new_ulid())
                self.lease_id = (cancelled.lease and cancelled.lease.lease_id) or ""
            if self.lease_id:
                await self._insist(Release(lease_id=self.lease_id), end, new_ulid())
        except LeaseLost as loss:
            return loss
        except (Unavailable, Late) as trouble:
            log.warning("%s: the lock could not be given back, and is left to expire: %s", self, trouble)
        except Refusal as refusal:
            log.debug("%s: there was no lock to give back: %s", self, refusal)
        return None

    @property
    def _known(self) -> bool:
        """Whether anybody told what became of it."""
        return bool(self._ticket or self.lease_id)

    async def _granted(self, standing: Standing, asked: float) -> Term:
        """Note the lease. One that was asked for long ago began who knows when: it is renewed before it is used."""
        self.lease_id, self.tokens = standing.lease_id or "", standing.tokens
        term, now = Term.of(standing, asked), time.monotonic()
        if now < term.due:
            return term
        return await self.renew(now + term.seconds)

    async def _insist(self, request: Request[A], end: float, op_id: str, longest: float = math.inf) -> A:
        """Ask until there is an answer, or no time left: always as the same operation."""
        while True:
            try:
                return await self._lab.ask(request, op_id=op_id, budget=min(longest, end - time.monotonic()))
            except (Unavailable, OutcomeUnknown):
                if time.monotonic() + 2 * PAUSE >= end:  # too late for one more try
                    raise
            await asyncio.sleep(PAUSE)
