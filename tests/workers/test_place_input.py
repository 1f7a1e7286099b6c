"""What is malformed or senseless about places and transfers is refused with a sentence, and never an error of ours
(bad input 1 to 6, 13, 16; I55).
"""

import json
from collections.abc import AsyncIterator
from typing import Any, Final

import pytest

from labstow.contracts.errors import Refusal
from labstow.contracts.lab_file import ApplyLab
from labstow.contracts.location import (
    AddLocation,
    Attach,
    GetContents,
    GetLocation,
    InitLocation,
    ListLocations,
    RemoveLocation,
    Represent,
    Unrepresent,
    UpdateLocation,
)
from labstow.contracts.message import Request
from labstow.contracts.pattern import AddFromTemplate, CreateLocationTemplate, CreateRepresentationTemplate
from labstow.contracts.transfer import (
    AbortTransfer,
    BeginTransfer,
    CheckTransfer,
    CompleteTransfer,
    Configure,
    GetTransfer,
    ListTransfers,
    PlanTransfer,
)
from labstow.contracts.ulids import new_ulid
from labstow.workers.kit.intake import parse
from tests.workers.place_desk import Desk, PlaceWorker, place_worker

Json = dict[str, Any]

ID: Final = new_ulid()
LONG: Final = "x" * 256
ERRAND: Final[Json] = {"resource_id": ID, "node": "arm", "target": "nest"}
ARM: Final[Json] = {"node_name": "arm", "action": "transfer"}


def deep(levels: int) -> Any:
    """Lists in lists."""
    return json.loads("[" * levels + "]" * levels)


def titled(value: Any) -> str:
    """Of a case, what is said of it."""
    return value if isinstance(value, str) else ""


def location(**fields: Any) -> Json:
    return {"location": {"name": "new", **fields}}


def taught(value: Any, node: str = "arm") -> Json:
    return {"location": "nest", "node": node, "representation": value}


def skills(**fields: Any) -> Json:
    return {"capabilities": {"transfer_templates": [ARM | fields]}}


