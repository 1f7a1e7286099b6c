"""How much there is, over REST."""

import pytest

from labstow.contracts.errors import Insufficient, NoCapacity
from tests.gateway.conftest import Connect
from tests.gateway.lab import ID, Json, WrittenLab, thing

BUFFER = thing(base_type="consumable", quantity="400.000000000000", capacity="1000", unit="mL", version=5)


@pytest.mark.parametrize(
    ("method", "path", "verb", "command"),
    [
        ("POST", "quantity?quantity=400", "set-quantity", {"quantity": "400"}),
        ("POST", "quantity?quantity=0.1&unit=L", "set-quantity", {"quantity": "0.1", "unit": "L"}),
        ("POST", "quantity/change_by?amount=-1.5", "change-quantity", {"by": "-1.5"}),
        ("POST", "quantity/increase?amount=50.0", "increase-quantity", {"amount": "50.0"}),
        ("POST", "quantity/increase?amount=-50", "increase-quantity", {"amount": "50"}),
        ("POST", "quantity/decrease?amount=-50", "decrease-quantity", {"amount": "50"}),
        ("POST", "quantity/decrease?amount=1e-05", "decrease-quantity", {"amount": "1e-05"}),
        ("POST", "quantity?quantity=0.30000000000000004", "set-quantity", {"quantity": "0.3"}),
        ("POST", "quantity/increase?amount=66.66666666666666", "increase-quantity", {"amount": "66.666666666667"}),
        ("POST", "quantity/decrease?amount=-0.3333333333333333", "decrease-quantity", {"amount": "0.333333333333"}),
        ("POST", "quantity/change_by?amount=-0.3333333333333333", "change-quantity", {"by": "-0.333333333333"}),
        ("POST", "capacity?capacity=0.1234567890123", "set-capacity", {"capacity": "0.123456789012"}),
        ("POST", "capacity?capacity=900", "set-capacity", {"capacity": "900"}),
        ("DELETE", "capacity", "clear-capacity", {}),
        ("POST", "fill", "fill", {}),
        ("POST", "empty", "empty", {}),
    ],
)
async def test_an_amount_goes_to_the_worker_as_it_was_written_and_a_float_with_the_places_that_are_kept(
    http: Connect, method: str, path: str, verb: str, command: Json
) -> None:
    lab = WrittenLab(**{f"resource_{verb.replace('-', '_')}": lambda _: BUFFER})
    answer = await http(lab).request(method, f"/resource/{ID}/{path}")
    assert lab.asked == [(f"resource.{verb}", {"resource_id": ID, **command})]
    assert (answer.status_code, answer.json()["quantity"], answer.headers["etag"]) == (200, 400.0, '"5"')


@pytest.mark.parametrize(
    "path",
    [
        "quantity",
        "quantity?quantity=",
        "quantity?quantity=five",
        "quantity?quantity=NaN",
        "quantity?quantity=-1",
        "quantity?quantity=1e999999",
        "quantity?quantity=0.12345678901230",
        "quantity?quantity=0.3000000000000000444",
        "quantity/increase?amount=1e-13",
        "quantity?quantity=1&quantity=2",
        "quantity?amount=1",
        "quantity/change_by?amount=0",
        "quantity/change_by",
        "quantity/increase?amount=sNaN",
        "quantity/increase",
        "quantity/decrease?amount=--5",
        "capacity?capacity=Infinity",
    ],
)
async def test_what_is_no_amount_is_422(http: Connect, path: str) -> None:
    """Bad input 3 and 11."""
    verbs = ("set", "change", "increase", "decrease")
    workers = {f"resource_{verb}_quantity": lambda _: BUFFER for verb in verbs}
    client = http(WrittenLab(**workers, resource_set_capacity=lambda _: BUFFER))
    answer = await client.post(f"/resource/{ID}/{path}")
    assert (answer.status_code, answer.json()["code"]) == (422, "request.invalid")


async def test_taking_more_than_there_is_is_409_and_says_what_there_is(http: Connect) -> None:
    lab = WrittenLab(
        resource_decrease_quantity=Insufficient(name="PBS", available="450", asked="1000"),
        resource_fill=NoCapacity(name="PBS"),
    )
    answer = await http(lab).post(f"/resource/{ID}/quantity/decrease?amount=1000")
    assert answer.status_code == 409
    assert "insufficient quantity" in answer.json()["detail"]
    assert (await http(lab).post(f"/resource/{ID}/fill")).status_code == 409


@pytest.mark.parametrize("path", ["quantity?quantity=1", "quantity/increase?amount=1", "capacity?capacity=1", "fill"])
async def test_of_what_is_no_id_there_is_nothing(http: Connect, path: str) -> None:
    answer = await http(lab := WrittenLab()).post(f"/resource/PBS/{path}")
    assert (answer.status_code, lab.asked) == (404, [])
