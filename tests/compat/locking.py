"""Runs beside MADSci's client, with the address of a labstow: locks, taken by two clients."""

import asyncio
import sys
from collections.abc import Callable
from functools import partial

from madsci.client.resource_client import ResourceClient  # type: ignore[import-not-found]
from madsci.common.types.resource_types import Grid, Stack  # type: ignore[import-not-found]

from tests.compat.telling import refused, sample, tell, until

client = ResourceClient(sys.argv[1])
other = ResourceClient(sys.argv[1])


def given_up(action: Callable[[], object]) -> object:
    """Give what their `lock` says when it does not get everything."""
    try:
        action()
    except ValueError as error:
        return str(error)
    return None


def taking_and_giving_back() -> None:
    """One resource, by object and by id."""
    tube = client.add_resource(sample("locked"))
    tell("before", client.is_locked(tube))
    tell("acquired", client.acquire_lock(tube, lock_duration=60.0))
    tell("acquired: asked", client.is_locked(tube))
    tell("acquired: asked by another", other.is_locked(tube.resource_id))
    tell("acquired again, for longer", client.acquire_lock(tube.resource_id, lock_duration=600.0))
    tell("acquired by another", refused(lambda: other.acquire_lock(tube)))
    tell("released by another", other.release_lock(tube))
    tell("released by another: asked", client.is_locked(tube))
    tell("pushed", client.push(client.add_resource(Stack(resource_name="rack")), tube))
    tell("released", client.release_lock(tube))
    tell("released: asked", other.is_locked(tube.resource_id))
    tell("released again", client.release_lock(tube.resource_id))
    tell("acquired by the next", other.acquire_lock(tube))
    tell("released by the one before", client.release_lock(tube))
    tell("released by the next", other.release_lock(tube.resource_id))
    tell("released: nobody's", client.release_lock(client.add_resource(sample("free"))))
    for seconds in (0, -5, 1e9):
        tell(f"acquired for {seconds}", refused(partial(client.acquire_lock, tube, seconds)))
    unknown = sample("unknown")
    tell("acquired: unknown", refused(lambda: client.acquire_lock(unknown)))
    tell("asked: unknown", refused(lambda: client.is_locked(unknown)))


def losing() -> None:
    """A lock that ends while its holder still works."""
    tube = client.add_resource(sample("lost"))
    client.acquire_lock(tube, lock_duration=1.0)
    until(lambda: not client.is_locked(tube)[0])
    tell("lost: asked", client.is_locked(tube))
    tell("lost: released", client.release_lock(tube))
    tell("lost: acquired by another", other.acquire_lock(tube))
    tell("lost: released by another", other.release_lock(tube))


def within_a_block() -> None:
    """The context manager, with one and several resources, by object and by id."""
    tube, rack = client.add_resource(sample("first")), client.add_resource(Stack(resource_name="rack"))
    with client.lock(tube, lock_duration=60.0) as locked:
        tell("block: asked", other.is_locked(tube))
        tell("block: acquired by another", refused(lambda: other.acquire_lock(tube)))
        locked.attributes["washed"] = True
    tell("block: saved", client.get_resource(tube.resource_id))
    tell("block: asked after", other.is_locked(tube))
    with client.lock(tube.resource_id) as locked:
        tell("block by id", locked)
    with client.lock(rack, tube.resource_id) as (stack, child):
        tell("block of two: asked", [client.is_locked(rack), client.is_locked(tube)])
        stack.push(child)
    tell("block of two: saved", client.get_resource(rack.resource_id))
    tell("block of two: asked after", [client.is_locked(rack), client.is_locked(tube)])
    with client.lock(rack, tube, auto_refresh=False) as (stack, child):
        stack.resource_description = "forgotten"
        tell("block without refresh", [stack, child])
    tell("block without refresh: not saved", client.get_resource(rack.resource_id))
    other.acquire_lock(tube)
    tell("block: one of two is held", given_up(lambda: client.lock(rack, tube).__enter__()))
    tell("block: one of two is held, asked", [client.is_locked(rack), client.is_locked(tube)])
    tell("block: written by who cannot be told from the holder", client.update_resource(tube))
    other.release_lock(tube)
    plate = client.add_resource(Grid(resource_name="plate", rows=1, columns=2))
    with client.lock(plate) as locked:
        locked.set_child("A1", sample("in the plate"))
        client.set_child(plate, "A2", sample("beside it"))
    tell("block: a plate that was filled in it", client.get_resource(plate.resource_id))


def as_somebody_named() -> None:
    """With a client id that the caller chose."""
    tube = client.add_resource(sample("named"))
    named = ResourceClient(sys.argv[1])
    tell("named", named.acquire_lock(tube, client_id="arm 7"))
    tell("named: asked", client.is_locked(tube))
    again = ResourceClient(sys.argv[1])
    tell("named: released by the same name", again.release_lock(tube, client_id="arm 7"))


async def asynchronously() -> None:
    """The methods of the client that wait in an event loop."""
    tube = client.add_resource(sample("async"))
    tell("async: acquired", await client.async_acquire_lock(tube, lock_duration=60.0))
    tell("async: asked", await client.async_is_locked(tube.resource_id))
    tell("async: released", await client.async_release_lock(tube))
    tell("async: asked after", await client.async_is_locked(tube))


tell("clients", [client._client_id, other._client_id])
taking_and_giving_back()
losing()
within_a_block()
as_somebody_named()
asyncio.run(asynchronously())
