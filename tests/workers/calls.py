"""Calls to the writers and readers of a worker, without the worker; and a look into its database."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg

from labstow.contracts.message import Command
from labstow.contracts.ulids import new_ulid
from labstow.workers.kit.call import Answered, Call
from labstow.workers.kit.noun import By
from labstow.workers.kit.unit import Unit


async def nobody(status: int, body: bytes) -> None:
    """Answers are read from the result."""


def call(command: Command[Any], op_id: str | None = None) -> Call[Any]:
    """A command; with an operation id of the caller's it can be repeated."""
    digest = command.model_dump_json() if op_id else None
    return Call(command, By("tester", "test", op_id or new_ulid()), nobody, digest)


async def settle(unit: Unit[Any], *calls: Call[Any]) -> list[Answered]:
    """Run calls until none must be asked again."""
    answers: list[Answered] = []
    waiting = list(calls)
    while waiting:
        result = await unit.run(waiting)
        answers, waiting = answers + result.answers, result.again
    return answers


@contextmanager
def sql(url: str) -> Iterator[psycopg.Connection[Any]]:
    """A connection to our schema, where each statement is a transaction."""
    with psycopg.connect(url, autocommit=True, options="-c search_path=labstow") as connection:
        yield connection
