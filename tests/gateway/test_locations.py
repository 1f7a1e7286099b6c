"""Locations over REST."""

from typing import Any

import pytest

from labstow.contracts import headers
from labstow.contracts.errors import StorageUnavailable
from labstow.contracts.place_errors import (
    LocationExists,
    NoLocation,
    NoRepresentation,
    NothingAttached,
    StillAttached,
)
from tests.gateway.conftest import Connect
from tests.gateway.lab import ID, PLACE, PLATE, Json, WrittenLab, place

USER = "01M7ZQPRQ5JJRRMTRHKCAVZN4P"
SENT: Json = {
    "location_name": "tour_loc", "location_id": PLACE, "resource_id": None, "description": "d",
    "representations": {"arm": {"x": 1}}, "resource_template_name": None, "resource_template_overrides": None,
    "allow_transfers": True, "reservation": None, "location_template_name": None, "node_bindings": None,
    "managed_by": "lab", "owner": None,
}  # fmt: skip
"""As their client sends one."""
NEW: Json = {
    "name": "tour_loc", "location_id": PLACE, "description": "d", "representations": {"arm": {"x": 1}},
    "allow_transfers": True, "managed_by": "lab",
}  # fmt: skip


@pytest.mark.parametrize("verb", ["add", "init"])
async def test_a_location_is_made_as_their_client_sends_it(http: Connect, verb: str) -> None:
    lab = WrittenLab(**{f"location_{verb}": lambda _: place(**NEW)})
    answer = await http(lab).post("/location" if verb == "add" else "/location/init", json=SENT)
    assert (answer.status_code, answer.headers["etag"]) == (200, '"3"')
    assert lab.asked == [(f"location.{verb}", {"location": NEW})]
    assert {key: answer.json()[key] for key in SENT} == SENT


@pytest.mark.parametrize("key", ["location_name", "name"])
async def test_a_location_may_be_named_either_way_and_null_is_what_was_left_out(http: Connect, key: str) -> None:
    lab = WrittenLab(location_add=lambda _: place())
    nulls = {"representations": None, "managed_by": None, "allow_transfers": None, "something_newer": None}
    assert (await http(lab).post("/location", json={key: "rack"} | nulls)).status_code == 200
    assert lab.asked == [("location.add", {"location": {"name": "rack"}})]


async def test_what_was_read_can_be_sent_as_it_is_and_what_we_reckon_is_left_out(http: Connect) -> None:
    reservation = {"transfer_id": ID, "owned_by": "ada", "created": "2026-11-21T19:00:32Z"}
    reservation |= {"expires": "2026-11-21T19:05:32Z"}
    lab = WrittenLab(location_add=lambda _: place(), location_get=lambda _: place(reservation=reservation))
    read = (await http(lab).get("/location/sample_storage")).json()
    assert read["reservation"] == reservation | {"owned_by": {}, "holder": "ada"}
    assert (await http(lab).post("/location", json=read)).status_code == 200
    kept = {"name": "sample_storage", "location_id": PLACE, "representations": {}, "allow_transfers": True}
    assert lab.asked[-1] == ("location.add", {"location": kept | {"managed_by": "lab"}})


@pytest.mark.parametrize("wrong", [{"allow_transfer": False}, {"references": {"arm": [1]}}])
async def test_a_key_that_nobody_knows_is_refused_as_it_would_mean_something(http: Connect, wrong: Json) -> None:
    answer = await http(lab := WrittenLab()).post("/location", json=SENT | wrong)
    assert (answer.status_code, lab.asked) == (422, [])
    assert next(iter(wrong)) in answer.json()["detail"]


async def test_whose_a_location_is_goes_with_it_or_is_whoever_makes_it(http: Connect) -> None:
    client = http(lab := WrittenLab(location_add=lambda _: place()))
    await client.post("/location", json=SENT, headers={"X-Owner": USER})
    await client.post("/location", json=SENT | {"owner": {"node_id": ID}}, headers={"X-Owner": USER})
    assert [asked["location"]["owner"] for _, asked in lab.asked] == [{"user_id": USER}, {"node_id": ID}]
    assert [heads[headers.ACTOR] for heads in lab.heads] == [USER, USER]


