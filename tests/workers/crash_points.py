"""A worker is killed at each statement of a command: it is done or not done, never half."""

import asyncio
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import psycopg

from labstow.contracts.message import Command
from labstow.contracts.ulids import new_ulid
from tests.servers import Servers
from tests.workers.dying import Death, Dying, Picture, picture, settle


class Stage(NamedTuple):
    """A database with everything in its place, which is copied for each try: what is looked at, and who audits it."""

    servers: Servers
    url: str
    queries: tuple[str, ...]
    audit: Callable[[psycopg.Connection[Any]], Iterable[str]]

    def kill(self, killed: Dying, command: Command[Any], *leases: str, by: str = "robot") -> None:
        """Kill a worker after each statement, and with what saves or the commit sent and nothing heard of it. Then ask
        another worker with the same operation id again: it is done, and was done once. The leases that are presented
        are hashed.
        """
        op_id = new_ulid()
        before = picture(self.queries, self.url)
        with self.servers.database(template=self.url) as url:
            statements = killed.carry_out(url, command, op_id, Death(0), *leases, by=by)
            after = self._sound(url)
        assert statements >= 5
        assert after != before
        seen = set()
        early = [Death(number) for number in range(1, statements - 1)]
        late = [Death(number, answered) for number in (statements - 1, statements) for answered in (True, False)]
        for deaths in (early, *([death] for death in late)):
            with self.servers.database(template=self.url) as url:
                for death in deaths:
                    assert killed.carry_out(url, command, op_id, death, *leases, by=by) < 0
                    left = picture(self.queries, url)
                    assert left in (before, after), death
                    seen.add(left == after)
                assert asyncio.run(settle(url, command, op_id, *leases, by=by)) == 200
                assert self._sound(url) == after
        assert seen == {True, False}

    def _sound(self, url: str) -> Picture:
        """A picture of a database with which nothing is wrong."""
        told = picture(self.queries, url)
        with psycopg.connect(url) as db:
            assert [*self.audit(db)] == []
        return told
