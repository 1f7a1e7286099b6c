"""Any commands about locks in any order: a database comes to the same as the laboratory that is all in memory.

The long form: LABSTOW_RACES=50 pytest tests/workers/test_lease_story.py --timeout=0
"""

import asyncio
import os
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any, ClassVar, Final

import psycopg
import pytest
from hypothesis import settings
from hypothesis.stateful import run_state_machine_as_test

from labstow.contracts.errors import Refusal
from labstow.contracts.message import Command
from labstow.workers.kit import unit
from labstow.workers.kit.leases import hashed
from labstow.workers.kit.pipeline import Statement
from labstow.workers.lock.noun import LOCK
from labstow.workers.lock.own import Sweep
from tests.rules.room import Json
from tests.rules.test_lock_model import PEOPLE, POLICIES, Locks
from tests.servers import Servers
from tests.workers.auditor import audit
from tests.workers.lease_desk import Desk

TOLD: Final = ("resource_id", "resource_ids", "holder", "self", "waiters", "expires_in_ms", "remaining_ms", "how")
"""Facts, where there is one reason only: of several who are in the way anyone may be named."""
SECRETS: Final = ("lease_id", "ticket")
TIMES: Final = int(os.environ.get("LABSTOW_RACES", "1"))


class InPostgres(Locks):
    """Asks the laboratory, the model and a database the same. The database has the clock of the laboratory.

    Seen to fail when tickets or leases of what contains a thing, or is in it, are not loaded, and when a release saves
    less than it says.
    """

    servers: ClassVar[Servers]
    migrated: ClassVar[str]
    loop: ClassVar[asyncio.Runner]

    def __init__(self) -> None:
        super().__init__()
        self.open = ExitStack()
        self.url = self.open.enter_context(self.servers.database(template=self.migrated))
        self.db = self.open.enter_context(psycopg.connect(self.url, autocommit=True))
        self.db.execute("create table labstow.clock as select %s::timestamptz as at", [self.room.now])
        self.desk = Desk(self.url, POLICIES)
        self.theirs: dict[str, str] = {}
        """Secrets of the database, by those of the laboratory."""

    def do(self, command: Command[Any], by: str = PEOPLE[0], lease: str | None = None) -> tuple[str, Json]:
        code, told = super().do(command, by, lease)
        self.db.execute("update labstow.clock set at = %s", [self.room.now])
        known = {name: self.theirs.get(each, each) for name in SECRETS if (each := getattr(command, name, None))}
        if isinstance(command, Sweep):
            named = {hashed(ours): hashed(theirs) for ours, theirs in self.theirs.items()}
            known = {"tickets": tuple(named[each] for each in command.tickets)}
        proofs = [self.theirs.get(lease, lease)] if lease else []
        their_code, theirs = self.loop.run(self._ask(command.model_copy(update=known), by, proofs))
        assert their_code == code
        if type(command) in LOCK.rules:
            for name in SECRETS:
                if told.get(name):
                    self.theirs.setdefault(told[name], theirs[name])
            one_of_several = code == "lock.in_line" or getattr(command, "scope", "self") == "subtree"
            names = (() if one_of_several else TOLD) if code else told.keys() - {*SECRETS, "lease"}
            assert {name: theirs.get(name) for name in names} == {name: told.get(name) for name in names}
        return code, told

    async def _ask(self, command: Command[Any], by: str, leases: list[str]) -> tuple[str, Json]:
        try:
            return "", await self.desk.ask(command, by, leases)
        except Refusal as refusal:
            return refusal.code, refusal.facts

    def teardown(self) -> None:
        super().teardown()
        self.loop.run(self.desk.close())
        with psycopg.connect(self.url) as connection:
            found = audit(connection)
        self.open.close()
        assert found == []


@pytest.fixture
def story(servers: Servers, migrated: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[type[InPostgres]]:
    """Machines with a database each."""
    monkeypatch.setattr(unit, "CLOCK", Statement.plain("select at from labstow.clock"))
    with asyncio.Runner() as loop:
        InPostgres.servers, InPostgres.migrated, InPostgres.loop = servers, migrated, loop
        yield InPostgres


def test_a_database_decides_as_the_memory_does(story: type[InPostgres]) -> None:
    """I1-I5, I9, I13: whatever is loaded for a decision is enough for it, and what is saved is what was decided."""
    run_state_machine_as_test(story, settings=settings(max_examples=12 * TIMES, stateful_step_count=40, deadline=None))
