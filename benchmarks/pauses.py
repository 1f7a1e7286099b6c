"""For how long others wait while ten thousand things are removed, and restored, as one.

python -m benchmarks.pauses
"""

import asyncio
import time
from typing import Final

from labstow.client import AsyncLabstow
from labstow.contracts.queries import Get
from labstow.contracts.resource import Add, NewResource, Patch, Remove, Restore, Update
from labstow.workers.kit.database import upgrade
from tests.conftest import Lab, running_lab
from tests.servers import running_servers

BUDGET: Final = 60.0


async def run(lab: Lab) -> None:
    """Fill a box, then remove it and bring it back beside somebody who reads and writes."""
    await lab.ready()
    async with AsyncLabstow(lab.nats_url) as client:
        box = (await client.ask(Add(resource=NewResource(name="box", base_type="container")))).resource_id
        other = (await client.ask(Add(resource=NewResource(name="other")))).resource_id
        tubes = tuple(NewResource(name="tube") for _ in range(2_490))
        for number in range(4):
            bag = NewResource(name=f"bag {number}", base_type="container", children=tubes)
            await client.ask(Add(resource=bag, parent_id=box), budget=BUDGET)
        waits: list[float] = []

        async def meanwhile() -> None:
            while True:
                begun = time.perf_counter()
                await client.ask(Get(resource_id=other))
                await client.ask(Update(resource_id=other, changes=Patch(attributes={"at": begun})))
                waits.append((time.perf_counter() - begun) / 2)

        beside = asyncio.create_task(meanwhile())
        for command in (Remove(resource_id=box), Restore(resource_id=box)):
            begun = time.perf_counter()
            waits.clear()
            await client.ask(command, budget=BUDGET)
            elapsed, name = time.perf_counter() - begun, type(command).__name__
            print(f"{name} of 9,965: {elapsed:.1f} s; others waited {max(waits):.2f} s at most, {len(waits)} answers")
        beside.cancel()


def main() -> None:
    with running_servers() as servers, servers.database() as url:
        upgrade(url)
        with running_lab(servers.nats.url, url) as lab:
            asyncio.run(run(lab))


if __name__ == "__main__":
    main()
