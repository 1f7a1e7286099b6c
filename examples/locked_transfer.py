"""Two robots want the same plate: one holds it, the other stands in line, and an operator has the last word.

    labstow up                           in one terminal
    python examples/locked_transfer.py   in another

LABSTOW_NATS_URL says where labstow runs, if not on this machine with its usual port.
"""

import asyncio
import os
import sys

from labstow.client import AsyncLabstow
from labstow.contracts.base_types import BaseType
from labstow.contracts.errors import LeaseLost, Refusal
from labstow.contracts.history import QueryHistory
from labstow.contracts.lock import Break
from labstow.contracts.placing import Move
from labstow.contracts.resource import Add, NewResource, Patch, Update
from labstow.contracts.ulids import new_ulid

NATS = os.environ.get("LABSTOW_NATS_URL", "nats://127.0.0.1:4222")


async def transfer(arm: AsyncLabstow, washer: AsyncLabstow, operator: AsyncLabstow) -> None:
    """The arm brings a plate to a nest, and the washer has to wait for it."""
    plate_id, hotel_id, nest_id = new_ulid(), new_ulid(), new_ulid()
    plate = NewResource(resource_id=plate_id, name="Plate 7", base_type=BaseType.GRID, rows=8, columns=12)
    hotel = NewResource(resource_id=hotel_id, name="Hotel", base_type=BaseType.STACK, children=(plate,))
    nest = NewResource(resource_id=nest_id, name="Nest", base_type=BaseType.SLOT)
    await operator.ask(Add(resource=NewResource(name="Bench", base_type=BaseType.CONTAINER, children=(hotel, nest))))

    async with arm.lock(plate_id, hotel_id, nest_id, purpose="transfer") as held:
        print(f"1  The arm holds the plate, the hotel and the nest. Token of the plate: {held.tokens[plate_id]}.")
        try:
            await washer.ask(Move(resource_id=plate_id, container_id=nest_id))
        except Refusal as refusal:
            print(f"2  Nobody else can move the plate. The washer is told: {refusal.status} {refusal.code}")

        at_work = asyncio.Event()
        washing = asyncio.create_task(wash(washer, plate_id, at_work))
        async for _, queued in operator.events(noun="lock", what="queued", entity_id=plate_id):
            print(f"3  So the {queued.actor} stands in line, while the arm does the {queued.data.state['purpose']}.")
            break

        await held.ask(Move(resource_id=plate_id, container_id=nest_id, source_id=hotel_id))
        print("4  The arm has moved the plate, and lets go of it.")

    await at_work.wait()
    broken = await operator.ask(Break(resource_id=plate_id, reason="the washer leaks"))
    print(f"6  The operator breaks its lock: whoever has a token below {broken.tokens[plate_id]} is too late.")
    print(f"7  {await washing}")

    print("\nWhat the history keeps of the lock of the plate:")
    entries = (await operator.ask(QueryHistory(noun="lock", entity_id=plate_id))).entries
    for entry in sorted(entries, key=lambda entry: entry.version):
        print(f"    {entry.what:<9} by {entry.actor:<9} {entry.reason or ''}".rstrip())


async def wash(washer: AsyncLabstow, plate_id: str, at_work: asyncio.Event) -> str:
    """Wash a plate, unless somebody comes between; tell how it went."""
    try:
        async with washer.lock(plate_id, ttl_s=1, wait_s=30, purpose="washing") as held:
            print(
                f"5  Now the washer holds it, with token {held.tokens[plate_id]}, and renews its lease all the while."
            )
            at_work.set()
            await asyncio.sleep(20)  # what a washer takes; but it is interrupted before
            await held.ask(Update(resource_id=plate_id, changes=Patch(attributes={"washed": True})))
    except LeaseLost as loss:
        return (
            f"The washer stops in the middle of it, and writes nothing: {loss.status} {loss.code} ({loss.facts['how']})"
        )
    return "The plate is washed."


async def main() -> None:
    """Ask as three."""
    async with (
        AsyncLabstow(NATS, actor="arm") as arm,
        AsyncLabstow(NATS, actor="washer") as washer,
        AsyncLabstow(NATS, actor="operator") as operator,
    ):
        await transfer(arm, washer, operator)


if __name__ == "__main__":
    try:
        asyncio.run(main())
    except Refusal as trouble:
        sys.exit(f"locked_transfer: {trouble}\nIs labstow running? `labstow up` starts it. (Asked at {NATS}.)")
