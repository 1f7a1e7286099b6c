"""What can be asked about resources, and what of it is refused before anybody looks for them."""

import json
from typing import Any, Final

import pytest
from pydantic import ValidationError

from labstow.contracts import history, queries
from labstow.contracts.history import At, Diff
from labstow.contracts.message import Message, Query
from labstow.contracts.queries import MAX_OFFSET, MAX_PAGE, Find, FindFree, Sort
from labstow.contracts.template import ListTemplates
from tests.contracts.examples import EXAMPLES, PLATE_ID

BAD_MOMENTS: Final = ["2026-01-01T00:00:00", "yesterday", "", "9999-12-31T23:59:59-10:00", {}, "1e18"]
QUERIES: Final = (*queries.QUERIES, *history.QUERIES)
MOMENTS: Final = {
    (query, field)
    for query in QUERIES
    for field in query.model_fields
    if field in ("as_of", "at", "since", "until") or field.endswith(("_after", "_before"))
}


def said(message: type[Message], **fields: object) -> Message:
    """The example of a message with other fields, as it comes over the wire."""
    return message.model_validate_json(json.dumps(EXAMPLES[message] | fields))


def test_whatever_is_read_of_a_thing_can_be_read_as_it_was_at_a_moment() -> None:
    now_only = {query.subject for query in queries.QUERIES if "as_of" not in query.model_fields}

    assert now_only == {"resource.find-free"}


@pytest.mark.parametrize(("query", "field"), sorted(MOMENTS, key=str))
@pytest.mark.parametrize("moment", BAD_MOMENTS, ids=str)
def test_a_moment_has_a_zone_and_lies_in_the_calendar(query: type[Query[Any]], field: str, moment: object) -> None:
    with pytest.raises(ValidationError, match=rf"\n{field}\n"):
        said(query, **{field: moment})


def test_two_moments_are_compared_or_one_and_now() -> None:
    assert Diff.model_validate({"resource_id": PLATE_ID, "since": "2026-01-01T00:00:00Z"}).until is None
    for query in (Diff, At):
        with pytest.raises(ValidationError):
            query.model_validate({"resource_id": PLATE_ID, "entity_id": PLATE_ID})


@pytest.mark.parametrize("field", ["owner", "attributes"])
@pytest.mark.parametrize(
    "contained", [{"a": "x" * 70_000}, {str(key): key for key in range(1001)}, {"\x00": 1}, "a = 1", ["a"], 7],
    ids=lambda value: str(value)[:20],
)  # fmt: skip
def test_only_a_bounded_object_is_looked_for(field: str, contained: object) -> None:
    """Bad input 7 and 8."""
    with pytest.raises(ValidationError, match=rf"\n{field}\n"):
        said(Find, **{field: contained})


@pytest.mark.parametrize("text", ["' or 1=1 --", "(a+)+$", "$.** ? (@ > 1)", "%_%", "a:* | b", "\\", "🧪", "ß"])
@pytest.mark.parametrize("field", ["name", "resource_class", "description", "template_name", "text"])
def test_a_text_that_is_looked_for_is_only_a_text(field: str, text: str) -> None:
    """Bad input 8: what it would mean elsewhere, it does not mean here."""
    assert getattr(said(Find, **{field: text}), field) == text


@pytest.mark.parametrize("field", ["name", "resource_class", "description", "template_name", "text", "after"])
def test_a_text_that_nothing_can_hold_is_not_looked_for(field: str) -> None:
    """Bad input 5 and 8."""
    for text in ("\x00", "x" * 10_001, 7, ["x"]):
        with pytest.raises(ValidationError, match=rf"\n{field}\n"):
            said(Find, **{field: text})


@pytest.mark.parametrize(
    ("field", "most", "query"),
    [("limit", MAX_PAGE, Find), ("limit", 1000, ListTemplates), ("count", MAX_PAGE, FindFree)],
)
@pytest.mark.parametrize("bad", [0, -1, 10**9, True, "10", 1.0, None])
def test_a_number_of_things_is_between_1_and_1000(field: str, most: int, query: type[Message], bad: object) -> None:
    """Bad input 8."""
    said(query, **{field: most})
    for number in (bad, most + 1):
        with pytest.raises(ValidationError, match=rf"\n{field}\n"):
            said(query, **{field: number})


@pytest.mark.parametrize("offset", [-1, MAX_OFFSET + 1, 10**30, True, "0", 0.5])
def test_a_million_things_are_left_out_at_most(offset: object) -> None:
    """Bad input 8."""
    said(Find, offset=MAX_OFFSET)
    with pytest.raises(ValidationError, match=r"\noffset\n"):
        said(Find, offset=offset)


@pytest.mark.parametrize("by", ["", "attributes", "name; drop table resource", "NAME", 1, None])
def test_things_are_put_in_order_by_what_they_have(by: object) -> None:
    """Bad input 8."""
    assert {str(each) for each in Sort} == {"id", "name", "resource_class", "created_at", "updated_at", "quantity"}
    with pytest.raises(ValidationError, match=r"\nsort\n"):
        said(Find, sort=by)
