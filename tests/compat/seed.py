"""Runs beside MADSci's client, with the address of a labstow: the examples of the Resource Manager's README.

As they are written there, but for names of arguments that the published client has not, and for what it cannot send,
which is sent as it would have to.
"""

import datetime
import sys
from typing import Any

from madsci.client.resource_client import ResourceClient  # type: ignore[import-not-found]
from madsci.common.types.resource_types import (  # type: ignore[import-not-found]
    Asset,
    Consumable,
    Grid,
    Resource,
    Row,
    Stack,
)
from madsci.common.types.resource_types.definitions import ResourceDefinition  # type: ignore[import-not-found]

from tests.compat.telling import refused, sample, tell

client = ResourceClient(sys.argv[1])


def query_resource(**query: Any) -> Any:
    """What the README asks of `query_resource` and the client does not pass on."""
    answer = client.session.post(f"{client.resource_server_url}resource/query", json=query)
    answer.raise_for_status()
    return [Resource.discriminate(found) for found in answer.json()]


def quick_start() -> None:
    """Usage: Resource Client."""
    sample = Asset(
        resource_name="Sample A1",
        resource_class="sample",
        attributes={"compound": "aspirin", "concentration": "10mM"},
    )
    added_sample = client.add_resource(sample)
    reagent = Consumable(
        resource_name="PBS Buffer",
        resource_class="reagent",
        quantity=500.0,
        attributes={"units": "mL"},
    )
    added_reagent = client.add_resource(reagent)
    plate = Grid(resource_name="96-well Plate #1", resource_class="plate", rows=8, columns=12)
    added_plate = client.add_resource(plate)

    tell("set_child", client.set_child(resource=added_plate, key=(0, 0), child=added_sample))

    tell("samples", client.query_resource(resource_class="sample", multiple=True))
    tell("consumables", client.query_resource(resource_class="reagent", multiple=True))

    tell("decreased", client.decrease_quantity(resource=added_reagent, amount=50.0))
    tell("increased", client.increase_quantity(resource=added_reagent, amount=100.0))

    tell("history", client.query_history(added_sample.resource_id))
    tell("removed", client.remove_resource(added_sample.resource_id))
    tell("restored", client.restore_deleted_resource(added_sample.resource_id))

    tell("hierarchy", client.query_resource_hierarchy(resource_id=added_plate.resource_id))


def container_operations() -> None:
    """Usage Examples: different container types, container operations."""
    tip_box = client.add_resource(Grid(resource_name="Tip Box", rows=8, columns=12, resource_class="tips"))
    plate_stack = client.add_resource(Stack(resource_name="Plate Stack", resource_class="plate_storage"))
    rack = {"resource_name": "Sample Rack", "length": 24, "resource_class": "rack", "base_type": "row"}
    answer = client.session.post(f"{client.resource_server_url}resource/add", json=rack)
    sample_rack = Resource.discriminate(answer.json())
    new_plate = Grid(resource_name="New Plate", rows=8, columns=12)

    tell("grid access", client.set_child(resource=tip_box, key=(0, 0), child=sample("tip")))
    tell("stack push", client.push(resource=plate_stack, child=new_plate))
    tell("stack pop", client.pop(resource=plate_stack))
    tell("row access", client.set_child(resource=sample_rack, key=5, child=sample("in the rack")))


def integration() -> None:
    """Integration: a node's action."""
    added = client.add_resource(Asset(resource_name="analysed", attributes={"compound": "aspirin"}))
    found = client.get_resource(added.resource_id)
    found.attributes["analysis_result"] = found.attributes["compound"].upper()
    tell("result written", client.update_resource(found))


def advanced_operations() -> None:
    """Advanced Operations: definitions, bulk, history."""
    resource_def = ResourceDefinition(resource_name="Standard Buffer", resource_class="reagent")
    tell("definition", client.init_resource(resource_def))
    tell("definition again", client.init_resource(resource_def))
    tell("empty containers", query_resource(is_empty=True, multiple=True))
    problem = client.add_resource(sample("watched"))
    problem.attributes["seen"] = True
    client.update_resource(problem)
    week = datetime.datetime.now() - datetime.timedelta(days=7)  # noqa: DTZ005  (as it stands there)
    query = {"start_date": week.isoformat(), "change_type": "Updated"}
    answer = client.session.post(f"{client.resource_server_url}history/query", json=query)
    tell("recent updates", answer.json())
    history = client.query_history(problem.resource_id)
    tell("last changes", [f"{entry['timestamp']}: {entry['change_type']} - {entry['details']}" for entry in history])


