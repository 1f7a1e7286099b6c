"""Runs beside MADSci's client, with the address of a labstow: what nodes and scripts do every day."""

import sys
import threading
from collections.abc import Callable
from functools import partial
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
other = ResourceClient(sys.argv[1])

THIRD = 1 / 3
SUM = 0.1 + 0.2
LONG = 66.66666666666666


def a_node_restarts() -> None:
    """What a node asks for when it starts is the thing that it worked with before."""
    ask = client.create_resource_from_template
    client.init_template(Slot(resource_name="gripper", resource_class="everyday"), "everyday gripper")
    gripper = ask("everyday gripper", "gripper 1")
    tell("node: first start", gripper)
    client.push(gripper, sample("in the gripper"))
    tell("node: with something in it", ask("everyday gripper", "gripper 1"))
    gripper = client.get_resource(gripper)
    gripper.attributes["cycles"] = 7
    gripper.resource_description = "the left one"
    client.update_resource(gripper)
    tell("node: with other attributes", ask("everyday gripper", "gripper 1"))
    tell("node: another name", ask("everyday gripper", "gripper 2"))
    changed = Slot(resource_name="gripper", resource_class="everyday", attributes={"speed": 3})
    client.create_template(changed, "everyday gripper", version="2.0.0")
    tell("node: of a new version", ask("everyday gripper", "gripper 1"))
    mine = {"owner": {"user_id": "01J0000000000000000000ABCD"}, "attributes": {"lot": 1}}
    tell("node: another owner", ask("everyday gripper", "gripper 1", mine))
    tell("node: another owner, again", ask("everyday gripper", "gripper 1", mine))
    tell("node: only shown", ask("everyday gripper", "gripper 1", add_to_database=False))
    tell("node: another lot", ask("everyday gripper", "gripper 1", {"attributes": {"lot": 2}}))
    gone = ask("everyday gripper", "gripper 2")
    client.remove_resource(gone.resource_id)
    tell("node: after it was removed", [gone, ask("everyday gripper", "gripper 2", {"attributes.lot": "7"})])

    client.init_template(Consumable(resource_name="b", resource_class="everyday", quantity=500.0), "everyday buffer")
    buffer = ask("everyday buffer", "buffer 1", {"quantity": LONG, "capacity": 900.0 + SUM})
    tell("node: buffer", buffer)
    client.decrease_quantity(buffer, 10.0)
    tell("node: buffer, used", ask("everyday buffer", "buffer 1", {"quantity": LONG, "capacity": 900.0 + SUM}))


def many_nodes_start() -> None:
    """All at once."""
    client.init_template(Stack(resource_name="hotel", resource_class="everyday"), "everyday hotel")
    found: list[str] = []

    def start() -> None:
        node = ResourceClient(sys.argv[1])
        found.append(node.create_resource_from_template("everyday hotel", "hotel 1").resource_id)

    nodes = [threading.Thread(target=start) for _ in range(12)]
    for node in nodes:
        node.start()
    for node in nodes:
        node.join()
    tell("nodes: started at once", found)


def overriding() -> None:
    """Overrides as required ones are written."""
    plate = Grid(resource_name="p", resource_class="everyday", rows=2, columns=2, attributes={"from": {"shop": "a"}})
    client.create_template(plate, "everyday plate", required_overrides=["attributes.lot", "attributes.from.batch"])
    told: dict[str, Any] = {"attributes.lot": "7", "attributes.from.batch": 3, "attributes": {"more": True}}
    tell("overrides: with dots", client.create_resource_from_template("everyday plate", "plate 1", told))
    told = {"attributes.lot": "7", "capacity.of": 3}
    make = partial(client.create_resource_from_template, "everyday plate", "plate 2", told)
    tell("overrides: dots into what has no keys", refused(make))


def sizing() -> None:
    """What counts pieces has room for whole ones."""
    kinds = [
        DiscreteConsumable(resource_name="tips", quantity=3),
        Stack(resource_name="stack"),
        Queue(resource_name="queue"),
        Container(resource_name="container"),
        Collection(resource_name="collection"),
        Row(resource_name="row", columns=3),
        Grid(resource_name="grid", rows=2, columns=3),
        VoxelGrid(resource_name="voxels", rows=2, columns=3, layers=2),
        Slot(resource_name="slot"),
    ]
    for kind in kinds:
        thing = client.add_resource(kind)
        name = thing.base_type.value
        tell(f"size: {name}", refused(partial(client.set_capacity, thing, 5.5)))
        tell(f"size: {name} read", client.get_resource(thing))
    bottle = client.add_resource(Consumable(resource_name="bottle", quantity=0.5))
    tell("size: bottle", client.set_capacity(bottle, 5.5))
    tips = client.add_resource(DiscreteConsumable(resource_name="tips", quantity=3))
    tell("size: less than there is", refused(lambda: client.set_capacity(tips, 0)))


