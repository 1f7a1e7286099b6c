"""Makes running servers ready for labstow: the database schema and the event stream."""

import asyncio
import os
from collections.abc import Iterator
from contextlib import contextmanager

import nats
from nats.errors import Error
from sqlalchemy.exc import OperationalError

from labstow.infra.environment import without_password
from labstow.infra.refusal import CannotStart
from labstow.workers.kit import database
from labstow.workers.kit.database import SchemaRefused
from labstow.workers.kit.stream import ensure

STREAM_PATIENCE = 20
CONNECT_PATIENCE = 3


def schema(postgres_url: str) -> None:
    """Bring the database to the schema of this version.

    Raises:
        CannotStart: the database does not answer, or is from a newer version.
    """
    with _usable(postgres_url):
        database.upgrade(postgres_url)


def check(postgres_url: str) -> None:
    """See that the database is at the schema of this version.

    Raises:
        CannotStart: it is not, or does not answer.
    """
    with _usable(postgres_url):
        database.check(postgres_url)


def current(postgres_url: str) -> str | None:
    """Say which schema the database is at; None if it has nothing of ours.

    Raises:
        CannotStart: the database does not answer.
    """
    with _usable(postgres_url):
        return database.current(postgres_url)


@contextmanager
def _usable(postgres_url: str) -> Iterator[None]:
    try:
        yield
    except SchemaRefused as refused:
        raise CannotStart(f"{str(refused).rstrip('.')}.") from refused
    except OperationalError as problem:
        where = without_password(postgres_url)
        raise CannotStart(f"Postgres at {where} cannot be used: {reason(problem)}.") from problem


def reason(problem: OperationalError) -> str:
    """What libpq says, without its questions and guesses on further lines."""
    first, *_ = str(problem.orig).strip().splitlines() or [type(problem.orig).__name__]
    return first.removeprefix("connection failed: ").rstrip(" .?:")


def stream(nats_url: str) -> None:
    """Make the stream of events, or see that it is there.

    Raises:
        CannotStart: NATS does not answer, or has no JetStream.
    """
    problems: list[Exception] = []

    async def note(problem: Exception) -> None:
        problems.append(problem)

    async def provisioned() -> None:
        async with asyncio.timeout(STREAM_PATIENCE):
            client = await nats.connect(
                nats_url.split(","), error_cb=note, connect_timeout=CONNECT_PATIENCE,
                max_reconnect_attempts=1, reconnect_time_wait=0.1,
            )  # fmt: skip
            try:
                await ensure(client)
            finally:
                await client.close()

    try:
        asyncio.run(provisioned())
    except (Error, OSError, TimeoutError) as problem:
        why = problems[-1] if problems else problem  # that no server is left says less than what is wrong with it
        text = os.strerror(why.errno) if isinstance(why, OSError) and why.errno else str(why) or type(why).__name__
        raise CannotStart(f"NATS at {without_password(nats_url)} cannot be used: {text.rstrip('.')}.") from problem
