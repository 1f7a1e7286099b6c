"""Locks over REST, in front of a laboratory that a test writes."""

from typing import Any

import pytest

from labstow.contracts import headers
from labstow.contracts.errors import (
    AnswerTooLarge,
    Cooling,
    Held,
    InLine,
    LeaseLost,
    Locked,
    LockLimit,
    NotYours,
    OutcomeUnknown,
    Refusal,
    StorageUnavailable,
)
from labstow.contracts.ulids import new_ulid
from tests.gateway.conftest import Connect
from tests.gateway.lab import ID, PLATE, Json, WrittenLab, thing

AT = "2026-11-21T19:00:32.028410Z"
UNTIL = "2026-11-21T19:01:32.028410Z"
CLIENT = "01M7ZQPJ4RNK3G1KAYMQFFSG2D"
LEASE, OTHER = new_ulid(), new_ulid()

GRANTED: Json = {"state": "granted", "resource_ids": [ID], "at": AT, "lease_id": LEASE, "tokens": {ID: 7}}
GRANTED |= {"expires_at": UNTIL, "expires_in_ms": 60_000}
HELD = Held(name="S1", holder="ada", expires_in_ms=1500, self=False)


def lab_of_locks(**workers: Any) -> WrittenLab:
    """One in which everything is granted and given back."""
    given: Json = {
        "lock_acquire": lambda _: GRANTED,
        "lock_release": lambda _: {"resource_ids": [ID], "at": AT},
        "resource_get": lambda _: thing(),
    }
    return WrittenLab(**given | workers)


def standing(**fields: Any) -> Json:
    return {"locks": [{"resource_id": ID, "state": "free", "token": 7} | fields], "at": AT}


async def test_a_client_of_madsci_locks_as_itself_and_reads_the_resource_after_that(http: Connect) -> None:
    lab = lab_of_locks()
    answer = await http(lab).post(f"/resource/{ID}/lock?lock_duration=60.0&client_id={CLIENT}")
    command = {"resource_ids": [ID], "ttl_s": 60.0, "session": CLIENT, "lenient": True}
    assert lab.asked == [("lock.acquire", command), ("resource.get", {"resource_id": ID})]
    told = answer.json()
    assert (told["resource_name"], told["locked_by"], told["locked_until"]) == ("S1", CLIENT, UNTIL)
    assert answer.headers["etag"] == '"3"'
    assert LEASE not in answer.text  # I12


async def test_a_resource_that_the_worker_shows_is_not_read_again(http: Connect) -> None:
    lab = lab_of_locks(lock_acquire=lambda _: GRANTED | {"resource": thing()})
    answer = await http(lab).post(f"/resource/{ID}/lock?client_id={CLIENT}")
    assert [verb for verb, _ in lab.asked] == ["lock.acquire"]
    assert lab.heads[0][headers.FILL] == "resource"
    assert (answer.json()["resource_name"], answer.json()["locked_by"]) == ("S1", CLIENT)


@pytest.mark.parametrize(("owner", "session"), [("ada", "ada"), (None, "anonymous")])
@pytest.mark.parametrize("named", ["", "client_id="])
async def test_who_names_no_client_and_no_duration_locks_as_who_asks_for_five_minutes(
    http: Connect, owner: str | None, session: str, named: str
) -> None:
    client = http(lab := lab_of_locks())
    heads = {"X-Owner": owner} if owner else {}
    for method, path in (("POST", "lock"), ("DELETE", "unlock")):
        answer = await client.request(method, f"/resource/{ID}/{path}?{named}", headers=heads)
        assert answer.status_code == 200
    assert lab.asked[0][1] == {"resource_ids": [ID], "ttl_s": 300.0, "session": session, "lenient": True}
    assert lab.asked[2] == ("lock.release", {"session": session, "resource_ids": [ID]})


@pytest.mark.parametrize(
    ("no", "detail"),
    [
        (HELD, "S1 is locked by ada: free in 2 s, if not released before"),
        (InLine(name="S1", waiters=2), "S1 is free, but 2 others wait for it already: try again later"),
        (Cooling(name="S1", until="until 7"), "S1 was left by force and is not given yet: until 7"),
    ],
)
async def test_what_cannot_be_locked_now_is_409_and_says_why_to_who_cannot_wait(
    http: Connect, no: Refusal, detail: str
) -> None:
    answer = await http(lab_of_locks(lock_acquire=no)).post(f"/resource/{ID}/lock?client_id={CLIENT}")
    assert (answer.status_code, answer.json()["code"], answer.json()["detail"]) == (409, no.code, detail)


