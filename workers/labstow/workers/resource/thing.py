"""A resource as the rules see it: one row."""

from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple

from labstow.contracts.base_types import CONTAINERS, BaseType
from labstow.contracts.positions import Geometry
from labstow.contracts.resource import NewResource


class Thing(NamedTuple):
    """A row of the table `resource`, columns in its order."""

    id: str
    name: str
    resource_class: str
    base_type: BaseType
    description: str | None
    owner: dict[str, Any]
    attributes: dict[str, Any]
    parent_id: str | None
    position: str | None
    order_seq: int | None
    """In a stack, queue or slot: the place in line; what comes later has the higher one."""
    pooled: bool
    """Whether it is in a pool, which counts what it has."""
    removed_from: str | None
    """Of what a removal was of: what it was in. Its position and place in line are kept, too, for a restoration."""
    rows: int | None
    columns: int | None
    layers: int | None
    one_indexed: bool
    quantity: Decimal | None
    capacity: Decimal | None
    unit: str | None
    template_name: str | None
    template_version: int | None
    created_at: datetime
    updated_at: datetime
    removed_at: datetime | None
    removal_id: str | None
    version: int
    next_seq: int
    """Of a stack or queue: the place in line of the next one to come."""
    head: str
    """Hash of the newest journal entry."""

    @property
    def is_container(self) -> bool:
        """Whether it can hold other things."""
        return self.base_type in CONTAINERS

    @property
    def geometry(self) -> Geometry:
        """Its shape, where it is a container."""
        return Geometry(self.base_type, self.rows, self.columns, self.layers, self.one_indexed)


def thing(row: tuple[Any, ...]) -> Thing:
    """A thing from a row of the database."""
    return Thing._make(row)._replace(base_type=BaseType(row[3]))


def state(of: Thing) -> dict[str, Any]:
    """The thing as answers, events and the journal show it: the fields of `Resource`, without children."""
    return {
        "resource_id": of.id,
        "name": of.name,
        "resource_class": of.resource_class,
        "base_type": of.base_type,
        "description": of.description,
        "owner": of.owner,
        "attributes": of.attributes,
        "parent_id": of.parent_id,
        "position": None if of.parent_id is None else of.position,
        "order": None if of.parent_id is None else of.order_seq,
        "rows": of.rows,
        "columns": of.columns,
        "layers": of.layers,
        "one_indexed": of.one_indexed,
        "quantity": of.quantity,
        "capacity": of.capacity,
        "unit": of.unit,
        "template_name": of.template_name,
        "template_version": of.template_version,
        "created_at": of.created_at,
        "updated_at": of.updated_at,
        "removed_at": of.removed_at,
        "removal_id": of.removal_id,
        "version": of.version,
    }


def seal(of: Thing, head: str) -> Thing:
    """The thing with the hash of its newest journal entry."""
    return of._replace(head=head)


def nodes(tree: NewResource) -> list[NewResource]:
    """The resource and everything in it, parents first."""
    found = [tree]
    for node in found:
        found.extend(node.children)
    return found


def height(node: NewResource) -> int:
    """How many levels of containers a tree has; 0 for a thing that cannot contain anything."""
    level, levels = [node], 0
    while level := [child for child in level if child.base_type in CONTAINERS]:
        level, levels = [below for child in level for below in child.children], levels + 1
    return levels
