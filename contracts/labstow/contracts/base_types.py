"""The fourteen kinds of resource, and what each of them can do."""

from enum import StrEnum
from typing import Final


class BaseType(StrEnum):
    """What a resource is. The names are those of the MADSci clients."""

    RESOURCE = "resource"
    ASSET = "asset"
    CONSUMABLE = "consumable"
    DISCRETE_CONSUMABLE = "discrete_consumable"
    CONTINUOUS_CONSUMABLE = "continuous_consumable"
    CONTAINER = "container"
    COLLECTION = "collection"
    ROW = "row"
    GRID = "grid"
    VOXEL_GRID = "voxel_grid"
    SLOT = "slot"
    STACK = "stack"
    QUEUE = "queue"
    POOL = "pool"


CONSUMABLES: Final = frozenset({BaseType.CONSUMABLE, BaseType.DISCRETE_CONSUMABLE, BaseType.CONTINUOUS_CONSUMABLE})
"""Have a quantity of their own."""

SHAPED: Final = {
    BaseType.ROW: ("columns",),
    BaseType.GRID: ("rows", "columns"),
    BaseType.VOXEL_GRID: ("rows", "columns", "layers"),
}
"""Containers with a fixed set of positions, and the dimensions that say how many."""

ORDERED: Final = frozenset({BaseType.STACK, BaseType.QUEUE})
"""Containers whose children stand in the order they came."""

LINED: Final = ORDERED | {BaseType.SLOT}
"""Containers that are pushed into and popped from."""

KEYED: Final = frozenset({BaseType.CONTAINER, BaseType.COLLECTION, BaseType.POOL})
"""Containers whose positions are free texts; in a plain container a child may also have none."""

CONTAINERS: Final = frozenset({*SHAPED, *ORDERED, *KEYED, BaseType.SLOT})
"""Can hold other resources; their quantity is counted, never given."""

WHOLE: Final = (CONTAINERS - {BaseType.POOL}) | {BaseType.DISCRETE_CONSUMABLE}
"""Counted in whole pieces."""


def matching(base_type: BaseType) -> frozenset[BaseType]:
    """The types a filter on `base_type` means: `container` and `consumable` stand for their whole family."""
    if base_type is BaseType.CONTAINER:
        return CONTAINERS
    if base_type is BaseType.CONSUMABLE:
        return CONSUMABLES
    return frozenset({base_type})
