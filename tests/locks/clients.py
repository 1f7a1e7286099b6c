"""A client process of the fault run: `python -m tests.locks.clients ORDERS`, the orders in JSON.

Its sessions do one thing after another to things that others want as well: take leases, on one thing or on several,
at once or standing in line; write, read, renew, give back, forget; and write where they must not. Each request is sent
with the same operation id until its outcome is known, and is written down once: from the first time it was sent until
the outcome came. The process ends when its input does, and what is under way is known.
"""

import asyncio
import json
import logging
import sys
import time
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from random import Random
from typing import Any, BinaryIO, Final, NamedTuple

import httpx

from labstow.client.bus import Bus
from labstow.contracts.lock import Acquire, Await, Break, Cancel, Release, Renew
from labstow.contracts.message import Request
from labstow.contracts.quantities import ChangeQuantity
from labstow.contracts.queries import Get
from labstow.contracts.resource import Patch, Update
from labstow.contracts.ulids import new_ulid
from tests.locks.doors import Door, Nats, Rest, Told, settle
from tests.locks.histories import Facts, Operation, record

TTL: Final = (1.0, 1.6)
WAIT: Final = (0.2, 2.0)
ABOUT_THEN: Final = (-0.1, 0.1)


@dataclass(frozen=True)
class Orders:
    """What a client process is told."""

    nats_url: str
    rest_url: str
    number: int
    sessions: int
    """Over NATS; one more comes over REST."""
    seed: int
    things: list[str]
    """Things that are locked."""
    stock: list[str]
    """Consumables that are never locked, and only become more."""
    history: str
    """Where to write down what happened."""
    think_s: float = 0.0
    """How long a session thinks between two requests, on average."""

    def to_process(self) -> str:
        """As an argument."""
        return json.dumps(asdict(self))


class Hold(NamedTuple):
    """A lease, as its holder knows it."""

    lease_id: str
    tokens: dict[str, int]
    over: float
    """When it has surely ended, unless it is renewed."""


