"""Many who change the same amounts at once, on a real Postgres: nothing is lost, nothing is taken twice."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from decimal import Decimal
from multiprocessing import get_context
from random import Random
from typing import Any

import orjson
import psycopg
import pytest

from labstow.contracts.message import Command
from labstow.contracts.quantities import ChangeQuantity, DecreaseQuantity, Fill, IncreaseQuantity
from labstow.contracts.resource import Add, NewResource, Patch, Update
from labstow.contracts.ulids import new_ulid
from labstow.workers.kit.unit import Unit
from labstow.workers.resource.noun import RESOURCE
from labstow.workers.resource.repository import Repository
from labstow.workers.resource.units import STANDARD
from tests.workers.calls import call, settle, sql

WRITERS = 8
CHANGES = 10_000
AMOUNTS = [("0.1", None), ("100", "µL"), ("0.0001", "L"), ("1E-1", "cm3")]
"""A tenth of a millilitre, in several words."""


@pytest.fixture
async def writers(postgres_url: str) -> AsyncIterator[list[Unit[Any]]]:
    """As many workers, each with a connection of its own."""
    units = [Unit(postgres_url, RESOURCE, Repository()) for _ in range(WRITERS)]
    yield units
    for unit in units:
        await unit.close()


def bottle(**fields: Any) -> NewResource:
    return NewResource(resource_id=new_ulid(), name="bottle", base_type="consumable", **fields)


def change(kind: type[Command[Any]], resource_id: str | None, amount: str, unit: str | None) -> Command[Any]:
    name = "by" if kind is ChangeQuantity else "amount"
    return kind.model_validate({"resource_id": resource_id, name: amount, "unit": unit})


async def write(unit: Unit[Any], commands: Sequence[Command[Any]], some: int) -> Counter[str]:
    """Give commands to a writer, some at a time; count the codes of refusals, and what was done under no code."""
    codes: Counter[str] = Counter()
    for first in range(0, len(commands), some):
        answers = await settle(unit, *(call(command) for command in commands[first : first + some]))
        codes.update(str(orjson.loads(answer.body).get("code", "")) for answer in answers)
    assert not unit.retries
    return codes


async def write_all(writers: list[Unit[Any]], commands: list[Command[Any]], some: int) -> Counter[str]:
    """Deal commands to the writers, who all begin at once."""
    hands = [commands[number :: len(writers)] for number in range(len(writers))]
    done = await asyncio.gather(*(write(unit, hand, some) for unit, hand in zip(writers, hands, strict=True)))
    return sum(done, start=Counter())


def pour(url: str, resource_id: str, count: int) -> Counter[str]:
    """What a process of its own does: add a tenth so often, and count what was acknowledged."""

    async def work() -> Counter[str]:
        unit = Unit(url, RESOURCE, Repository())
        commands = [change(IncreaseQuantity, resource_id, *AMOUNTS[number % 4]) for number in range(count)]
        codes = await write(unit, commands, 25)
        await unit.close()
        return codes

    return asyncio.run(work())


def one(db: psycopg.Connection[Any], statement: str) -> Any:
    row = db.execute(statement).fetchone()
    assert row is not None
    return row[0]


@pytest.mark.timeout(180)
async def test_ten_thousand_tenths_poured_by_eight_processes_are_a_thousand(
    writers: list[Unit[Any]], postgres_url: str
) -> None:
    """I24, I27, I30: none is lost, and each has its version.

    Seen to fail without `for no key update` in LOCK: the journal refused a version that two had decided on, and the
    processes gave up.
    """
    flask = bottle(unit="mL")
    await settle(writers[0], call(Add(resource=flask)))
    with ProcessPoolExecutor(WRITERS, get_context("spawn")) as pool:
        pouring = [pool.submit(pour, postgres_url, str(flask.resource_id), CHANGES // WRITERS) for _ in range(WRITERS)]
        acknowledged = await asyncio.gather(*map(asyncio.wrap_future, pouring))
    assert sum(acknowledged, start=Counter()) == {"": CHANGES}
    with sql(postgres_url) as db:
        assert db.execute("select quantity, version from resource").fetchall() == [(CHANGES // 10, CHANGES + 1)]
        assert one(db, "select count(*) from journal") == CHANGES + 1


@pytest.mark.parametrize("some", [1, 10])
async def test_four_hundred_take_from_a_hundred_and_a_hundred_get_one(
    writers: list[Unit[Any]], postgres_url: str, some: int
) -> None:
    """I26, I27: the others are told that there is nothing left. Alone, and with others in one transaction.

    Seen to fail without `for no key update` in LOCK, and with a quantity that ends at 0 instead of being refused.
    """
    tips = bottle(quantity=100, unit="tip")
    await settle(writers[0], call(Add(resource=tips)))
    takers = [change(DecreaseQuantity, tips.resource_id, "1", "tip")] * 400
    assert await write_all(writers, takers, some) == {"": 100, "quantity.insufficient": 300}
    with sql(postgres_url) as db:
        assert db.execute("select quantity, version from resource").fetchall() == [(0, 101)]


async def test_four_hundred_pour_into_a_bottle_for_a_hundred(writers: list[Unit[Any]], postgres_url: str) -> None:
    """I25, I27: it is full, and nothing was spilled. Seen to fail with a quantity that ends at the capacity."""
    flask = bottle(capacity=100, unit="mL")
    await settle(writers[0], call(Add(resource=flask)))
    pouring = [change(IncreaseQuantity, flask.resource_id, "1000", "µL")] * 400
    assert await write_all(writers, pouring, 5) == {"": 100, "quantity.over_capacity": 300}
    with sql(postgres_url) as db:
        assert db.execute("select quantity, version from resource").fetchall() == [(100, 101)]


@pytest.mark.parametrize("seed", range(3))
async def test_a_pool_is_the_sum_of_what_many_change_in_it(
    writers: list[Unit[Any]], postgres_url: str, seed: int
) -> None:
    """I24, I27, I29: bottles in four units are poured into, emptied, filled and counted in other units; the pool too.

    Seen to fail without `for no key update` in LOCK, and with pools that follow only if they happen to be loaded.
    """
    chance = Random(seed)
    inside = [bottle(quantity=5, unit=unit, capacity=1000, position=unit) for unit in ("µL", "mL", "L", "cm3")]
    pool = NewResource(resource_id=new_ulid(), name="pool", base_type="pool", unit="mL", children=tuple(inside))
    await settle(writers[0], call(Add(resource=pool)))
    ids = [str(each.resource_id) for each in inside]
    commands = [
        chance.choice(
            [
                change(ChangeQuantity, chance.choice(ids), chance.choice(["0.1", "-0.3", "2"]), unit),
                change(DecreaseQuantity, chance.choice(ids), "0.05", unit),
                Update(resource_id=chance.choice([*ids, str(pool.resource_id)]), changes=Patch(unit=unit)),
                Fill(resource_id=chance.choice(ids)),
            ]
        )
        for unit in chance.choices(["µL", "mL", "L", "cm3"], k=600)
    ]
    codes = await write_all(writers, commands, 3)
    assert codes.keys() <= {"", "quantity.insufficient", "quantity.over_capacity"}
    assert codes[""] > 100
    with sql(postgres_url) as db:
        rows = db.execute("select parent_id is null, quantity, unit from resource").fetchall()
        ((_, held, unit),) = [row for row in rows if row[0]]
        shares = [STANDARD.convert(quantity, own, unit, "") for outside, quantity, own in rows if not outside]
        assert held == sum(shares, start=Decimal(0))
        gaps = "select count(*) from (select version, count(*) over (partition by entity_id) as entries from journal) j"
        assert one(db, f"{gaps} where version > entries") == 0
