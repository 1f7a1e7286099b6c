"""Whatever comes in gets an answer at once, and every no is a problem with a sentence."""

from collections.abc import AsyncIterator

import pytest

from labstow.contracts import headers
from labstow.contracts.errors import Busy, DeadlinePassed, Occupied, Refusal, StaleVersion
from labstow.contracts.ulids import is_ulid, new_ulid
from labstow.gateway import answers
from tests.gateway.conftest import Connect
from tests.gateway.lab import ID, Json, WrittenLab, thing

BODY = {"resource_name": "S1", "base_type": "asset"}


async def test_no_worker_is_503_with_the_advice_to_try_again(http: Connect) -> None:
    answer = await http(WrittenLab()).post("/resource/add", json=BODY)
    assert (answer.status_code, answer.json()["code"]) == (503, "worker.none")
    assert answer.headers["retry-after"] == "1"


@pytest.mark.parametrize(
    "refusal", [Occupied(name="P1", position="A1", occupant_id=ID), Busy(retry_after_s=1), DeadlinePassed(late_s=3)]
)
async def test_a_refusal_passes_as_it_is(http: Connect, refusal: Refusal) -> None:
    answer = await http(WrittenLab(resource_add=refusal)).post("/resource/add", json=BODY)
    assert answer.status_code == refusal.status
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json() == refusal.problem()
    assert ("retry-after" in answer.headers) is (refusal.status == 503)


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"", 400, "request.not_json"),
        (b"{", 400, "request.not_json"),
        (b'{"a": NaN}', 400, "request.not_json"),
        (b'"\xff"', 400, "request.not_json"),
        (b"[" * 900 + b"]" * 900, 422, "request.invalid"),
        (b"[]", 422, "request.invalid"),
        (b"null", 422, "request.invalid"),
        (b"{}", 422, "request.invalid"),
        (b'{"resource_name": "x", "attributes": {"a": ' + b"[" * 400 + b"]" * 400 + b"}}", 422, "request.invalid"),
        (b'{"resource_name": "' + b"x" * 1000 + b'"}', 413, "request.too_large"),
    ],
)
@pytest.mark.parametrize("in_pieces", [False, True])
async def test_a_body_that_is_no_request_is_refused_before_a_worker_sees_it(
    http: Connect, body: bytes, status: int, code: str, in_pieces: bool
) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for start in range(0, len(body), 100):
            yield body[start : start + 100]

    lab = WrittenLab()
    answer = await http(lab).post("/resource/add", content=pieces() if in_pieces else body)
    if status == 422 and len(body) > 1000:
        status, code = 413, "request.too_large"
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert isinstance(answer.json()["detail"], str)
    assert lab.asked == []


async def test_a_repeated_idempotency_key_is_the_same_operation(http: Connect) -> None:
    lab = WrittenLab(resource_add=lambda _: thing())
    client, own = http(lab), new_ulid()
    for key in (own, own, "sheet 7", "sheet 7", "sheet 8", None, None):
        await client.post("/resource/add", json=BODY, headers={"Idempotency-Key": key} if key else None)
    op_ids = [heads[headers.OP_ID] for heads in lab.heads]
    assert all(map(is_ulid, op_ids))
    assert op_ids[:2] == [own, own]
    assert op_ids[2] == op_ids[3]
    assert len(set(op_ids)) == 5


async def test_one_request_is_one_operation_however_much_is_asked_for_it(http: Connect) -> None:
    held = {"base_type": "stack", "quantity": "1"}
    lab = WrittenLab(resource_add=lambda _: thing(**held), resource_get=lambda _: thing(**held))
    await http(lab).post("/resource/add", json=BODY)
    assert len(lab.heads) == 2
    assert len({heads[headers.OP_ID] for heads in lab.heads}) == 1


