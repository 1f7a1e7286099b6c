"""Plans that are asked for while the laboratory changes."""

import asyncio
from decimal import Decimal
from typing import Final

from labstow.contracts.transfer import Configure, PlanTransfer
from tests.workers.place_desk import ARM, Desk, PlaceWorker, place_worker

CHANGES: Final = 200
ACROSS: Final = PlanTransfer(source="here", target="there")


def costing(cost: int) -> Configure:
    """A way from anywhere to anywhere costs as much."""
    can = {"transfer_templates": [{"node_name": ARM, "action": "transfer", "cost_weight": cost}]}
    return Configure.model_validate({"capabilities": can})


async def test_a_plan_is_of_the_version_that_it_names(postgres_url: str) -> None:
    """I49: eight ask two workers while the cost of a way changes 200 times; it is the cost of that version.

    Seen to fail where what robots can do is read at a later moment than the version.
    """
    desk = Desk(postgres_url)
    for name in ("here", "there"):
        await desk.place(name, representations={ARM: name})
    await desk.ask(costing(0))
    seen: set[Decimal] = set()
    async with place_worker(postgres_url) as one, place_worker(postgres_url) as other:
        first = (await one.ask(ACROSS))["lab_version"]

        async def ask(worker: PlaceWorker) -> None:
            while CHANGES not in seen:
                told = await worker.ask(ACROSS)
                cost = Decimal(told["ways"][0]["cost"])
                assert cost == told["lab_version"] - first
                seen.add(cost)

        async def change() -> None:
            for number in range(1, CHANGES + 1):
                await desk.ask(costing(number))

        await asyncio.gather(change(), *(ask(worker) for worker in (one, other) for _ in range(4)))
    assert len(seen) > CHANGES // 20
    await desk.close()
