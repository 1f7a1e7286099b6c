"""Runs workers in this process."""

import os
from collections.abc import Sequence

from sqlalchemy.exc import OperationalError

from labstow.infra import environment
from labstow.infra.process import wait_until
from labstow.infra.refusal import CannotStart
from labstow.workers.kit.database import SchemaRefused, check
from labstow.workers.kit.settings import Settings
from labstow.workers.main import KINDS, main

PATIENCE = 60


def work(kinds: Sequence[str], *, wait: bool = False) -> None:
    """Work until SIGINT or SIGTERM; what was accepted is answered first.

    With `wait`, a database that is not there yet, or not at this version's schema yet, is waited for.

    Raises:
        CannotStart: a setting or a kind is unknown.
    """
    environment.check(os.environ)
    if unknown := [kind for kind in kinds if kind not in KINDS]:
        raise CannotStart(f"There is no worker {unknown[0]!r}; there are {', '.join(KINDS)}.")
    if wait:
        url = Settings().postgres_url
        wait_until(lambda: _usable(url), PATIENCE, tick=0.1)  # and if it was in vain, the worker says why
    main(list(kinds or KINDS))


def _usable(postgres_url: str) -> bool:
    try:
        check(postgres_url)
    except (SchemaRefused, OperationalError):
        return False
    return True
