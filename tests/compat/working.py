"""Runs beside MADSci's client, with the address of a labstow: containers, quantities, removing and restoring."""

import asyncio
import datetime
import sys
from typing import Any

from madsci.client.resource_client import ResourceClient  # type: ignore[import-not-found]
from madsci.common.types.resource_types import (  # type: ignore[import-not-found]
    Collection,
    Consumable,
    Container,
    DiscreteConsumable,
    Grid,
    Pool,
    Queue,
    Row,
    Slot,
    Stack,
    VoxelGrid,
)

from tests.compat.telling import refused, sample, tell

client = ResourceClient(sys.argv[1])


def pushing() -> None:
    """Stacks, queues and slots, by objects and by ids."""
    stack = client.add_resource(Stack(resource_name="hotel", resource_class="working", capacity=2))
    queue = client.add_resource(Queue(resource_name="belt", resource_class="working"))
    nest = client.add_resource(Slot(resource_name="nest", resource_class="working"))
    known = client.add_resource(sample("known"))
    tell("push: new", client.push(stack, sample("new")))
    tell("push: known, by ids", client.push(stack.resource_id, known.resource_id))
    tell("push: one too many", refused(lambda: client.push(stack, sample("third"))))
    tell("pop: stack", client.pop(stack))
    tell("push: moved", client.push(nest, known))
    tell("push: slot is taken", refused(lambda: client.push(nest, sample("other"))))
    for name in ("first", "second"):
        queue = client.push(queue, sample(name))
    tell("pop: queue", client.pop(queue.resource_id))
    plate = Grid(resource_name="plate", resource_class="working", rows=2, columns=2)
    plate["A1"] = sample("in the plate")
    client.push(queue, plate)
    client.pop(queue)
    tell("pop: a plate with what is in it", client.pop(queue))
    tell("pop: nothing", refused(lambda: client.pop(queue)))
    tell("pop: not a stack", refused(lambda: client.pop(known)))
    tell("push: through the object", stack.push(sample("by the object")))
    tell("push: a held object again", client.push(queue, known))


def placing() -> None:
    """Every container with keys."""
    plate = client.add_resource(Grid(resource_name="plate", resource_class="working", rows=8, columns=12))
    first, second = client.add_resource(sample("first")), client.add_resource(sample("second"))
    tell("place: by indices", client.set_child(plate, (0, 1), first))
    tell("place: by name", client.set_child(plate.resource_id, "H12", second.resource_id))
    tell("place: instead", client.set_child(plate, "A2", sample("instead")))
    tell("place: what was there", client.get_resource(first.resource_id))
    tell("place: moved within", client.set_child(plate, "B1", second))
    tell("place: out of range", refused(lambda: client.set_child(plate, "I1", first)))
    tell("take: by name", client.remove_child(plate, "A2"))
    tell("take: by indices", client.remove_child(plate, (1, 0)))
    tell("take: nothing there", refused(lambda: client.remove_child(plate, "A2")))
    row = client.add_resource(Row(resource_name="row", resource_class="working", columns=3))
    tell("place: row", client.set_child(row, 2, first))
    tell("take: row", client.remove_child(row, "3"))
    voxels = VoxelGrid(resource_name="voxels", resource_class="working", rows=2, columns=3, layers=2)
    cube = client.add_resource(voxels)
    tell("place: voxel", client.set_child(cube, (1, 2, 1), first))
    tell("take: voxel", client.remove_child(cube, (1, 2, 1)))
    for kind in (Collection, Container):
        box = client.add_resource(kind(resource_name="box", resource_class="working"))
        name = box.base_type.value
        tell(f"place: {name}", client.set_child(box, "left", first))
        tell(f"take: {name}", client.remove_child(box, "left"))
    mix = client.add_resource(Pool(resource_name="mix", resource_class="working", capacity=10))
    water = Consumable(resource_name="water", quantity=2.5)
    tell("place: pool", client.set_child(mix, "water", water))
    tell("place: pool, not a consumable", refused(lambda: client.set_child(mix, "sample", first)))
    tell("empty: pool", client.empty(mix))
    client.set_child(plate, "A1", first)
    tell("empty: plate", client.empty(plate))


