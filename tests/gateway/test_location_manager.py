"""What the gateway is to those who come to the port of MADSci's location manager."""

from labstow.contracts import pattern
from labstow.gateway.service import WORKERS
from tests.gateway.conftest import Connect
from tests.gateway.lab import Json, WrittenLab, place

HERE = "http://gateway:8006"


def fine(query: Json) -> Json:
    return {"ready": True, "schema_revision": "0001"}


def full_lab(**more: object) -> WrittenLab:
    """Three locations and one template, everybody ready."""
    locations = [place(name="a"), place(name="b", managed_by="node"), place(name="c", awaits_template=True)]
    told: dict[str, object] = {f"{worker}_ready": fine for worker in WORKERS}
    told["location_list"] = lambda _: {"locations": locations, "next": None}
    told["transfer_configuration"] = lambda _: {"capabilities": {"transfer_templates": []}, "version": 1}
    told[pattern.ListRepresentationTemplates.subject] = lambda _: {"templates": [{}]}
    told[pattern.ListLocationTemplates.subject] = lambda _: {"templates": []}
    return WrittenLab(**told | more)  # type: ignore[arg-type]


async def test_it_is_a_location_manager_there_and_a_resource_manager_elsewhere(http: Connect) -> None:
    client = http(full_lab())
    there, elsewhere = [(await client.get(f"{at}/definition")).json() for at in (HERE, "http://gateway:8003")]
    assert (there["manager_type"], elsewhere["manager_type"]) == ("location_manager", "resource_manager")
    assert there["manager_id"] == elsewhere["manager_id"]
    assert [one["location_name"] for one in there["locations"]] == ["a", "b", "c"]
    assert there["transfer_capabilities"] == {"transfer_templates": []}
    assert there == (await client.get(f"{HERE}/")).json()


async def test_it_counts_its_places_and_templates(http: Connect) -> None:
    client = http(full_lab())
    health = (await client.get(f"{HERE}/health")).json()
    assert (health["healthy"], health["document_db_connected"], health["cache_connected"]) == (True, True, True)
    counts = {key: value for key, value in health.items() if key.startswith("num_")}
    assert counts == {
        "num_locations": 3,
        "num_representation_templates": 1,
        "num_location_templates": 0,
        "num_unresolved_locations": 1,
        "num_node_managed_locations": 1,
        "num_lab_managed_locations": 2,
    }
    assert "num_locations" not in (await client.get("/health")).json()


async def test_it_tells_its_health_when_it_cannot_count(http: Connect) -> None:
    client = http(full_lab(location_list=None))
    health = await client.get(f"{HERE}/health")
    assert (health.status_code, "num_locations" in health.json()) == (200, False)
    nobody = await http(WrittenLab()).get(f"{HERE}/health")
    assert (nobody.status_code, nobody.json()["healthy"]) == (200, False)
