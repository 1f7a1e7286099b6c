"""Whatever comes in is answered with a sentence, never with 5xx, and harms nobody."""

from typing import Any

import httpx
import pytest

from labstow.contracts.ulids import new_ulid
from tests.copies import alike
from tests.gateway.lab import ID, Json
from tests.gateway.refused import ADD, assert_refused

pytestmark = pytest.mark.system

NOT_IDS = (
    "x" * 10_000,
    ID.lower(),
    ID[:-1],
    f"{ID}0",
    "8" + ID[1:],
    "I" * 26,
    "..%2f..%2fx",
    "%2e%2e",
    "' or 1=1 --",
    "%00",
)


@pytest.fixture(scope="module")
async def plate(rest: httpx.AsyncClient) -> str:
    """A plate of 2 x 3 with something in A1."""
    row = {"resource_name": "row", "base_type": "row", "columns": 3, "children": [{"resource_name": "in A1"}]}
    body = {"resource_name": "P", "base_type": "grid", "rows": 2, "columns": 3, "children": [row]}
    return str((await rest.post(ADD, json=body)).json()["resource_id"])


@pytest.fixture(scope="module")
async def bottle(rest: httpx.AsyncClient) -> str:
    """Half a litre."""
    body = {"resource_name": "B", "base_type": "consumable", "quantity": 500, "capacity": 1000, "unit": "mL"}
    return str((await rest.post(ADD, json=body)).json()["resource_id"])


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b'{"resource_name": "' + b"x" * (8 << 20) + b'"}', 413),
        (b'{"resource_name": "' + b"x" * (1 << 20) + b'"}', 422),
        (b'{"resource_name": "x", "attributes": {"a": 18446744073709551616}}', 422),
        (b'{"resource_name": "x", "attributes": {"a": -9223372036854775809}}', 422),
        (b"[" * 100_000 + b"]" * 100_000, 400),
        (b'{"resource_name": "x", "attributes": {"a": ' + b"[" * 200 + b"]" * 200 + b"}}", 400),
        (b'{"resource_name": "x", "attributes": {"a": ' + b"[" * 17 + b"]" * 17 + b"}}", 422),
        (b'{"resource_name": "x", "attributes": {"a": NaN}}', 400),
        (b'{"resource_name": "x", "attributes": {"a": -Infinity}}', 400),
        (b'{"resource_name": "x", "attributes": {"a": 1e400}}', 400),
        (b'{"resource_name": "x", "attributes": {"a": ' + b"9" * 5000 + b"}}", 400),
        (b'{"resource_name": "x"} trailing', 400),
        (b'\xef\xbb\xbf{"resource_name": "x"}', 400),
        ('{"resource_name": "x"}'.encode("utf-16"), 400),
        (b'{"resource_name": "\xff"}', 400),
        (b'{"resource_name": "\\ud800"}', 400),
        (b'{"resource_name": "a\\u0000b"}', 422),
        (b'{"resource_name": "' + b"x" * 256 + b'"}', 422),
        (b"", 400),
        (b"null", 422),
        (b"[]", 422),
    ],
    ids=lambda value: None if isinstance(value, int) else value[:30].decode("ascii", "replace"),
)
async def test_a_body_that_no_client_would_send_is_refused(rest: httpx.AsyncClient, body: bytes, status: int) -> None:
    """Bad input 1 to 5."""
    await assert_refused(rest, await rest.post(ADD, content=body), status)


async def test_what_only_looks_bad_is_kept_as_it_is(rest: httpx.AsyncClient) -> None:
    """Bad input 4, 5, 7 and 13: names of all scripts, names of attributes, and what a body cannot decide."""
    for name in ("\u202eevil", "e\u0301", "\u00e9", "'; drop table resource --", "🧪"):
        attributes = {"__proto__": 1, "constructor": {"$where": "1"}, "__class__": None, "a.b": "'"}
        forged = {"locked_by": ID, "locked_until": "2030-01-01", "version": 99, "removed": True, "actor": "root"}
        body = {"resource_name": name, "attributes": attributes, "created_at": "1970-01-01T00:00:00Z"}
        added = (await rest.post(ADD, json=body | forged)).json()
        assert (added["resource_name"], added["attributes"]) == (name, attributes)
        assert (added["locked_by"], added["version"], added["removed"]) == (None, 1, False)
        assert added["created_at"] > "2001"
        found = (await rest.post("/resource/query", json={"resource_name": name, "attributes": {"a.b": "'"}})).json()
        assert added["resource_id"] in [one["resource_id"] for one in found]


