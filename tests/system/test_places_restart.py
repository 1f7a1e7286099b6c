"""What was taught, attached and begun outlives every process, and no lab file overwrites it."""

import asyncio
from collections.abc import Iterator
from random import Random
from typing import Any, Final

import psycopg
import pytest

from labstow.client import AsyncLabstow
from labstow.contracts.errors import OutcomeUnknown, Unavailable
from labstow.contracts.lab_file import ApplyLab
from labstow.contracts.location import AddLocation, GetLocation, ListLocations, Represent
from labstow.contracts.message import Command
from labstow.contracts.queries import Get
from labstow.contracts.resource import Add, NewResource
from labstow.contracts.transfer import CompleteTransfer, GetConfiguration, Transfer
from labstow.infra.embedded.postgres import PostgresServer
from labstow.workers.kit.database import upgrade
from tests.conftest import Lab, refusal, running_lab, until
from tests.locks.auditor_locks import audit_locks
from tests.servers import Servers, running_servers
from tests.workers.auditor import audit
from tests.workers.errand_order import audit_errands
from tests.workers.place_desk import beginning

pytestmark = [pytest.mark.system, pytest.mark.timeout(120)]

PLACES: Final = ("sample_storage", "analysis_station", "bench")
FILE: Final[dict[str, Any]] = {
    "locations": [{"location_name": name, "representations": {"arm": "file", "rail": "file"}} for name in PLACES],
    "transfer_capabilities": {"transfer_templates": [{"node_name": "arm", "action": "transfer"}]},
}
OTHER_FILE: Final[dict[str, Any]] = {
    "locations": [{"location_name": name, "representations": {"arm": "changed"}} for name in PLACES],
    "transfer_capabilities": {"transfer_templates": [{"node_name": "arm", "action": "carry"}]},
}


@pytest.fixture
def own() -> Iterator[Servers]:
    """Servers of this test's own, to be killed."""
    with running_servers() as servers:
        yield servers


@pytest.fixture
def two(own: Servers) -> Iterator[Lab]:
    """Two worker processes on them."""
    with own.database() as url:
        upgrade(url)
        with running_lab(own.nats.url, url, replicas=2) as lab:
            yield lab


async def restarted(lab: Lab, postgres: PostgresServer) -> None:
    """Kill every worker, and the database, and start them again."""
    for process in lab.processes:
        process.kill()
        process.wait()
    lab.processes.clear()
    postgres.kill()
    postgres.start()
    lab.start_worker()
    await lab.ready(30)


async def persistently(client: AsyncLabstow, command: Command[Any]) -> None:
    """Have something done, whatever is away for a moment."""

    async def is_done() -> bool:
        try:
            await client.ask(command, budget=40)
        except (Unavailable, OutcomeUnknown):
            return False
        return True

    await until(is_done, 40)


def apply(places: dict[str, Any], **fields: Any) -> ApplyLab:
    return ApplyLab.model_validate({"places": places, **fields})


async def test_what_was_taught_and_begun_is_there_after_every_process_was_killed(two: Lab, own: Servers) -> None:
    """I16, I45, I47, I51: 16 callers teach nodes over two worker processes, of which one is killed, then the database;
    and a plate is on its way. After everything was started anew what was acknowledged is there, once; neither the lab
    file of before, nor another one, overwrites it; and the plate arrives.

    Seen to fail where a lab file is compared with what is there only, and not with what it said before.
    """
    await two.ready(30)
    async with AsyncLabstow(two.nats_url, actor="teacher") as client:
        await client.ask(apply(FILE))
        plate, begun = await on_its_way(client)
        taught = await lessons(client, two, own.postgres)
        await restarted(two, own.postgres)
        for file in (FILE, OTHER_FILE):
            for absent_only in (True, False):
                await client.ask(apply(file, absent_only=absent_only))
            for name in PLACES:
                known: dict[str, Any] = (await client.ask(GetLocation(location=name))).representations
                expected = {node: number for (place, node), number in taught.items() if place == name}
                assert {node: known[node]["n"] for node in known if node not in ("arm", "rail")} == expected
                assert known["arm"] not in ("file", "changed")
                assert known["rail"] == "file"
        capabilities = (await client.ask(GetConfiguration())).capabilities
        assert [each.action for each in capabilities.transfer_templates] == ["carry"]  # nobody had changed that by hand
        assert {each.name for each in (await client.ask(ListLocations())).locations} == {*PLACES, "home", "shelf"}

        found = await client.ask(Get(resource_id=plate))
        assert (begun.state, found.parent_id) == ("begun", begun.gripper_id)
        other = await client.ask(Add(resource=NewResource(name="other"), parent_id=begun.source.container_id))
        hindered = await refusal(client.ask(beginning(other.resource_id, "shelf", "cart")))
        assert hindered.code == "transfer.hindered"
        over = await client.ask(CompleteTransfer(transfer_id=begun.transfer_id))
        assert over.state == "completed"
        assert (await client.ask(GetLocation(location="shelf"))).resource_id == plate
    with psycopg.connect(two.postgres_url) as connection:
        assert [*audit(connection), *audit_locks(connection), *audit_errands(connection)] == []


async def on_its_way(client: AsyncLabstow) -> tuple[str, Transfer]:
    """A plate that is carried to a bare shelf."""
    rack = await client.ask(Add(resource=NewResource(name="rack", base_type="container")))
    plate = await client.ask(Add(resource=NewResource(name="plate"), parent_id=rack.resource_id))
    for place in ({"name": "home", "resource_id": rack.resource_id}, {"name": "shelf"}):
        await client.ask(AddLocation.model_validate({"location": place}))
    return plate.resource_id, await client.ask(beginning(plate.resource_id, "shelf", due_s=3600))


async def lessons(client: AsyncLabstow, two: Lab, postgres: PostgresServer) -> dict[tuple[str, str], int]:
    """What each node was taught last of each place, while a worker is killed, and the database."""
    taught: dict[tuple[str, str], int] = {}
    done = 0

    async def teach(caller: int) -> None:
        nonlocal done
        dice = Random(caller)
        for number in range(40):
            name, node = dice.choice(PLACES), f"n{caller}.{number % 5}"
            if number < len(PLACES):
                name, node = PLACES[number], "arm"
            command = Represent(location=name, node=node, representation={"by": caller, "n": number})
            await persistently(client, command)
            if node != "arm":
                taught[name, node] = number
            done += 1

    callers = [asyncio.create_task(teach(caller)) for caller in range(16)]
    while done < 100:
        await asyncio.sleep(0.01)
    two.processes[0].kill()
    while done < 250:
        await asyncio.sleep(0.01)
    postgres.kill()
    postgres.start()
    await asyncio.gather(*callers)
    return taught
