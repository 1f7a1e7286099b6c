"""Reading while others write: every answer is of one moment, and pages lose nothing."""

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest

from labstow.contracts.errors import Refusal
from labstow.contracts.placing import Take
from labstow.contracts.queries import Find, Get, GetHierarchy, GetTree, Sort
from labstow.contracts.resource import Add, NewResource, Patch, Remove, Update
from labstow.contracts.ulids import new_ulid
from tests.workers.desk import Desk, open_desk

WRITERS = 6


@pytest.fixture
async def desk(postgres_url: str) -> AsyncIterator[Desk]:
    async with open_desk(postgres_url) as opened:
        yield opened


@asynccontextmanager
async def writers(desk: Desk, write: Callable[[Desk, random.Random], Any]) -> AsyncIterator[list[int]]:
    """Several who write, each on a connection of its own, until the block ends; how often they were done."""
    done = [0]

    async def work(seed: int) -> None:
        chance = random.Random(seed)
        own = desk.another()
        try:
            while True:
                with suppress(Refusal):
                    await write(own, chance)
                    done[0] += 1
        finally:
            await own.close()

    working = [asyncio.create_task(work(seed)) for seed in range(WRITERS)]
    try:
        yield done
    finally:
        for each in working:
            each.cancel()
        await asyncio.gather(*working, return_exceptions=True)


async def test_a_plate_is_read_as_of_one_moment(desk: Desk) -> None:
    """I17: six fill and empty a plate; in every answer its quantity is the number of its children.

    Seen to fail with the plate and its contents read by two statements, and with what was written between the rows
    of an answer and their contents left out instead of read again.
    """
    hotel, plate = new_ulid(), new_ulid()
    await desk.do(Add(resource=NewResource(resource_id=hotel, name="hotel", base_type="stack")))
    grid = NewResource(resource_id=plate, name="plate", base_type="grid", rows=8, columns=12)
    await desk.do(Add(resource=grid, parent_id=hotel))
    inside: list[str] = []

    async def write(own: Desk, chance: random.Random) -> None:
        if len(inside) > 40 or (inside and chance.random() < 0.5):
            gone = inside.pop(chance.randrange(len(inside)))
            leave = Take(container_id=plate, resource_id=gone) if chance.random() < 0.5 else Remove(resource_id=gone)
            await own.do(leave)
        else:
            sample = NewResource(
                resource_id=new_ulid(), name="sample", position=[chance.randrange(8), chance.randrange(12)]
            )
            await own.do(Add(resource=sample, parent_id=plate))
            inside.append(str(sample.resource_id))

    counted = set()
    async with writers(desk, write) as done:
        while done[0] < 400:
            read = await asyncio.gather(
                desk.ask(Get(resource_id=plate)),
                desk.ask(Get(resource_id=hotel)),
                desk.ask(GetTree(resource_id=plate)),
                desk.ask(Find(name="plate", children=True)),
                desk.ask(Find(base_type="container", children=True, count=True)),
                desk.ask(GetHierarchy(resource_id=plate)),
            )
            plates = [read[0], read[1]["children"][0], read[2], read[3]["resources"][0]]
            plates += [each for each in read[4]["resources"] if each["resource_id"] == plate]
            for each in plates:
                assert int(each["quantity"]) == len(each["children"])
                counted.add(each["quantity"])
            assert len(plates) == 5
    assert len(counted) > 5


@pytest.mark.parametrize("sort", [Sort.ID, Sort.NAME, Sort.CREATED_AT])
async def test_pages_lose_nothing_while_others_write(desk: Desk, sort: Sort) -> None:
    """I40: whatever was there all the while is on one page exactly; others come and go between the pages.

    Seen to fail, by name, with pages that begin after a value without an id.
    """
    chance = random.Random(1)
    lasting = []
    for number in range(60):
        name = f"{chance.randrange(1000)}"
        resource = NewResource(resource_id=new_ulid(), name=name, resource_class="tube", description=str(number))
        lasting.append((await desk.do(Add(resource=resource)))["resource_id"])
    passing: list[str] = []

    async def write(own: Desk, chance: random.Random) -> None:
        match chance.randrange(3):
            case 0 if passing:
                await own.do(Remove(resource_id=passing.pop()))
            case 1:
                await own.do(Update(resource_id=chance.choice(lasting), changes=Patch(description="changed")))
            case _:
                tube = NewResource(resource_id=new_ulid(), name=f"{chance.randrange(1000)}", resource_class="tube")
                await own.do(Add(resource=tube))
                passing.append(str(tube.resource_id))

    async with writers(desk, write) as done:
        while done[0] < 150:
            found: list[str] = []
            after = None
            while True:
                page = await desk.ask(Find(resource_class="tube", sort=sort, limit=9, after=after))
                found += [each["resource_id"] for each in page["resources"]]
                if (after := page["next"]) is None:
                    break
            assert len(found) == len(set(found))
            assert set(lasting) <= set(found)
