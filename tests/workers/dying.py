"""A worker that is killed at a statement: `python -m tests.workers.dying`, a line in, a line out, again and again.

Each line is a command and the statement to die at. A child that has everything loaded carries it out and kills itself
(SIGKILL): when the statement was answered, or when it was sent and nothing came back yet. What a worker sends in one go
is sent one by one here, so that there is a point between any two statements.
"""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import psycopg

from labstow.contracts import batch, lab_file, location, lock, pattern, transfer
from labstow.contracts.message import Command
from labstow.workers.kit.call import Call
from labstow.workers.kit.leases import ANY
from labstow.workers.kit.noun import By
from labstow.workers.kit.pipeline import Ask, Pipeline, Rows
from labstow.workers.kit.unit import Unit
from labstow.workers.lock.noun import LOCK
from labstow.workers.lock.own import StartOver, Sweep
from labstow.workers.lock.repository import Repository as Locks
from labstow.workers.resource.noun import RESOURCE
from labstow.workers.resource.repository import Repository
from labstow.workers.transfer.noun import TRANSFER
from labstow.workers.transfer.repository import Repository as Places
from labstow.workers.transfer.resolve import NoteOverdue, Resolve
from tests.workers import calls

PLACES: tuple[type[Command[Any]], ...] = (
    *location.COMMANDS,
    *pattern.COMMANDS,
    *transfer.COMMANDS,
    *lab_file.COMMANDS,
    NoteOverdue,
    Resolve,
)
COMMANDS: tuple[type[Command[Any]], ...] = (*batch.COMMANDS, *lock.COMMANDS, Sweep, StartOver, *PLACES)
BY_SUBJECT = {command.subject: command for command in COMMANDS}


Picture = list[list[tuple[Any, ...]]]


def picture(queries: Iterable[str], url: str) -> Picture:
    """What queries tell of a database, once nobody is at work there any more: not even whom a dead worker left."""
    with psycopg.connect(url, options="-c search_path=labstow") as db:
        quiet = "select count(*) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()"
        while db.execute(quiet).fetchone() != (0,):
            db.rollback()
        return [db.execute(query).fetchall() for query in queries]


class Death(NamedTuple):
    """When to die: at the statement with this number, from 1."""

    statement: int
    answered: bool = True


class Dying:
    """The process that has such children."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def carry_out(
        self, url: str, command: Command[Any], op_id: str, death: Death, *leases: str, by: str = "robot"
    ) -> int:
        """Let a child do it: how many statements it came to; negative if it was killed after that many. The leases that
        are presented are hashed.
        """
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        asked = command.model_dump(mode="json", exclude_unset=True)
        line = json.dumps([url, command.subject, asked, op_id, death.statement, death.answered, by, *leases])
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()
        return int(self._process.stdout.readline())


@contextmanager
def dying() -> Iterator[Dying]:
    """Start such a process."""
    command = [sys.executable, "-m", "tests.workers.dying"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield Dying(process)
        process.communicate()


def call(command: Command[Any], op_id: str, *leases: str, by: str = "robot") -> Call[Any]:
    """A command that can be repeated."""
    digest = command.model_dump_json(exclude_unset=True) if command.kept else None
    via = "rest" if ANY in leases else "test"
    return Call(command, By(by, via, op_id, None, leases), calls.nobody, digest)


def unit_of(url: str, command: Command[Any]) -> Unit[Any]:
    """Who decides a command."""
    if type(command) in TRANSFER.rules:
        return Unit(url, TRANSFER, Places({}))
    return Unit(url, LOCK, Locks({})) if type(command) in LOCK.rules else Unit(url, RESOURCE, Repository())


async def settle(url: str, command: Command[Any], op_id: str, *leases: str, by: str = "robot") -> int:
    """The status of the answer."""
    unit = unit_of(url, command)
    (answer,) = await calls.settle(unit, call(command, op_id, *leases, by=by))
    await unit.close()
    return answer.status


def _child(url: str, subject: str, asked: Any, op_id: str, death: Death, by: str, *leases: str) -> int:
    """Carry out a command, unless death comes first; how many statements it took."""
    whole, statements = Pipeline.exchange, 0

    async def exchange(self: Pipeline, *asks: Ask) -> list[Rows]:
        nonlocal statements
        answers: list[Rows] = []
        for ask in asks:
            statements += 1
            sending = asyncio.create_task(whole(self, ask))
            if statements == death.statement and not death.answered:
                await asyncio.sleep(0)  # it writes what fits into the socket, and waits
                os.kill(os.getpid(), signal.SIGKILL)
            answers += await sending
            if statements == death.statement:
                os.kill(os.getpid(), signal.SIGKILL)
        return answers

    Pipeline.exchange = exchange  # type: ignore[method-assign]
    asyncio.run(settle(url, BY_SUBJECT[subject].model_validate(asked), op_id, *leases, by=by))
    return statements


if __name__ == "__main__":
    for order in sys.stdin:
        url, subject, asked, op_id, statement, answered, by, *leases = json.loads(order)
        if not (child := os.fork()):
            os._exit(_child(url, subject, asked, op_id, Death(statement, answered), by, *leases))
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)
