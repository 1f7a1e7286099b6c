"""Runs beside MADSci's client, with the address of a labstow that is empty: what the Location Manager's README says.

As it is written there, but for `set_representations`, which the published client calls `set_representation`.
"""

import sys
import time
from typing import Any

import yaml
from madsci.client.location_client import LocationClient  # type: ignore[import-not-found]
from madsci.client.resource_client import ResourceClient  # type: ignore[import-not-found]
from madsci.common.types.location_types import Location  # type: ignore[import-not-found]
from madsci.common.types.resource_types import Consumable, Slot, Stack  # type: ignore[import-not-found]

from tests.compat.telling import sample, tell

URL = sys.argv[1]
client = LocationClient(URL)
resources = ResourceClient(URL)

COMPLETE = """
manager_id: "location_manager_main"
locations:
  - location_id: "01K5HDZZCF27YHD2WDGSXFPPKQ"
    location_name: "sample_storage"
    description: "Main sample storage rack"
    allow_transfers: true
    representations:
      robotarm_1: {"position": "A1", "height": 150}
      conveyor_belt: {"station_id": "storage_01"}
    resource_template_name: "storage_rack_template"
    resource_template_overrides:
      capacity: 96
      compartment_size: "small"

  - location_id: "01K5HDZZCF27YHD2WDGSXFPPKT"
    location_name: "analysis_station"
    description: "Chemical analysis workstation"
    allow_transfers: true
    representations:
      robotarm_1: {"position": "B2", "height": 120}
      liquid_handler: {"deck_position": 1}

  - location_id: "01K5HDZZCF27YHD2WDGSXFPPU"
    location_name: "safety_zone"
    description: "Restricted safety area"
    allow_transfers: false
    representations:
      sensor_array: {"zone": "restricted"}

transfer_capabilities:
  # Default transfer templates
  transfer_templates:
    - node_name: "robotarm_1"
      action: "transfer_sample"
      source_argument_name: "pickup_location"
      target_argument_name: "dropoff_location"
      cost_weight: 1.0
      additional_args:
        safety_check: true
        grip_force: "medium"

    - node_name: "conveyor_belt"
      action: "belt_transfer"
      source_argument_name: "origin_station"
      target_argument_name: "destination_station"
      cost_weight: 0.8
      additional_args:
        speed: "medium"
        verification: true

  # Override templates for specialized scenarios
  override_transfer_templates:
    # Gentle handling when transferring to analysis station
    target_overrides:
      "analysis_station":
        - node_name: "robotarm_1"
          action: "gentle_transfer"
          source_argument_name: "pickup_location"
          target_argument_name: "dropoff_location"
          cost_weight: 1.2
          additional_args:
            safety_check: true
            grip_force: "gentle"
            speed: "slow"

    # Heavy duty mode when transferring from storage
    source_overrides:
      "sample_storage":
        - node_name: "robotarm_1"
          action: "heavy_transfer"
          source_argument_name: "pickup_location"
          target_argument_name: "dropoff_location"
          cost_weight: 0.9
          additional_args:
            safety_check: true
            grip_force: "strong"

  # Capacity-aware cost adjustments
  capacity_cost_config:
    enabled: true
    high_capacity_threshold: 0.75
    full_capacity_threshold: 1.0
    high_capacity_multiplier: 2.0
    full_capacity_multiplier: 5.0
"""
MINIMAL = """
locations:
  - location_id: "01K5HDZZCF27YHD2WDGSXFPPKA"
    location_name: "input_tray"
    representations:
      robot_arm: {"slot": 1}

  - location_id: "01K5HDZZCF27YHD2WDGSXFPPKB"
    location_name: "output_tray"
    representations:
      robot_arm: {"slot": 2}

transfer_capabilities:
  transfer_templates:
    - node_name: "robot_arm"
      action: "move"
      source_argument_name: "from_slot"
      target_argument_name: "to_slot"
"""
INTEGRATED = """
locations:
  - location_name: "tip_rack_station"
    resource_template_name: "pipette_tip_rack"
    resource_template_overrides:
      tip_type: "1000ul"
      brand: "generic"
      initial_quantity: 96
    representations:
      liquid_handler: {"deck_slot": "A1"}
      robotarm_1: {"position": "rack_01"}

transfer_capabilities:
  transfer_templates:
    - node_name: "liquid_handler"
      action: "pick_up_tips"
      source_argument_name: "tip_source"
      target_argument_name: "liquid_destination"
      cost_weight: 0.5
      additional_location_args:
        waste_location: "tip_waste_container"
"""
OVERRIDES = """
  # Standard default templates
  transfer_templates:
    - node_name: robotarm_1
      action: transfer
      cost_weight: 1.0

  # Override templates for specific scenarios
  override_transfer_templates:
    # Source-specific: special behavior when transferring FROM these locations
    source_overrides:
      storage_rack:  # location name
        - node_name: robotarm_1
          action: heavy_transfer  # specialized action for heavy loads
          cost_weight: 0.8

    # Target-specific: special behavior when transferring TO these locations
    target_overrides:
      "01K5HDZZCF27YHD2WDGSXFPPKQ":  # location ID
        - node_name: robotarm_1
          action: gentle_transfer  # careful handling for sensitive equipment
          cost_weight: 1.2

    # Pair-specific: special behavior for specific transfer routes
    pair_overrides:
      liquidhandler_1.deck_1:  # source location
        liquidhandler_2.deck_1:  # target location
          - node_name: liquidhandler_1
            action: direct_liquid_transfer  # bypass robot arm
            cost_weight: 0.5
"""
CAPACITY = """
  # Standard transfer templates
  transfer_templates:
    - node_name: robotarm_1
      action: transfer
      cost_weight: 1.0

  # Capacity-aware cost configuration
  capacity_cost_config:
    enabled: true                      # Enable capacity-aware adjustments
    high_capacity_threshold: 0.8       # Apply multiplier above 80% utilization
    full_capacity_threshold: 1.0       # Apply higher multiplier at/above 100%
    high_capacity_multiplier: 2.0      # 2x cost for high capacity targets
    full_capacity_multiplier: 10.0     # 10x cost for full/over capacity targets
"""
STORAGE = "01K5HDZZCF27YHD2WDGSXFPPKQ"
NOBODY = "01K5HDZZCF27YHD2WDGSXFPPKZ"