@pytest.mark.parametrize("seconds", ["0", "-5", "NaN", "1e9", "1e999", "inf", "five", "", "1_000", "0x10"])
async def test_a_duration_that_cannot_be_is_422(http: Connect, seconds: str) -> None:
    """Bad input 3 and 12."""
    answer = await http(lab_of_locks()).post(f"/resource/{ID}/lock?lock_duration={seconds}&client_id={CLIENT}")
    assert (answer.status_code, answer.json()["code"]) == (422, "request.invalid")


async def test_a_resource_with_too_much_in_it_is_locked_and_shown_without_that(http: Connect) -> None:
    def large(query: Json) -> Json:
        if query.get("children", True):
            raise AnswerTooLarge(size=9, limit=8, instead="ask without children")
        return thing(base_type="stack", quantity="1")

    told = (await http(lab_of_locks(resource_get=large)).post(f"/resource/{ID}/lock?client_id={CLIENT}")).json()
    assert (told["locked_by"], told["children"]) == (CLIENT, [])
    assert "children" in told["labstow"]


async def test_what_is_given_back_is_read_after_that_and_locked_by_nobody(http: Connect) -> None:
    lab = lab_of_locks()
    answer = await http(lab).delete(f"/resource/{ID}/unlock?client_id={CLIENT}")
    assert lab.asked[0] == ("lock.release", {"session": CLIENT, "resource_ids": [ID]})
    assert (answer.json()["locked_by"], answer.json()["locked_until"]) == (None, None)


@pytest.mark.parametrize("no", [NotYours(), LeaseLost(how="expired")])
async def test_a_release_by_somebody_else_or_too_late_is_403_which_their_client_takes_for_no(
    http: Connect, no: Refusal
) -> None:
    answer = await http(lab_of_locks(lock_release=no)).delete(f"/resource/{ID}/unlock?client_id={CLIENT}")
    told = answer.json()
    assert answer.status_code == told["status"] == 403
    assert (told["code"], told["detail"]) == (no.code, no.detail)


@pytest.mark.parametrize(
    ("now", "is_locked", "locked_by"),
    [
        ({}, False, None),
        ({"holder": None, "session": None}, False, None),
        ({"state": "held", "holder": "anonymous", "session": CLIENT}, True, CLIENT),
        ({"state": "held", "holder": "ada"}, True, "ada"),
        ({"state": "cooling"}, True, None),
    ],
)
async def test_whether_something_is_locked_and_by_whom_is_told(
    http: Connect, now: Json, is_locked: bool, locked_by: str | None
) -> None:
    lab = WrittenLab(lock_status=lambda _: standing(**now))
    answer = await http(lab).get(f"/resource/{ID}/check_lock")
    assert lab.asked == [("lock.status", {"resource_ids": [ID]})]
    assert answer.json() == {"resource_id": ID, "is_locked": is_locked, "locked_by": locked_by}


@pytest.mark.parametrize(
    ("status", "workers"),
    [
        (503, {}),
        (503, {"lock_status": StorageUnavailable()}),
        (504, {"lock_status": OutcomeUnknown(subject="lock.status", op_id=ID)}),
    ],
)
async def test_what_cannot_be_read_is_never_told_to_be_free(http: Connect, status: int, workers: Json) -> None:
    """I8."""
    answer = await http(WrittenLab(**workers)).get(f"/resource/{ID}/check_lock")
    assert answer.status_code == status
    assert "is_locked" not in answer.text


@pytest.mark.parametrize(("method", "path"), [("POST", "lock"), ("DELETE", "unlock"), ("GET", "check_lock")])
async def test_with_what_is_no_id_nothing_is_locked(http: Connect, method: str, path: str) -> None:
    answer = await http(lab := WrittenLab()).request(method, f"/resource/shelf/{path}")
    assert (answer.status_code, lab.asked) == (404, [])