def templates() -> None:
    """Resource Templates."""
    standard_plate = Grid(
        resource_name="Standard 96-Well Plate",
        resource_class="plate",
        rows=8,
        columns=12,
        attributes={"well_volume": 200, "material": "polystyrene", "sterilized": True},
    )
    plate_template = client.create_template(
        resource=standard_plate,
        template_name="standard_96_well_plate",
        description="Standard 96-well polystyrene plate for assays",
        required_overrides=["resource_name"],
        tags=["plate", "96-well", "assay", "standard"],
        created_by="lab_manager",
        version="1.0.0",
    )
    tell("template", plate_template)
    for number, assay in enumerate(["ELISA", "cell_culture"], start=1):
        made = client.create_resource_from_template(
            template_name="standard_96_well_plate",
            resource_name=f"Assay Plate #00{number}",
            overrides={"attributes": {"experiment_id": f"EXP00{number}", "assay_type": assay}},
        )
        tell(f"assay plate {number}", made)
    tell("all templates", client.query_templates())
    tell("plate templates", client.query_templates(base_type="container", tags=["plate"]))
    tell("reagent templates", client.query_templates(base_type="consumable", tags=["reagent"]))
    tell("templates by category", client.get_templates_by_category())
    tell("lab templates", client.query_templates(created_by="lab_manager"))
    tell("template info", client.get_template_info("standard_96_well_plate"))
    updated_template = client.update_template(
        template_name="standard_96_well_plate",
        updates={
            "description": "Updated standard 96-well plate with new specifications",
            "tags": ["plate", "96-well", "assay", "standard", "v2"],
            "version": "1.1.0",
            "attributes": {"well_volume": 250},
        },
    )
    tell("updated template", updated_template)
    client.create_template(resource=standard_plate, template_name="obsolete_template")
    tell("deleted", client.delete_template("obsolete_template"))


def template_use_cases() -> None:
    """Template Use Cases, and defining required overrides."""
    client.create_template(
        resource=Grid(resource_name="Standard Tip Box", rows=8, columns=12, resource_class="tips"),
        template_name="standard_tip_box",
        description="200µL tip box template",
        required_overrides=["resource_name"],
        tags=["tips", "consumable", "standard"],
    )
    for i in range(5):
        made = client.create_resource_from_template(
            template_name="standard_tip_box",
            resource_name=f"Tip Box #{i + 1:03d}",
            overrides={"attributes": {"batch_number": f"TB{i + 1:03d}"}},
        )
        tell(f"tip box {i + 1}", made)
    client.create_template(
        resource=Consumable(
            resource_name="PBS Buffer",
            resource_class="buffer",
            quantity=1000.0,
            attributes={"pH": 7.4, "concentration": "1X", "units": "mL"},
        ),
        template_name="pbs_buffer_1x",
        description="1X PBS buffer, pH 7.4",
        required_overrides=["resource_name", "quantity"],
        tags=["buffer", "pbs", "cell_culture"],
    )
    buffer_stock = client.create_resource_from_template(
        template_name="pbs_buffer_1x",
        resource_name="PBS Stock #001",
        overrides={"quantity": 5000.0, "attributes": {"lot_number": "PBS2024001"}},
    )
    tell("buffer stock", buffer_stock)
    client.create_template(
        resource=Stack(resource_name="Plate Storage", resource_class="storage", capacity=20),
        template_name="plate_storage_stack",
        description="Standard plate storage stack (20 plates)",
        required_overrides=["resource_name"],
        tags=["storage", "plate", "stack"],
    )
    incubator_storage = client.create_resource_from_template(
        template_name="plate_storage_stack",
        resource_name="Incubator Plate Stack",
        overrides={"attributes": {"temperature": 37, "humidity": 95}},
    )
    tell("incubator storage", incubator_storage)
    client.create_template(
        resource=sample("dna"),
        template_name="dna_sample_template",
        required_overrides=["resource_name", "attributes.sample_id", "attributes.source"],
    )
    half = {"attributes": {"sample_id": "S-1"}}
    tell("no source", refused(lambda: client.create_resource_from_template("dna_sample_template", "dna 1", half)))


