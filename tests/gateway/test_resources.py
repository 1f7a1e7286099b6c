"""Resources over REST: what is asked of the workers, and what the client gets."""

import pytest

from labstow.contracts.errors import AnswerTooLarge, NotRemoved, Occupied, Refusal, Removed, StorageUnavailable
from tests.gateway.conftest import Connect
from tests.gateway.lab import ID, PLATE, WrittenLab, thing

GRID = {"resource_id": PLATE, "name": "P1", "base_type": "grid", "rows": 1, "columns": 2, "quantity": "1"}
NEW = {"resource_name": "P1", "base_type": "grid", "rows": 1, "columns": 2}
WELL = thing(name="W", parent_id=PLATE, position="A2", index=[0, 1])


async def test_an_asset_is_added_with_one_question_and_answered_with_its_version(http: Connect) -> None:
    lab = WrittenLab(resource_add=lambda _: thing(version=1))
    answer = await http(lab).post("/resource/add", json={"resource_name": "S1", "base_type": "asset", "version": 9})
    assert answer.status_code == 200
    assert answer.headers["etag"] == '"1"'
    assert (answer.json()["resource_name"], answer.json()["version"]) == ("S1", 1)
    assert lab.asked == [("resource.add", {"resource": {"name": "S1", "base_type": "asset"}})]


async def test_a_container_with_children_is_answered_with_them(http: Connect) -> None:
    lab = WrittenLab(resource_add=lambda _: thing(**GRID), resource_get=lambda _: thing(**GRID, children=[WELL]))
    answer = await http(lab).post("/resource/add", json=NEW)
    assert answer.json()["children"][0]["children"][1]["resource_name"] == "W"
    assert [verb for verb, _ in lab.asked] == ["resource.add", "resource.get"]


@pytest.mark.parametrize("path", ["add", "init", "add_or_update", "update"])
@pytest.mark.parametrize(
    "refusal",
    [
        AnswerTooLarge(size=9_000_000, limit=8_000_000, instead="read its parts"),
        Removed(resource_id=PLATE, removed_at="2026-11-21T20:00:00Z"),
        StorageUnavailable(),
        None,
    ],
)
async def test_what_is_done_is_answered_without_the_children_when_they_cannot_be_read(
    http: Connect, path: str, refusal: Refusal | None
) -> None:
    verb = {"add_or_update": "upsert", "update": "replace"}.get(path, path)
    reads = {} if refusal is None else {"resource_get": refusal}
    lab = WrittenLab(**{f"resource_{verb}": lambda _: thing(**GRID, version=4)}, **reads)
    answer = await http(lab).post(f"/resource/{path}", json=NEW)
    assert (answer.status_code, answer.headers["etag"]) == (200, '"4"')
    assert answer.json()["resource_id"] == PLATE
    assert answer.json()["children"][0]["children"] == [None, None]
    assert [asked for asked, _ in lab.asked] == [f"resource.{verb}", "resource.get"]


@pytest.mark.parametrize("path", ["add", "init", "add_or_update", "update"])
async def test_a_name_from_a_prefix_is_the_same_when_a_request_comes_again(http: Connect, path: str) -> None:
    verb = {"add_or_update": "upsert", "update": "replace"}.get(path, path)
    client = http(lab := WrittenLab(**{f"resource_{verb}": lambda _: thing()}))
    for key in ("sheet 7", "sheet 7", "sheet 8", None, None):
        heads = {"Idempotency-Key": key} if key else {}
        await client.post(f"/resource/{path}", json={"resource_name_prefix": "tip"}, headers=heads)
    names = [command["resource"]["name"] for _, command in lab.asked]
    assert names[0] == names[1]
    assert len(set(names)) == 4


async def test_an_empty_container_is_answered_at_once(http: Connect) -> None:
    lab = WrittenLab(resource_add=lambda _: thing(**GRID | {"quantity": "0.000000000000"}))
    answer = await http(lab).post("/resource/add", json=NEW)
    assert answer.json()["children"][0]["children"] == [None, None]
    assert len(lab.asked) == 1


async def test_a_resource_is_added_where_the_body_says_and_updated_where_it_is(http: Connect) -> None:
    lab = WrittenLab(resource_add=lambda _: thing(), resource_replace=lambda _: thing())
    client, body = http(lab), {"resource_name": "S1", "parent_id": PLATE, "key": "A1"}
    await client.post("/resource/add", json=body)
    await client.post("/resource/update", json=body)
    assert lab.asked == [
        ("resource.add", {"resource": {"name": "S1", "position": "A1"}, "parent_id": PLATE}),
        ("resource.replace", {"resource": {"name": "S1"}}),
    ]