@pytest.mark.parametrize(
    ("method", "path", "verb", "message"),
    [
        ("POST", "/locks", "acquire", {"resource_ids": [ID, PLATE], "ttl_s": 5, "wait_s": 3, "scope": "subtree"}),
        ("POST", "/locks", "acquire", {"resource_ids": [ID], "session": "arm", "lenient": True}),
        ("POST", "/locks/await", "await", {"ticket": OTHER}),
        ("POST", "/locks/cancel", "cancel", {"ticket": OTHER}),
        ("POST", "/locks/renew", "renew", {"lease_id": LEASE, "ttl_s": 90}),
        ("POST", "/locks/release", "release", {"lease_id": LEASE, "resource_ids": [ID]}),
        ("POST", "/locks/break", "break", {"resource_id": ID, "reason": "the arm is stuck"}),
        ("GET", "/locks", "list", {}),
        ("GET", f"/locks?holder=ada&older_than_s=60.5&limit=10&after={OTHER}", "list", None),
        ("GET", f"/locks/status?resource_id={ID}&resource_id={PLATE}", "status", {"resource_ids": [ID, PLATE]}),
        ("GET", "/locks/usage?since=2026-01-01&holder=ada", "usage", None),
        ("GET", f"/locks/usage?since=2026-01-01&until=2026-02-01T00:00:00Z&resource_id={ID}", "usage", None),
    ],
)
async def test_labstows_own_routes_pass_on_what_is_asked_and_what_is_answered(
    http: Connect, method: str, path: str, verb: str, message: Json | None
) -> None:
    lab = WrittenLab(**{f"lock_{verb}": lambda _: {"told": "as it is"}})
    answer = await http(lab).request(method, path, json=message if method == "POST" else None)
    assert (answer.status_code, answer.json()) == (200, {"told": "as it is"})
    ((asked, told),) = lab.asked
    assert asked == f"lock.{verb}"
    if message is not None:
        assert told == message


async def test_parameters_reach_the_worker_as_what_they_are(http: Connect) -> None:
    client = http(lab := WrittenLab(lock_list=lambda _: {}, lock_usage=lambda _: {}))
    await client.get("/locks?older_than_s=60.5&limit=10")
    await client.get(f"/locks/usage?since=2026-01-01&resource_id={ID}&resource_id={PLATE}")
    assert lab.asked[0][1] == {"older_than_s": 60.5, "limit": 10}
    assert lab.asked[1][1] == {"since": "2026-01-01T00:00:00+00:00", "resource_ids": [ID, PLATE]}


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/locks/status", None),
        ("GET", "/locks/status?resource_id=shelf", None),
        ("GET", "/locks/status?" + "&".join([f"resource_id={ID}"] * 65), None),
        ("GET", "/locks?limit=0", None),
        ("GET", "/locks?older_than_s=NaN", None),
        ("GET", "/locks?colour=red", None),
        ("GET", "/locks/usage", None),
        ("GET", "/locks/usage?since=yesterday", None),
        ("POST", "/locks", {}),
        ("POST", "/locks", {"resource_ids": [ID], "lenient": True}),
        ("POST", "/locks", {"resource_ids": [ID], "colour": "red"}),
        ("POST", "/locks/release", {"lease_id": LEASE, "session": "arm"}),
        ("POST", "/locks/break", {"resource_id": ID}),
        ("POST", "/locks/break", {"resource_id": ID, "reason": ""}),
    ],
)
async def test_what_says_too_little_or_too_much_is_422(http: Connect, method: str, path: str, body: Json) -> None:
    verbs = ("acquire", "release", "break", "status", "list", "usage")
    client = http(WrittenLab(**{f"lock_{verb}": lambda _: {} for verb in verbs}))
    answer = await client.request(method, path, json=body)
    assert (answer.status_code, answer.json()["code"]) == (422, "request.invalid")


