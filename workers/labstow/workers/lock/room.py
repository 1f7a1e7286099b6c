"""The waiting room: who asks about a ticket whose turn has not come is answered when it has, or when time is up."""

import asyncio
import time
from collections.abc import Callable, Set
from dataclasses import dataclass
from itertools import count
from typing import Any, Final

import orjson

from labstow.contracts.lock import POLL_WITHIN_S, Await
from labstow.workers.kit.call import Answered, Call, Result
from labstow.workers.kit.lane import Lane, Run
from labstow.workers.lock.own import LookAgain

POLL_S: Final = 0.7
"""However silent the bell: everybody is looked after within a second."""
MARGIN_S: Final = POLL_S + 0.5
"""So long before nobody waits for it any more, an answer is sent."""
QUEUED: Final = b'{"state":"queued"'

Who = tuple[str, str, str]
"""Who asks, for which intent, about which ticket: to ask once more is to wait in one place all the same."""


@dataclass(slots=True)
class Parked:
    """Somebody who waits, and what to say when the time is up."""

    answered: Answered
    ids: frozenset[str]
    number: int
    """Of his ticket: he is behind whoever wants some of the same and has a lower one."""


class Room:
    """Keeps calls that wait for their turn, out of the lane, and puts them back when it may have come."""

    def __init__(self) -> None:
        self.lane_of: Callable[[Call[Any]], Lane]
        """Where a call is put back."""
        self._parked: dict[Who, Parked] = {}
        self._since: dict[Who, float] = {}
        self._missed: dict[int, set[str]] = {}
        """What was heard of while a batch was decided, by batch: who comes out of it has not heard of it."""
        self._numbers = count()
        self._closed = False

    def beside(self, run: Run) -> Run:
        """A `run` whose answers to those who wait are kept back."""

        async def wait(calls: list[Call[Any]]) -> Result:
            number = next(self._numbers)
            missed = self._missed[number] = set()
            try:
                result = await run(calls)
            finally:
                del self._missed[number]
            answers = [sent for each in result.answers if (sent := self._keep(each)) is not None]
            self._wake(missed)
            return Result(answers, result.again)

        return wait

    def heard(self, resource_ids: frozenset[str]) -> None:
        """Put those back whose turn it may be because of these things: of all who wait for one, or for the whole of
        something around it, the first.
        """
        for missed in self._missed.values():
            missed.update(resource_ids)
        self._wake(resource_ids)

    async def run(self) -> None:
        """Put everybody back now and then."""
        while True:
            await asyncio.sleep(POLL_S)
            oldest = time.monotonic() - 2 * POLL_WITHIN_S
            self._since = {who: since for who, since in self._since.items() if since > oldest}
            self._wake(None)

    async def close(self) -> None:
        """Say to all who wait where they stand; nobody is kept any more."""
        self._closed = True
        parked, self._parked = self._parked, {}
        for one in parked.values():
            await one.answered.call.answer(one.answered.status, one.answered.body)

    def _keep(self, answered: Answered) -> Answered | None:
        """Keep an answer back as long as a better one may come. What is to be sent: it, or that to the same, asked
        before, or nothing.
        """
        call = answered.call
        if not isinstance(call.request, Await):
            return answered
        who = (call.by.principal, call.by.op_id, call.request.ticket)
        queued = answered.status == 200 and answered.body.startswith(QUEUED)
        if self._closed or not queued or time.monotonic() >= self._until(who, call.deadline):
            self._since.pop(who, None)
            return answered
        told = orjson.loads(answered.body)
        ids = frozenset(told["resource_ids"]).union(call.also.rows if call.also else ())
        before = self._parked.get(who)
        self._parked[who] = Parked(answered, ids, told["number"])
        return before.answered if before else None

    def _until(self, who: Who, deadline: float | None) -> float:
        """Until when somebody is kept, by the monotonic clock."""
        now = time.monotonic()
        until = self._since.setdefault(who, now) + POLL_WITHIN_S
        return until if deadline is None else min(until, now + deadline - time.time() - MARGIN_S)

    def _wake(self, resource_ids: Set[str] | None) -> None:
        """Put those back who are first in line for some of these things; all who wait, for None."""
        for who in list(self._parked) if resource_ids is None else self._first(resource_ids):
            call = self._parked.pop(who).answered.call
            call.request = LookAgain(ticket=call.request.ticket)
            self.lane_of(call).put(call, first=True)

    def _first(self, resource_ids: Set[str]) -> list[Who]:
        """Who is first in line for one of these things. Nobody else can have it, so nobody else need look."""
        near = {who: wanted for who, one in self._parked.items() if (wanted := one.ids & resource_ids)}
        first: dict[str, int] = {}
        for who, wanted in near.items():
            number = self._parked[who].number
            first |= {each: min(number, first.get(each, number)) for each in wanted}
        return [who for who, wanted in near.items() if any(first[each] == self._parked[who].number for each in wanted)]