@pytest.mark.parametrize("id_", NOT_IDS, ids=lambda value: value[:12])
@pytest.mark.parametrize("method", ["GET", "DELETE"])
async def test_what_is_no_id_is_not_found(rest: httpx.AsyncClient, method: str, id_: str) -> None:
    """Bad input 1 and 6."""
    await assert_refused(rest, await rest.request(method, f"/resource/{id_}"), 404, 405)


async def test_a_url_without_end_is_not_found(rest: httpx.AsyncClient) -> None:
    """Bad input 1."""
    await assert_refused(rest, await rest.get("/" + "x" * 60_000), 404)


@pytest.mark.parametrize(
    "attributes",
    [
        {"a": "x" * 65_536},
        {str(number): number for number in range(1_001)},
        {"k" * 257: 1},
        {"a\x00": 1},
    ],
    ids=["too long", "too many keys", "a long key", "NUL"],
)
async def test_attributes_without_end_are_refused(rest: httpx.AsyncClient, attributes: Json) -> None:
    """Bad input 7."""
    await assert_refused(rest, await rest.post(ADD, json={"resource_name": "x", "attributes": attributes}), 400, 422)


@pytest.mark.parametrize(
    "query",
    [
        {"limit": 0},
        {"limit": -1},
        {"offset": -1},
        {"offset": 10**9},
        {"offset": 10**30},
        {"base_type": "plate"},
        {"sort": "attributes->>'a'"},
        {"attributes": ["a"]},
        {"attributes": "$.a"},
        {"owner": {"a": {"b": "\x00"}}},
        {"text": "x" * 256},
        {"resource_id": "x"},
        {"created_after": "yesterday"},
        {"created_after": 10**30},
        {"is_empty": "perhaps"},
        {"as_of": "9999-12-31T23:59:59-23:59"},
        {"resource_name": ["a"] * 1_000},
    ],
    ids=str,
)
async def test_a_filter_that_is_none_is_refused(rest: httpx.AsyncClient, query: Json) -> None:
    """Bad input 8."""
    for asked in (query, query | {"multiple": False}):
        await assert_refused(rest, await rest.post("/resource/query", json=asked), 400, 422)


@pytest.mark.parametrize("after", ["x", ID, "' or 1=1", "eyJhIjogMX0=", "\x00", "x" * 3_000])
async def test_a_forged_cursor_finds_nothing_that_was_not_asked_for(rest: httpx.AsyncClient, after: str) -> None:
    """Bad input 8."""
    answer = await rest.get("/resources", params={"resource_class": new_ulid(), "after": after})
    if answer.status_code == 200:
        assert answer.json()["resources"] == []
    else:
        await assert_refused(rest, answer, 422)


@pytest.mark.parametrize(
    "key",
    [-1, "A0", "A4", "C1", "AA1", "a1 ", "1A", 2**31, [0], [0, 0, 0], [0, 1.0], True, None, "①", "", {}, "x" * 999],
)
async def test_what_is_no_position_is_refused(rest: httpx.AsyncClient, plate: str, key: Any) -> None:
    """Bad input 9."""
    body = {"key": key, "child": {"resource_name": "x"}}
    await assert_refused(rest, await rest.post(f"/resource/{plate}/child/set", json=body), 422)


