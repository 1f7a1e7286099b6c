"""A worker for locks that says what a test tells it to, and remembers what it was asked; and a clock to be turned."""

import time
from collections import defaultdict
from collections.abc import Callable
from typing import Any, Final, NamedTuple

import orjson
from nats.aio.msg import Msg

from labstow.client import Reply
from labstow.contracts.errors import Refusal

PLATE: Final = "01M7ZQPSHVEFGKGX3AXV289NGE"
NEST: Final = "01M7ZQPSHVEFGKGX3AXV289NGF"
LEASE: Final = "4F9VY0W7Q3M1KAYMQFFSG2CZ8E"
TICKET: Final = "2B7XJ3N5T8V4HPD6RWKE9CGM0A"
NOW: Final = "2026-11-21T09:30:00Z"

VERBS: Final = ("lock.acquire", "lock.await", "lock.cancel", "lock.renew", "lock.release", "resource.find")

Said = dict[str, Any] | Refusal | Callable[[], dict[str, Any]] | None
"""What is answered, or makes the answer; None is no answer."""


class Asked(NamedTuple):
    """What somebody sent."""

    verb: str
    body: dict[str, Any]
    heads: dict[str, str]


def granted(seconds: float = 60) -> dict[str, Any]:
    """A lease for this time."""
    lease = {"lease_id": LEASE, "tokens": {PLATE: 7}, "expires_in_ms": int(seconds * 1000)}
    return {"state": "granted", "resource_ids": [PLATE], "at": NOW} | lease


def queued(position: int = 1) -> dict[str, Any]:
    """A place in line."""
    return {"state": "queued", "resource_ids": [PLATE], "at": NOW, "ticket": TICKET, "position": position}


class Desk:
    """Answers for each verb, in order; the last one is said for ever."""

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        self._script: defaultdict[str, list[Said]] = defaultdict(list)
        self.says("lock.acquire", granted())
        self.says("lock.renew", granted())
        self.says("lock.cancel", {"state": "cancelled"})
        self.says("lock.release", {"resource_ids": [PLATE], "at": NOW})
        self.says("resource.find", {"resources": [], "next": None})

    def says(self, verb: str, *answers: Said) -> None:
        """What it answers from now on."""
        self._script[verb] = list(answers)

    def heard(self, verb: str) -> list[Asked]:
        """What it was asked so far."""
        return [asked for asked in self.asked if asked.verb == verb]

    @property
    def verbs(self) -> list[str]:
        """What it was asked so far, in a word each."""
        return [asked.verb.partition(".")[2] for asked in self.asked]

    def answer(self, verb: str, message: Msg) -> Reply | None:
        """What it says to this one."""
        self.asked.append(Asked(verb, orjson.loads(message.data), message.headers or {}))
        script = self._script[verb]
        said = script.pop(0) if len(script) > 1 else script[0]
        if isinstance(said, Refusal):
            return Reply(said.status, orjson.dumps(said.problem()), said.code)
        return said if said is None else Reply(200, orjson.dumps(said() if callable(said) else said))


class Clock:
    """Our monotonic clock, or one that has run ahead: a process that was stopped finds it so when it goes on."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def monotonic(self) -> float:
        """What it shows."""
        return time.monotonic() + self.ahead

    def time(self) -> float:
        """What everybody's clocks show."""
        return time.time() + self.ahead
