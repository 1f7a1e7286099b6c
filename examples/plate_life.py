"""Plates from a template, moved between a hotel and a nest; and where they were at an earlier moment.

    labstow up                      in one terminal
    python examples/plate_life.py   in another

LABSTOW_NATS_URL says where labstow runs, if not on this machine with its usual port.
"""

import asyncio
import os
import sys

from labstow.client import AsyncLabstow
from labstow.contracts.base_types import BaseType
from labstow.contracts.errors import Refusal
from labstow.contracts.placing import Move, Pop, Swap
from labstow.contracts.queries import GetTree, Where
from labstow.contracts.resource import Add, NewResource, Remove, Restore
from labstow.contracts.template import CreateTemplate, Instance, Instantiate
from labstow.contracts.ulids import new_ulid

NATS = os.environ.get("LABSTOW_NATS_URL", "nats://127.0.0.1:4222")
PLATE = NewResource(resource_class="plate", base_type=BaseType.GRID, rows=8, columns=12)


async def life(lab: AsyncLabstow) -> None:
    """What a robot does with three plates."""
    bench_id, hotel_id, nest_id = new_ulid(), new_ulid(), new_ulid()
    hotel = NewResource(resource_id=hotel_id, name="Hotel", base_type=BaseType.STACK, capacity=20)
    nest = NewResource(resource_id=nest_id, name="Nest", base_type=BaseType.SLOT)
    bench = NewResource(resource_id=bench_id, name="Bench", base_type=BaseType.CONTAINER, children=(hotel, nest))
    await lab.ask(Add(resource=bench))

    template = CreateTemplate(name="Assay plate", resource=PLATE, required_overrides=("attributes.lot",), replace=True)
    await lab.ask(template)
    print("1  A template says what every assay plate is like, and that its lot must be told.")
    try:
        await lab.ask(Instantiate(template="assay plate", instances=(Instance(name="Plate 0"),)))
    except Refusal as refusal:
        print(f"     {refusal.status} {refusal.code}: {refusal.detail}")

    lot = {"attributes": {"lot": "L-12"}}
    plates = tuple(Instance(name=f"Plate {n}", overrides=lot, parent_id=hotel_id) for n in (1, 2, 3))
    made = await lab.ask(Instantiate(template="assay plate", instances=plates))
    first, _, last = [plate.resource_id for plate in made.resources]
    print(f"2  Three plates are made from it, straight into the hotel. {await where(lab, last)}")

    morning = await lab.ask(Move(resource_id=last, container_id=nest_id, source_id=hotel_id))
    print(f"3  The robot moves the one on top to the nest. {await where(lab, last)}")
    try:
        await lab.ask(Move(resource_id=first, container_id=nest_id))
    except Refusal as refusal:
        print(f"4  Another one does not fit there. {refusal.status} {refusal.code}")
    await lab.ask(Swap(resource_id=first, other_id=last))
    print(f"5  So the two change places, in one command. {await where(lab, last)}")

    popped = await lab.ask(Pop(container_id=hotel_id))
    removed = await lab.ask(Remove(resource_id=popped.resource.resource_id, reason="dropped"))
    await lab.ask(Remove(resource_id=nest_id))
    back = await lab.ask(Restore(resource_id=nest_id, reason="it was the wrong button"))
    print(f"6  {removed.name} is dropped. The nest is removed and restored with what is in it: {back.restored} things.")

    print("\nThe bench now, and when the first plate had just been moved:")
    now = await lab.ask(GetTree(resource_id=bench_id))
    then = await lab.ask(GetTree(resource_id=bench_id, as_of=morning.resource.updated_at))
    for title, tree in (("now", now), ("then", then)):
        held = {place.name: ", ".join(plate.name for plate in place.children) for place in tree.children}
        print(f"    {title:<5} hotel: {held['Hotel']:<18} nest: {held['Nest']}")


async def where(lab: AsyncLabstow, resource_id: str) -> str:
    """Where something is, in words."""
    found = await lab.ask(Where(resource_id=resource_id))
    return f"{found.path[-1].name} is at: {found.words}"


async def main() -> None:
    """Ask as a robot."""
    async with AsyncLabstow(NATS, actor="robot") as lab:
        await life(lab)


if __name__ == "__main__":
    try:
        asyncio.run(main())
    except Refusal as trouble:
        sys.exit(f"plate_life: {trouble}\nIs labstow running? `labstow up` starts it. (Asked at {NATS}.)")