async def test_an_owner_that_their_model_cannot_hold_travels_beside_it(http: Connect) -> None:
    owner = {"user_id": USER, "team": "p53", "node_id": "arm"}
    client = http(lab := WrittenLab(location_get=lambda _: place(owner=owner), location_add=lambda _: place()))
    read = (await client.get("/location/rack")).json()
    assert (read["owner"], read["labstow"]) == ({"user_id": USER}, {"owner": {"team": "p53", "node_id": "arm"}})
    await client.post("/location", json=read)
    assert lab.asked[-1][1]["location"]["owner"] == owner
    nobodys = (await http(WrittenLab(location_get=lambda _: place())).get("/location/rack")).json()
    assert (nobodys["owner"], "labstow" in nobodys) == (None, False)


async def test_overrides_of_a_resource_have_their_names_outside_and_ours_inside(http: Connect) -> None:
    theirs, ours = {"resource_name": "rack 1", "capacity": 96, "size": "small"}, {"name": "rack 1", "capacity": 96}
    ours |= {"size": "small"}
    lab = WrittenLab(location_add=lambda _: place(resource_template_overrides=ours))
    answer = await http(lab).post("/location", json=SENT | {"resource_template_overrides": theirs})
    assert lab.asked[0][1]["location"]["resource_template_overrides"] == ours
    assert answer.json()["resource_template_overrides"] == theirs


@pytest.mark.parametrize(
    ("query", "asked"),
    [
        (f"location_id={PLACE}", {"location": PLACE, "by": "id"}),
        ("name=sample_storage", {"location": "sample_storage", "by": "name"}),
    ],
)
async def test_a_location_is_read_by_its_id_or_its_name(http: Connect, query: str, asked: Json) -> None:
    lab = WrittenLab(location_get=lambda _: place())
    assert (await http(lab).get(f"/location?{query}")).json()["location_name"] == "sample_storage"
    assert lab.asked == [("location.get", asked)]


@pytest.mark.parametrize("query", ["", "?location_id=x&name=y", "?as_of=2026-11-21"])
async def test_a_location_is_read_by_one_of_both(http: Connect, query: str) -> None:
    answer = await http(lab := WrittenLab()).get(f"/location{query}")
    assert (answer.status_code, lab.asked) == (400, [])
    assert answer.json()["detail"] == "Exactly one of 'location_id' or 'name' query parameter must be provided"


async def test_a_location_is_read_as_it_was(http: Connect) -> None:
    lab = WrittenLab(location_get=lambda _: place(), location_list=lambda _: {"locations": [], "next": None})
    for path in ("location/rack", "location?name=rack", "locations", "locations/export"):
        moment = f"{'&' if '?' in path else '?'}as_of=2026-11-21T19:00:32Z"
        assert (await http(lab).get(f"/{path}{moment}")).status_code == 200
    assert {query["as_of"] for _, query in lab.asked} == {"2026-11-21T19:00:32+00:00"}


@pytest.mark.parametrize(
    ("refusal", "detail"),
    [
        (NoLocation(by="ID", key=PLACE), f"Location with ID '{PLACE}' not found"),
        (NoLocation(by="name", key="rack"), "Location with name 'rack' not found"),
        (NoRepresentation(node="arm", location=PLACE), f"Representation for node 'arm' not found in location {PLACE}"),
        (NothingAttached(location="rack"), "No resource attached to location rack"),
    ],
)
async def test_what_is_not_there_is_404_in_the_words_their_clients_know(
    http: Connect, refusal: NoLocation, detail: str
) -> None:
    answer = await http(WrittenLab(location_get=refusal)).get("/location/rack")
    assert (answer.status_code, answer.json()["detail"]) == (404, detail)
    assert answer.headers["content-type"] == "application/problem+json"


async def test_all_locations_are_listed_however_many_pages_they_fill(http: Connect) -> None:
    def page(query: Json) -> Json:
        after = {None: ("a", "b"), "b": ("c", "d"), "d": ("e", None)}[query["after"]]
        last = after[1] or "e"
        return {"locations": [place(name=after[0]), place(name=last)], "next": after[1]}

    lab = WrittenLab(location_list=page)
    listed = (await http(lab).get("/locations?managed_by=node&node=arm")).json()
    assert [one["location_name"] for one in listed] == ["a", "b", "c", "d", "e", "e"]
    assert {(query["managed_by"], query["node"]) for _, query in lab.asked} == {("node", "arm")}