@pytest.mark.parametrize(
    "size",
    [
        {"base_type": "grid", "rows": 10**6, "columns": 10**6},
        {"base_type": "grid", "rows": 0, "columns": 1},
        {"base_type": "grid", "rows": -1, "columns": 1},
        {"base_type": "grid", "rows": 1.5, "columns": 1},
        {"base_type": "grid", "rows": 1},
        {"base_type": "stack", "capacity": -1},
        {"base_type": "stack", "capacity": 1e30},
        {"base_type": "asset", "children": {"a": {"resource_name": "b"}}},
        {"base_type": {"a": 1}},
    ],
    ids=str,
)
async def test_a_container_that_cannot_be_is_refused(rest: httpx.AsyncClient, size: Json) -> None:
    """Bad input 10."""
    await assert_refused(rest, await rest.post(ADD, json={"resource_name": "x"} | size), 422)


async def test_nothing_goes_too_deep_or_into_itself_or_into_what_is_gone(rest: httpx.AsyncClient) -> None:
    """Bad input 10."""
    body: Json = {"resource_name": "innermost"}
    for _ in range(33):
        body = {"resource_name": "around", "base_type": "stack", "children": [body]}
    await assert_refused(rest, await rest.post(ADD, json=body), 409, 422)
    inner = {"resource_id": new_ulid(), "resource_name": "inner", "base_type": "stack"}
    outer = {"resource_id": new_ulid(), "resource_name": "outer", "base_type": "stack", "children": [inner]}
    assert (await rest.post(ADD, json=outer)).status_code == 200
    into_itself = {"child_id": outer["resource_id"]}
    for container in (inner, outer):
        answer = await rest.post(f"/resource/{container['resource_id']}/push", json=into_itself)
        await assert_refused(rest, answer, 409)
    assert (await rest.delete(f"/resource/{outer['resource_id']}")).status_code == 200
    into_what_is_gone = await rest.post(
        f"/resource/{inner['resource_id']}/push", json={"child": {"resource_name": "x"}}
    )
    await assert_refused(rest, into_what_is_gone, 404)


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("quantity?quantity=-1", 422),
        ("quantity?quantity=five", 422),
        ("quantity?quantity=true", 422),
        ("quantity?quantity=sNaN", 422),
        ("quantity?quantity=1e999999", 422),
        ("quantity?quantity=0.0000000000001", 422),
        ("quantity?quantity=" + "9" * 5000, 422),
        ("quantity?quantity=1001", 409),
        ("quantity?quantity=1&unit=g", 409),
        ("quantity/decrease?amount=501", 409),
        ("quantity/decrease?amount=0", 422),
        ("quantity/change_by?amount=-501", 409),
        ("capacity?capacity=1", 409),
        ("capacity?capacity=NaN", 422),
    ],
)
async def test_an_amount_that_cannot_be_is_refused(
    rest: httpx.AsyncClient, bottle: str, path: str, status: int
) -> None:
    """Bad input 3 and 11."""
    await assert_refused(rest, await rest.post(f"/resource/{bottle}/{path}"), status)
    assert (await rest.get(f"/resource/{bottle}")).json()["quantity"] == 500


@pytest.mark.parametrize("quantity", [-1, "five", True, "0.1234567890123", 1001, [], "1e400"])
async def test_a_quantity_that_cannot_be_is_refused(rest: httpx.AsyncClient, quantity: Any) -> None:
    """Bad input 11."""
    body = {"resource_name": "x", "base_type": "consumable", "quantity": quantity, "capacity": 1000}
    await assert_refused(rest, await rest.post(ADD, json=body), 409, 422)


async def test_only_what_was_removed_comes_back_and_once(rest: httpx.AsyncClient) -> None:
    """Bad input 14."""
    body = {"resource_id": new_ulid(), "resource_name": "x"}
    path = f"/history/{body['resource_id']}/restore"
    await assert_refused(rest, await rest.post(path), 404)
    await rest.post(ADD, json=body)
    await assert_refused(rest, await rest.post(path), 404)
    await rest.delete(f"/resource/{body['resource_id']}")
    assert (await rest.post(path)).status_code == 200
    await assert_refused(rest, await rest.post(path), 404)