async def test_who_asks_and_how_goes_with_the_request(http: Connect) -> None:
    lab = WrittenLab(resource_add=lambda _: thing())
    client, trace = http(lab), "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    await client.post("/resource/add", json=BODY, headers={"X-Owner": "ada", "traceparent": trace})
    await client.post("/resource/add", json=BODY)
    asked, unnamed = lab.heads
    assert (asked[headers.ACTOR], asked[headers.VIA], asked[headers.TRACE]) == ("ada", "rest", trace)
    assert (unnamed[headers.ACTOR], unnamed.get(headers.TRACE)) == ("anonymous", None)


async def test_a_change_can_be_bound_to_the_version_that_was_read(http: Connect) -> None:
    """I31."""
    verbs = ("replace", "remove", "place", "fill", "get")
    placed = {"resource": thing(), "container": thing(), "source": None, "evicted": None}
    told = {f"resource_{verb}": lambda _, verb=verb: placed if verb == "place" else thing() for verb in verbs}
    client, match = http(lab := WrittenLab(**told)), {"If-Match": '"7"'}
    requests = [("POST", "/resource/update"), ("DELETE", f"/resource/{ID}"), ("POST", f"/resource/{ID}/child/set")]
    for method, path in (*requests, ("POST", f"/resource/{ID}/fill"), ("GET", f"/resource/{ID}")):
        body = {"key": "A1", "child": BODY} if "child" in path else BODY
        assert (await client.request(method, path, json=body, headers=match)).status_code == 200
    assert [command.get("expected_version") for _, command in lab.asked] == [7, 7, 7, 7, None]


async def test_a_version_that_was_overtaken_is_412(http: Connect) -> None:
    """I31."""
    lab = WrittenLab(resource_replace=StaleVersion(name="S1", version=8, expected=7))
    answer = await http(lab).post("/resource/update", json=BODY, headers={"If-Match": '"7"'})
    assert (answer.status_code, answer.json()["version"]) == (412, 8)


@pytest.mark.parametrize("match", ["7", "*", 'W/"7"', '"7", "8"', '"seven"', '""', '"0"', '"9999999999"'])
async def test_an_if_match_that_names_no_version_is_refused(http: Connect, match: str) -> None:
    lab = WrittenLab(resource_replace=lambda _: thing())
    answer = await http(lab).post("/resource/update", json=BODY, headers={"If-Match": match})
    assert answer.status_code == 422


async def test_an_if_match_where_it_would_mean_nothing_is_refused(http: Connect) -> None:
    answer = await http(lab := WrittenLab()).post("/resource/add", json=BODY, headers={"If-Match": '"7"'})
    assert (answer.status_code, lab.asked) == (422, [])
    assert "If-Match" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("method", "path", "status"), [("GET", "/resources/of/nobody", 404), ("PATCH", "/resource/add", 405)]
)
async def test_a_path_that_is_not_served_is_refused_like_everything_else(
    http: Connect, method: str, path: str, status: int
) -> None:
    answer = await http(WrittenLab()).request(method, path)
    assert answer.status_code == answer.json()["status"] == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert isinstance(answer.json()["detail"], str)


async def test_a_mistake_of_ours_is_500_and_tells_nothing_but_where_it_is_logged(
    http: Connect, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(thing: Json) -> Json:
        raise KeyError("secret")

    monkeypatch.setattr(answers, "shown", broken)
    answer = await http(WrittenLab(resource_get=lambda _: thing())).get(f"/resource/{ID}")
    assert answer.status_code == 500
    assert "secret" not in answer.text
    assert answer.json()["op_id"] in caplog.text


async def test_every_route_is_documented_with_its_path_and_body(http: Connect) -> None:
    client = http(WrittenLab())
    paths = (await client.get("/openapi.json")).json()["paths"]
    assert "requestBody" in paths["/resource/add"]["post"]
    assert paths["/resource/{resource_id}"]["get"]["parameters"][0]["name"] == "resource_id"
    assert all(operation["description"] for path in paths.values() for operation in path.values())


async def test_the_documentation_needs_no_other_server(http: Connect) -> None:
    page = await http(WrittenLab()).get("/docs")
    assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert "POST /resource/{resource_id}/child/set" in page.text
    assert "created_after" in page.text
    assert "http:" not in page.text
    assert "https:" not in page.text
    assert "<script" not in page.text
