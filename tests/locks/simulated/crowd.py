"""Sessions that crowd around one server, in no real time: honest histories by dice, or with one lie in them."""

from collections import defaultdict
from collections.abc import Callable, Generator, Sequence
from heapq import heapify, heapreplace
from random import Random
from types import MappingProxyType
from typing import Final, NamedTuple, Protocol, TypeVar

from tests.locks.histories import Facts, Operation

LATENCY: Final = 0.003
"""Seconds that a request or an answer is under way, on average."""
AGAIN: Final = 0.02
"""Seconds until the server looks again at a request that waits."""


class Request(NamedTuple):
    """What a session asks next."""

    kind: str
    resources: tuple[str, ...]
    arguments: Facts = MappingProxyType({})
    pause: float = 0.0
    """Seconds it does nothing before."""


Session = Generator[Request, Facts, None]
"""Asks one request after the other, for ever, and is sent the answers."""


class Server(Protocol):
    """Does one request at a time."""

    def answer(self, request: Request, called: float, now: float) -> Facts | None:
        """What it tells, or None: the request waits."""


Which = TypeVar("Which", bound=Server)
Lie = Callable[[Which, Request, float, float], Facts | None]
"""A wrong answer of a server, if this is where one can be given; what the server does then is wrong too."""


class Told(NamedTuple):
    """What happened."""

    history: list[Operation]
    wrong: Operation | None
    """The operation that was answered with a lie."""


class Call(NamedTuple):
    """A request on its way to the server."""

    arrives: float
    number: int
    """Of the session."""
    called: float
    request: Request

    def meets(self, other: "Call") -> bool:
        """Whether another session's call is on its way too, to the same thing."""
        apart = other.number == self.number or other.called > self.arrives
        return not apart and not set(other.request.resources).isdisjoint(self.request.resources)


def crowd(server: Which, sessions: Sequence[Session], size: int, dice: Random, lie: Lie[Which] | None = None) -> Told:
    """Let sessions ask a server until it has answered so many requests.

    A lie is told once, not at the very start, and where nothing else that happens to the same resources at the same
    time could excuse it.
    """

    history: list[Operation] = []
    wrong: Operation | None = None
    last_return: dict[str, float] = defaultdict(float)

    def under_way() -> float:
        return dice.expovariate(1 / LATENCY)

    def call(number: int, request: Request, after: float) -> Call:
        called = after + request.pause + under_way()
        return Call(called + under_way(), number, called, request)

    def is_alone(call: Call) -> bool:
        returned = all(last_return[each] < call.called for each in call.request.resources)
        return returned and not any(map(call.meets, calls))

    calls = [call(number, next(session), 0.0) for number, session in enumerate(sessions)]
    heapify(calls)
    while len(history) < size:
        now, number, called, request = first = calls[0]
        lies = lie is not None and wrong is None and len(history) > size / 5 and is_alone(first)
        told, returned = lie(server, request, called, now) if lie and lies else None, now
        if told is not None:
            wrong = Operation(f"session {number}", *request[:3], told, called, returned)
        else:
            told, returned = server.answer(request, called, now), now + under_way()
        if told is None:
            heapreplace(calls, first._replace(arrives=now + AGAIN))
            continue
        history.append(Operation(f"session {number}", *request[:3], told, called, returned))
        last_return.update({each: max(last_return[each], returned) for each in request.resources})
        heapreplace(calls, call(number, sessions[number].send(told), returned))
    return Told(history, wrong)
