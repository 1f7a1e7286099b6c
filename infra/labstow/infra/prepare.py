"""Makes running servers ready for labstow: the database schema and the event stream."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from nats.errors import Error
from sqlalchemy.exc import OperationalError

from labstow.infra.environment import without_password
from labstow.infra.refusal import CannotStart
from labstow.workers.kit import database
from labstow.workers.kit.database import SchemaRefused
from labstow.workers.kit.stream import provision

STREAM_PATIENCE = 20


def schema(postgres_url: str) -> None:
    """Bring the database to the schema of this version.

    Raises:
        CannotStart: the database does not answer, or is from a newer version.
    """
    with _usable(postgres_url):
        database.upgrade(postgres_url)


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
        reason = str(problem.orig).strip().splitlines()[-1]
        raise CannotStart(f"Postgres at {without_password(postgres_url)} cannot be used: {reason}.") from problem


def stream(nats_url: str) -> None:
    """Make the stream of events, or see that it is there.

    Raises:
        CannotStart: NATS does not answer, or has no JetStream.
    """

    async def provisioned() -> None:
        async with asyncio.timeout(STREAM_PATIENCE):
            await provision(nats_url)

    try:
        asyncio.run(provisioned())
    except (Error, OSError, TimeoutError) as problem:
        reason = str(problem) or type(problem).__name__
        raise CannotStart(f"NATS at {without_password(nats_url)} cannot be used: {reason}.") from problem
