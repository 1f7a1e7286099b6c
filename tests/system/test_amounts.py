"""Amounts over NATS: what is none is said so at once, and a worker knows the units of its laboratory."""

import time
from collections.abc import Iterator
from decimal import Decimal
from typing import Final

import orjson
import pytest

from labstow.client import AsyncLabstow
from labstow.contracts.quantities import DecreaseQuantity
from labstow.contracts.queries import Get
from labstow.contracts.resource import Add, NewResource
from labstow.contracts.ulids import new_ulid
from tests.conftest import Lab, running_lab
from tests.servers import fresh_nats

pytestmark = pytest.mark.system

WRITING: Final = {"set-quantity": "quantity", "set-capacity": "capacity"}
CHANGING: Final = {"increase-quantity": "amount", "decrease-quantity": "amount", "change-quantity": "by"}
NO_AMOUNTS: Final = [
    '"five"', '""', '"1,5"', '"1 mL"', '"0x1"', '"0.0000000000001"', "1e-13", '"1e26"', '"1e999999"', '"1e-999999"',
    "1e400", "NaN", '"NaN"', '"sNaN"', '"Infinity"', "true", "null", "[]", "{}", "9" * 5000,
]  # fmt: skip
CASES: Final = [
    *[(verb, field, amount) for verb, field in (WRITING | CHANGING).items() for amount in NO_AMOUNTS],
    *[(verb, field, amount) for verb, field in WRITING.items() for amount in ("-1", '"-0.5"')],
    *[(verb, field, amount) for verb, field in CHANGING.items() for amount in ("0", '"0.000"', "-0")],
    *[(verb, "amount", "-1") for verb in ("increase-quantity", "decrease-quantity")],
]


async def test_what_is_no_amount_is_refused_at_once(client: AsyncLabstow) -> None:
    """Bad input 11, I25, I28, I55, I56: by the contract, whatever it would have changed."""
    resource_id = new_ulid()
    for verb, field, amount in CASES:
        body = f'{{"resource_id":"{resource_id}","{field}":{amount}}}'.encode()
        started = time.monotonic()
        reply = await client.bus.ask(f"resource.{verb}", body)
        assert time.monotonic() - started < 1.0, (verb, amount)
        assert (reply.status, reply.code) in ((422, "request.invalid"), (400, "request.not_json")), (verb, amount)
        assert orjson.loads(reply.body)["detail"]


@pytest.mark.parametrize(
    ("verb", "asked", "comes_to"),
    [
        ("increase-quantity", '"amount":"0.1e1"', "3"),
        ("increase-quantity", '"amount":1,"unit":null', "3"),
        ("increase-quantity", '"amount":1000,"unit":"µL"', "3"),
        ("increase-quantity", '"amount":9', "quantity.over_capacity"),
        ("set-quantity", '"quantity":9', "quantity.over_capacity"),
        ("set-capacity", '"capacity":1', "quantity.over_capacity"),
        ("decrease-quantity", '"amount":3', "quantity.insufficient"),
        ("change-quantity", '"by":-3', "quantity.insufficient"),
        ("change-quantity", '"by":1,"unit":"g"', "quantity.unit_mismatch"),
        ("change-quantity", '"by":1,"unit":"ML"', "quantity.unit_mismatch"),
        ("set-quantity", '"quantity":1,"unit":"tip"', "quantity.unit_mismatch"),
        ("set-quantity", '"quantity":"0.000000000001","unit":"nL"', "quantity.invalid"),
        ("change-quantity", '"by":1,"expected_version":7', "version.stale"),
        ("fill", '"amount":1', "request.invalid"),
    ],
)
async def test_an_amount_comes_to_what_it_says(client: AsyncLabstow, verb: str, asked: str, comes_to: str) -> None:
    """Bad input 11: in the unit of a flask with 2 of at most 8 mL, or a refusal with its code."""
    flask = NewResource(name="flask", base_type="continuous_consumable", quantity=2, capacity=8, unit="mL")
    resource_id = (await client.ask(Add(resource=flask))).resource_id

    reply = await client.bus.ask(f"resource.{verb}", f'{{"resource_id":"{resource_id}",{asked}}}'.encode())

    assert comes_to in (reply.code, orjson.loads(reply.body).get("quantity"))
    now = await client.ask(Get(resource_id=resource_id))
    assert now.version == (1 if reply.code else 2)


@pytest.fixture
def by_drops(postgres_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Lab]:
    """A laboratory that counts in drops."""
    monkeypatch.setenv("LABSTOW_UNITS", '{"drop": "0.05 mL"}')
    with fresh_nats() as server, running_lab(server.url, postgres_url) as lab:
        yield lab


async def test_a_worker_knows_the_units_of_its_laboratory(by_drops: Lab) -> None:
    """Seen to fail with a repository that was not given them."""
    await by_drops.ready()
    async with AsyncLabstow(by_drops.nats_url) as client:
        flask = NewResource(name="flask", base_type="consumable", quantity=2, unit="mL")
        resource_id = (await client.ask(Add(resource=flask))).resource_id
        left = await client.ask(DecreaseQuantity(resource_id=resource_id, amount=10, unit="drop"))
    assert left.quantity == Decimal("1.5")