NO_NAMES: Final = ("", LONG, "a b", "a/b", "ä", "../x", ".", "%2e", ID, "nest\n", "a\u0000", None, 7, ["nest"], "ｎest")
NO_IDS: Final = ("", ID.lower(), "x" * 10_000, "'; --", 7)
FORGED: Final = ("version", "head", "created_at", "applied", "reservation")
SAID: Final[list[tuple[type[Request[Any]], Any, str]]] = [
    # names and ids
    *((AddLocation, location(name=name), "location.name") for name in NO_NAMES),
    *((AddLocation, location(location_id=key), "location.location_id") for key in NO_IDS),
    (AddLocation, location(resource_id="../../x"), "location.resource_id"),
    (AddLocation, location(representations={"a/b": 1}), "representations"),
    (AddLocation, location(representations={"": 1}), "representations"),
    (AddLocation, location(representations={LONG: 1}), "representations"),
    (AddLocation, location(representations={f"n{n}": 1 for n in range(1_001)}), "representations"),
    (AddLocation, location(managed_by="me"), "managed_by"),
    (AddLocation, location(owner={"a": "x" * 70_000}), "owner"),
    (AddLocation, location(resource_template_overrides=[1]), "resource_template_overrides"),
    (InitLocation, {"location": {}}, "location.name"),
    (GetLocation, {"location": ""}, "location"),
    (GetLocation, {"location": LONG}, "location"),
    (GetLocation, {"location": "nest", "as_of": "yesterday"}, "as_of"),
    (GetLocation, {"location": "nest", "as_of": "2026-01-01T00:00:00"}, "as_of"),
    (GetLocation, {"location": "nest", "by": "colour"}, "by"),
    (GetContents, {"location": "a\u0000"}, "location"),
    (ListLocations, {"limit": 0}, "limit"),
    (ListLocations, {"limit": 10**9}, "limit"),
    (ListLocations, {"after": "\ud800"}, ""),
    # forged, unknown and missing fields
    *((AddLocation, location(**{field: 1}), field) for field in FORGED),
    (RemoveLocation, {"location": "nest", "force": True}, "force"),
    (Attach, {"location": "nest"}, "resource_id"),
    (UpdateLocation, {"location": "nest", "changes": {"resource_id": ID}}, "changes.resource_id"),
    (UpdateLocation, {"location": "nest", "changes": {"name": None}}, "cannot be null"),
    (UpdateLocation, {"location": "nest", "changes": {}, "expected_version": "1"}, "expected_version"),
    # what a node knows
    (Represent, {"location": "nest", "node": "arm"}, "representation"),
    (Represent, taught("x" * 65_537), "more than 65536 bytes"),
    (Represent, taught(["µ" * 40_000]), "more than 65536 bytes"),
    (Represent, taught({str(n): n for n in range(1_001)}), "more than 1000 keys"),
    (Represent, taught({"k" * 257: 1}), "a key has 257 characters"),
    (Represent, taught(deep(17)), "deeper than 16"),
    (Represent, taught(deep(150)), "deeper than 16"),
    (Represent, taught("a\u0000b"), "U+0000"),
    (Represent, taught({"a\u0007": 1}), "U+0007"),
    (Represent, taught(2**64), "64 bits"),
    (Represent, taught([-(2**70)]), "64 bits"),
    (Represent, taught(1, node="a/b"), "node"),
    (Unrepresent, {"location": "nest", "node": ""}, "node"),
    # what robots can do
    (Configure, skills(cost_weight=-1), "cost_weight"),
    (Configure, skills(cost_weight="1e308"), "cost_weight"),
    (Configure, skills(cost_weight="NaN"), "cost_weight"),
    (Configure, skills(cost_weight="1_000"), "cost_weight"),
    (Configure, skills(cost_weight=True), "cost_weight"),
    (Configure, skills(cost_weight="0.0000000000001"), "cost_weight"),
    (Configure, skills(node_name="a/b"), "node_name"),
    (Configure, skills(additional_args={"a": "x" * 70_000}), "additional_args"),
    (Configure, {"capabilities": {"linked": [["a"]]}}, "linked"),
    (Configure, {"capabilities": {"exclusive": [["a"] * 65]}}, "exclusive"),
    (Configure, {"capabilities": {"capacity_cost_config": {"high_capacity_multiplier": 0.5}}}, "multiplier"),
    (Configure, {"capabilities": {"capacity_cost_config": {"full_capacity_threshold": 1.5}}}, "threshold"),
    (Configure, {"capabilities": {"speed": 1}}, "speed"),
    (Configure, {"capabilities": {}, "expected_version": -1}, "expected_version"),
    # errands
    (BeginTransfer, {"errand": ERRAND | {"container_id": ID}}, "either target or container_id"),
    (BeginTransfer, {"errand": {"resource_id": ID, "node": "arm"}}, "either target or container_id"),
    (BeginTransfer, {"errand": ERRAND | {"position": [1, 2, 3, 4]}}, "position"),
    (BeginTransfer, {"errand": ERRAND | {"position": 1.5}}, "position"),
    (BeginTransfer, {"errand": ERRAND, "due_s": 0}, "due_s"),
    (BeginTransfer, {"errand": ERRAND, "due_s": 1e9}, "due_s"),
    (BeginTransfer, {"errand": ERRAND, "holder": "me"}, "holder"),
    (CheckTransfer, {"errand": ERRAND | {"node": LONG}}, "node"),
    (CompleteTransfer, {"transfer_id": "../../x"}, "transfer_id"),
    (AbortTransfer, {"transfer_id": ID, "left": "source", "container_id": ID}, "either left or container_id"),
    (AbortTransfer, {"transfer_id": ID, "left": "home"}, "left"),
    (AbortTransfer, {"transfer_id": ID, "left": "source", "reason": "x" * 10_001}, "reason"),
    (GetTransfer, {"transfer_id": ""}, "transfer_id"),
    (ListTransfers, {"limit": -1}, "limit"),
    (ListTransfers, {"before": "newest"}, "before"),
    (PlanTransfer, {"target": "nest"}, "from where"),
    (PlanTransfer, {"source": "nest", "target": "nest", "free_in_class": "nest"}, "one of target"),
    # patterns and lab files
    (CreateRepresentationTemplate, {"template": {"name": ""}}, "name"),
    (CreateRepresentationTemplate, {"template": {"name": "n", "default_values": deep(2)}}, "default_values"),
    (CreateLocationTemplate, {"template": {"name": "n", "representation_templates": {"": "r"}}}, "representation"),
    (AddFromTemplate, {"name": "n", "template": "t", "representation_overrides": {"arm": {}}}, "no node is bound"),
    (ApplyLab, {"places": {"locations": [{"location_name": "a"}] * 2}}, "more than once"),
    (ApplyLab, {"places": {"locations": [{"location_name": "a", "resource_id": ID}]}}, "resource_id"),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "said", "sentence"), SAID, ids=titled)
