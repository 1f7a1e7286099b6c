"""A request on its way: what is asked, by whom, and how to answer."""

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final, Generic, NamedTuple, TypeVar

from labstow.contracts.errors import Refusal
from labstow.contracts.message import Request
from labstow.workers.kit.journal import dumps
from labstow.workers.kit.noun import By, Footprint

R_co = TypeVar("R_co", bound=Request[Any], covariant=True)

CLOCK_SKEW_S: Final = 1.0

Answer = Callable[[int, bytes], Awaitable[None]]
"""Sends status and body to whoever asked."""


@dataclass(slots=True, eq=False)
class Call(Generic[R_co]):
    """One request, from its acceptance to its answer."""

    request: R_co
    by: By
    answer: Answer
    digest: str | None = None
    """Hash of a command: its answer is kept under the operation id, for repetitions."""
    deadline: float | None = None
    also: Footprint | None = None
    """What earlier tries found it needs."""
    tries: int = 0
    fill: tuple[str, ...] = ()
    """Parts of the answer that are to come with everything in them."""

    @property
    def late_s(self) -> float:
        """For how long nobody has waited any more, by this worker's clock; 0 or less while somebody does."""
        return 0.0 if self.deadline is None else time.time() - self.deadline - CLOCK_SKEW_S


class Answered(NamedTuple):
    """A call with its answer, not yet sent."""

    call: Call[Any]
    status: int
    body: bytes


def refused(call: Call[Any], refusal: Refusal) -> Answered:
    """A no."""
    return Answered(call, refusal.status, dumps(refusal.problem()))


class Result(NamedTuple):
    """What became of a batch: answers to send, and calls to ask again, which go first next time."""

    answers: list[Answered]
    again: list[Call[Any]]
