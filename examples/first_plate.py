"""A plate's life, seen through two doors: NATS and REST.

    labstow up                        in one terminal
    python examples/first_plate.py    in another

LABSTOW_NATS_URL and RESOURCE_SERVER_URL say where labstow runs, if not on this machine with its usual ports.
"""

import asyncio
import os
import sys

import httpx

from labstow.client import AsyncLabstow
from labstow.contracts.base_types import BaseType
from labstow.contracts.errors import Refusal
from labstow.contracts.history import QueryHistory
from labstow.contracts.queries import Get
from labstow.contracts.resource import Add, NewResource, Patch, Resource, Update
from labstow.contracts.ulids import new_ulid

NATS = os.environ.get("LABSTOW_NATS_URL", "nats://127.0.0.1:4222")
REST = os.environ.get("RESOURCE_SERVER_URL", "http://127.0.0.1:8003")
SAMPLES = (
    NewResource(name="control", position="A1"),
    NewResource(name="sample 1", position="B3"),
    NewResource(name="sample 2", position=[2, 3]),  # numbers count from 0, so this is C4
)


def picture(plate: Resource) -> str:
    """The plate from above: the first letter of what is in a well, a dot where nothing is."""
    wells = {child.index: child.name[0] for child in plate.children or ()}
    rows, columns = range(plate.rows or 0), range(plate.columns or 0)
    lines = ["      " + " ".join(str(column + 1) for column in columns)]
    lines += [f"    {chr(65 + row)} " + " ".join(wells.get((row, column), "·") for column in columns) for row in rows]
    return "\n".join(lines)


async def life(ada: AsyncLabstow, bench: httpx.AsyncClient) -> None:
    """Ada speaks NATS, the bench speaks MADSci's REST, and both mean the same plate."""
    plate_id, intent = new_ulid(), new_ulid()
    plate = NewResource(
        resource_id=plate_id, name="Plate 7", base_type=BaseType.GRID, rows=4, columns=6, children=SAMPLES
    )

    await ada.ask(Add(resource=plate), op_id=intent)
    print(f"1  Ada adds Plate 7 with {len(SAMPLES)} things in it: one message, one transaction.")
    print(picture(await ada.ask(Get(resource_id=plate_id))))

    again = await ada.ask(Add(resource=plate), op_id=intent)
    print(f"2  Unsure whether it arrived, she sends it again: still version {again.version}, {again.quantity} things.")

    seen = (await bench.get(f"/resource/{plate_id}")).json()
    print(f"3  The bench reads it over REST: {seen['children'][0]['children'][0]['resource_name']!r} is in A1.")

    sample = {"resource_name": "sample 3", "parent_id": plate_id}
    refused = (await bench.post("/resource/add", json=sample | {"key": "A1"})).json()
    print(f"4  It puts a sample into A1, too. {refused['status']} {refused['code']}:")
    print(f"     {refused['detail']}")

    await bench.post("/resource/add", json=sample | {"key": "D6"})
    print("5  It takes D6 instead.")
    print(picture(await ada.ask(Get(resource_id=plate_id))))

    sealed = await ada.ask(Update(resource_id=plate_id, changes=Patch(attributes={"sealed": True})))
    print(f"6  Ada seals the plate: version {sealed.version}, {sealed.attributes}.")

    await bench.delete(f"/resource/{plate_id}")
    try:
        await ada.ask(Get(resource_id=plate_id))
    except Refusal as refusal:
        print(f"7  The bench removes it with everything in it. When Ada asks for it: {refusal.status} {refusal.code}.")

    print("\nWhat the history keeps of it:")
    for entry in (await ada.ask(QueryHistory(entity_id=plate_id))).entries:
        door, changed = f"{entry.actor} over {entry.via}", ", ".join(entry.changes)
        print(f"    version {entry.version}  {entry.what:<16}  {door:<15}  {changed}".rstrip())
    print("What every subscriber heard of it:")
    async for _, event in ada.events(entity_id=plate_id):
        print(f"    version {event.version}  {event.type:<36}  by {event.actor}")
        if event.data.state["removed_at"]:
            break


async def main() -> None:
    """Open both doors."""
    bench = httpx.AsyncClient(base_url=REST, headers={"X-Owner": "bench"})
    async with AsyncLabstow(NATS, actor="Ada") as ada, bench:
        (await bench.get("/health/ready")).raise_for_status()
        await life(ada, bench)


if __name__ == "__main__":
    try:
        asyncio.run(main())
    except (Refusal, httpx.HTTPError) as trouble:
        sys.exit(f"first_plate: {trouble}\nIs labstow running? `labstow up` starts it. (Asked at {REST} and {NATS}.)")
