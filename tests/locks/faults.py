"""What harms a running labstow: everything that can be killed is, Redis is emptied, and clients are put to sleep."""

import asyncio
import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from random import Random
from typing import Final, NamedTuple

import psycopg
from redis.asyncio import Redis
from redis.exceptions import RedisError

from tests.infra.running import Up

SLEEP: Final = "sleep"
FLUSH: Final = "flush"
KILLED: Final = ("resource", "lock", "history", "gateway", "postgres", "nats", "valkey")
"""Names of processes, as far as they say what kind of process it is."""

OFTEN: Final = {SLEEP: 320, "resource": 15, "lock": 20, "history": 10, "gateway": 10} | dict.fromkeys(
    ("postgres", "nats", "valkey", FLUSH), 22
)
"""How often in ten minutes what is done."""
OVERSLEPT_S: Final = ((0.02, 0.3), (1.0, 2.0))
"""For how long somebody sleeps after its leases are over: just until somebody notices that, or longer."""
REST_S: Final = 7.0
"""How long a process lives at least: who supervises it gives up when it ends five times in half a minute."""


HOLDERS: Final = """
    select substring(holder from 'robot ([0-9]+)')::int, max(extract(epoch from expires_at - clock_timestamp()))::float8
    from labstow.lease where ended is null and expires_at > clock_timestamp() group by 1"""


class Harm(NamedTuple):
    """Something to do: when, counted from the beginning, and what."""

    at: float
    what: str


class Harmed(NamedTuple):
    """Something that was done: to whom, and from when to when."""

    what: str
    whom: str
    began: float
    ended: float


def schedule(counts: Mapping[str, int], seconds: float, dice: Random) -> list[Harm]:
    """When to do what: each thing evenly over the time, and each at a moment of its own."""
    harms = []
    for what, count in counts.items():
        part = seconds / max(count, 1)
        harms += [Harm(part * (number + dice.uniform(0.1, 0.9)), what) for number in range(count)]
    return sorted(harms)


class Faults:
    """Does harm to one labstow and its clients, and notes it down."""

    def __init__(self, up: Up, clients: Sequence[subprocess.Popen[bytes]], dice: Random) -> None:
        self.done: list[Harmed] = []
        self._up, self._clients, self._dice = up, clients, dice
        self._asleep: set[int] = set()
        self._killed: dict[str, float] = {}

    async def run(self, harms: Sequence[Harm]) -> None:
        """Do all this, in time."""
        begun = time.monotonic()
        async with asyncio.TaskGroup() as group:
            for harm in harms:
                await asyncio.sleep(begun + harm.at - time.monotonic())
                if harm.what == SLEEP:
                    group.create_task(self._sleep())
                elif harm.what == FLUSH:
                    await self._flush()
                else:
                    await self._kill(harm.what)

    async def _sleep(self) -> None:
        """Put a client to sleep for longer than its leases last; one that has one, if that can be found out."""
        awake = dict.fromkeys(set(range(len(self._clients))) - self._asleep, 0.0)
        holders = {number: left for number, left in (await self._holders()).items() if number in awake}
        number, left = self._dice.choice(sorted((holders or awake).items()))
        self._asleep.add(number)
        began = time.monotonic()
        self._clients[number].send_signal(signal.SIGSTOP)
        try:
            await asyncio.sleep(left + self._dice.uniform(*self._dice.choice(OVERSLEPT_S)))
        finally:
            self._clients[number].send_signal(signal.SIGCONT)
            self._note(SLEEP, str(number), began)
            self._asleep.discard(number)

    async def _holders(self) -> dict[int, float]:
        """The numbers of the clients that hold something, and for how long."""
        with suppress(psycopg.OperationalError):
            async with await psycopg.AsyncConnection.connect(self._up.run["urls"]["Postgres"]) as connection:
                return dict(await (await connection.execute(HOLDERS)).fetchall())
        return {}

    async def _kill(self, kind: str) -> None:
        """Kill one process of a kind, one that has lived for a while; it is started again."""
        while True:
            pids = {name: pid for name, pid in self._up.pids.items() if name.partition("-")[0] == kind}
            rested = [name for name in sorted(pids) if time.monotonic() - self._killed.get(name, 0.0) > REST_S]
            if rested:
                name, began = self._dice.choice(rested), time.monotonic()
                with suppress(ProcessLookupError):  # it ended by itself, and is being started again
                    os.kill(pids[name], signal.SIGKILL)
                    self._killed[name] = began
                    return self._note(kind, name, began)
            await asyncio.sleep(0.1)

    async def _flush(self) -> None:
        """Empty Redis, when it is there."""
        while True:
            began = time.monotonic()
            with suppress(RedisError):
                async with Redis.from_url(self._up.run["urls"]["Redis"], socket_timeout=1) as redis:
                    await redis.flushall()
                    return self._note(FLUSH, "valkey", began)
            await asyncio.sleep(0.1)

    def _note(self, what: str, whom: str, began: float) -> None:
        self.done.append(Harmed(what, whom, began, time.monotonic()))