@pytest.mark.parametrize("path", ["/resource/S1", f"/resource/{ID.lower()}", "/resource/S1/hierarchy"])
async def test_what_is_no_id_is_not_found(http: Connect, path: str) -> None:
    lab = WrittenLab()
    answer = await http(lab).get(path)
    assert (answer.status_code, answer.json()["code"], lab.asked) == (404, "resource.not_found", [])


async def test_a_removed_resource_is_shown_as_removed(http: Connect) -> None:
    lab = WrittenLab(resource_remove=lambda _: thing(removed_at="2026-11-21T20:00:00Z"))
    assert (await http(lab).delete(f"/resource/{ID}")).json()["removed"] is True


async def test_what_is_restored_is_answered_with_what_is_in_it_and_why_it_is_not_where_it_was(http: Connect) -> None:
    refused = Occupied(name="Deck", position="A1", occupant_id=ID).problem()
    told = {"resource": thing(**GRID, version=9), "restored": 2, "refused": refused}
    lab = WrittenLab(resource_restore=lambda _: told, resource_get=lambda _: thing(**GRID, version=9, children=[WELL]))
    answer = await http(lab).post(f"/history/{PLATE}/restore")
    assert (answer.status_code, answer.headers["etag"]) == (200, '"9"')
    assert answer.json()["children"][0]["children"][1]["resource_name"] == "W"
    assert (answer.json()["restored"], answer.json()["refused"]["code"]) == (2, "position.occupied")
    assert lab.asked[0] == ("resource.restore", {"resource_id": PLATE})


async def test_only_what_was_removed_is_restored(http: Connect) -> None:
    lab = WrittenLab(resource_restore=NotRemoved(resource_id=ID))
    for resource_id in (ID, "S1"):
        answer = await http(lab).post(f"/history/{resource_id}/restore")
        assert answer.status_code == 404
        assert answer.json()["detail"] == f"No removed resource with ID '{resource_id}'."


async def test_what_was_read_says_its_version_so_that_changes_of_others_are_kept(http: Connect) -> None:
    read = {"resource_id": PLATE, "resource_name": "Set", "base_type": "collection", "version": 7}
    read["children"] = {"a": {"resource_id": ID, "resource_name": "S1", "version": 3}}
    lab = WrittenLab(
        resource_add=lambda _: thing(), resource_replace=lambda _: thing(), resource_upsert=lambda _: thing()
    )
    client = http(lab)
    for path in ("update", "add_or_update", "add"):
        assert (await client.post(f"/resource/{path}", json=read)).status_code == 200
    told = [command["resource"] for _, command in lab.asked]
    assert [resource.get("version") for resource in told] == [7, 7, None]
    assert [resource["children"][0].get("version") for resource in told] == [3, 3, None]


async def test_children_may_be_told_by_their_ids(http: Connect) -> None:
    lab = WrittenLab(resource_add=lambda _: thing())
    body = {"resource_name": "Rack", "base_type": "row", "columns": 3, "children": [None, ID, None]}
    assert (await http(lab).post("/resource/add", json=body)).status_code == 200
    assert lab.asked[0][1]["resource"]["children"] == [{"resource_id": ID, "position": 1}]


async def test_fields_of_a_known_resource_are_written_without_its_name(http: Connect) -> None:
    lab = WrittenLab(resource_replace=lambda _: thing())
    await http(lab).post("/resource/update", json={"resource_id": ID, "attributes": {"sealed": True}})
    assert lab.asked == [("resource.replace", {"resource": {"resource_id": ID, "attributes": {"sealed": True}}})]


async def test_a_resource_is_read_as_it_was(http: Connect) -> None:
    client = http(lab := WrittenLab(resource_get=lambda _: thing()))
    url = f"/resource/{ID}?as_of=2026-11-21T20:00:00Z&children=false&removed=True"
    assert (await client.get(url)).status_code == 200
    when = {"as_of": "2026-11-21T20:00:00+00:00", "children": False, "removed": True}
    assert lab.asked == [("resource.get", {"resource_id": ID} | when)]


@pytest.mark.parametrize(
    "query", ["as_off=2026-11-21", "as_of=yesterday", "children=1", "as_of=2026-11-21&as_of=2026-11-22"]
)
async def test_a_parameter_that_means_nothing_is_refused(http: Connect, query: str) -> None:
    answer = await http(lab := WrittenLab()).get(f"/resource/{ID}?{query}")
    assert (answer.status_code, lab.asked) == (422, [])
    assert query.partition("=")[0] in answer.json()["detail"]