def locking() -> None:
    """Resource Locking and Concurrency Control, and locks of a node's action."""
    sample_plate = client.add_resource(Grid(resource_name="Locked Plate", rows=8, columns=12))
    success = client.acquire_lock(
        resource=sample_plate,
        lock_duration=300.0,
    )
    if success:
        try:
            client.set_child(resource=sample_plate, key=(0, 0), child=sample("new sample"))
            client.update_resource(sample_plate)
        finally:
            tell("lock released", client.release_lock(resource=sample_plate))

    with client.lock(sample_plate) as locked_plate:
        locked_plate.set_child(key=(0, 1), child=sample("another sample"))
        locked_plate.update_resource()
    tell("filled under a lock", client.get_resource(sample_plate.resource_id))

    reagent_bottle = client.add_resource(Consumable(resource_name="Bottle", quantity=500.0))
    sample_rack = client.add_resource(Row(resource_name="Rack", columns=24))
    client.set_child(sample_rack, 5, sample("in the rack"))
    plate_stack = client.add_resource(Stack(resource_name="Stack"))
    finished_plate = Grid(resource_name="Finished", rows=8, columns=12)
    with client.lock(reagent_bottle, sample_rack, plate_stack) as (reagent, rack, stack):
        reagent.decrease_quantity(amount=50.0)
        tell("sample of the locked rack", rack.get_child(key=5))
        stack.push(child=finished_plate)
    tell("several", [client.get_resource(one.resource_id) for one in (reagent_bottle, plate_stack)])

    locked, by = client.is_locked(resource=sample_plate)
    tell("is it locked", [locked, by])
    with client.lock(sample_plate.resource_id, lock_duration=60.0, auto_refresh=True) as plate:
        analysed = plate.get_child(key=(0, 0))
        analysed.attributes["analysis_result"] = 7
        plate.set_child(key=(0, 0), child=analysed)
    tell("analysed", client.get_resource(sample_plate.resource_id).get_child((0, 0)))


def performance() -> None:
    """Performance Optimization: filters early, batches, cached hierarchies, large containers."""
    for number in range(5):
        client.add_resource(Asset(resource_name=f"s{number}", resource_class="paged", attributes={"of": number % 2}))
    tell("by attributes", query_resource(resource_class="paged", attributes={"of": 1}, multiple=True))
    batch_size = 2
    offset = 0
    batches = []
    while True:
        batch = query_resource(resource_class="paged", limit=batch_size, offset=offset, multiple=True)
        if not batch:
            break
        batches.append([found.resource_name for found in batch])
        offset += batch_size
    tell("batches", batches)
    container = Grid(resource_name="Large", rows=8, columns=12)
    container[(7, 11)] = sample("last")
    container = client.get_resource(client.add_resource(container).resource_id).unwrap
    wells = [(row, column) for row in range(container.rows) for column in range(container.columns)]
    tell("children", [list(well) for well in wells if container.get_child(well)])


def errors() -> None:
    """Error Handling and Troubleshooting."""
    tell("not found", refused(lambda: client.get_resource("invalid_id")))
    full_container = client.add_resource(Grid(resource_name="Full", rows=1, columns=2, capacity=1))
    client.set_child(resource=full_container, key="A1", child=sample("only"))
    tell("full", refused(lambda: client.set_child(resource=full_container, key="A2", child=sample("too many"))))
    reagent = client.add_resource(Consumable(resource_name="scarce", quantity=450.0))
    tell("insufficient", refused(lambda: client.decrease_quantity(resource=reagent, amount=1000.0)))
    tell("current quantity", client.get_resource(reagent.resource_id).quantity)
    lost = client.add_resource(sample("important_sample"))
    client.remove_resource(lost.resource_id)
    deleted_resources = query_resource(removed=True, multiple=True)
    for resource in deleted_resources:
        if resource.resource_name == "important_sample":
            tell("recovered", client.restore_deleted_resource(resource.resource_id))


def quick_reference() -> None:
    """Quick Reference: essential operations."""
    resource = client.add_resource(Asset(resource_name="Sample", resource_class="sample"))
    resource = client.get_resource(resource.resource_id)
    resource.attributes["status"] = "processed"
    tell("processed", client.update_resource(resource))
    client.remove_resource(resource.resource_id)
    tell("recent", len(query_resource(created_after="2024-01-01", multiple=True)))
    plate = client.add_resource(Grid(resource_name="Plate", rows=8, columns=12))
    plate = client.set_child(resource=plate, key=(0, 0), child=sample("in the plate"))
    tell("child", plate.get_child((0, 0)))
    template = client.create_template(resource=plate.unwrap, template_name="standard_plate")
    tell("template of a plate", template)
    new_plate = client.create_resource_from_template("standard_plate", resource_name="Plate #2")
    tell("new plate", new_plate)


quick_start()
container_operations()
integration()
advanced_operations()
templates()
template_use_cases()
locking()
performance()
errors()
quick_reference()
