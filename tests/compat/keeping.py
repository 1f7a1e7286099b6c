"""Runs beside MADSci's client, with the address of a labstow: one object is kept, changed and written again and again,
as scripts do; the client never refreshes it.
"""

import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from madsci.client.resource_client import ResourceClient  # type: ignore[import-not-found]
from madsci.common.types.resource_types import Consumable, Container, Grid, Queue, Stack  # type: ignore[import-not-found]

from tests.compat.telling import refused, sample, tell

client, other = ResourceClient(sys.argv[1]), ResourceClient(sys.argv[1])


def stored(kept: Any) -> Any:
    return client.get_resource(kept.resource_id)


def alone() -> None:
    """With nobody else about, what was written last is what is stored."""
    kept = client.add_resource(sample("kept", in_use=False, tags=["a"]))
    kept.attributes["in_use"] = True
    client.update_resource(kept)
    kept.attributes["in_use"] = False
    client.update_resource(kept)
    tell("set back", stored(kept))
    for status in ("picked", "washed", "dried"):
        kept.attributes["status"] = status
        client.update_resource(kept)
    tell("three in a row", stored(kept))
    del kept.attributes["status"]
    kept.attributes["tags"] = ["a", "b"]
    client.update_resource(kept)
    kept.attributes["tags"].remove("b")
    kept.resource_name = "renamed"
    client.add_or_update_resource(kept)
    tell("removed and taken back", stored(kept))
    kept.resource_name = "kept"
    client.update_resource(kept)
    tell("named as before", stored(kept))
    water = client.add_resource(Consumable(resource_name="water", quantity=10, capacity=20))
    for quantity in (9, 8, 10):
        water.quantity = quantity
        client.update_resource(water)
    tell("quantity set back", stored(water))


def locked() -> None:
    """Also within a lock, where the client writes once more by itself in the end."""
    kept = client.add_resource(sample("locked", state="empty"))
    with client.lock(kept) as held:
        held.attributes["state"] = "busy"
        client.update_resource(held)
        held.attributes["state"] = "empty"
    tell("locked: set back", stored(kept))
    with client.lock(kept) as held:
        held.attributes["state"] = "busy"
        client.update_resource(held)
        held.attributes["state"] = "dirty"
    tell("locked: changed again", stored(kept))


def inside() -> None:
    """What is in something is kept with it, or by itself."""
    rack = client.add_resource(
        Container(resource_name="rack", children={"left": sample("left", n=0), "right": sample("right", n=0)})
    )
    for n in (1, 2, 0):
        rack.children["left"].attributes["n"] = n
        client.update_resource(rack)
    tell("with its container", stored(rack))
    child = stored(rack).children["right"]
    for n in (1, 2, 0):
        child.attributes["n"] = n
        client.update_resource(child)
    tell("by itself", stored(rack))
    plate = Grid(resource_name="plate", rows=8, columns=12)
    for row in "ABCDEFGH":
        for column in range(1, 13):
            plate[f"{row}{column}"] = sample(f"well {row}{column}", n=0)
    plate = client.add_resource(plate).unwrap
    for n in (1, 2, 0):
        for row in "ABCDEFGH":
            for column in range(1, 13):
                plate[f"{row}{column}"].attributes["n"] = n
        client.update_resource(plate)
    tell("a whole plate", stored(plate))


def placed() -> None:
    """Put somewhere once more."""
    plate = client.add_resource(Grid(resource_name="bench", rows=2, columns=2))
    tip = client.add_resource(sample("tip"))
    for _ in range(2):
        client.set_child(plate, (0, 0), tip)
        client.remove_child(plate, (0, 0))
    client.set_child(plate, (0, 0), tip)
    tell("placed again", stored(plate))
    stack, belt = client.add_resource(Stack(resource_name="stack")), client.add_resource(Queue(resource_name="belt"))
    for _ in range(2):
        client.push(stack, tip)
        client.push(belt, tip)
    client.push(stack, tip)
    tell("pushed again", [stored(stack), stored(belt), stored(plate)])


def with_others() -> None:
    """What others wrote meanwhile stays, and what both wrote is refused."""
    kept = client.add_resource(sample("shared", mine=0, theirs=0))
    kept.attributes["mine"] = 1
    client.update_resource(kept)
    theirs = other.get_resource(kept.resource_id)
    theirs.attributes["theirs"] = 1
    other.update_resource(theirs)
    kept.attributes["mine"] = 0
    client.update_resource(kept)
    tell("others: kept", stored(kept))
    theirs.attributes["mine"] = 7
    tell("others: the same", refused(lambda: other.update_resource(theirs)))
    copies = [client.get_resource(kept.resource_id) for _ in range(16)]

    def write(number: int) -> None:
        copies[number].attributes[f"key {number}"] = number
        client.update_resource(copies[number])

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(write, range(16)))
    tell("others: sixteen copies", stored(kept))


for part in (alone, locked, inside, placed, with_others):
    part()
