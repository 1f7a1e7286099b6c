"""`labstow db restored`: what a database needs once it was restored from a backup, before workers are at it."""

import asyncio
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import typer

from labstow.contracts.errors import Refusal
from labstow.infra import environment, prepare
from labstow.infra.directory import DataDirectory
from labstow.infra.embedded.postgres import PostgresServer
from labstow.infra.environment import without_password
from labstow.infra.refusal import CannotStart
from labstow.workers.kit.settings import Settings
from labstow.workers.lock.own import StartedOver
from labstow.workers.lock.policy import Policies
from labstow.workers.lock.restored import start_over


def restored(data: Path | None) -> None:
    """Start over with all locks, in the database of the settings or in that of a data directory where nothing runs.

    Raises:
        CannotStart: the database does not answer, or is not at the schema of this version.
    """
    environment.check(os.environ)
    settings = Settings()
    if data is None:
        prepare.check(settings.postgres_url)
        done = _start_over(settings.postgres_url, settings.lock_classes)
    else:
        with _serving(data) as url:
            prepare.schema(url)  # as `labstow up` would
            done = _start_over(url, settings.lock_classes)
    typer.echo(f"The tokens of {done.things} things are raised; {done.held} were held, and are not any more.")


@contextmanager
def _serving(data: Path) -> Iterator[str]:
    """The database of a data directory, served meanwhile."""
    if not (data / "postgres").is_dir():
        raise CannotStart(f"There is no database in {data}; say with --data where it is.")
    with DataDirectory(data) as directory:
        directory.clear_leftovers()
        server = PostgresServer(directory.path / "postgres", directory.log("postgres"))
        server.start()
        try:
            yield server.url
        finally:
            server.stop()


def _start_over(url: str, policies: Policies) -> StartedOver:
    with typer.progressbar(length=1, label="Raising tokens") as bar:

        def told(done: int, of: int) -> None:
            bar.length = of
            bar.update(done - bar.pos)

        try:
            return asyncio.run(start_over(url, policies, told))
        except (psycopg.Error, Refusal) as problem:
            first, *_ = str(problem).splitlines() or [type(problem).__name__]
            raise CannotStart(f"Postgres at {without_password(url)} cannot be used: {first.rstrip('.')}.") from problem
