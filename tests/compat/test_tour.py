"""MADSci's published client, unchanged and with its own settings, leads every type of resource through a life."""

import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from labstow.contracts.base_types import CONTAINERS, BaseType
from tests.compat.conftest import HERE, Tour
from tests.conftest import Gateway

pytestmark = [pytest.mark.compat, pytest.mark.system, pytest.mark.timeout(300)]

KINDS = [kind.value for kind in BaseType]
LOCAL = {"close", "aclose", "update", "remove", "client", "session"}
"""What asks nobody, or is another name."""


@pytest.fixture(scope="module")
def tour(tour_of: Callable[[str], Tour]) -> Tour:
    """A life of every type."""
    return tour_of("tour.py")


def test_every_method_of_the_client_is_used(madsci_python: Path, tmp_path: Path) -> None:
    ask = "from madsci.client.resource_client import ResourceClient as R; print(*[n for n in dir(R) if n[0] != '_'])"
    told = subprocess.run([madsci_python, "-c", ask], capture_output=True, text=True, cwd=tmp_path, check=True)
    methods = set(told.stdout.split()) - LOCAL
    scripts = "".join(script.read_text() for script in HERE.glob("*.py"))
    assert methods - set(re.findall(r"client\.(\w+)\(", scripts)) - {"local_templates", "resource_server_url"} == set()


def content(resource: Any) -> Any:
    """A resource without what the server adds: moments, versions, and the parents and keys of what is in it."""
    if isinstance(resource, list):
        return [content(one) for one in resource]
    if not isinstance(resource, dict) or "resource_id" not in resource:
        return {key: content(one) for key, one in resource.items()} if isinstance(resource, dict) else resource
    row = "_row_" in resource["resource_name"] or "_layer_" in resource["resource_name"]
    kept = {"resource_name", "resource_class", "base_type", "owner", "attributes", "children", "rows", "columns"}
    kept |= {"layers", "resource_description", "quantity", "capacity"} | (set() if row else {"resource_id"})
    return {key: content(resource[key]) for key in kept if resource.get(key) is not None}


def test_the_client_stays_connected(tour: Tour, gateway: Gateway) -> None:
    assert tour["address"] == gateway.url


@pytest.mark.parametrize("kind", [*KINDS, "plate"])
def test_what_was_sent_is_what_was_added(tour: Tour, kind: str) -> None:
    assert content(tour[f"{kind}: added"]) == content(tour[f"{kind}: sent"])


@pytest.mark.parametrize("kind", KINDS)
def test_what_was_added_is_what_is_read_and_found_and_answered_to_a_second_add(tour: Tour, kind: str) -> None:
    for step in ("read", "queried", "added again"):
        assert tour[f"{kind}: {step}"] == tour[f"{kind}: added"]


@pytest.mark.parametrize("kind", [*KINDS, "plate"])
def test_writing_back_what_was_read_changes_nothing(tour: Tour, kind: str) -> None:
    assert tour[f"{kind}: written back"] == tour[f"{kind}: added"]


@pytest.mark.parametrize("kind", KINDS)
def test_an_update_changes_what_it_says_and_nothing_else(tour: Tour, kind: str) -> None:
    added, updated, again = (tour[f"{kind}: {step}"] for step in ("added", "updated", "added or updated"))
    assert (updated["attributes"], again["attributes"]) == ({"checked": True}, {"checked": False})
    changed = {"attributes", "resource_description", "version", "updated_at"}
    assert {key for key in updated if updated[key] != added[key]} == changed
    assert [got["version"] for got in (updated, again)] == [added["version"] + 1, added["version"] + 2]


@pytest.mark.parametrize("kind", KINDS)
def test_the_hierarchy_names_what_is_in_it(tour: Tour, kind: str) -> None:
    hierarchy = tour[f"{kind}: hierarchy"]
    resource_id = tour[f"{kind}: added"]["resource_id"]
    assert (hierarchy["resource_id"], hierarchy["ancestor_ids"]) == (resource_id, [])
    inside = hierarchy["descendant_ids"].get(resource_id, [])
    assert len(inside) == (2 if kind in ("stack", "queue") else kind in CONTAINERS)


@pytest.mark.parametrize("kind", KINDS)
def test_the_history_tells_the_life_from_its_beginning(tour: Tour, kind: str) -> None:
    history = tour[f"{kind}: history"]
    assert [change["version"] for change in history] == list(range(1, len(history) + 1))
    assert [change["change_type"] for change in history][:1] == ["Added"]
    assert [change["attributes"].get("checked") for change in history][-2:] == [True, False]
    assert all(change["changed_at"] and change["child_ids"] == [] for change in history)
    (removal,) = tour[f"{kind}: history of changes"]
    assert (removal["change_type"], removal["removed"], removal["version"]) == ("Removed", True, len(history) + 1)


@pytest.mark.parametrize("kind", KINDS)
def test_what_was_removed_is_gone(tour: Tour, kind: str) -> None:
    assert tour[f"{kind}: removed"]["removed"] is True
    assert tour[f"{kind}: read when removed"]["status"] == 404


def test_a_plate_keeps_each_sample_in_its_well(tour: Tour) -> None:
    assert tour["plate: B3"]["resource_name"] == "sample 1 2"
    alone = tour["plate: well read alone"]
    plate_id = tour["plate: added"]["resource_id"]
    assert (alone["attributes"]["volume"], alone["parent_id"], alone["key"]) == (30, plate_id, "B3")
    assert tour["plate: updated"]["children"][1]["children"][2]["attributes"]["volume"] == 30
    assert tour["plate: updated"]["version"] == tour["plate: added"]["version"]
    assert len(tour["plate: samples"]) == len(tour["plate: hierarchy"]["descendant_ids"][plate_id]) == 96
    assert tour["plate: hierarchy of a well"]["ancestor_ids"] == [plate_id]
    assert tour["plate: well read when removed"]["status"] == 404


def test_a_plate_that_is_filled_later_holds_what_was_put_into_it(tour: Tour) -> None:
    filled = tour["plate: filled later"]
    assert filled["children"][7]["children"][11]["resource_name"] == "sample 7 11"


def test_a_definition_is_one_resource_however_often_it_is_asked_for(tour: Tour) -> None:
    assert tour["init: first"] == tour["init: second"]
    assert (tour["init: first"]["unit"], tour["init: first"]["quantity"]) == ("mL", 0.0)
    assert [tour["query: by type"][0][key] for key in ("resource_id", "rows")] == [tour["init: grid"]["resource_id"], 2]


def test_what_is_not_there_yet_is_added(tour: Tour) -> None:
    assert tour["add or update: new"]["resource_name"] == "from nothing"


def test_a_query_for_many_gives_a_list_and_for_one_an_object_or_a_refusal(tour: Tour) -> None:
    assert tour["query: none, many meant"] == []
    assert len(tour["query: many"]) == 2
    assert tour["query: none, one meant"]["status"] == 404
    assert tour["query: not unique"]["status"] == 409


def test_refusals_say_what_is_wrong(tour: Tour) -> None:
    assert tour["update: unknown"]["status"] == tour["get: unknown"]["status"] == 404
    assert tour["add: id taken"]["status"] == 409
    assert "twin" in tour["add: id taken"]["detail"]
