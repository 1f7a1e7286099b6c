"""Runs workers in this process."""

import os
from collections.abc import Sequence

import typer
from sqlalchemy.exc import OperationalError

from labstow.infra import environment, migrations, prepare
from labstow.infra.process import wait_until
from labstow.infra.refusal import CannotStart
from labstow.workers.kit import database
from labstow.workers.kit.settings import Settings
from labstow.workers.main import KINDS, main

PATIENCE = 60


def work(kinds: Sequence[str], *, wait: bool = False) -> None:
    """Work until SIGINT or SIGTERM; what was accepted is answered first.

    With `wait`, a database that is not there yet, or not at this version's schema yet, is waited for; one that time
    does not help is not.

    Raises:
        CannotStart: a setting or a kind is unknown.
    """
    environment.check(os.environ)
    if unknown := [kind for kind in kinds if kind not in KINDS]:
        raise CannotStart(f"There is no worker {unknown[0]!r}; there are {', '.join(KINDS)}.")
    if wait:
        _wait(Settings().postgres_url)  # and if it was in vain, the worker says why
    main(list(kinds or KINDS))


def _wait(postgres_url: str) -> None:
    said = ""

    def over() -> bool:
        nonlocal said
        missing = _missing(postgres_url)
        if missing and missing != said:
            typer.echo(f"labstow worker: waiting: {missing}", err=True)
            said = missing
        return not missing

    wait_until(over, PATIENCE, tick=0.1)


def _missing(postgres_url: str) -> str:
    """Say what may come by itself; nothing where all is there, or where waiting would not help."""
    try:
        found = database.current(postgres_url)
    except OperationalError as problem:
        return f"the database does not answer: {prepare.reason(problem)}"
    *older, newest = migrations.known()
    return f"the database is at schema {found or 'none'}, not at {newest}" if found in (None, *older) else ""