def rest(method: str, path: str, **more: Any) -> dict[str, Any]:
    """The status and the body of a request."""
    answer = client.session.request(method, f"{URL}{path}", **more)
    return {"status": answer.status_code, "body": answer.json()}


def applied(file: str) -> dict[str, Any]:
    """What a lab file does."""
    places = yaml.safe_load(file)
    places.pop("manager_id", None)
    return rest("POST", "lab/apply", json={"places": places})


def set_capabilities(text: str) -> None:
    """Let the robots do this."""
    answer = rest("PUT", "transfer/capabilities", json=yaml.safe_load(text))
    assert answer["status"] == 200, answer


def steps(source: str, target: str) -> Any:
    """The steps of a plan."""
    ids = [client.get_location_by_name(name).location_id for name in (source, target)]
    return client.plan_transfer(*ids).steps


def awaiting() -> Any:
    """The locations that wait for a template."""
    return rest("GET", "reconciliation/status")["body"]["unresolved_locations"]


def configuration_examples() -> None:
    """Complete Example Configuration, Resource Template Integration, Non-Transfer Locations."""
    tell("complete: its id", applied(COMPLETE))
    tell("complete: before", rest("GET", "locations"))
    tell("complete", applied(COMPLETE.replace("01K5HDZZCF27YHD2WDGSXFPPU", "01K5HDZZCF27YHD2WDGSXFPPKW")))
    tell("complete: storage", client.get_location(STORAGE))
    tell("complete: waits", awaiting())
    resources.create_template(Stack(resource_name="Rack"), "storage_rack_template")
    end = time.monotonic() + 20
    while awaiting() and time.monotonic() < end:
        time.sleep(0.05)
    there = client.get_location(STORAGE)
    tell("complete: waits no more", there)
    tell("complete: rack", resources.get_resource(there.resource_id))

    client.add_location(Location(location_name="bench", representations={"robotarm_1": {"position": "C3"}}))
    tell("complete: from storage", steps("sample_storage", "analysis_station"))
    tell("complete: to analysis", steps("bench", "analysis_station"))
    tell("complete: elsewhere", steps("bench", "sample_storage"))
    zone = client.get_location_by_name("safety_zone").location_id
    for source, target in ((STORAGE, zone), (zone, STORAGE)):
        query = {"source_location_id": source, "target_location_id": target}
        tell(f"complete: {'to' if target == zone else 'from'} the zone", rest("POST", "transfer/plan", params=query))
    graph = client.get_transfer_graph()
    tell("complete: zone in the graph", zone in graph or any(zone in reached for reached in graph.values()))


