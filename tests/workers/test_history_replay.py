"""The example that rebuilds the laboratory from its events agrees with the workers."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import psycopg
import pytest

from labstow.client import AsyncLabstow
from labstow.contracts.base_types import BaseType
from labstow.contracts.queries import Get
from labstow.contracts.resource import Add, NewResource, Patch, Remove, Update
from labstow.infra.embedded.nats import NatsServer
from labstow.workers.kit.stream import provision
from tests.conftest import Lab
from tests.servers import Servers
from tests.workers.journals import committed, unpublished, until

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
async def running(server: NatsServer, servers: Servers, migrated: str) -> AsyncIterator[Lab]:
    """A lab with a plate of samples, one of them changed, one removed."""
    with servers.database(template=migrated) as url:
        await provision(server.url)
        lab = Lab(server.url, url)
        try:
            lab.start_worker()
            await lab.ready()
            async with AsyncLabstow(server.url, actor="ann") as client:
                await fill(client)
            await until(lambda: unpublished(url) == 0)
            yield lab
        finally:
            lab.stop()


async def fill(client: AsyncLabstow) -> None:
    wells = tuple(
        NewResource(name=f"sample {well}", base_type=BaseType.CONSUMABLE, position=well, quantity="1.5", unit="mL")
        for well in ("A1", "A2", "B7", "H12")
    )
    new = NewResource(name="Plate 1", base_type=BaseType.GRID, rows=8, columns=12, children=wells)
    plate = await client.ask(Get(resource_id=(await client.ask(Add(resource=new))).resource_id))
    assert plate.children is not None
    first, second, *_ = plate.children
    change = Patch(quantity="0.25", attributes={"µ": [1, 2.5, None]})
    await client.ask(Update(resource_id=first.resource_id, changes=change))
    await client.ask(Remove(resource_id=second.resource_id))


async def replay(lab: Lab, *arguments: str) -> tuple[int | None, str]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "examples/replay.py", "--url", lab.nats_url, *arguments,
        cwd=ROOT, env=os.environ | {"PYTHONUTF8": "1"},
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    out, _ = await process.communicate()
    print(out.decode())
    return process.returncode, out.decode()


async def test_a_replay_from_the_beginning_is_what_the_workers_answer(running: Lab) -> None:
    things = len({entity for _, entity, _ in committed(running.postgres_url)})
    status, told = await replay(running, "--verify")
    assert status == 0
    assert f"verified: all {things} resources" in told
    assert "that were removed:" in told
    assert "most is in Plate 1: " in told


async def test_a_replay_from_the_middle_knows_what_was_mentioned(running: Lab) -> None:
    status, told = await replay(running, "--verify", "--from-seq", "6")
    assert status == 0
    assert "resources were not mentioned since the start" in told
    status, told = await replay(running, "--verify", "--from-time", "2000-01-01T00:00Z")
    assert status == 0
    assert "what was not mentioned since the start is not known here" in told
    status, told = await replay(running, "--verify", "--from-time", "2200-01-01")
    assert status == 0
    assert "0 resources:" in told


async def test_a_replay_from_beyond_the_end_says_so(running: Lab) -> None:
    status, told = await replay(running, "--from-seq", "1000000")
    assert status == 1
    assert "is not in the stream" in told


async def test_a_replay_while_others_work_agrees_too(running: Lab) -> None:
    enough = asyncio.Event()

    async def work() -> None:
        async with AsyncLabstow(running.nats_url, actor="bob") as client:
            while not enough.is_set():
                await fill(client)

    working = asyncio.create_task(work())
    try:
        status, told = await replay(running, "--verify")
    finally:
        enough.set()
        await working
    assert (status, "verified" in told) == (0, True)


async def test_a_difference_is_found(running: Lab) -> None:
    """The comparison compares: a resource that was changed behind the journal's back is named."""
    change = "update labstow.resource set name = %s where name = %s"
    with psycopg.connect(running.postgres_url, autocommit=True) as connection:
        connection.execute(change, ["Plate X", "Plate 1"])
        try:
            status, told = await replay(running, "--verify", "--patience", "0.5")
        finally:
            connection.execute(change, ["Plate 1", "Plate X"])
    assert status == 1
    assert "NOT verified" in told
    assert "name is 'Plate 1' by the events, 'Plate X' by the workers" in told
