"""The waiting room: who asks about a ticket whose turn has not come is answered when it has, or when time is up."""

import asyncio
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Final

import orjson

from labstow.contracts.lock import POLL_WITHIN_S, Await
from labstow.workers.kit.call import Answered, Call, Result
from labstow.workers.kit.lane import Lane, Run

POLL_S: Final = 0.7
"""However silent the bell: everybody is looked after within a second."""
MARGIN_S: Final = POLL_S + 0.5
"""So long before nobody waits for it any more, an answer is sent."""
QUEUED: Final = b'{"state":"queued"'


@dataclass(slots=True)
class Parked:
    """Somebody who waits, and what to say when the time is up."""

    answered: Answered
    ids: frozenset[str]


class Room:
    """Keeps calls that wait for their turn, out of the lane, and puts them back when it may have come."""

    def __init__(self) -> None:
        self.lane_of: Callable[[Call[Any]], Lane]
        """Where a call is put back."""
        self._parked: dict[Call[Any], Parked] = {}
        self._since: dict[Call[Any], float] = {}
        self._closed = False

    def beside(self, run: Run) -> Run:
        """A `run` whose answers to those who wait are kept back."""

        async def wait(calls: list[Call[Any]]) -> Result:
            result = await run(calls)
            return Result([each for each in result.answers if not self._keep(each)], result.again)

        return wait

    def heard(self, resource_ids: frozenset[str]) -> None:
        """Put those back who wait for some of these things, or for whole subtrees: it may be their turn."""
        self._wake([call for call, one in self._parked.items() if not one.ids.isdisjoint(resource_ids)])

    async def run(self) -> None:
        """Put everybody back now and then."""
        while True:
            await asyncio.sleep(POLL_S)
            self._wake(list(self._parked))

    async def close(self) -> None:
        """Say to all who wait where they stand; nobody is kept any more."""
        self._closed = True
        parked, self._parked = self._parked, {}
        for one in parked.values():
            await one.answered.call.answer(one.answered.status, one.answered.body)

    def _keep(self, answered: Answered) -> bool:
        """Keep an answer back as long as a better one may come."""
        call = answered.call
        if not isinstance(call.request, Await):
            return False
        if self._closed or answered.status != 200 or not answered.body.startswith(QUEUED):
            self._since.pop(call, None)
            return False
        since = self._since.setdefault(call, time.monotonic())
        until = since + POLL_WITHIN_S
        if call.deadline is not None:
            until = min(until, time.monotonic() + call.deadline - time.time() - MARGIN_S)
        if time.monotonic() >= until:
            del self._since[call]
            return False
        named = orjson.loads(answered.body)["resource_ids"]
        self._parked[call] = Parked(answered, frozenset(named).union(call.also.rows if call.also else ()))
        return True

    def _wake(self, calls: Iterable[Call[Any]]) -> None:
        for call in calls:
            del self._parked[call]
            self.lane_of(call).put(call, first=True)