class Session:
    """Somebody who asks one thing after another, and writes down what comes of it."""

    def __init__(self, door: Door, orders: Orders, number: int, file: BinaryIO) -> None:
        self.name = f"robot {orders.number}.{number}"
        self._door, self._orders, self._file = door, orders, file
        self._dice = Random(f"{orders.seed} {self.name}")
        self._holds: list[Hold] = []
        self._over: deque[Hold] = deque(maxlen=4)
        self._written = 0

    async def run(self, stop: asyncio.Event) -> None:
        """Do this and that until somebody says stop."""
        while not stop.is_set():
            await self._next()()
            if self._orders.think_s:
                with suppress(TimeoutError):
                    await asyncio.wait_for(stop.wait(), self._dice.expovariate(1 / self._orders.think_s))

    def _next(self) -> Callable[[], Awaitable[None]]:
        """What to do next: mostly what is sensible."""
        ways: dict[Callable[[], Awaitable[None]], float] = {self.read: 10, self.write_without: 6, self.add_stock: 6}
        if self._over:
            ways[self.write_too_late] = 6
        if self._holds:
            ways |= {self.write: 50, self.renew: 8, self.release: 22, self.forget: 1, self.linger: 1.5, self.acquire: 3}
        else:
            ways |= {self.acquire: 60}
        ways[self.break_one] = 0.5
        (way,) = self._dice.choices(list(ways), list(ways.values()))
        return way

    async def acquire(self) -> None:
        """Take one thing, or two to four; stand in line for them, or not."""
        count = 1 if self._dice.random() < 0.7 else self._dice.randint(2, 4)
        things = self._wanted(count)
        ttl, wait = self._dice.uniform(*TTL), self._dice.uniform(*WAIT) * (self._dice.random() < 0.4)
        command = Acquire(resource_ids=tuple(things), ttl_s=ttl, wait_s=wait, session=self.name)
        op_id, called = new_ulid(), time.monotonic()
        told = await self._ask(command, op_id=op_id)
        ticket = told.body.get("ticket") if told else None
        while told and told.body.get("state") == "queued":
            told = await self._ask(Await(ticket=ticket) if self._dice.random() < 0.9 else Cancel(ticket=ticket))
            if told and (lease := told.body.get("lease")):  # it was granted before it could be cancelled
                told = Told("", lease)
        self._record("acquire", things, {"ttl": ttl, "wait": wait, "op": op_id}, self._granted(told, ttl), called)

    def _wanted(self, count: int) -> list[str]:
        """Some things; the earlier in the list the more wanted, as there is one arm and many plates."""
        chances = {thing: self._dice.random() ** rank for rank, thing in enumerate(self._orders.things, 1)}
        return sorted(chances, key=chances.__getitem__, reverse=True)[:count]

    def _granted(self, told: Told | None, ttl: float) -> Facts | None:
        if told is None:
            return None
        if told.code:
            return _refused(told)
        if told.body["state"] != "granted":
            return {"answer": told.body["state"]}
        self._holds.append(Hold(told.body["lease_id"], told.body["tokens"], time.monotonic() + ttl))
        return {"answer": "granted", "lease": told.body["lease_id"], "tokens": told.body["tokens"]}

    async def write(self) -> None:
        """Write to something we hold."""
        await self._write(self._dice.choice(self._holds))

    async def write_too_late(self) -> None:
        """Write under a lease that is over, as who was asleep does."""
        await self._write(self._dice.choice(self._over))

    async def write_without(self) -> None:
        """Write as if nobody could hold it."""
        await self._write(None)

    async def _write(self, hold: Hold | None) -> None:
        thing = self._dice.choice(list(hold.tokens) if hold else self._orders.things)
        self._written += 1
        value, called = f"{self.name} {self._written}", time.monotonic()
        command = Update(resource_id=thing, changes=Patch(attributes={"value": value}))
        told = await self._ask(command, lease=hold and hold.lease_id)
        proof = {"lease": hold.lease_id, "tokens": hold.tokens} if hold else {}
        self._record("write", [thing], {"value": value, **proof}, _outcome(told, [thing]), called)
        self._lost(hold, told)

    async def read(self) -> None:
        """Read what is written."""
        thing, called = self._dice.choice(self._orders.things), time.monotonic()
        told = await self._ask(Get(resource_id=thing, children=False))
        result = told and {"answer": "ok", "value": told.body["attributes"].get("value")}
        self._record("read", [thing], {}, result, called)

    async def renew(self) -> None:
        """Let a lease last longer."""
        await self._renew(self._dice.choice(self._holds))

    async def _renew(self, hold: Hold) -> None:
        ttl, called = self._dice.uniform(*TTL), time.monotonic()
        told = await self._ask(Renew(lease_id=hold.lease_id, ttl_s=ttl))
        arguments = {"ttl": ttl, "lease": hold.lease_id, "tokens": hold.tokens}
        self._record("renew", list(hold.tokens), arguments, _outcome(told, list(hold.tokens)), called)
        if told and not told.code:
            self._holds[self._holds.index(hold)] = hold._replace(over=time.monotonic() + ttl)
        self._lost(hold, told)

    async def release(self) -> None:
        """Give a lease back, or now and then a part of it."""
        hold, called = self._dice.choice(self._holds), time.monotonic()
        things = list(hold.tokens)
        part = self._dice.sample(things, len(things) - 1) if len(things) > 1 and self._dice.random() < 0.2 else things
        if part == things:
            told = await self._ask(Release(lease_id=hold.lease_id))
        else:
            told = await self._ask(Release(lease_id=hold.lease_id, resource_ids=tuple(part)))
        # What others took meanwhile is not given back with the rest: the answer names what was.
        named = set(told.body["resource_ids"]) if told and not told.code else set(part)
        for some, outcome in (
            ([thing for thing in part if thing in named], _outcome(told, part)),
            (gone := [thing for thing in part if thing not in named], {"answer": "lost", "because": gone}),
        ):
            if some:
                arguments = {"lease": hold.lease_id, "tokens": {thing: hold.tokens[thing] for thing in some}}
                self._record("release", some, arguments, outcome, called)
        self._holds.remove(hold)
        if kept := {thing: token for thing, token in hold.tokens.items() if thing not in part}:
            self._holds.append(hold._replace(tokens=kept))
        else:
            self._over.append(hold)

    async def forget(self) -> None:
        """Leave a lease to its end, and write under it after that."""
        hold = self._dice.choice(self._holds)
        self._holds.remove(hold)
        self._over.append(hold)

    async def linger(self) -> None:
        """Do nothing until a lease has just ended, or is just about to; then use it."""
        hold = self._dice.choice(self._holds)
        await asyncio.sleep(hold.over + self._dice.uniform(*ABOUT_THEN) - time.monotonic())
        await self._dice.choice([self._renew, self._write])(hold)

    async def break_one(self) -> None:
        """Take something from whoever holds it."""
        thing, called = self._dice.choice(self._orders.things), time.monotonic()
        told = await self._ask(Break(resource_id=thing, reason="the lab is on fire"))
        things = told.body["resource_ids"] if told and not told.code else [thing]
        self._record("break", things, {}, _outcome(told), called)

    async def add_stock(self) -> None:
        """Put one more where nobody locks."""
        thing, called = self._dice.choice(self._orders.stock), time.monotonic()
        told = await self._ask(ChangeQuantity(resource_id=thing, by=1))
        result = told and {"answer": "ok", "quantity": int(told.body["quantity"].partition(".")[0])}
        self._record("change", [thing], {"by": 1}, result, called)

    def _lost(self, hold: Hold | None, told: Told | None) -> None:
        """Remember that a lease is over."""
        if hold in self._holds and told and told.code == "lock.lost":
            self._holds.remove(hold)
            self._over.append(hold)

    async def _ask(self, request: Request[Any], *, op_id: str = "", lease: str | None = None) -> Told | None:
        return await settle(self._door, request, self.name, op_id=op_id, lease=lease)

    def _record(self, kind: str, things: list[str], arguments: Facts, result: Facts | None, called: float) -> None:
        known = {} if result is None else {"returned": time.monotonic()}
        record(self._file, Operation(self.name, kind, tuple(things), arguments, result, called, **known))