def measuring() -> None:
    """How much there is."""
    buffer = client.add_resource(Consumable(resource_name="PBS", quantity=500.0, capacity=1000.0, unit="mL"))
    tell("quantity: set", client.set_quantity(buffer, 400))
    tell("quantity: changed", client.change_quantity_by(buffer.resource_id, -1.5))
    tell("quantity: increased", client.increase_quantity(buffer, -50))
    tell("quantity: decreased", client.decrease_quantity(buffer, 0.1))
    tell("quantity: more than there is", refused(lambda: client.decrease_quantity(buffer, 1000.0)))
    tell("quantity: more than fits", refused(lambda: client.set_quantity(buffer, 1000.5)))
    tell("capacity: set", client.set_capacity(buffer, 900))
    tell("capacity: too small", refused(lambda: client.set_capacity(buffer, 1)))
    tell("fill", client.fill(buffer))
    tell("empty", client.empty(buffer))
    tell("capacity: removed", client.remove_capacity_limit(buffer))
    tell("fill: without end", refused(lambda: client.fill(buffer)))
    tips = client.add_resource(DiscreteConsumable(resource_name="tips", quantity=96))
    tell("quantity: pieces", client.decrease_quantity(tips, 8))
    tell("quantity: half a piece", refused(lambda: client.decrease_quantity(tips, 0.5)))
    rack = client.add_resource(Stack(resource_name="rack"))
    tell("quantity: of a container", refused(lambda: client.set_quantity(rack, 3)))
    tenths = client.add_resource(Consumable(resource_name="tenths"))
    for _ in range(10):
        tenths = client.increase_quantity(tenths, 0.1)
    tell("quantity: ten times 0.1", tenths)


def restoring() -> None:
    """What was removed comes back to where it was."""
    plate = Grid(resource_name="plate", resource_class="restoring", rows=1, columns=2)
    plate["A1"] = sample("kept")
    plate = client.add_resource(plate)
    stack = client.push(client.add_resource(Stack(resource_name="stack", resource_class="restoring")), plate)
    client.remove_resource(plate.resource_id)
    tell("restore: stack without it", client.get_resource(stack.resource_id))
    tell("restore", client.restore_deleted_resource(plate))
    tell("restore: stack with it", client.get_resource(stack.resource_id))
    tell("restore: again", refused(lambda: client.restore_deleted_resource(plate.resource_id)))
    tell("restore: history", client.query_history(plate.resource_id))
    week = datetime.datetime.now() - datetime.timedelta(days=7)  # noqa: DTZ005  (as a user of the client writes it)
    tell("restore: updates of a week", client.query_history(plate.resource_id, start_date=week, change_type="Updated"))


def writing_at_once() -> None:
    """Two who hold the same object write different things into it."""
    mine = client.add_resource(sample("shared", volume=1))
    theirs = client.get_resource(mine.resource_id)
    mine.attributes["volume"] = 2
    mine = client.update_resource(mine)
    theirs.attributes["colour"] = "red"
    tell("merge: both", client.update_resource(theirs))
    theirs.attributes["volume"] = 3
    tell("merge: the same key", refused(lambda: client.update_resource(theirs)))


async def asynchronously() -> None:
    """The methods of the client that wait in an event loop."""
    added = await client.async_add_resource(Consumable(resource_name="async", resource_class="working", quantity=5))
    tell("async: got", await client.async_get_resource(added.resource_id))
    tell("async: set", await client.async_set_quantity(added, 4))
    tell("async: changed", await client.async_change_quantity_by(added.resource_id, 1.5))
    added.resource_description = "seen"
    added.quantity = 5.5
    tell("async: updated", await client.async_update_resource(added))
    found: list[Any] = await client.async_query_resource(resource_name="async", multiple=True)
    tell("async: found", found)
    tell("async: hierarchy", await client.async_query_resource_hierarchy(added.resource_id))
    tell("async: history", await client.async_query_history(added))
    tell("async: removed", await client.async_remove_resource(added))
    tell("async: restored", await client.async_restore_deleted_resource(added))
    client.create_template(sample("async", lot="L-1"), "async sample")
    tell("async: template", await client.async_get_template("async sample"))
    tell("async: no template", await client.async_get_template("nobody's"))
    tell("async: templates", await client.async_query_all_templates())
    tell("async: made", await client.async_create_resource_from_template("async sample", "made in a loop"))


pushing()
placing()
measuring()
restoring()
writing_at_once()
asyncio.run(asynchronously())
