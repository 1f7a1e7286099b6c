"""Runs beside MADSci's client, with the address of a strict labstow: what one client locked the other cannot change."""

import sys
from concurrent.futures import ThreadPoolExecutor

from madsci.client.location_client import LocationClient  # type: ignore[import-not-found]
from madsci.client.resource_client import ResourceClient  # type: ignore[import-not-found]
from madsci.common.types.location_types import Location  # type: ignore[import-not-found]
from madsci.common.types.resource_types import Consumable, Stack  # type: ignore[import-not-found]

from tests.compat.telling import refused, sample, tell, until

client, other = ResourceClient(sys.argv[1]), ResourceClient(sys.argv[1])


def holding() -> None:
    """Of two clients, only that one changes a thing which locked it, for as long as it has it."""
    water = client.add_resource(Consumable(resource_name="water", quantity=100, capacity=1000))
    client.acquire_lock(water, lock_duration=60.0)
    tell("changed by its holder", client.decrease_quantity(water, 10))
    tell("changed by another", refused(lambda: other.decrease_quantity(water.resource_id, 10)))
    tell("removed by another", refused(lambda: other.remove_resource(water.resource_id)))
    client.acquire_lock(water, lock_duration=120.0)
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda _: client.decrease_quantity(water.resource_id, 1), range(40)))
    tell("changed by its holder's threads", client.get_resource(water.resource_id))
    client.release_lock(water)
    tell("changed by another when it is free", other.decrease_quantity(water.resource_id, 10))
    tell("changed by who had it", client.decrease_quantity(water.resource_id, 10))


def in_a_block() -> None:
    """Several things, and what is saved at the end."""
    rack, tube = client.add_resource(Stack(resource_name="rack")), client.add_resource(sample("tube"))
    with client.lock(rack, tube) as (stack, child):
        stack.push(child)
        tell("block: changed by another", refused(lambda: other.push(rack.resource_id, sample("more"))))
    tell("block: saved", client.get_resource(rack.resource_id))
    tell("block: changed after it", other.push(rack.resource_id, other.add_resource(sample("more"))))


def losing() -> None:
    """Who lost a lock is told, of that thing only; whoever locks again has it again."""
    tube, rack = client.add_resource(sample("lost")), client.add_resource(Stack(resource_name="not lost"))
    client.acquire_lock(tube, lock_duration=1.0)
    until(lambda: not client.is_locked(tube)[0])
    tell("lost: changed", refused(lambda: client.remove_resource(tube.resource_id)))
    tell("lost: something else changed", client.push(rack, sample("of the rack")))
    other.acquire_lock(tube)
    tell("lost: changed while another has it", refused(lambda: client.remove_resource(tube.resource_id)))
    other.release_lock(tube)
    client.acquire_lock(tube)
    tell("lost: changed with a new lock", client.remove_resource(tube.resource_id))


def attaching() -> None:
    """Places ask, too."""
    places, rack = LocationClient(sys.argv[1]), client.add_resource(Stack(resource_name="for a place"))
    place = places.add_location(Location(location_name="nest_of_the_strict"))
    client.acquire_lock(rack)
    tell("attached by another", refused(lambda: places.attach_resource(place.location_id, rack.resource_id)))
    client.release_lock(rack)
    tell("attached when it is free", places.attach_resource(place.location_id, rack.resource_id))


holding()
in_a_block()
losing()
attaching()
