"""The auditor finds every fault of places and transfers: each is made with SQL in a laboratory that is in order."""

from collections.abc import Iterator
from typing import Any, Final

import psycopg
import pytest

from labstow.contracts.capabilities import Capabilities
from labstow.contracts.location import RemoveLocation, Represent
from labstow.contracts.pattern import CreateRepresentationTemplate, NewRepresentationTemplate
from labstow.contracts.transfer import Configure
from tests.locks.auditor_locks import audit_locks
from tests.servers import Servers
from tests.workers.auditor import audit
from tests.workers.faults import do_wrong, unguarded
from tests.workers.place_desk import ARM, Desk

FAULTS: Final = {
    "is the name of two locations": "update location set name = 'nest' where name = 'bench'",
    "is the name of two patterns": """
        insert into pattern
            select 'x', kind, name, body, created_at, updated_at, removed_at, version, head from pattern""",
    "is attached to two locations": "update location set resource_id = :plate where name = 'bench'",
    "has something attached that is not there": "update location set resource_id = 'nothing' where name = 'nest'",
    "has something attached that is not there ": """
        update resource set removed_at = now(), removal_id = 'x' where id = :plate""",
    "was removed, and has something attached": "update location set removed_at = now() where name = 'nest'",
    "was removed, and has something attached ": "update location set awaits_template = true where name = 'gone'",
    "is on its way twice": "update transfer set state = 'begun' where state = 'completed'",
    "is a gripper with two things": """
        update transfer set state = 'begun', resource_id = :plate where state = 'completed'""",
    "is on its way, and at a location": "update location set resource_id = :tube where name = 'bench'",
    "is on its way, and not in its gripper": "update resource set parent_id = null where id = :tube",
    "is a transfer to or from a location that is not there": """
        update location set removed_at = now() where id = (
            select target->>'location_id' from transfer where state = 'begun')""",
    "is a transfer that is half over": "update transfer set ended_at = now() where state = 'begun'",
    "is a transfer that is half over ": "update transfer set left_at = null where state = 'completed'",
    "has another number of journal entries": "update location set version = 9 where name = 'nest'",
    "has another number of journal entries ": "update setting set version = 9",
    "has another number of journal entries  ": "update pattern set version = 9",
    "has another number of journal entries   ": "update transfer set version = 9 where state = 'begun'",
    "has a gap in its versions": "update journal set version = 9 where noun = 'location' and version = 2",
    "does not have the hash": "update location set head = 'x' where name = 'nest'",
    "does not have the hash ": "update setting set head = 'x'",
    "does not have the hash  ": "update pattern set head = 'x'",
    "does not have the hash   ": "update transfer set head = 'x'",
    "has journal entries and does not exist": "delete from location where name = 'bench'",
    "has journal entries and does not exist ": "delete from setting",
    "has journal entries and does not exist  ": "delete from pattern",
    "has journal entries and does not exist   ": "delete from transfer where state = 'completed'",
    "was altered": "update journal set actor = 'somebody else' where noun = 'location'",
    "was altered ": "update journal set actor = 'somebody else' where noun = 'capabilities'",
    "was altered  ": "update journal set actor = 'somebody else' where noun = 'pattern'",
    "was altered   ": "update journal set actor = 'somebody else' where noun = 'transfer'",
    "does not follow the one before it": "update journal set prev_hash = 'x' where noun = 'location' and version = 2",
    "does not follow the one before it ": "update journal set prev_hash = 'x' where noun = 'transfer' and version = 2",
    "does not say what changed": "update journal set changes = '{}' where noun = 'location' and version = 2",
    "does not say what changed ": "update journal set changes = '{}' where noun = 'transfer' and version = 2",
    "is not what its newest entry says": """
        update location set representations = '{"arm": "forged"}' where name = 'nest'""",
    "is not what its newest entry says ": "update setting set capabilities = '{}'",
    "is not what its newest entry says  ": 'update pattern set body = body || \'{"label": "2"}\'',
    "is not what its newest entry says   ": "update transfer set node = 'rail' where state = 'begun'",
}
"""What the auditor must say, and what it is to say it about."""


@pytest.fixture(scope="module")
async def inspected(servers: Servers, migrated: str) -> Any:
    """A database with one of each: a tube on its way, that was on its way before; and the names of its things."""
    with servers.database(template=migrated) as url:
        desk = Desk(url)
        names = {name: await desk.add() for name in ("plate", "tube")}
        await desk.place("nest", names["plate"])
        await desk.ask(Represent(location="nest", node=ARM, representation=[1, 1e22]))
        await desk.ask(Represent(location="nest", node=ARM, representation=[2]))
        await desk.place("bench")
        await desk.place("gone")
        await desk.ask(RemoveLocation(location="gone"))
        await desk.ask(Configure(capabilities=Capabilities(exclusive=(("nest", "moon"),))))
        await desk.ask(CreateRepresentationTemplate(template=NewRepresentationTemplate(name="reach")))
        await desk.place("from", names["tube"])
        await desk.nest("hotel", "stack")
        await desk.complete(await desk.begin(names["tube"], "hotel"))
        await desk.begin(names["tube"], "bench")
        await desk.close()
        yield url, names


@pytest.fixture
def broken(inspected: tuple[str, dict[str, str]]) -> Iterator[psycopg.Connection[Any]]:
    with unguarded(inspected[0]) as connection:
        yield connection


def test_places_in_order_have_no_findings(broken: psycopg.Connection[Any]) -> None:
    assert audit(broken) == audit_locks(broken) == []


@pytest.mark.parametrize("finding", FAULTS)
def test_a_fault_is_found(broken: psycopg.Connection[Any], inspected: tuple[str, dict[str, str]], finding: str) -> None:
    do_wrong(broken, FAULTS[finding], inspected[1])
    found = audit(broken)
    assert any(finding.strip() in each for each in found), found