def test_what_is_malformed_is_refused_before_anything_else(kind: type[Request[Any]], said: Any, sentence: str) -> None:
    """422, with the place of the mistake; 400 for what is no JSON."""
    with pytest.raises(Refusal) as refused:
        parse(kind, json.dumps(said, ensure_ascii=True).encode())
    assert refused.value.status in (400, 422)
    assert sentence in refused.value.detail
    assert len(refused.value.detail) < 2_000


@pytest.mark.parametrize(
    "text",
    [
        b'{"location": "nest", "node": "arm", "representation": NaN}',
        b'{"location": "nest", "node": "arm", "representation": [Infinity]}',
        b'{"location": "nest", "node": "arm", "representation": -Infinity}',
        b'{"location": "nest", "node": "arm", "representation": 1e400}',
        b'{"location": "nest", "node": "arm", "representation": ' + b"9" * 5_000 + b"}",
        b'{"location": "nest", "node": "arm", "representation": "\\ud800"}',
        b'{"location": "nest", "node": "arm", "representation": "\xff"}',
        b'{"location": "nest", "node": "arm", "representation": ' + b"[" * 100_000,
        b'{"location": "nest", "node": "arm", "representation": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        b'{"location": "nest", "node": "arm", "representation": 1} 2',
        b"\xef\xbb\xbf{}",
        b"null",
        b"[]",
        b"",
    ],
    ids=range(14),
)
def test_what_is_no_json_that_can_be_kept_is_refused(text: bytes) -> None:
    """Bad input 2 to 5."""
    with pytest.raises(Refusal) as refused:
        parse(Represent, text)
    assert refused.value.status in (400, 422)


@pytest.fixture(scope="module")
async def nest(servers: Any, migrated: str) -> AsyncIterator[tuple[Desk, PlaceWorker]]:
    """A plate that is attached to the nest."""
    with servers.database(template=migrated) as url:
        desk = Desk(url)
        await desk.place("nest", await desk.add("grid", resource_id=ID))
        async with place_worker(url) as worker:
            yield desk, worker
        await desk.close()


SENSELESS: Final[list[tuple[type[Request[Any]], Json, str]]] = [
    (AddLocation, {"location": {"name": "nest"}}, "Location with name 'nest' already exists"),
    (Attach, {"location": "nest", "resource_id": new_ulid()}, "there is no resource"),
    (Attach, {"location": "moon", "resource_id": ID}, "Location with name 'moon' not found"),
    (Unrepresent, {"location": "nest", "node": "rail"}, "Representation for node 'rail' not found in location nest"),
    (RemoveLocation, {"location": "nest"}, "attached: detach it first"),
    (BeginTransfer, {"errand": ERRAND}, "is there already"),
    (BeginTransfer, {"errand": {"resource_id": ID, "container_id": ID, "node": "arm"}}, "cannot be put into it"),
    (BeginTransfer, {"errand": {"resource_id": ID, "target": "moon", "node": "arm"}}, "not found"),
    (CompleteTransfer, {"transfer_id": ID}, "there is no transfer"),
    (AbortTransfer, {"transfer_id": ID, "left": "nowhere"}, "there is no transfer"),
    (AddFromTemplate, {"name": "n", "template": "moon"}, "Location template 'moon' not found"),
]


@pytest.mark.parametrize(
    ("kind", "said", "sentence"), SENSELESS, ids=lambda value: value if isinstance(value, str) else ""
)
async def test_what_cannot_be_done_is_refused_with_a_sentence(
    nest: tuple[Desk, PlaceWorker], kind: type[Request[Any]], said: Json, sentence: str
) -> None:
    """4xx; the next request is answered as if nothing had been."""
    worker = nest[1]
    with pytest.raises(Refusal) as refused:
        await worker.ask(parse(kind, json.dumps(said).encode()))
    assert 400 <= refused.value.status < 500
    assert sentence in refused.value.detail
    assert (await worker.ask(GetLocation(location="nest")))["resource_id"] == ID


@pytest.mark.parametrize(
    "value",
    [
        None,
        0,
        -0.0,
        1e308,
        5e-324,
        2**64 - 1,
        -(2**63),
        1e22,
        "",
        "x" * 65_000,
        [[]] * 1_000,
        {"": {"__proto__": 1}},
        "\u202e\u0301",
    ],
    ids=str,
)
async def test_whatever_can_be_kept_is_read_back_as_it_was(nest: tuple[Desk, PlaceWorker], value: Any) -> None:
    """I22: as large and odd as it may be."""
    worker = nest[1]
    told = await worker.ask(parse(Represent, json.dumps(taught(value)).encode()))
    found = await worker.ask(GetLocation(location="nest"))
    assert found["representations"]["arm"] == told["representations"]["arm"] == value
