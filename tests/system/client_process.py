"""A client alone in a process, for the races: `python -m tests.system.client_process NATS NUMBER`.

A race is a line of JSON: the name of a function here, who the client is, and what it is given. The client says
`"ready"`, begins at the next line, and writes what came of it: one line again. It ends when nothing more comes.
"""

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable
from random import Random
from typing import Any, Final, NamedTuple

from labstow.client import AsyncLabstow
from labstow.contracts.batch import COMMANDS
from labstow.contracts.errors import Refusal
from labstow.contracts.message import Command
from labstow.contracts.placing import Placement, Pop, Push
from labstow.contracts.resource import NewResource
from labstow.contracts.ulids import new_ulid

BUDGET: Final = 20.0
TYPES: Final = {command.subject: command for command in COMMANDS}


class Asked(NamedTuple):
    """A command on its way to a client."""

    subject: str
    body: str
    op_id: str


class Told(NamedTuple):
    """What came of it: `done` and the answer, or the code of its refusal."""

    code: str
    answer: dict[str, Any]


def asked(command: Command[Any], op_id: str | None = None) -> Asked:
    """A command as a client takes it."""
    return Asked(command.subject, command.model_dump_json(exclude_unset=True), op_id or new_ulid())


async def say(client: AsyncLabstow, _: Random, commands: list[list[str]]) -> list[Told]:
    """What comes of commands that are asked one after another."""
    return [await _ask(client, TYPES[subject].model_validate_json(body), op_id) for subject, body, op_id in commands]


async def empty(client: AsyncLabstow, dice: Random, containers: list[str]) -> list[tuple[str, str, str]]:
    """What comes of popping from any of some containers until each refused, and of pushing now and then: what was
    asked, `done` or the code of the refusal, and the thing.
    """
    log = []
    while containers:
        container = dice.choice(containers)
        asks: list[Command[Placement]] = [Pop(container_id=container)]
        if dice.random() < 0.05:
            asks.insert(0, Push(container_id=container, resource=NewResource(name="one more")))
        for command in asks:
            code, answer = await _ask(client, command)
            log.append((command.subject, code, answer["resource"]["resource_id"] if code == "done" else ""))
        if code != "done":
            containers.remove(container)
    return log


async def _ask(client: AsyncLabstow, command: Command[Any], op_id: str | None = None) -> Told:
    try:
        answer = await client.ask(command, op_id=op_id, budget=BUDGET)
    except Refusal as refusal:
        return Told(refusal.code, {})
    return Told("done", answer.model_dump(mode="json"))


RACES: Final[dict[str, Callable[[AsyncLabstow, Random, Any], Awaitable[Any]]]] = {"say": say, "empty": empty}


async def main(nats_url: str, number: str) -> None:
    async with AsyncLabstow(nats_url) as client:
        while line := await asyncio.to_thread(sys.stdin.readline):
            race, client.actor, given = json.loads(line)
            print('"ready"', flush=True)
            sys.stdin.readline()  # blocking, so that it begins without delay: they are all ready within a moment
            print(json.dumps(await RACES[race](client, Random(number), given)), flush=True)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
