"""A lane: a bounded queue and the tasks that empty it. While one batch runs the next one gathers; there is no timer."""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any, Final

from labstow.contracts.errors import DeadlinePassed, Internal
from labstow.workers.kit.call import Answered, Call, Result, refused

log = logging.getLogger(__name__)

ROWS_IN_A_BATCH: Final = 256

Run = Callable[[list[Call[Any]]], Awaitable[Result]]
"""Works out the answers to a batch. Running it again must be safe as long as it has not returned."""


class Lane:
    """Requests waiting for their turn, first come, first served."""

    def __init__(
        self, *runs: Run, room: int, limit: int = 1, weight: Callable[[Call[Any]], int] = lambda call: 1
    ) -> None:
        self._runs, self._room, self._limit, self._weight = runs, room, limit, weight
        self._waiting: deque[Call[Any]] = deque()
        self._some, self._idle = asyncio.Event(), asyncio.Event()
        self._busy = 0
        self._tasks: list[asyncio.Task[None]] = []
        self._idle.set()
        self.moves_to: Callable[[Call[Any]], Lane] = lambda call: self
        """Where a call that must be asked again belongs, by what it turned out to need."""
        self.taken_apart = 0
        """Batches that failed as a whole: their cause is worth a look."""

    def start(self) -> None:
        """Begin to serve: one task for each `run`."""
        self._tasks = [asyncio.create_task(self._work(run)) for run in self._runs]

    def put(self, call: Call[Any], *, first: bool = False) -> bool:
        """Queue a call; False when the lane is full. What was accepted before is never turned away (`first`)."""
        if first:
            self._waiting.appendleft(call)
        elif len(self._waiting) >= self._room:
            return False
        else:
            self._waiting.append(call)
        self._idle.clear()
        self._some.set()
        return True

    @property
    def tasks(self) -> list[asyncio.Task[None]]:
        """What empties the queue; none of it ever ends by itself."""
        return self._tasks

    @property
    def waiting(self) -> int:
        """How many calls wait."""
        return len(self._waiting)

    async def drain(self) -> None:
        """Return when everything that was accepted has been answered."""
        await self._idle.wait()

    async def stop(self) -> None:
        """End the tasks; what still waits is not answered, so `drain` first."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _work(self, run: Run) -> None:
        while await self._some.wait():
            if not (batch := self._gather()):
                continue
            self._busy += 1
            try:
                late = {call: lateness for call in batch if (lateness := call.late_s) > 0}
                result = await self._serve(run, [call for call in batch if call not in late])
                for call in reversed(result.again):
                    self.moves_to(call).put(call, first=True)
                passed = [refused(call, DeadlinePassed(late_s=round(late_s, 3))) for call, late_s in late.items()]
                for answer in (*result.answers, *passed):
                    await answer.call.answer(answer.status, answer.body)
            finally:
                self._busy -= 1
            if not self._waiting and not self._busy:
                self._idle.set()

    async def _serve(self, run: Run, batch: list[Call[Any]]) -> Result:
        """Run a batch; if that fails, run its calls one by one, so that only the one to blame suffers."""
        try:
            return await run(batch) if batch else Result([], [])
        except Exception:  # the worker's edge: whatever happens, the lane lives and everybody is answered
            if len(batch) == 1:
                log.exception("%s failed, operation %s", batch[0].request.subject, batch[0].by.op_id)
                return Result([refused(batch[0], Internal(op_id=batch[0].by.op_id))], [])
        self.taken_apart += 1
        answers: list[Answered] = []
        again: list[Call[Any]] = []
        for call in batch:
            result = await self._serve(run, [call])
            answers += result.answers
            again += result.again
        return Result(answers, again)

    def _gather(self) -> list[Call[Any]]:
        """The next batch: as many as fit, at least one."""
        batch: list[Call[Any]] = []
        rows = 0
        while self._waiting and len(batch) < self._limit:
            rows += self._weight(self._waiting[0])
            if batch and rows > ROWS_IN_A_BATCH:
                break
            batch.append(self._waiting.popleft())
        if not self._waiting:
            self._some.clear()
        return batch