def _outcome(told: Told | None, things: list[str] | None = None) -> Facts | None:
    """What was told of a change of some things."""
    if told is None:
        return None
    return _refused(told, things) if told.code else {"answer": "ok"}


def _refused(told: Told, things: list[str] | None = None) -> Facts:
    """A refusal in one word, and whom it blames; what the histories do not know keeps its code."""
    match told.code:
        case "lock.held" | "resource.locked":
            return {"answer": "held", "because": [told.body["resource_id"]]}
        case "lock.lost" if things:
            return {"answer": "lost", "because": things}
        case _:
            return {"answer": told.code}


async def main(orders: Orders, file: BinaryIO) -> None:
    """Be a client process."""
    stop = asyncio.Event()
    bus = Bus(orders.nats_url, name=f"robot {orders.number}")
    async with bus, httpx.AsyncClient(base_url=orders.rest_url, timeout=10) as http:
        doors: list[Door] = [Rest(http), *[Nats(bus)] * orders.sessions]
        sessions = [Session(door, orders, number, file) for number, door in enumerate(doors)]
        running = [asyncio.create_task(session.run(stop)) for session in sessions]
        ending = asyncio.create_task(asyncio.to_thread(sys.stdin.read))
        await asyncio.wait([ending, *running], return_when=asyncio.FIRST_COMPLETED)
        stop.set()
        await asyncio.gather(*running)


if __name__ == "__main__":
    told = Orders(**json.loads(sys.argv[1]))
    logging.getLogger("labstow").setLevel(logging.ERROR)  # that servers go away is what this is about
    with Path(told.history).open("wb", buffering=0) as written:
        asyncio.run(main(told, written))
