"""Locks that cannot be, and what proves nothing, are answered with a sentence, never with 5xx, and lock nothing."""

from typing import Any

import httpx
import pytest

from labstow.contracts.ulids import new_ulid
from tests.gateway.lab import ID, Json
from tests.gateway.refused import ADD, assert_refused

pytestmark = pytest.mark.system

ADA, GRACE = {"X-Owner": "ada"}, {"X-Owner": "grace"}


@pytest.fixture(scope="module")
async def bottle(rest: httpx.AsyncClient) -> str:
    """Something that nobody locks."""
    return str((await rest.post(ADD, json={"resource_name": "B"})).json()["resource_id"])


@pytest.mark.parametrize(
    ("asked", "status"),
    [
        (b'"ttl_s": 0', 422),
        (b'"ttl_s": -5', 422),
        (b'"ttl_s": NaN', 400),
        (b'"ttl_s": 1e9', 422),
        (b'"ttl_s": 1e400', 400),
        (b'"ttl_s": "60"', 422),
        (b'"ttl_s": true', 422),
        (b'"wait_s": -1', 422),
        (b'"wait_s": 1e9', 422),
        (b'"scope": "everything"', 422),
        (b'"session": ""', 422),
        (b'"session": "a\\u0000b"', 422),
        (b'"purpose": "' + b"x" * 256 + b'"', 422),
        (b'"lenient": true', 422),
        (b'"lease_id": "' + ID.encode() + b'"', 422),
        (b'"token": 7', 422),
        (b'"holder": "root"', 422),
    ],
    ids=lambda value: None if isinstance(value, int) else value[:30].decode("ascii", "replace"),
)
async def test_a_lock_that_cannot_be_is_refused(
    rest: httpx.AsyncClient, bottle: str, asked: bytes, status: int
) -> None:
    """Bad input 12 and 13."""
    body = b'{"resource_ids": ["' + bottle.encode() + b'"], ' + asked + b"}"
    await assert_refused(rest, await rest.post("/locks", content=body), status)
    assert (await rest.get(f"/resource/{bottle}/check_lock")).json()["is_locked"] is False


@pytest.mark.parametrize(
    ("ids", "status"),
    [
        ([], 422),
        (None, 422),
        ("bottle", 422),
        ([ID.lower()], 422),
        ([[]], 422),
        ([new_ulid() for _ in range(65)], 422),
        (["bottle", ID], 404),
        ([ID], 404),
    ],
    ids=["none", "null", "a text", "no id", "a list", "65", "known and unknown", "unknown"],
)
async def test_what_is_not_there_is_not_locked(rest: httpx.AsyncClient, bottle: str, ids: Any, status: int) -> None:
    """Bad input 6 and 12, I5: what is named beside it stays free."""
    named = [bottle if one == "bottle" else one for one in ids] if isinstance(ids, list) else ids
    await assert_refused(rest, await rest.post("/locks", json={"resource_ids": named}), status)
    assert (await rest.get(f"/resource/{bottle}/check_lock")).json()["is_locked"] is False


@pytest.mark.parametrize("seconds", ["0", "-5", "NaN", "1e9", "inf", "five", ""])
async def test_a_lock_of_a_client_of_madsci_that_cannot_be_is_refused(
    rest: httpx.AsyncClient, bottle: str, seconds: str
) -> None:
    """Bad input 12."""
    path = f"/resource/{bottle}/lock?client_id={ID}&lock_duration={seconds}"
    await assert_refused(rest, await rest.post(path), 422)
    assert (await rest.get(f"/resource/{bottle}/check_lock")).json()["is_locked"] is False


async def test_the_same_thing_named_twice_is_locked_once_and_may_be_released_twice(rest: httpx.AsyncClient) -> None:
    """Bad input 12."""
    bottle = (await rest.post(ADD, json={"resource_name": "B"})).json()["resource_id"]
    lease = (await rest.post("/locks", json={"resource_ids": [bottle, bottle]}, headers=ADA)).json()
    assert (lease["resource_ids"], list(lease["tokens"])) == ([bottle], [bottle])
    for _ in range(2):
        released = await rest.post("/locks/release", json={"lease_id": lease["lease_id"]}, headers=ADA)
        assert (released.status_code, released.json()["resource_ids"]) == (200, [bottle])


async def test_a_lease_of_somebody_else_or_of_other_things_proves_nothing(rest: httpx.AsyncClient) -> None:
    """Bad input 12, I2, I12: whoever knows the id, and whatever else it is good for."""
    bottle, other = [(await rest.post(ADD, json={"resource_name": "B"})).json()["resource_id"] for _ in range(2)]
    lease, unfit = [
        (await rest.post("/locks", json={"resource_ids": [id_]}, headers=ADA)).json()["lease_id"]
        for id_ in (bottle, other)
    ]
    for path in ("/locks/renew", "/locks/release"):
        await assert_refused(rest, await rest.post(path, json={"lease_id": lease}, headers=GRACE), 403)
        await assert_refused(rest, await rest.post(path, json={"lease_id": new_ulid()}, headers=ADA), 410)
    update = {"resource_id": bottle, "resource_name": "stolen"}
    forged = {lease: 403, ID: 410, "x": 422, ",".join([lease] * 65): 422, "*": 422, "'; drop table lease --": 422}
    for told, status in forged.items():
        answer = await rest.post("/resource/update", json=update, headers=GRACE | {"Labstow-Lease": told})
        await assert_refused(rest, answer, status)
    answer = await rest.post("/resource/update", json=update, headers=ADA | {"Labstow-Lease": unfit})
    await assert_refused(rest, answer, 423)
    subset = {"lease_id": lease, "resource_ids": [other]}
    await assert_refused(rest, await rest.post("/locks/release", json=subset, headers=ADA), 410)
    assert (await rest.get(f"/resource/{bottle}")).json()["resource_name"] == "B"


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("await", {"ticket": ID}, 410),
        ("await", {"ticket": "x"}, 422),
        ("await", {}, 422),
        ("cancel", {"ticket": ID}, 404),
        ("renew", {"lease_id": ID, "ttl_s": 0}, 422),
        ("release", {}, 422),
        ("release", {"session": "arm"}, 422),
        ("release", {"session": "arm", "resource_ids": [ID]}, 404),
        ("break", {"resource_id": ID, "reason": "x"}, 404),
        ("break", {"resource_id": ID, "reason": ""}, 422),
        ("break", {"resource_id": ID, "reason": "x" * 10_001}, 422),
    ],
    ids=str,
)
async def test_what_names_no_lock_is_refused(rest: httpx.AsyncClient, path: str, body: Json, status: int) -> None:
    """Bad input 12."""
    await assert_refused(rest, await rest.post(f"/locks/{path}", json=body), status)


@pytest.mark.parametrize(
    "query",
    [
        "?limit=0",
        "?limit=1000000000",
        "?older_than_s=-1",
        "?after=x",
        "?holder=%00",
        "/status",
        "/status?resource_id=x",
        "/usage",
        "/usage?since=yesterday",
        "/usage?since=2026-01-01&resource_id=x",
    ],
)
async def test_a_question_about_locks_that_is_none_is_refused(rest: httpx.AsyncClient, query: str) -> None:
    """Bad input 8."""
    await assert_refused(rest, await rest.get(f"/locks{query}"), 422)
