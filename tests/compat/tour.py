"""Runs beside MADSci's client, with the address of a labstow: a life of every type of resource."""

import sys

from madsci.client.resource_client import ResourceClient  # type: ignore[import-not-found]
from madsci.common.types.resource_types import (  # type: ignore[import-not-found]
    Asset,
    Collection,
    Consumable,
    Container,
    ContinuousConsumable,
    DiscreteConsumable,
    Grid,
    Pool,
    Queue,
    Resource,
    Row,
    Slot,
    Stack,
    VoxelGrid,
    definitions,
)

from tests.compat.telling import refused, sample, tell

client = ResourceClient(sys.argv[1])


def every_type() -> dict[str, Resource]:
    """One of each type; containers with something in them."""
    grid = Grid(resource_name="grid", resource_class="tour", rows=2, columns=3)
    grid["B2"] = sample("in the grid")
    voxels = VoxelGrid(resource_name="voxels", resource_class="tour", rows=2, columns=3, layers=2)
    voxels.set_child((1, 2, 1), sample("in the voxels"))
    row = Row(resource_name="row", resource_class="tour", columns=3)
    row["3"] = sample("in the row")
    water = ContinuousConsumable(resource_name="water", quantity=2.5)
    return {
        "resource": Resource(resource_name="thing", resource_class="tour"),
        "asset": Asset(resource_name="asset", resource_class="tour", resource_description="with words"),
        "consumable": Consumable(resource_name="bulk", resource_class="tour", quantity=1.5, unit="g"),
        "discrete_consumable": DiscreteConsumable(
            resource_name="tips", resource_class="tour", quantity=96, capacity=96
        ),
        "continuous_consumable": ContinuousConsumable(
            resource_name="ethanol", resource_class="tour", quantity=500, capacity=1000, unit="mL"
        ),
        "container": Container(resource_name="box", resource_class="tour", children={"left": sample("in the box")}),
        "collection": Collection(resource_name="set", resource_class="tour", children={"a": sample("in the set")}),
        "row": row,
        "grid": grid,
        "voxel_grid": voxels,
        "slot": Slot(resource_name="nest", resource_class="tour", children=[sample("in the slot")]),
        "stack": Stack(resource_name="stack", resource_class="tour", children=[sample("bottom"), sample("top")]),
        "queue": Queue(resource_name="queue", resource_class="tour", children=[sample("first"), sample("second")]),
        "pool": Pool(resource_name="mix", resource_class="tour", capacity=10, children={"water": water}),
    }


def life(kind: str, resource: Resource) -> None:
    """Add, read, query, update and remove one."""
    tell(f"{kind}: sent", resource)
    added = client.add_resource(resource)
    tell(f"{kind}: added", added)
    tell(f"{kind}: added again", client.add_resource(resource))
    read = client.get_resource(added.resource_id)
    tell(f"{kind}: read", read)
    tell(f"{kind}: written back", client.update_resource(read))
    tell(f"{kind}: queried", client.query_resource(resource_name=resource.resource_name, resource_class="tour"))
    read.attributes["checked"] = True
    read.resource_description = "seen"
    read = client.update_resource(read)
    tell(f"{kind}: updated", read)
    read.attributes["checked"] = False
    tell(f"{kind}: added or updated", client.add_or_update_resource(read))
    tell(f"{kind}: hierarchy", client.query_resource_hierarchy(added.resource_id))
    tell(f"{kind}: history", client.query_history(added.resource_id))
    tell(f"{kind}: removed", client.remove_resource(added.resource_id))
    tell(f"{kind}: read when removed", refused(lambda: client.get_resource(added.resource_id)))
    tell(f"{kind}: history of changes", client.query_history(added.resource_id, change_type="Removed"))


def plate() -> None:
    """A plate of 8 x 12 with a sample in each well."""
    whole = Grid(resource_name="plate", resource_class="96 wells", rows=8, columns=12)
    for row in range(8):
        for column in range(12):
            whole[(row, column)] = sample(f"sample {row} {column}")
    tell("plate: sent", whole)
    added = client.add_resource(whole)
    tell("plate: added", added)
    read = client.get_resource(added.resource_id)
    tell("plate: B3", read.get_child("B3"))
    tell("plate: written back", client.update_resource(read))
    read.get_child("B3").attributes["volume"] = 30
    tell("plate: updated", client.update_resource(read))
    tell("plate: well read alone", client.get_resource(read.get_child("B3").resource_id))
    tell("plate: hierarchy", client.query_resource_hierarchy(added.resource_id))
    tell("plate: hierarchy of a well", client.query_resource_hierarchy(read.get_child("B3").resource_id))
    tell("plate: samples", client.query_resource(parent_id=added.resource_id, multiple=True))
    tell("plate: history", client.query_history(added.resource_id))
    empty = client.add_resource(Grid(resource_name="to be filled", resource_class="96 wells", rows=8, columns=12))
    for row in range(8):
        for column in range(12):
            empty.unwrap.set_child((row, column), sample(f"sample {row} {column}"))
    tell("plate: filled later", client.update_resource(empty))
    tell("plate: removed", client.remove_resource(added.resource_id))
    tell("plate: well read when removed", refused(lambda: client.get_resource(read.get_child("B3").resource_id)))


def definitions_and_refusals() -> None:
    """What else the client can do up to now."""
    definition = definitions.ConsumableResourceDefinition(resource_name="buffer", resource_class="tour", unit="mL")
    tell("init: first", client.init_resource(definition))
    tell("init: second", client.init_resource(definition))
    nests = definitions.GridResourceDefinition(resource_name="deck", resource_class="tour", rows=2, columns=2)
    tell("init: grid", client.init_resource(nests))
    new = sample("from nothing")
    tell("add or update: new", client.add_or_update_resource(new))
    tell("query: none, many meant", client.query_resource(resource_name="nobody", multiple=True))
    tell("query: none, one meant", refused(lambda: client.query_resource(resource_name="nobody")))
    twins = [client.add_resource(sample("twin")) for _ in range(2)]
    tell("query: many", client.query_resource(resource_name="twin", multiple=True))
    tell("query: not unique", refused(lambda: client.query_resource(resource_name="twin", unique=True)))
    tell("query: by type", client.query_resource(resource_name="deck", base_type="container", multiple=True))
    unknown = sample("unknown")
    tell("update: unknown", refused(lambda: client.update_resource(unknown)))
    tell("get: unknown", refused(lambda: client.get_resource(unknown.resource_id)))
    other = Asset(resource_id=twins[0].resource_id, resource_name="another")
    tell("add: id taken", refused(lambda: client.add_resource(other)))


tell("address", str(client.resource_server_url))
for kind, resource in every_type().items():
    life(kind, resource)
plate()
definitions_and_refusals()