def locations() -> None:
    """Location Management, Using the Client."""
    own = Location(location_name="location_name", representations={"robotarm_1": 1}).model_dump(mode="json")
    tell("POST /location", rest("POST", "location", json=own))
    location_id = own["location_id"]
    tell("GET /locations", [one.location_name for one in client.get_locations()])
    for path in (f"location?location_id={location_id}", "location?name=location_name", f"location/{location_id}"):
        tell(f"GET /{path}".replace(location_id, "ID"), rest("GET", path))
    tell("get_location", client.get_location(location_id))
    tell("get_location_by_name", client.get_location_by_name("location_name"))

    client.set_representation(location_id, "node_name", {"key": "value"})
    client.set_representation(location_id, "robot_arm", [1, 2, 3])
    tell("set_representations", client.set_representation(location_id, "sensor", "position_A"))
    path = f"location/{location_id}/remove_representation/sensor"
    tell("DELETE remove_representation", rest("DELETE", path))

    slot = resources.push(resources.add_resource(Slot(resource_name="nest")), resources.add_resource(sample("plate")))
    tell("attach_resource", client.attach_resource(location_id, slot.resource_id))
    tell("get_location_resources", client.get_location_resources(location_id))
    tell("GET resources", rest("GET", f"location/{location_id}/resources"))
    tell("DELETE detach_resource", rest("DELETE", f"location/{location_id}/detach_resource"))

    bench = client.get_location_by_name("bench").location_id
    tell("get_transfer_graph", bench in client.get_transfer_graph()[location_id])
    tell("plan_transfer", client.plan_transfer(location_id, bench))
    tell("DELETE /location", rest("DELETE", f"location/{location_id}"))
    tell("GET /location: deleted", rest("GET", f"location/{location_id}"))


def system() -> None:
    """System Endpoints: as they are at port 8006."""
    at = {"headers": {"Host": "localhost:8006"}}
    for path in ("health", "definition", ""):
        tell(f"GET /{path}", rest("GET", path, **at))


def errors() -> None:
    """Error Handling."""
    tell("400: no parameters", rest("GET", "location"))
    tell("404: no location", rest("GET", "location", params={"location_id": NOBODY}))
    tell("404: no such name", rest("GET", "location", params={"name": "nobody"}))
    tell("404: no representation", rest("DELETE", f"location/{STORAGE}/remove_representation/robotarm_2"))
    for name, node in (("source_location", "left_arm"), ("target_location", "right_arm")):
        client.add_location(Location(location_name=name, representations={node: 1}))
    query = {"source_location_id": "source_location", "target_location_id": "target_location"}
    tell("404: no path", rest("POST", "transfer/plan", params=query))
    tell("404: nothing attached", rest("DELETE", "location/source_location/detach_resource"))


def more_examples() -> None:
    """Minimal Configuration, Resource Template Integration, Override Transfer Templates."""
    set_capabilities(yaml.safe_dump(yaml.safe_load(MINIMAL)["transfer_capabilities"]))
    for one in yaml.safe_load(MINIMAL)["locations"]:
        client.add_location(Location.model_validate(one))
    tell("minimal", client.plan_transfer("01K5HDZZCF27YHD2WDGSXFPPKA", "01K5HDZZCF27YHD2WDGSXFPPKB"))

    rack = Stack(resource_name="Tips", attributes={"brand": "ours"})
    resources.create_template(rack, "pipette_tip_rack")
    for one in yaml.safe_load(INTEGRATED)["locations"]:
        tell("tips", made := client.add_location(Location.model_validate(one)))
    tell("tips: what is there", resources.get_resource(made.resource_id))
    set_capabilities(yaml.safe_dump(yaml.safe_load(INTEGRATED)["transfer_capabilities"]))
    tell("tips: picked up", steps("tip_rack_station", "analysis_station"))

    set_capabilities(OVERRIDES)
    known = {"robotarm_1": 1, "liquidhandler_1": 1}
    for name in ("storage_rack", "liquidhandler_1.deck_1", "liquidhandler_2.deck_1"):
        client.add_location(Location(location_name=name, representations=known))
    for step, source, target in (
        ("default", "bench", "analysis_station"),
        ("source", "storage_rack", "bench"),
        ("source before target", "storage_rack", "sample_storage"),
        ("target", "bench", "sample_storage"),
        ("pair", "liquidhandler_1.deck_1", "liquidhandler_2.deck_1"),
        ("no pair", "liquidhandler_2.deck_1", "liquidhandler_1.deck_1"),
    ):
        tell(f"override: {step}", [one.action for one in steps(source, target)])
    client.remove_representation("liquidhandler_2.deck_1", "liquidhandler_1")
    tell("override: fallback", [one.action for one in steps("liquidhandler_1.deck_1", "liquidhandler_2.deck_1")])


def capacity() -> None:
    """Capacity-Aware Transfer Planning: Example Scenarios."""
    set_capabilities(CAPACITY)
    vessel = resources.add_resource(Consumable(resource_name="waste", quantity=0, capacity=10))
    client.attach_resource("analysis_station", vessel.resource_id)
    for used in (5, 8, 10):
        resources.set_quantity(vessel, used)
        plan = rest("POST", "transfer/plan", json={"source": "bench", "target": "analysis_station"})
        tell(f"capacity: {used}", [float(step["multiplier"]) for step in plan["body"]["ways"][0]["steps"]])


configuration_examples()
locations()
system()
errors()
more_examples()
capacity()
