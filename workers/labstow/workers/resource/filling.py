"""Answers to commands, with everything in the things that they show, for those who would ask for it next."""

from collections.abc import Callable
from functools import partial
from typing import Any, Final

import orjson

from labstow.contracts.base_types import CONTAINERS, BaseType
from labstow.contracts.queries import Get
from labstow.workers.kit.call import Answered, Call, Result
from labstow.workers.kit.lane import Lane, Run

ITSELF: Final = "."
LARGEST: Final = 4_000_000
"""Bytes of an answer; what is larger is left as it was."""


Find = Callable[[Call[Any], dict[str, Any]], dict[str, str]]
"""The things that a call wants in its answer, by the name under which they are shown."""


class Filling:
    """Has the things read in the lane for that, together with what others read: the writer goes on meanwhile."""

    def __init__(self, find: Find) -> None:
        self._find = find
        self.reading: Lane

    def beside(self, run: Run) -> Run:
        """A `run` whose answers come filled to those who want that."""

        async def fill(calls: list[Call[Any]]) -> Result:
            result = await run(calls)
            return Result([each for each in result.answers if not self._fill(each)], result.again)

        return fill

    def _fill(self, answered: Answered) -> bool:
        """Take an answer away, to be sent when it is filled; or leave it, where there is nothing to fill."""
        if not answered.call.fill or answered.status != 200:
            return False
        told = orjson.loads(answered.body)
        ids = self._find(answered.call, told)
        answer = Answer(answered, told, len(ids))
        asked = [
            self.reading.put(Call(Get(resource_id=each), answered.call.by, partial(answer.read, part)))
            for part, each in ids.items()
        ]
        answer.missing -= asked.count(False)
        return any(asked)


class Answer:
    """An answer that is being filled."""

    def __init__(self, answered: Answered, told: dict[str, Any], missing: int) -> None:
        self._answered, self._told, self.missing = answered, told, missing
        self._trees: dict[str, bytes] = {}

    async def read(self, part: str, status: int, body: bytes) -> None:
        """One part was read, or could not be; the last one sends the answer."""
        self.missing -= 1
        if status == 200:
            self._trees[part] = body
        if self.missing <= 0:
            await self._answered.call.answer(200, self._filled())

    def _filled(self) -> bytes:
        if sum(map(len, self._trees.values())) > LARGEST:
            return self._answered.body
        if tree := self._trees.get(ITSELF):
            return tree
        return orjson.dumps(self._told | {part: orjson.Fragment(tree) for part, tree in self._trees.items()})


def parts(call: Call[Any], told: dict[str, Any]) -> dict[str, str]:
    """Those parts of an answer that are wanted, and in which there is something."""
    things = {part: told if part == ITSELF else told.get(part) for part in call.fill}
    return {part: thing["resource_id"] for part, thing in things.items() if thing and _holds(thing)}


def _holds(thing: dict[str, Any]) -> bool:
    """Whether there is something in it, as far as is known."""
    kind = thing["base_type"]
    return kind in CONTAINERS and (kind == BaseType.POOL or float(thing["quantity"]) > 0)