async def test_what_was_removed_comes_back_to_nowhere_when_its_place_is_taken(
    rest: httpx.AsyncClient, plate: str
) -> None:
    """Bad input 14, I42."""
    child, put = {"resource_id": new_ulid(), "resource_name": "x"}, f"/resource/{plate}/child/set"
    assert (await rest.post(put, json={"key": "B1", "child": child})).status_code == 200
    assert (await rest.delete(f"/resource/{child['resource_id']}")).status_code == 200
    assert (await rest.post(put, json={"key": "B1", "child": {"resource_name": "other"}})).status_code == 200
    restored = (await rest.post(f"/history/{child['resource_id']}/restore")).json()
    assert (restored["parent_id"], restored["refused"]["code"]) == (None, "position.occupied")


@pytest.mark.parametrize(
    ("name", "overrides", "status"),
    [
        ("bad", {}, 422),
        ("bad", {"attributes": {"lot": None}}, 422),
        ("bad", {"attributes": {"lot": 1}, "multiple": True}, 422),
        ("bad", {"attributes": {"lot": 1}, "unique": True}, 422),
        ("bad", {"attributes": {"lot": 1}, "base_type": "grid"}, 422),
        ("bad", {"attributes": {"lot": 1}, "resource_id": "x"}, 422),
        ("bad", {"attributes": {"lot": 1}, "quantity": 1}, 422),
        ("bad", {"attributes": {"lot": 1}, "parent_id": ID}, 404),
        ("x" * 10_000, {}, 422),
        ("no such template", {}, 404),
        ("a%2Fb", {}, 404),
    ],
)
async def test_what_a_template_does_not_leave_to_its_user_is_refused(
    rest: httpx.AsyncClient, name: str, overrides: Json, status: int
) -> None:
    """Bad input 15."""
    template = {"template_name": "bad", "resource": {"resource_name": "x"}, "required_overrides": ["attributes.lot"]}
    assert (await rest.post("/template/create", json=template)).status_code == 200
    body = {"resource_name": new_ulid(), "overrides": overrides}
    await assert_refused(rest, await rest.post(f"/template/{name}/create_resource", json=body), status)


@pytest.mark.parametrize(
    "updates", [{"resource_id": ID}, {"owner": 7}, {"attributes": []}, {"rows": 8}, {"colour": "red"}]
)
async def test_what_an_update_of_a_template_cannot_change_is_refused_or_stays(
    rest: httpx.AsyncClient, updates: Json
) -> None:
    """Bad input 15."""
    created = await rest.post("/template/create", json={"template_name": "fixed", "resource": {"resource_name": "x"}})
    answer = await rest.put("/template/fixed", json={"updates": updates})
    if answer.status_code == 200:
        assert answer.json()["resource_id"] == created.json()["resource_id"]
    else:
        await assert_refused(rest, answer, 422)


@pytest.mark.parametrize("key", ["", "x" * 10_000, "\u00e9", "a\tb", ID])
async def test_any_idempotency_key_is_one_operation_of_one_caller(rest: httpx.AsyncClient, key: str) -> None:
    """Bad input 17, I32."""
    body, own = {"resource_name": new_ulid()}, new_ulid() if key == ID else key + new_ulid()
    heads = {b"Idempotency-Key": own.encode("latin-1")}
    first, again = [await rest.post(ADD, json=body, headers=heads) for _ in range(2)]
    assert first.status_code == again.status_code == 200
    assert alike(first.json()) == alike(again.json())
    await assert_refused(rest, await rest.post(ADD, json={"resource_name": "other"}, headers=heads), 422)
    other = await rest.post(ADD, json={"resource_name": "other"}, headers=heads | {b"X-Owner": b"grace"})
    assert other.status_code == 200


@pytest.mark.parametrize("owner", ["x" * 300, "a\tb", "\u00e9", "*", "labstow.>"])
async def test_whoever_asks_may_have_any_name_or_is_refused(rest: httpx.AsyncClient, owner: str) -> None:
    """Bad input 1: what a header says ends up in other headers."""
    answer = await rest.post(ADD, json={"resource_name": "x"}, headers={b"X-Owner": owner.encode("latin-1")})
    if answer.status_code != 200:
        await assert_refused(rest, answer, 400, 422)
