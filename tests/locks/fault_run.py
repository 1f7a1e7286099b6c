"""The whole of labstow under harm: is every answer possible, and everything in order when it is over?

    python -m tests.locks.fault_run --seconds 600 --clients 8

Client processes take, use and lose leases on 16 things while every process of labstow, its servers included, is killed
again and again, Redis is emptied, and clients sleep longer than their leases last. Afterwards the history of each thing
must have an order that explains it, no outcome may be unknown, and the database must be as the auditor wants it.
Prints figures; ends with 1 if anything is wrong. The same seed does the same harm, though never at the same moments.

`--without-lease-check` lets workers write whatever lease is presented, to see that this is found.
"""

import argparse
import asyncio
import math
import os
import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import psycopg

from labstow.client import AsyncLabstow
from labstow.contracts.resource import Add, NewResource
from labstow.contracts.ulids import new_ulid
from tests.infra.running import Up, eventually, labstow_up
from tests.locks import up as locks_up
from tests.locks.clients import Orders
from tests.locks.faults import OFTEN, Faults, Harmed, schedule
from tests.locks.histories import Operation, recorded
from tests.locks.silence import asleep_too_long, silences
from tests.locks.verdict import Verdict, judge
from tests.servers import short_folder

THINGS: Final = 16
STOCK: Final = 4
TEN_MINUTES: Final = 600.0
PATIENCE: Final = 90.0
HISTORIES: Final = "*.jsonl"


@dataclass(frozen=True)
class Options:
    """What kind of run."""

    seconds: float = 60.0
    clients: int = 8
    sessions: int = 2
    """Over NATS, in each client; one more comes over REST."""
    seed: int = field(default_factory=lambda: random.randrange(1, 1_000_000))
    think_s: float = 0.0
    harm: tuple[str, ...] = tuple(OFTEN)
    at_least: int = 0
    """How many operations; when the harm is over, it goes on until there are as many."""
    checked: bool = True
    """Whether workers look at leases."""


@dataclass(frozen=True)
class Run:
    """What came of a run."""

    options: Options
    operations: list[Operation]
    harmed: list[Harmed]
    verdict: Verdict

    def figures(self) -> Iterator[str]:
        """What it was like, line by line."""
        known = Counter(one.kind for one in self.operations)
        told = Counter(f"{one.kind} {one.answer}" for one in self.operations)
        done = Counter(one.what for one in self.harmed)
        late = asleep_too_long(self.operations, self.harmed)
        options = self.options
        rate = len(self.operations) / (self.operations[-1].called - self.operations[0].called)
        yield f"seed {options.seed}, {options.seconds:.0f} s, {options.clients} clients, {THINGS} things"
        yield f"{len(self.operations)} operations, {rate:.0f} a second: {_counted(known)}"
        yield f"told: {_counted(told)}"
        yield f"asked for several at once: {self.verdict.several:.0%} of acquires"
        yield f"harm: {_counted(done)}; {late} clients slept longer than a lease they held"
        yield f"{self.verdict.grants} leases granted, {self.verdict.heard_late} of them when nobody waited any more"
        yield "longest time without an answer after one harm alone, in seconds (about locks / writing / reading):"
        for what, (times, longest) in silences(self.operations, self.harmed).items():
            yield f"    {what:<10} {' / '.join(f'{each:.2f}' for each in longest.values())}, of {times}"
        yield f"wrong: {len(self.verdict.wrong)}"
        yield from self.verdict.wrong


def _counted(counts: Counter[str]) -> str:
    return ", ".join(f"{what} {count}" for what, count in sorted(counts.items()))


