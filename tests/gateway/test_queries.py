"""Questions about resources over REST."""

import pytest

from labstow.contracts.errors import Ambiguous, AnswerTooLarge, NoMatch
from tests.gateway.conftest import Connect
from tests.gateway.lab import ID, PLATE, Json, WrittenLab, thing

DAY = "2026-11-21T00:00:00+00:00"


async def test_all_matches_are_found_however_many_pages_they_fill(http: Connect) -> None:
    pages = {None: ([thing(), thing()], ID), ID: ([thing(name="last", resource_id=PLATE)], None)}

    def find(query: Json) -> Json:
        resources, following = pages[query.get("after")]
        return {"resources": resources, "next": following}

    client = http(lab := WrittenLab(resource_find=find))
    answer = await client.post("/resource/query", json={"resource_class": "tips", "base_type": None})
    assert [found["resource_name"] for found in answer.json()] == ["S1", "S1", "last"]
    assert lab.asked[0][1] == {"resource_class": "tips", "children": True, "limit": 1000}


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


async def test_one_thing_too_large_for_a_message_does_not_hide_the_others(http: Connect) -> None:
    """It is shown without what is in it, and says so; the next page has its size again."""
    box = {"base_type": "container", "quantity": "9000", "children": []}

    def find(query: Json) -> Json:
        first = query.get("after") is None
        if first and query["children"]:
            raise AnswerTooLarge(size=9_000_000, limit=8_000_000, instead="without children")
        return {"resources": [thing(**box) if first else thing(resource_id=PLATE)], "next": ID if first else None}

    client = http(lab := WrittenLab(resource_find=find))
    large, other = (await client.post("/resource/query", json={})).json()
    assert (large["quantity"], large["children"]) == (9000, {})
    assert "parent_id" in large["labstow"]["children"]
    assert "labstow" not in other
    assert [(query["limit"], query["children"]) for _, query in lab.asked][-3:] == [(1, True), (1, False), (1000, True)]


async def test_one_match_is_an_object_none_is_404_and_several_when_one_was_meant_409(http: Connect) -> None:
    found = WrittenLab(resource_find=lambda _: {"resources": [thing()], "next": None})
    none, several = WrittenLab(resource_find=NoMatch()), WrittenLab(resource_find=Ambiguous(resource_ids=[ID, PLATE]))
    empty = WrittenLab(resource_find=lambda _: {"resources": [], "next": None})
    one = {"multiple": False}
    assert (await http(found).post("/resource/query", json=one)).json()["resource_id"] == ID
    assert (await http(none).post("/resource/query", json=one)).status_code == 404
    assert (await http(several).post("/resource/query", json={"unique": True})).status_code == 409
    assert (await http(empty).post("/resource/query", json={"multiple": True})).json() == []


@pytest.mark.parametrize("extra", [{"colour": "red"}, {"created_after": "soon"}, {"limit": 0}, {"limit": True}])
async def test_a_filter_that_would_not_filter_is_refused(http: Connect, extra: Json) -> None:
    answer = await http(lab := WrittenLab()).post("/resource/query", json={"resource_class": "tips"} | extra)
    assert (answer.status_code, lab.asked) == (422, [])
    assert next(iter(extra)) in answer.json()["detail"]


async def test_every_filter_goes_to_the_worker_by_our_names(http: Connect) -> None:
    lab = WrittenLab(resource_find=lambda _: {"resources": [], "next": None})
    wire: Json = {"resource_name": "n", "resource_description": "d", "resource_class": "c", "base_type": "container"}
    wire |= {"resource_id": ID, "parent_id": PLATE, "template_name": "t", "text": "w"}
    wire |= {"owner": {"user_id": ID}, "attributes": {"lot": 1}, "is_empty": True, "removed": True}
    wire |= {"created_after": "2026-11-21", "created_before": DAY, "updated_after": DAY, "updated_before": DAY}
    wire |= {"as_of": DAY, "sort": "resource_name", "descending": True, "offset": 5}
    assert (await http(lab).post("/resource/query", json=wire)).json() == []
    same = {
        key: wire[key] for key in wire if not key.startswith("resource_") or key in ("resource_id", "resource_class")
    }
    ours = {"name": "n", "description": "d", "created_after": DAY, "sort": "name", "children": True, "limit": 1000}
    assert lab.asked == [("resource.find", same | ours)]


async def test_an_offset_leaves_out_what_comes_first_and_nothing_later(http: Connect) -> None:
    def find(query: Json) -> Json:
        return {"resources": [thing()], "next": None if query.get("after") else ID}

    client = http(lab := WrittenLab(resource_find=find))
    assert len((await client.post("/resource/query", json={"offset": 7})).json()) == 2
    assert [(query.get("offset"), query.get("after")) for _, query in lab.asked] == [(7, None), (None, ID)]


async def test_resources_are_listed_page_by_page_with_their_number(http: Connect) -> None:
    lab = WrittenLab(resource_find=lambda _: {"resources": [thing()], "next": "x", "count": 41})
    query: Json = {"resource_class": "tips", "attributes": '{"lot": "L-1"}', "limit": 1, "count": "true", "after": "w"}
    page = (await http(lab).get("/resources", params=query)).json()
    assert (page["next"], page["count"], page["resources"][0]["resource_name"]) == ("x", 41, "S1")
    assert lab.asked[0][1] == {
        "resource_class": "tips",
        "attributes": {"lot": "L-1"},
        "limit": 1,
        "count": True,
        "after": "w",
        "children": True,
    }


@pytest.mark.parametrize(
    "query", ["limit=all", "attributes=lot", "colour=red", "limit=0", "limit=1e3", "removed=maybe"]
)
async def test_a_listing_that_would_not_be_what_was_asked_for_is_refused(http: Connect, query: str) -> None:
    answer = await http(WrittenLab(resource_find=lambda _: {"resources": [], "next": None})).get(f"/resources?{query}")
    assert answer.status_code == 422
    assert query.partition("=")[0] in answer.json()["detail"]


@pytest.mark.parametrize(
    ("path", "verb", "query"),
    [
        (f"/resource/{ID}/hierarchy", "hierarchy", {"resource_id": ID}),
        (f"/resource/{ID}/tree", "tree", {"resource_id": ID}),
        (f"/resource/{ID}/where", "where", {"resource_id": ID}),
        (f"/resource/{ID}/where?as_of=2026-11-21", "where", {"resource_id": ID, "as_of": DAY}),
        (f"/resource/{ID}/free", "find_free", {"container_id": ID}),
        (f"/resource/{ID}/free?count=3&together=true", "find_free", {"container_id": ID, "count": 3, "together": True}),
        (f"/free?resource_class=rack&within_id={ID}", "find_free", {"resource_class": "rack", "within_id": ID}),
        ("/free?base_type=grid", "find_free", {"base_type": "grid"}),
    ],
)
async def test_what_only_we_can_tell_is_told_as_it_is(http: Connect, path: str, verb: str, query: Json) -> None:
    lab = WrittenLab(**{f"resource_{verb}": lambda _: {"words": "Fridge / A1"}})
    answer = await http(lab).get(path)
    assert (answer.status_code, answer.json()) == (200, {"words": "Fridge / A1"})
    assert lab.asked == [(f"resource.{verb.replace('_', '-')}", query)]
