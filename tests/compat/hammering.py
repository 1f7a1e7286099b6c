"""Runs beside MADSci's client, with the address of a labstow: takes one after the other, from four threads."""

import sys
from concurrent.futures import ThreadPoolExecutor

from madsci.client.resource_client import ResourceClient  # type: ignore[import-not-found]
from madsci.common.types.resource_types import Consumable  # type: ignore[import-not-found]

from tests.compat.telling import tell

EACH, THREADS = 10, 4

client = ResourceClient(sys.argv[1])
tips = client.add_resource(Consumable(resource_name="tips", quantity=1000))


def take(_: int) -> None:
    for _ in range(EACH):
        client.decrease_quantity(tips.resource_id, 1)


print("taking", flush=True)
with ThreadPoolExecutor(THREADS) as pool:
    list(pool.map(take, range(THREADS)))
print("taken", flush=True)
sys.stdin.readline()
with ThreadPoolExecutor(THREADS) as pool:
    list(pool.map(take, range(THREADS)))
tell("left", client.get_resource(tips.resource_id))
tell("taken", 2 * EACH * THREADS)
