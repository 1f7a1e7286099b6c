"""The heart without a database: the same rules on a lab that is all in memory."""

from collections.abc import Callable
from datetime import datetime
from typing import Any, Generic, TypeVar

import orjson

from labstow.contracts.errors import Refusal
from labstow.contracts.message import Command
from labstow.contracts.ulids import new_ulid
from labstow.workers.kit.call import Call, Result
from labstow.workers.kit.decide import Calls, Done, decide
from labstow.workers.kit.noun import By, Entity, Lab, Noun

T = TypeVar("T", bound=Entity)


class MemoryUnit(Generic[T]):
    """A writer whose lab is complete: nothing is ever `Wanted`. Also the model that property tests compare with."""

    def __init__(self, noun: Noun[T], lab: Lab[T], clock: Callable[[], datetime]) -> None:
        self.lab, self._noun, self._clock = lab, noun, clock
        self._done: Done = {}
        self.entries: list[dict[str, Any]] = []
        """The journal."""

    async def run(self, calls: Calls) -> Result:
        """Decide a batch."""
        decision = decide(self._noun, calls, self.lab, self._clock(), self._done)
        self.entries += [orjson.loads(entry) for entry in decision.entries]
        return Result(decision.answers, decision.again)

    async def ask(self, command: Command[Any], *, op_id: str | None = None) -> Any:
        """The answer to one command, as JSON.

        Raises:
            Refusal: what the rule said.
        """
        digest = command.model_dump_json() if op_id else None
        result = await self.run([Call(command, By("tester", "memory", op_id or new_ulid()), _nobody, digest)])
        _, status, body = result.answers[0]
        if status != 200:
            raise Refusal.from_problem(orjson.loads(body))
        return orjson.loads(body)


async def _nobody(status: int, body: bytes) -> None:
    """Answers are read from the result."""