def mixing() -> None:
    """Pools of what does not add up in floats, or is in other units."""
    mix = client.add_resource(Pool(resource_name="tenths", capacity=0.3))
    for name in "abc":
        mix = client.set_child(mix, name, Consumable(resource_name=name, quantity=0.1))
    tell("pool: tenths", mix)
    mix.attributes["seen"] = True
    tell("pool: tenths, written back", client.update_resource(mix))
    tell("pool: one more", refused(lambda: client.set_child(mix, "d", Consumable(resource_name="d", quantity=0.1))))
    mix = client.add_resource(Pool(resource_name="mix", capacity=10.0, unit="mL"))
    client.set_child(mix, "water", Consumable(resource_name="water", quantity=1.0, unit="mL"))
    client.set_child(mix, "dye", Consumable(resource_name="dye", quantity=5000, unit="uL"))
    tell("pool: units", client.get_resource(mix))
    shelf = client.add_resource(Collection(resource_name="shelf"))
    tell("pool: on a shelf", client.set_child(shelf, "left", mix))


def computing() -> None:
    """What Python's floats come to."""
    flask = client.add_resource(Consumable(resource_name="flask", quantity=SUM, capacity=1000 * THIRD))
    tell("floats: added", flask)
    tell("floats: set", client.set_quantity(flask, SUM))
    tell("floats: increased", client.increase_quantity(flask, LONG))
    tell("floats: decreased", client.decrease_quantity(flask, THIRD))
    tell("floats: changed", client.change_quantity_by(flask, -THIRD))
    tell("floats: capacity", client.set_capacity(flask, 1e4 / 3))
    flask = client.get_resource(flask)
    flask.quantity = 100 / 7
    tell("floats: updated", client.update_resource(flask))
    rack = Row(resource_name="rack", columns=2)
    rack["1"] = Consumable(resource_name="in it", quantity=SUM)
    tell("floats: inside", client.add_resource(rack))
    tell("floats: nothing left of it", refused(lambda: client.increase_quantity(flask, 1e-13)))
    tell("floats: too large", refused(lambda: client.set_quantity(flask, 1e30)))


def keying() -> None:
    """Keys that are no texts, for containers that have texts."""
    for kind in (Container, Collection):
        box = client.add_resource(kind(resource_name="box"))
        name = box.base_type.value
        client.set_child(box, 0, sample("zero"))
        tell(f"keys: {name}", client.set_child(box, (0, 1), sample("pair")))
        tell(f"keys: {name}, instead", client.set_child(box, (0, 1), sample("instead")))
        tell(f"keys: {name}, without", client.remove_child(box, (0, 1)))
    grid = client.add_resource(Grid(resource_name="grid", rows=1, columns=1))
    tell("keys: beyond a grid", refused(lambda: client.set_child(grid, (0, 1), sample("beyond"))))
    stack = client.add_resource(Stack(resource_name="stack", children=[sample("one")]))
    tell("keys: out of a stack", refused(lambda: client.remove_child(stack, "0")))
    tell("keys: out of a stack by indices", refused(lambda: client.remove_child(stack, (0, 1))))


def counting_high() -> None:
    """Integers that are kept, and those that cannot be."""
    for number in (2**64 - 1, -(2**63)):
        tell(f"integer {number}", client.add_resource(sample("many", stars=number)))
    for number in (2**64, -(2**63) - 1):
        told = sample("too many", stars={"of": [1, number]})
        tell(f"integer {number}", refused(partial(client.add_resource, told)))
    deep: Any = 2**64
    for _ in range(900):
        deep = [deep]
    answer = client.session.post(f"{sys.argv[1]}resource/add", json={"resource_name": "x", "attributes": {"a": deep}})
    tell("integer in the deep", answer.status_code)


def locking() -> None:
    """What is said to who cannot wait."""
    tube = client.add_resource(sample("tube"))
    client.acquire_lock(tube, lock_duration=60.0)
    tell("lock: held", refused(lambda: other.acquire_lock(tube)))


def a_large_hotel() -> None:
    """26 plates of 96 wells with something in each."""
    hotel = client.add_resource(Stack(resource_name="large hotel"))
    for number in range(26):
        plate = Grid(resource_name=f"plate {number}", rows=8, columns=12)
        for row in range(8):
            for column in range(12):
                plate[(row, column)] = Consumable(
                    resource_name="w", quantity=1, capacity=2, unit="uL", attributes={"k": "v" * 20}
                )
        client.push(hotel.resource_id, plate)
    hotel = client.get_resource(hotel)
    hotel.attributes["checked"] = True
    updated = client.update_resource(hotel)
    tell("hotel: updated", [updated.attributes, len(updated.children), len(updated.children[25].children)])

    def locked() -> object:
        with client.lock(hotel) as held:
            held.attributes["locked"] = True
        return client.get_resource(hotel.resource_id).attributes

    tell("hotel: locked", locked())


def run(*parts: Callable[[], None]) -> None:
    """Do all, or those that are named after the address."""
    for part in parts:
        if not sys.argv[2:] or part.__name__ in sys.argv[2:]:
            part()


run(
    *(a_node_restarts, many_nodes_start, overriding, sizing, mixing, computing, keying),
    *(counting_high, locking, a_large_hotel),
)