CHANGES: list[tuple[str, str, Json | None]] = [
    ("POST", "/resource/add", {"resource_name": "S1"}),
    ("POST", "/resource/update", {"resource_name": "S1"}),
    ("DELETE", f"/resource/{ID}", None),
    ("POST", f"/resource/{ID}/child/set", {"key": "A1", "child": PLATE}),
    ("POST", f"/resource/{ID}/pop", None),
    ("POST", f"/resource/{ID}/quantity/increase?amount=1", None),
    ("POST", "/template/rack/create_resource", {"resource_name": "R1"}),
    ("POST", f"/history/{ID}/restore", None),
    ("POST", f"/resource/{ID}/lock", None),
    ("DELETE", f"/resource/{ID}/unlock", None),
]
OWN: list[tuple[str, str, Json | None]] = [
    ("POST", f"/resource/{ID}/move", {}),
    ("POST", f"/resource/{ID}/swap", {"other_id": PLATE}),
    ("POST", "/batch", {"steps": []}),
    ("POST", "/template/rack/instantiate", {"instances": []}),
    ("POST", "/locks", {"resource_ids": [ID]}),
    ("POST", "/locks/await", {"ticket": OTHER}),
    ("POST", "/locks/release", {"lease_id": LEASE}),
]
READS: list[tuple[str, str, Json | None]] = [
    ("GET", f"/resource/{ID}", None),
    ("GET", f"/resource/{ID}/check_lock", None),
    ("POST", "/resource/query", {"resource_name": "S1"}),
    ("GET", "/locks", None),
]


async def lease_sent(http: Connect, request: tuple[str, str, Json | None], *heads: tuple[str, str]) -> str | None:
    """What goes to the worker as lease."""
    method, path, body = request
    await http(lab := WrittenLab()).request(method, path, json=body, headers=list(heads))
    return lab.heads[0].get(headers.LEASE)


@pytest.mark.parametrize("request_", CHANGES, ids=lambda one: f"{one[0]} {one[1]}")
async def test_a_client_of_madsci_changes_what_it_may_hold(
    http: Connect, request_: tuple[str, str, Json | None]
) -> None:
    assert await lease_sent(http, request_) == "*"


@pytest.mark.parametrize("request_", [*OWN, *READS], ids=lambda one: f"{one[0]} {one[1]}")
async def test_on_labstows_own_routes_and_for_reading_nothing_is_presented_that_was_not_given(
    http: Connect, request_: tuple[str, str, Json | None]
) -> None:
    assert await lease_sent(http, request_) is None


@pytest.mark.parametrize("request_", [*CHANGES, *OWN, *READS], ids=lambda one: f"{one[0]} {one[1]}")
async def test_leases_are_passed_on_with_everything(http: Connect, request_: tuple[str, str, Json | None]) -> None:
    repeated = [("Labstow-Lease", f"{LEASE}, {OTHER}"), ("labstow-lease", f" ,{ID}")]
    assert await lease_sent(http, request_, *repeated) == f"{LEASE},{OTHER},{ID}"
    assert await lease_sent(http, request_, ("Labstow-Lease", " ")) == await lease_sent(http, request_)


@pytest.mark.parametrize("value", ["*", f"{LEASE}, *", " * "])
@pytest.mark.parametrize("request_", [CHANGES[0], OWN[0], READS[0]], ids=lambda one: f"{one[0]} {one[1]}")
async def test_nobody_presents_all_that_anybody_holds(
    http: Connect, request_: tuple[str, str, Json | None], value: str
) -> None:
    method, path, body = request_
    answer = await http(lab := WrittenLab()).request(method, path, json=body, headers={"Labstow-Lease": value})
    assert (answer.status_code, answer.json()["code"], lab.asked) == (422, "request.invalid", [])


@pytest.mark.parametrize(
    ("refusal", "seconds"),
    [
        (Locked(name="S1", holder="ada", expires_in_ms=41_001), "42"),
        (Locked(name="S1", holder="ada", expires_in_ms=3), "1"),
        (Locked(name="S1", holder="ada", expires_in_ms=None), "1"),
        (LockLimit(principal="ada", count=256, what="leases", limit=256), "1"),
        (HELD, None),
    ],
)
async def test_what_is_locked_says_when_to_come_back(http: Connect, refusal: Refusal, seconds: str | None) -> None:
    answer = await http(WrittenLab(resource_fill=refusal)).post(f"/resource/{ID}/fill")
    assert answer.status_code == refusal.status
    assert answer.headers.get("retry-after") == seconds
    assert answer.json() == refusal.problem()


async def test_a_lock_is_bound_to_no_version(http: Connect) -> None:
    for path in (f"/resource/{ID}/lock", "/locks"):
        answer = await http(lab := lab_of_locks()).post(path, json={"resource_ids": [ID]}, headers={"If-Match": '"7"'})
        assert (answer.status_code, lab.asked) == (422, [])
