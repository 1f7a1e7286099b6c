"""What is too much in a body, or too large a number, is refused before anybody reads it, with its place."""

import pytest

from labstow.contracts.errors import BadRequest, Invalid
from labstow.contracts.resource import MAX_NODES
from labstow.gateway.edge import parsed
from labstow.gateway.madsci.given import given
from tests.gateway.lab import ID, Json


@pytest.mark.parametrize("kind", ["queue", "collection"])
def test_as_many_resources_are_taken_as_a_worker_takes_and_no_more(kind: str) -> None:
    """Bad input 1: a body of 8 MiB has room for millions of empty ones."""
    inside = {str(number): {"resource_name": "x"} for number in range(MAX_NODES)}

    def body() -> Json:
        children = inside if kind == "collection" else [*inside.values()]
        return {"resource_name": "x", "base_type": kind, "children": children}

    with pytest.raises(Invalid, match=f"more than {MAX_NODES} resources"):
        given(body(), ID)
    inside.popitem()
    assert len(given(body(), ID)["children"]) == MAX_NODES - 1


def test_a_list_is_no_longer_than_a_container_can_be() -> None:
    """Bad input 10."""
    kinds: list[tuple[str, object]] = [("row", None), ("grid", {}), ("stack", None)]
    for kind, item in kinds:
        body: Json = {"resource_name": "x", "base_type": kind, "children": [item] * 10_001}
        with pytest.raises(Invalid, match="at most"):
            given(body, ID)


@pytest.mark.parametrize(
    ("read", "places"),
    [
        (b'{"a": {"b": [1, 18446744073709551616]}, "c": -9223372036854775809}', ["a.b.1", "c"]),
        (b"[[99999999999999999999]]", ["0.0"]),
        (b"1" + b"0" * 300, ["body"]),
        (b"[" + b"0," * 200_000 + b"18446744073709551616]", ["byte 400001"]),
        (b'{"a\\"": "1844674407370955161600", "b": [1.1234567890123456789, 18446744073709551616]}', ["b.1"]),
    ],
    ids=["two", "in lists", "alone", "far behind", "behind texts and floats"],
)
def test_an_integer_that_would_be_rounded_is_refused_with_its_place(read: bytes, places: list[str]) -> None:
    """Bad input 3: seen to come in as a float without `refuse_rounded`."""
    with pytest.raises(Invalid) as refused:
        parsed(read)
    assert [error["at"] for error in refused.value.facts["errors"]] == places


@pytest.mark.parametrize(
    ("read", "value"),
    [
        (b"18446744073709551615", 2**64 - 1),
        (b"-9223372036854775808", -(2**63)),
        (b'["18446744073709551616"]', ["18446744073709551616"]),
        (b'{"\\"18446744073709551616": "\\\\"}', {'"18446744073709551616': "\\"}),
        (b"18446744073709551616.5", 18446744073709551616.5),
        (b"1e30", 1e30),
    ],
)
def test_what_is_not_rounded_is_taken(read: bytes, value: object) -> None:
    assert parsed(read) == value


def test_what_cannot_be_looked_through_is_refused() -> None:
    """Bad input 2."""
    with pytest.raises(BadRequest, match="deep"):
        parsed(b"[" * 1_000 + b"18446744073709551616" + b"]" * 1_000)
