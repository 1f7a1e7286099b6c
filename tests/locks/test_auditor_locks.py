"""The auditor of locks finds every fault there is a check for: each is made with SQL where all is in order."""

from collections.abc import Iterator
from typing import Any, Final

import psycopg
import pytest

from labstow.contracts.lock import Break, Release
from labstow.workers.lock.own import StartOver
from tests.locks.auditor_locks import audit_locks
from tests.servers import Servers
from tests.workers.auditor import audit
from tests.workers.lease_desk import renamed
from tests.workers.place_desk import Desk

FAULTS: Final = {
    "cannot be locked": "delete from lease where id = :free",
    "does not have the hash of the newest entry": "update lease set head = 'x' where id = :held",
    "does not have the hash of the newest entry ": "update lease set token = 9 where id = :held",
    "does not have the hash of the newest entry  ": "update lease set ended = 'released' where id = :held",
    "another number of entries of its lock": "update lease set version = 9 where id = :held",
    "ends at different times": "update lease set expires_at = now() where id = :held",
    "is a lease of two holders": "update lease set holder = 'eve' where id = :held",
    "is waited for, and does not exist": "delete from resource where id = :held",
    "somebody who has the lease": "update ticket set id = (select lease from lease where id = :held)",
    "is over, and still has its lease": "update transfer set state = 'aborted', ended_at = now()",
    "under a lease of somebody else's": "update transfer set holder = 'eve'",
    "nobody swept away": "update ticket set until = now() - interval '1 minute'",
    "another token than it should have": """
        update journal set state = replace(state::text, '"token":1', '"token":0')::json where entity_id = :held""",
    "another token than it should have ": """
        update journal set state = regexp_replace(state::text, '"token":[0-9]+', '"token":0')::json
        where entity_id = :raised and what = 'raised'""",
    "granted while somebody held it": "delete from journal where entity_id = :again and what = 'released'",
    "released at the wrong time": """
        update journal set at = at + interval '1 day' where entity_id = :again and what = 'released'""",
    "expired at the wrong time": """
        update journal set what = 'expired' where entity_id = :again and what = 'released'""",
    "without the lease that was in force": "update journal set token = null where entity_id = :held",
    "without the lease that was in force ": """
        update journal set token = 2 where entity_id = :held and noun = 'resource'""",
    "under a lease that was over": "update journal set token = 1 where entity_id = :free and version = 2",
    "not granted at one moment": """
        update journal set at = at - interval '1 ms' where entity_id = :held and what = 'granted'""",
    "broken in part": "delete from journal where entity_id = :broken and what = 'broken'",
}
"""What the auditor must say, and what it is to say it about."""


@pytest.fixture(scope="module")
async def inspected(servers: Servers, migrated: str) -> Any:
    """A database with one of each, and the names of its things."""
    with servers.database(template=migrated) as url:
        desk = Desk(url)
        names = {
            name: await desk.add() for name in ("free", "held", "other", "again", "broken", "part", "carried", "raised")
        }
        await desk.place("nest", names["carried"])
        await desk.begin(names["carried"], await desk.add("slot"))
        lease = await desk.have(names["held"], names["other"])
        await desk.ask(renamed(names["held"]), leases=[lease])
        await desk.queue(names["held"])
        await desk.ask(renamed(names["free"]))
        await desk.ask(Release(lease_id=await desk.have(names["again"])))
        await desk.have(names["again"])
        await desk.have(names["broken"], names["part"])
        await desk.ask(Break(resource_id=names["part"], reason="it burns"))
        await desk.ask(StartOver(resource_ids=(names["raised"],), floor=1_000))
        await desk.close()
        yield url, names


@pytest.fixture
def broken(inspected: tuple[str, dict[str, str]]) -> Iterator[psycopg.Connection[Any]]:
    """A transaction, rolled back at the end, in which nothing keeps anybody from doing anything."""
    with psycopg.connect(inspected[0], options="-c search_path=labstow") as connection:
        connection.execute("set local session_replication_role = replica")
        yield connection
        connection.rollback()


def test_locks_in_order_have_no_findings(broken: psycopg.Connection[Any]) -> None:
    assert audit_locks(broken) == audit(broken) == []


@pytest.mark.parametrize("finding", FAULTS)
def test_a_fault_is_found(broken: psycopg.Connection[Any], inspected: tuple[str, dict[str, str]], finding: str) -> None:
    fault = FAULTS[finding]
    for name, key in inspected[1].items():
        fault = fault.replace(f":{name}", f"'{key}'")
    assert broken.execute(fault).rowcount
    found = audit_locks(broken)
    assert any(finding.strip() in each for each in found), found
