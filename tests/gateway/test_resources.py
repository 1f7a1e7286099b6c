"""Resources over REST: what is asked of the workers, and what the client gets."""

import pytest

from labstow.contracts.errors import Ambiguous, AnswerTooLarge, NoMatch, Refusal, Removed, StorageUnavailable
from tests.gateway.conftest import Connect
from tests.gateway.lab import ID, PLATE, Json, WrittenLab, thing

GRID = {"resource_id": PLATE, "name": "P1", "base_type": "grid", "rows": 1, "columns": 2, "quantity": "1"}
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
    answer = await http(lab).post("/resource/add", json={"resource_name": "P1", "base_type": "grid"})
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
    answer = await http(lab).post(f"/resource/{path}", json={"resource_name": "P1", "base_type": "grid"})
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
    answer = await http(lab).post("/resource/add", json={"resource_name": "P1", "base_type": "grid"})
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


async def test_all_matches_are_found_however_many_pages_they_fill(http: Connect) -> None:
    pages = {None: ([thing(), thing()], ID), ID: ([thing(name="last")], None)}

    def find(query: Json) -> Json:
        resources, following = pages[query["after"]]
        return {"resources": resources, "next": following}

    client = http(lab := WrittenLab(resource_find=find))
    answer = await client.post("/resource/query", json={"resource_class": "tips", "base_type": None})
    assert [found["resource_name"] for found in answer.json()] == ["S1", "S1", "last"]
    assert lab.asked[0][1] == {"resource_class": "tips", "children": True, "limit": 1000, "after": None}


async def test_no_more_are_found_than_wanted(http: Connect) -> None:
    def find(query: Json) -> Json:
        return {"resources": [thing()] * min(2, query["limit"]), "next": ID}

    client = http(lab := WrittenLab(resource_find=find))
    assert len((await client.post("/resource/query", json={"limit": 3})).json()) == 3
    assert [query["limit"] for _, query in lab.asked] == [3, 1]


async def test_a_page_too_large_for_a_message_is_read_in_smaller_ones(http: Connect) -> None:
    def find(query: Json) -> Json:
        if query["limit"] > 100:
            raise AnswerTooLarge(size=9_000_000, limit=8_000_000, instead="smaller pages")
        return {"resources": [thing()], "next": None}

    client = http(lab := WrittenLab(resource_find=find))
    assert len((await client.post("/resource/query", json={})).json()) == 1
    assert [query["limit"] for _, query in lab.asked] == [1000, 250, 62]


async def test_one_match_is_an_object_none_is_404_and_several_when_one_was_meant_409(http: Connect) -> None:
    found = WrittenLab(resource_find=lambda _: {"resources": [thing()], "next": None})
    none, several = WrittenLab(resource_find=NoMatch()), WrittenLab(resource_find=Ambiguous(resource_ids=[ID, PLATE]))
    empty = WrittenLab(resource_find=lambda _: {"resources": [], "next": None})
    one = {"multiple": False}
    assert (await http(found).post("/resource/query", json=one)).json()["resource_id"] == ID
    assert (await http(none).post("/resource/query", json=one)).status_code == 404
    assert (await http(several).post("/resource/query", json={"unique": True})).status_code == 409
    assert (await http(empty).post("/resource/query", json={"multiple": True})).json() == []


@pytest.mark.parametrize("extra", [{"colour": "red"}, {"attributes": {"a": 1}}, {"limit": 0}, {"limit": True}])
async def test_a_filter_that_would_not_filter_is_refused(http: Connect, extra: Json) -> None:
    answer = await http(lab := WrittenLab()).post("/resource/query", json={"resource_class": "tips"} | extra)
    assert (answer.status_code, lab.asked) == (422, [])
    assert next(iter(extra)) in answer.json()["detail"]


async def test_a_removed_resource_is_shown_as_removed(http: Connect) -> None:
    lab = WrittenLab(resource_remove=lambda _: thing(removed_at="2026-11-21T20:00:00Z"))
    assert (await http(lab).delete(f"/resource/{ID}")).json()["removed"] is True