def run(options: Options) -> Run:
    """Start everything, harm it, and judge what came of it."""
    program = [*locks_up.PROGRAM, *([] if options.checked else [locks_up.WITHOUT])]
    here = {"PYTHONPATH": os.pathsep.join([str(locks_up.ROOT), os.environ.get("PYTHONPATH", "")])}
    with short_folder() as folder, labstow_up(folder / "data", environ=here, program=program) as up:
        up.wait_until_ready()
        things, stock = asyncio.run(_furnish(up))
        _say("ready")
        with _clients(up, options, folder, things, stock) as clients:
            eventually(lambda: _counts(folder).count(0) == 0, "every client is at work")
            _say("at work")
            faults = Faults(up, clients, random.Random(options.seed))
            share = options.seconds / TEN_MINUTES
            counts = {what: max(2, math.ceil(often * share)) for what, often in OFTEN.items() if what in options.harm}
            asyncio.run(faults.run(schedule(counts, options.seconds, random.Random(options.seed))))
            _say("harmed")
            eventually(
                lambda: sum(_counts(folder)) >= options.at_least, f"{options.at_least} operations are done", PATIENCE
            )
        _say("at rest")
        eventually(up.is_ready, "it serves after all this", PATIENCE)
        operations = recorded(*sorted(folder.glob(HISTORIES)))
        with psycopg.connect(up.run["urls"]["Postgres"]) as connection:
            eventually(lambda: _published(connection), "every event is published", PATIENCE)
            verdict = judge(connection, operations, clock=time.time() - time.monotonic())
        assert up.stop() == 0
    return Run(options, operations, faults.done, verdict)


async def _furnish(up: Up) -> tuple[list[str], list[str]]:
    """Things to lock, and consumables that only become more."""
    things, stock = [new_ulid() for _ in range(THINGS)], [new_ulid() for _ in range(STOCK)]
    async with AsyncLabstow(up.run["urls"]["NATS"]) as client:
        for each in things:
            await client.ask(Add(resource=NewResource(resource_id=each, name="plate")), budget=30)
        for each in stock:
            one = NewResource(resource_id=each, name="tips", base_type="discrete_consumable")
            await client.ask(Add(resource=one), budget=30)
    return things, stock


@contextmanager
def _clients(
    up: Up, options: Options, folder: Path, things: list[str], stock: list[str]
) -> Iterator[Sequence[subprocess.Popen[bytes]]]:
    """Client processes that are at work; what they have begun is known at the end."""
    running = []
    try:
        for number in range(options.clients):
            orders = Orders(
                up.run["urls"]["NATS"], up.url, number, options.sessions, options.seed, things, stock,
                str(folder / f"{number}.jsonl"), options.think_s,
            )  # fmt: skip
            command = [sys.executable, "-m", "tests.locks.clients", orders.to_process()]
            Path(orders.history).touch()
            running.append(subprocess.Popen(command, stdin=subprocess.PIPE, cwd=locks_up.ROOT))
        yield running
        for process in running:
            process.communicate(timeout=PATIENCE)
        assert {process.returncode for process in running} == {0}
    finally:
        for process in running:
            process.kill()
            process.wait()


def _counts(folder: Path) -> list[int]:
    """How much each client has done."""
    return [history.read_bytes().count(b"\n") for history in folder.glob(HISTORIES)]


def _published(connection: psycopg.Connection) -> bool:
    connection.rollback()
    return connection.execute("select from labstow.outbox limit 1").fetchone() is None


def _say(what: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {what}", file=sys.stderr, flush=True)


def main() -> int:
    """Run once, as told by the command line."""
    told = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    told.add_argument("--seconds", type=float, default=60.0)
    told.add_argument("--clients", type=int, default=8)
    told.add_argument("--seed", type=int, default=random.randrange(1, 1_000_000))
    told.add_argument(
        "--harm", nargs="*", choices=list(OFTEN), default=list(OFTEN), help="what is done, else all of it"
    )
    told.add_argument("--think", type=float, default=0.0, help="seconds between two requests of a session, on average")
    told.add_argument("--without-lease-check", action="store_true")
    given = told.parse_args()
    options = Options(
        given.seconds,
        given.clients,
        seed=given.seed,
        think_s=given.think,
        harm=tuple(given.harm),
        checked=not given.without_lease_check,
    )
    done = run(options)
    print("\n".join(done.figures()))
    return 1 if done.verdict.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