async def test_fields_are_changed_on_condition_of_the_version_that_was_read(http: Connect) -> None:
    """I31."""
    lab = WrittenLab(location_update=lambda _: place())
    changes = {"location_name": "rack_2", "description": None, "representations": {"arm": None}}
    answer = await http(lab).patch("/location/rack", json=changes, headers={"If-Match": '"2"'})
    assert (answer.status_code, answer.headers["etag"]) == (200, '"3"')
    named = {"name": "rack_2", "description": None, "representations": {"arm": None}}
    assert lab.asked == [("location.update", {"location": "rack", "changes": named, "expected_version": 2})]


@pytest.mark.parametrize("wrong", [{"location_id": PLACE}, {"resource_id": ID}, {"allow_transfer": False}])
async def test_what_cannot_be_changed_is_refused(http: Connect, wrong: Json) -> None:
    answer = await http(lab := WrittenLab()).patch("/location/rack", json=wrong)
    assert (answer.status_code, lab.asked) == (422, [])


async def test_a_location_is_removed_and_called_by_its_name(http: Connect) -> None:
    lab = WrittenLab(location_remove=lambda _: place())
    assert (await http(lab).delete(f"/location/{PLACE}")).json() == {
        "message": "Location sample_storage deleted successfully"
    }
    attached = WrittenLab(location_remove=StillAttached(location="rack", name="nest"))
    assert (await http(attached).delete("/location/rack")).status_code == 409


@pytest.mark.parametrize("value", [{"x": 1}, [1, 2, 3], "position_A", 1.5, False, None, [], {}])
async def test_any_json_is_a_representation(http: Connect, value: Any) -> None:
    lab = WrittenLab(location_represent=lambda asked: place(representations={"arm": asked["representation"]}))
    answer = await http(lab).post("/location/rack/set_representation/arm", json=value)
    assert answer.json()["representations"] == {"arm": value}
    assert lab.asked == [("location.represent", {"location": "rack", "node": "arm", "representation": value})]


async def test_no_body_at_all_is_null(http: Connect) -> None:
    lab = WrittenLab(location_represent=lambda _: place())
    sent = await http(lab).post("/location/rack/set_representation/arm", headers={"Content-Type": "application/json"})
    assert (sent.status_code, lab.asked[0][1]["representation"]) == (200, None)


async def test_what_is_no_json_is_no_representation(http: Connect) -> None:
    client = http(lab := WrittenLab())
    for text, status in ((b"{", 400), (b"NaN", 400), (b'"' + b"x" * 1000 + b'"', 413)):
        answer = await client.post("/location/rack/set_representation/arm", content=text)
        assert (answer.status_code, lab.asked) == (status, [])


async def test_a_node_forgets_and_what_is_there_comes_and_goes(http: Connect) -> None:
    lab = WrittenLab(**{f"location_{verb}": lambda _: place() for verb in ("unrepresent", "attach", "detach")})
    client = http(lab)
    assert (await client.delete("/location/rack/remove_representation/the arm")).status_code == 200
    assert (await client.post(f"/location/rack/attach_resource?resource_id={ID}")).status_code == 200
    assert (await client.delete("/location/rack/detach_resource")).status_code == 200
    assert lab.asked == [
        ("location.unrepresent", {"location": "rack", "node": "the arm"}),
        ("location.attach", {"location": "rack", "resource_id": ID}),
        ("location.detach", {"location": "rack"}),
    ]
    assert (await client.post("/location/rack/attach_resource")).status_code == 422


async def test_what_is_at_a_location_is_told_as_a_hierarchy(http: Connect) -> None:
    def contents(resource_id: str | None) -> WrittenLab:
        inside = {resource_id: [PLATE]} if resource_id else {}
        told: Json = {"location_id": PLACE, "name": "rack", "resource_id": resource_id, "ancestor_ids": []}
        return WrittenLab(location_contents=lambda _: told | {"descendant_ids": inside})

    full, empty = [(await http(contents(id_)).get("/location/rack/resources")).json() for id_ in (ID, None)]
    assert full == {"ancestor_ids": [], "resource_id": ID, "descendant_ids": {ID: [PLATE]}}
    assert empty == {"ancestor_ids": [], "resource_id": "", "descendant_ids": {}}


async def test_those_that_wait_for_a_template_are_told(http: Connect) -> None:
    waiting = place(name="nest", awaits_template=True, resource_template_name="slot")
    client = http(WrittenLab(location_list=lambda _: {"locations": [place(), waiting], "next": None}))
    status = (await client.get("/reconciliation/status")).json()
    assert status == (await client.post("/reconcile")).json()
    assert status["unresolved_locations"] == {"nest": "slot"}


