"""History over REST."""

import pytest

from labstow.contracts.errors import AnswerTooLarge
from labstow.contracts.ulids import derived_ulid
from tests.gateway.conftest import Connect
from tests.gateway.lab import ID, PLATE, Json, WrittenLab, thing

WHAT = {1: "added", 2: "placed", 3: "updated", 4: "updated", 5: "removed"}


def entry(seq: int) -> Json:
    changes = {"quantity": {"before": "500", "after": "400"}} if WHAT[seq] == "updated" else {}
    about = {"noun": "resource", "entity_id": ID, "actor": "ada", "via": "rest", "op_id": ID, "reason": None}
    about["event_id"] = derived_ulid("entry", str(seq))
    state = thing(removed_at="2026-11-21T20:00:00Z" if WHAT[seq] == "removed" else None)
    place = {"parent_id": None, "changes": changes, "state": state}
    return about | place | {"seq": seq, "version": seq, "what": WHAT[seq], "at": f"2026-11-21T20:00:0{seq}Z"}


def history(query: Json) -> Json:
    """Five changes, answered at most two at a time."""
    before, wanted = query.get("before") or 6, query.get("what")
    seqs = [seq for seq in range(1, before) if wanted in (None, WHAT[seq])][-min(2, query["limit"]) :]
    return {"entries": [entry(seq) for seq in seqs], "previous": seqs[0] if seqs and seqs[0] > 1 else None}


@pytest.mark.parametrize(
    ("query", "versions"),
    [
        ({}, [1, 2, 3, 4, 5]),
        ({"limit": None}, [1, 2, 3, 4, 5]),
        ({"limit": 3}, [3, 4, 5]),
        ({"change_type": "Updated"}, [2, 3, 4]),
        ({"change_type": "Updated", "limit": 1}, [4]),
        ({"change_type": "Added", "limit": 1}, [1]),
        ({"change_type": "placed"}, [2]),
    ],
)
async def test_the_newest_changes_come_oldest_first_and_none_is_left_out(
    http: Connect, query: Json, versions: list[int]
) -> None:
    answer = await http(WrittenLab(history_query=history)).post("/history/query", json={"resource_id": ID} | query)
    assert [change["version"] for change in answer.json()] == versions


async def test_changes_that_do_not_fit_into_one_message_are_read_in_smaller_pages(http: Connect) -> None:
    def large(query: Json) -> Json:
        if query["limit"] > 1:
            raise AnswerTooLarge(size=9_000_000, limit=8_000_000, instead="ask for fewer")
        return history(query)

    answer = await http(WrittenLab(history_query=large)).post("/history/query", json={"resource_id": ID})
    assert [change["version"] for change in answer.json()] == [1, 2, 3, 4, 5]


async def test_a_change_is_flat_and_says_what_it_was(http: Connect) -> None:
    first, *_, update, removal = (
        await http(WrittenLab(history_query=history)).post("/history/query", json={"resource_id": ID})
    ).json()
    assert (first["change_type"], first["details"], first["removed"]) == ("Added", "added", False)
    assert (update["change_type"], update["details"]) == ("Updated", "updated: quantity: 500 -> 400")
    assert (removal["change_type"], removal["removed"]) == ("Removed", True)
    assert update["changed_at"] == update["timestamp"] == "2026-11-21T20:00:04Z"
    assert (update["resource_name"], update["child_ids"], update["actor"]) == ("S1", [], "ada")


async def test_dates_without_a_zone_are_utc(http: Connect) -> None:
    lab = WrittenLab(history_query=history)
    dates = {"start_date": "2026-11-21T20:00:00", "end_date": "2026-11-21T21:00:00+01:00"}
    await http(lab).post("/history/query", json=dates | {"version": 3, "removed": False})
    assert lab.asked[0][1] == {
        "noun": "resource",
        "version": 3,
        "removed": False,
        "since": "2026-11-21T20:00:00+00:00",
        "until": "2026-11-21T21:00:00+01:00",
        "limit": 100,
        "before": None,
    }


@pytest.mark.parametrize(
    "query",
    [
        {"start_date": "yesterday"},
        {"limit": -1},
        {"event_type": "Added"},
        {"change_type": "Vanished"},
        {"change_type": ["Added"]},
    ],
)
async def test_a_question_that_cannot_be_answered_is_refused(http: Connect, query: Json) -> None:
    answer = await http(lab := WrittenLab()).post("/history/query", json=query)
    assert (answer.status_code, lab.asked) == (422, [])
    assert next(iter(query)) in answer.json()["detail"]


async def test_changes_are_found_by_who_made_them(http: Connect) -> None:
    await http(lab := WrittenLab(history_query=history)).post("/history/query", json={"actor": "ada"})
    assert lab.asked[0][1]["actor"] == "ada"


async def test_the_history_of_a_resource_has_an_address(http: Connect) -> None:
    client = http(lab := WrittenLab(history_query=history))
    url = f"/resource/{ID}/history?limit=1&change_type=Updated&start_date=2026-11-21&removed=false"
    assert [change["version"] for change in (await client.get(url)).json()] == [4]
    asked = lab.asked[0][1]
    assert (asked["entity_id"], asked["since"], asked["removed"]) == (ID, "2026-11-21T00:00:00+00:00", False)
    assert (await client.get("/resource/S1/history")).status_code == 404
    assert (await client.get(f"/resource/{ID}/history?limit=all")).status_code == 422


async def test_the_state_at_a_moment_is_the_newest_change_up_to_it(http: Connect) -> None:
    client = http(lab := WrittenLab(history_at=lambda _: entry(4)))
    change = (await client.get("/history/at", params={"resource_id": ID, "at": "2026-11-21T20:30:00"})).json()
    assert (change["resource_name"], change["change_type"], change["version"]) == ("S1", "Updated", 4)
    assert lab.asked == [("history.at", {"entity_id": ID, "at": "2026-11-21T20:30:00+00:00"})]
    assert (await client.get("/history/at")).status_code == 422


async def test_two_moments_are_compared(http: Connect) -> None:
    client = http(lab := WrittenLab(history_diff=lambda _: {"differences": []}))
    query = {"resource_id": PLATE, "since": "2026-11-21T20:30:00Z"}
    assert (await client.get("/history/diff", params=query)).json() == {"differences": []}
    assert lab.asked == [("history.diff", query | {"since": "2026-11-21T20:30:00+00:00"})]
