"""Ids: valid, in the order of time, and never the same one twice."""

import time

from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from labstow.contracts.message import ULID_LENGTH, Ulid
from labstow.contracts.ulids import derived_ulid, new_ulid

ULID: TypeAdapter[str] = TypeAdapter(Ulid)


def test_ids_are_ulids_and_differ() -> None:
    ids = [new_ulid() for _ in range(10_000)]

    assert len(set(ids)) == len(ids)
    assert all(ULID.validate_python(each) == each for each in ids[:100])
    assert {len(each) for each in ids} == {ULID_LENGTH}


def test_ids_made_later_sort_later() -> None:
    ids = []
    for _ in range(5):
        ids.append(new_ulid())
        made = time.time_ns() // 1_000_000
        while time.time_ns() // 1_000_000 == made:  # until the clock has moved on by the millisecond that ids know
            pass

    assert ids == sorted(ids)


def test_an_id_begins_with_its_time() -> None:
    alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
    milliseconds = 0
    for letter in new_ulid()[:10]:
        milliseconds = milliseconds * 32 + alphabet.index(letter)

    assert abs(milliseconds / 1000 - time.time()) < 5


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")), max_size=4))
def test_the_same_parts_make_the_same_id(parts: list[str]) -> None:
    made = derived_ulid(*parts)

    assert ULID.validate_python(made) == made
    assert derived_ulid(*parts) == made
    assert derived_ulid(*parts, "more") != made


def test_it_matters_where_one_part_ends() -> None:
    assert derived_ulid("ab", "c") != derived_ulid("a", "bc")
