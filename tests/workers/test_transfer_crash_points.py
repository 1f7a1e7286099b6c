"""A worker is killed at each statement of each command about places and transfers: it is done or not done, never half
(I16, I21, I32, I46).

The long form has all of them: LABSTOW_RACES=2 pytest tests/workers/test_transfer_crash_points.py
"""

import asyncio
import os
from collections.abc import Callable, Iterator
from typing import Any, Final

import psycopg
import pytest

from labstow.contracts.lab_file import ApplyLab
from labstow.contracts.location import AddLocation, Attach, Detach, RemoveLocation, Represent
from labstow.contracts.message import Command
from labstow.contracts.pattern import AddFromTemplate, CreateLocationTemplate, CreateRepresentationTemplate
from labstow.contracts.transfer import AbortTransfer, CompleteTransfer, Configure
from labstow.contracts.ulids import derived_ulid
from labstow.workers.transfer.resolve import NoteOverdue, Resolve
from tests.locks.auditor_locks import audit_locks
from tests.servers import Servers
from tests.workers.auditor import audit
from tests.workers.crash_points import Stage
from tests.workers.dying import Dying
from tests.workers.errand_order import audit_errands
from tests.workers.lease_desk import Json
from tests.workers.place_desk import Desk, beginning
from tests.workers.test_transfer_races import due

PICTURE: Final = (
    "select name, version, parent_id, position, quantity, attributes::text from resource order by 1, 2",
    """select name, lease.version, token, lease is not null, holder, ended, purpose
        from lease join resource using (id) order by 1""",
    """select name, version, representations::text, resource_id is not null, awaits_template, applied::text,
        removed_at is null from location order by 1""",
    """select resource_id, node, state, source::text, target::text, left_at::text, lease is not null, overdue, version
        from transfer order by 1""",
    "select kind, name, version, body::text from pattern order by 1, 2",
    "select capabilities::text, applied::text, version from setting",
    "select version from lab_version",
    "select noun, version, what, token, coalesce(state->>'name', state->>'resource_id') from journal order by 1, 5, 2",
    "select noun, version, what from journal join outbox using (seq) order by 1, 2, 3",
    "select op_id, status from operation order by 1",
)
"""Everything there is, but for moments, and for ids and secrets that are made anew each time."""

ARM: Final[Json] = {"transfer_templates": [{"node_name": "arm", "action": "transfer"}]}


class Scene:
    """What is in the database: a rack with tubes, nests, a bare bench, and things on their way."""

    def __init__(self, url: str) -> None:
        self.url = url

    async def furnish(self) -> None:
        desk = Desk(self.url)
        await desk.template("Rack", resource={"attributes": {"n": 1}})
        self.awaits = await desk.place("awaits", resource_template_name="Later")
        self.rack = await desk.nest("home", "container")
        names = ("tube", "carried", "stuck", "late")
        tubes = [await desk.add("grid", self.rack, name=name, resource_id=derived_ulid(name)) for name in names]
        self.loose = await desk.add("grid", name="loose", resource_id=derived_ulid("loose"))
        self.tube = tubes[0]
        self.box = await desk.add("grid", name="box")
        self.hotel = await desk.nest("hotel", "stack")
        for name in ("bench", "shelf", "taken"):
            await desk.place(name, location_id=derived_ulid(name))
        await desk.ask(Attach(location="taken", resource_id=await desk.add(name="fixture")))
        await desk.ask(Represent(location="bench", node="arm", representation=None))
        self.carried = await desk.begin(tubes[1], "hotel", node="one", due_s=3600)
        self.stuck = await desk.begin(tubes[2], "shelf", node="two", due_s=3600)
        self.late = await desk.begin(tubes[3], await desk.add("slot", name="slot"), node="three", due_s=1)
        await desk.ask(CreateRepresentationTemplate.model_validate({"template": {"name": "reach"}}))
        nest = {"name": "nest", "representation_templates": {"arm": "reach"}, "resource_template_name": "Rack"}
        await desk.ask(CreateLocationTemplate.model_validate({"template": nest}))
        await desk.template("Later")
        await due(self.url, the(self.late))
        await desk.close()


def the(begun: Json) -> str:
    return str(begun["transfer_id"])


def apply(at: Scene) -> ApplyLab:
    """A new place with what is made for it, one that changes, patterns, and what robots can do."""
    new = {"location_name": "new", "resource_template_name": "Rack", "representations": {"arm": 1}}
    known = {"location_name": "bench", "representations": {"rail": 2}}
    reach = {"name": "other reach"}
    places = {"locations": [new, known], "transfer_capabilities": ARM, "representation_templates": [reach]}
    return ApplyLab.model_validate({"places": places})


COMMANDS: Final[dict[str, Callable[[Scene], Command[Any]]]] = {
    "begin": lambda at: beginning(at.tube, "bench", due_s=3600),
    "begin into something": lambda at: beginning(at.tube, at.box, due_s=3600),
    "complete": lambda at: CompleteTransfer(transfer_id=the(at.carried)),
    "complete at a bare place": lambda at: CompleteTransfer(transfer_id=the(at.stuck)),
    "abort": lambda at: AbortTransfer(transfer_id=the(at.carried), left="source"),
    "abort late": lambda at: AbortTransfer(transfer_id=the(at.late), left="nowhere"),
    "attach": lambda at: Attach(location="bench", resource_id=at.loose),
    "detach": lambda at: Detach(location="taken"),
    "apply": apply,
    "add": lambda at: AddLocation.model_validate({"location": {"name": "new", "resource_template_name": "rack"}}),
    "represent": lambda at: Represent(location="bench", node="arm", representation={"x": 1}),
    "remove": lambda at: RemoveLocation(location="bench"),
    "configure": lambda at: Configure.model_validate({"capabilities": ARM}),
    "from template": lambda at: AddFromTemplate(name="new", template="nest", node_bindings={"arm": "arm"}),
    "resolve": lambda at: Resolve(location_ids=(at.awaits,)),
    "overdue": lambda at: NoteOverdue(transfer_ids=(the(at.late),)),
}
SOME: Final = ("begin", "complete", "abort", "attach", "apply")
CASES: Final = [name for name in COMMANDS if name in SOME or "LABSTOW_RACES" in os.environ]


@pytest.fixture(scope="module")
def at(servers: Servers, migrated: str) -> Iterator[Scene]:
    """A database with everything in its place."""
    with servers.database(template=migrated) as url:
        asyncio.run((furnished := Scene(url)).furnish())
        yield furnished


def findings(db: psycopg.Connection[Any]) -> Iterator[str]:
    for each in (audit, audit_locks, audit_errands):
        yield from each(db)


@pytest.mark.parametrize("name", CASES)
def test_a_worker_that_is_killed_leaves_nothing_half_way(servers: Servers, at: Scene, killed: Dying, name: str) -> None:
    """Seen to fail with transfers saved in a transaction of their own."""
    Stage(servers, at.url, PICTURE, findings).kill(killed, COMMANDS[name](at), by="ada")
