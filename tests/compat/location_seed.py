"""Runs beside MADSci's client, with the address of a labstow that is empty: what the Location Manager's README says.

As it is written there, but for `set_representations`, which the published client calls `set_representation`.
"""

import sys
from typing import Any

from madsci.client.location_client import LocationClient  # type: ignore[import-not-found]
from madsci.client.resource_client import ResourceClient  # type: ignore[import-not-found]
from madsci.common.types.location_types import Location  # type: ignore[import-not-found]
from madsci.common.types.resource_types import Consumable, Slot, Stack  # type: ignore[import-not-found]

from tests.compat.telling import sample, tell, until
from tests.lab_files import written

URL = sys.argv[1]
client = LocationClient(URL)
resources = ResourceClient(URL)

STORAGE = "01K5HDZZCF27YHD2WDGSXFPPKQ"
NOBODY = "01K5HDZZCF27YHD2WDGSXFPPKZ"


def rest(method: str, path: str, **more: Any) -> dict[str, Any]:
    """The status and the body of a request."""
    answer = client.session.request(method, f"{URL}{path}", **more)
    return {"status": answer.status_code, "body": answer.json()}


def applied(places: dict[str, Any]) -> dict[str, Any]:
    """What a lab file does."""
    return rest("POST", "lab/apply", json={"places": places})


def set_capabilities(name: str) -> None:
    """Let the robots do what is written in a lab file."""
    answer = rest("PUT", "transfer/capabilities", json=written(name)["transfer_capabilities"])
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
    complete = written("madsci_complete")
    del complete["manager_id"]
    tell("complete: its id", applied(complete))
    tell("complete: before", rest("GET", "locations"))
    complete["locations"][2]["location_id"] = "01K5HDZZCF27YHD2WDGSXFPPKW"
    tell("complete", applied(complete))
    tell("complete: storage", client.get_location(STORAGE))
    tell("complete: waits", awaiting())
    resources.create_template(Stack(resource_name="Rack"), "storage_rack_template")
    until(lambda: not awaiting())
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
    set_capabilities("madsci_minimal")
    for one in written("madsci_minimal")["locations"]:
        client.add_location(Location.model_validate(one))
    tell("minimal", client.plan_transfer("01K5HDZZCF27YHD2WDGSXFPPKA", "01K5HDZZCF27YHD2WDGSXFPPKB"))

    rack = Stack(resource_name="Tips", attributes={"brand": "ours"})
    resources.create_template(rack, "pipette_tip_rack")
    for one in written("madsci_tip_rack")["locations"]:
        tell("tips", made := client.add_location(Location.model_validate(one)))
    tell("tips: what is there", resources.get_resource(made.resource_id))
    set_capabilities("madsci_tip_rack")
    tell("tips: picked up", steps("tip_rack_station", "analysis_station"))

    set_capabilities("overrides")
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
    set_capabilities("capacity_costs")
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
