"""A worker is killed at each statement of each command about locks, and of writes under a lease: it is done or not
done, never half (I5, I21, I32).

The long form has a few more: LABSTOW_RACES=2 pytest tests/workers/test_lease_crash_points.py
"""

import asyncio
import os
from collections.abc import Callable, Iterator
from itertools import filterfalse
from typing import Any, Final

import psycopg
import pytest

from labstow.contracts.batch import Batch
from labstow.contracts.lock import Acquire, Await, Break, Cancel, Release, Renew
from labstow.contracts.message import Command
from labstow.contracts.resource import Patch, Update
from labstow.workers.kit.leases import ANY, hashed
from labstow.workers.lock.own import StartOver, Sweep
from tests.locks.auditor_locks import audit_locks
from tests.servers import Servers
from tests.workers.auditor import audit
from tests.workers.crash_points import Stage
from tests.workers.dying import Dying
from tests.workers.lease_desk import Desk
from tests.workers.lease_order import audit_whole

PICTURE: Final = (
    "select id, name, version, parent_id from resource order by 1",
    """select id, version, token, lease is not null, holder, scope, ended, cooling_until, jsonb_array_length(line),
        count(*) over (partition by lease), ttl_s from lease order by 1""",
    "select number, principal, resource_ids from ticket order by 1, 2",
    "select noun, entity_id, version, what, token from journal order by 1, 2, 3",
    "select noun, entity_id, version from journal join outbox using (seq) order by 1, 2, 3",
    "select op_id, status from operation order by 1",
)
"""Everything there is, but for moments, and for ids and secrets that are made anew each time."""


class Scene:
    """What is in the database: robot has a shelf whole, with a tube in it, and two plates, for which others wait."""

    def __init__(self, url: str) -> None:
        self.url = url

    async def furnish(self) -> None:
        desk = Desk(self.url)
        self.shelf = await desk.add("container")
        self.tube = await desk.add(into=self.shelf)
        self.plates = (await desk.add(), await desk.add())
        self.over, self.stale, self.free, self.lenient = [await desk.add() for _ in range(4)]
        self.whole = await desk.have(self.shelf, by="robot", scope="subtree", ttl_s=3600)
        self.lease = await desk.have(*self.plates, by="robot", ttl_s=3600)
        await desk.have(self.lenient, by="anonymous", session="node", lenient=True, ttl_s=3600)
        await desk.have(self.over, self.stale, by="ada")
        self.waits = await desk.queue(self.over, by="robot")
        self.gives_up = await desk.queue(self.plates[0], by="robot")
        self.forgotten = await desk.queue(*self.plates, by="bob")
        await desk.close()
        with psycopg.connect(self.url, options="-c search_path=labstow") as db:
            db.execute("update lease set expires_at = now() - interval '1 s' where holder = 'ada'")
            db.execute("update ticket set alive_until = now() + interval '1 hour'")
            db.execute("update ticket set alive_until = now() - interval '1 s' where principal = 'bob'")

    def asked(self, name: str) -> tuple[Command[Any], str, tuple[str, ...]]:
        """A command, whose, and what it presents."""
        command = COMMANDS[name](self)
        bypass = name == "bypass"
        return command, "anonymous" if bypass else "robot", (ANY,) if bypass else tuple(map(hashed, self.proofs(name)))

    def proofs(self, name: str) -> list[str]:
        under = {"write": [self.lease], "write in a whole": [self.whole], "batch": [self.lease, self.whole]}
        return under.get(name, [])


def named(thing: str) -> Update:
    return Update(resource_id=thing, changes=Patch(name="another"))


def batch(*commands: Update) -> Batch:
    steps = [{"verb": "update", "command": each.model_dump(exclude_unset=True)} for each in commands]
    return Batch.model_validate({"steps": steps})


COMMANDS: Final[dict[str, Callable[[Scene], Command[Any]]]] = {
    "acquire": lambda at: Acquire(resource_ids=(at.stale, at.free)),
    "acquire of a whole": lambda at: Acquire(resource_ids=(at.free, at.stale), scope="subtree"),
    "queue": lambda at: Acquire(resource_ids=(at.stale, at.lenient), wait_s=60, session="arm"),
    "await": lambda at: Await(ticket=at.waits),
    "cancel": lambda at: Cancel(ticket=at.gives_up),
    "renew": lambda at: Renew(lease_id=at.lease, ttl_s=1800),
    "release": lambda at: Release(lease_id=at.lease),
    "release of one": lambda at: Release(lease_id=at.lease, resource_ids=at.plates[:1]),
    "break": lambda at: Break(resource_id=at.plates[1], reason="stuck"),
    "sweep": lambda at: Sweep(resource_ids=(at.over, at.stale, *at.plates), tickets=(hashed(at.forgotten),)),
    "start over": lambda at: StartOver(
        resource_ids=(at.over, at.shelf, *at.plates), leases=(hashed(at.lease), hashed(at.whole)), floor=1_000
    ),
    "write": lambda at: named(at.plates[0]),
    "write in a whole": lambda at: named(at.tube),
    "batch": lambda at: batch(named(at.plates[0]), named(at.plates[1]), named(at.tube)),
    "bypass": lambda at: named(at.lenient),
}
CASES: Final = [
    name
    for name in COMMANDS
    if name in ("acquire", "await", "release", "break", "sweep", "batch", "bypass") or "LABSTOW_RACES" in os.environ
]


@pytest.fixture(scope="module")
def at(servers: Servers, migrated: str) -> Iterator[Scene]:
    """A database with everything in its place."""
    with servers.database(template=migrated) as url:
        asyncio.run((furnished := Scene(url)).furnish())
        yield furnished


def findings(db: psycopg.Connection[Any]) -> Iterator[str]:
    """What is wrong; nobody sweeps here."""
    yield from audit(db)
    yield from filterfalse(lambda each: "swept" in each, audit_locks(db))
    yield from audit_whole(db)


@pytest.mark.parametrize("name", CASES)
def test_a_worker_that_is_killed_leaves_no_lease_half_taken(
    servers: Servers, at: Scene, killed: Dying, name: str
) -> None:
    """Seen to fail with each lease saved in a transaction of its own."""
    command, by, proofs = at.asked(name)
    Stage(servers, at.url, PICTURE, findings).kill(killed, command, *proofs, by=by)