async def test_many_are_brought_in_and_one_that_is_wrong_stops_nobody(http: Connect) -> None:
    def add(asked: Json) -> Json:
        name = asked["location"]["name"]
        if name == "known":
            raise LocationExists(by="name", key=name)
        return place(name=name)

    lab = WrittenLab(location_add=add, location_get=lambda _: place(name="known"))
    sent = [{"name": "a"}, {"location_name": "known"}, {"name": "a/b"}, {"name": "b", "allow": 1}, 7, {"name": "c"}]
    told = (await http(lab).post("/locations/import", json=[*sent, {"name": "a"}])).json()
    assert (told["imported"], told["skipped"], len(told["errors"])) == (2, 1, 4)
    assert [one["location_name"] for one in told["locations"]] == ["a", "c"]
    for error, (name, why) in zip(
        told["errors"], [("a/b", "name"), ("b", "allow"), ("7", "object"), ("a", "more than once")], strict=True
    ):
        assert error.startswith(f"Error importing location '{name}': ")
        assert why in error
    op_ids = [heads[headers.OP_ID] for heads in lab.heads]
    assert len(set(op_ids)) == len(op_ids)


async def test_those_that_are_there_are_written_over_if_that_is_asked(http: Connect) -> None:
    exists = LocationExists(by="ID", key=PLACE)
    changed: Any = {"location_update": lambda _: place(), "location_attach": lambda _: place(resource_id=ID)}
    lab = WrittenLab(location_add=exists, location_get=lambda _: place(), **changed)
    body = [SENT | {"location_name": "sample_storage", "resource_id": ID}]
    told = (await http(lab).post("/locations/import?overwrite=true", json=body)).json()
    assert (told["imported"], told["skipped"], told["errors"]) == (1, 0, [])
    assert told["locations"][0]["resource_id"] == ID
    changes = {"description": "d", "representations": {"arm": {"x": 1}}, "allow_transfers": True, "managed_by": "lab"}
    assert lab.asked[1:] == [
        ("location.get", {"location": "sample_storage", "by": "name"}),
        ("location.update", {"location": PLACE, "changes": changes}),
        ("location.attach", {"location": PLACE, "resource_id": ID}),
    ]


async def test_what_is_written_over_has_only_what_is_brought_in(http: Connect) -> None:
    known = place(representations={"arm": 1, "eye": 2, "belt": 3})
    later = place(representations={"arm": 7, "eye": 2, "taught meanwhile": 4})
    changed: Any = {"location_update": lambda _: later, "location_unrepresent": lambda _: place()}
    lab = WrittenLab(location_add=LocationExists(by="name", key="a"), location_get=lambda _: known, **changed)
    body = [{"name": "a", "description": None, "representations": {"arm": 7}}]
    assert (await http(lab).post("/locations/import?overwrite=true", json=body)).json()["imported"] == 1
    assert lab.asked[2:] == [
        ("location.update", {"location": PLACE, "changes": {"description": None, "representations": {"arm": 7}}}),
        ("location.unrepresent", {"location": PLACE, "node": "eye"}),
    ]


async def test_an_id_of_a_location_that_was_removed_is_called_so(http: Connect) -> None:
    taken, gone = LocationExists(by="ID", key=PLACE), NoLocation(by="ID", key=PLACE)
    client = http(WrittenLab(location_add=taken, location_get=gone))
    told = (await client.post("/locations/import", json=[{"name": "rack", "location_id": PLACE}])).json()
    assert "was removed" in told["errors"][0]


async def test_an_id_that_another_location_has_is_an_error_of_the_one_that_is_brought_in(http: Connect) -> None:
    taken, nobody = LocationExists(by="ID", key=PLACE), NoLocation(by="name", key="rack")
    client = http(WrittenLab(location_add=taken, location_get=nobody))
    told = (await client.post("/locations/import?overwrite=True", json=[{"name": "rack"}])).json()
    assert told["errors"] == [f"Error importing location 'rack': {taken.detail}"]


async def test_an_import_without_workers_is_503_and_not_a_list_of_errors(http: Connect) -> None:
    """I48."""
    for lab in (WrittenLab(), WrittenLab(location_add=StorageUnavailable())):
        assert (await http(lab).post("/locations/import", json=[{"name": "a"}])).status_code == 503


@pytest.mark.parametrize("body", [{"name": "a"}, 7, "a"])
async def test_an_import_is_a_list(http: Connect, body: object) -> None:
    assert (await http(WrittenLab()).post("/locations/import", json=body)).status_code == 422
