"""What a message takes, and what it refuses before anybody looks at the laboratory."""

import importlib
import json
import pkgutil
import re
from collections.abc import Iterator
from datetime import UTC, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

import labstow.contracts
from labstow.contracts.base_types import CONSUMABLES, CONTAINERS, SHAPED, BaseType, matching
from labstow.contracts.history import QueryHistory
from labstow.contracts.message import ATTRIBUTES_BYTES, ATTRIBUTES_DEPTH, ATTRIBUTES_KEYS, Answer, Message, Request
from labstow.contracts.queries import Find, Get
from labstow.contracts.resource import (
    MAX_NODES,
    Add,
    Init,
    NewResource,
    Patch,
    Remove,
    Replace,
    Resource,
    Update,
    Upsert,
)
from labstow.contracts.service import Ready
from labstow.contracts.subjects import request
from tests.contracts.examples import EXAMPLES, PLATE_ID


def messages(base: type[Message] = Message) -> Iterator[type[Message]]:
    """Every message of the contracts."""
    for module in pkgutil.iter_modules(labstow.contracts.__path__, "labstow.contracts."):
        for found in vars(importlib.import_module(module.name)).values():
            if isinstance(found, type) and issubclass(found, base) and found.__module__ == module.name:
                generic = found.__pydantic_generic_metadata__
                if found not in (Message, Answer) and not generic["parameters"] and not generic["origin"]:
                    yield found


MESSAGES = sorted(messages(), key=lambda message: message.__name__)
REQUESTS: list[type[Request[Any]]] = [message for message in MESSAGES if issubclass(message, Request)]


def new(**fields: object) -> NewResource:
    return NewResource.model_validate_json(json.dumps({"name": "flask"} | fields))


def consumable(quantity: str) -> NewResource:
    """A consumable whose quantity is this piece of JSON."""
    return NewResource.model_validate_json(f'{{"name": "x", "base_type": "consumable", "quantity": {quantity}}}')


def described(value: str) -> NewResource:
    """A resource with an attribute that is this piece of JSON."""
    return NewResource.model_validate_json(f'{{"name": "x", "attributes": {{"a": {value}}}}}')


def test_every_message_has_an_example() -> None:
    assert set(EXAMPLES) == set(MESSAGES)


@pytest.mark.parametrize("message", MESSAGES, ids=lambda message: message.__name__)
def test_a_message_reads_back_what_it_wrote(message: type[Message]) -> None:
    """I22."""
    read = message.model_validate_json(json.dumps(EXAMPLES[message]))

    assert message.model_validate_json(read.model_dump_json(exclude_unset=True)) == read
    message.model_json_schema()


@pytest.mark.parametrize(
    "message", [each for each in MESSAGES if not issubclass(each, Answer)], ids=lambda m: m.__name__
)
def test_what_is_asked_has_no_field_nobody_knows(message: type[Message]) -> None:
    """Bad input 4 and 13: nothing is slipped in."""
    for name in ("locked_by", "actor", "colour"):
        if name not in message.model_fields:
            with pytest.raises(ValidationError, match="Extra inputs"):
                message.model_validate(EXAMPLES[message] | {name: "me"})


@pytest.mark.parametrize("message", [each for each in MESSAGES if issubclass(each, Answer)], ids=lambda m: m.__name__)
def test_what_is_answered_may_say_more_than_its_reader_knows(message: type[Message]) -> None:
    """A newer worker is understood by an older client."""
    answer = message.model_validate(EXAMPLES[message] | {"colour": "blue"})

    assert answer == message.model_validate(EXAMPLES[message])


@pytest.mark.parametrize(
    "forged", ["created_at", "removed_at", "parent_id", "template_name", "locked_by", "locked_until", "actor", "token"]
)
def test_what_the_server_owns_cannot_be_given(forged: str) -> None:
    """Bad input 13. A `version` is not what a thing is to have, but what the caller has read."""
    with pytest.raises(ValidationError):
        new(**{forged: None})


@pytest.mark.parametrize("message", MESSAGES, ids=lambda message: message.__name__)
def test_a_message_never_changes(message: type[Message]) -> None:
    read = message.model_validate(EXAMPLES[message])

    for name in message.model_fields:
        with pytest.raises(ValidationError, match="frozen"):
            setattr(read, name, getattr(read, name))


@pytest.mark.parametrize("asked", REQUESTS, ids=lambda asked: asked.__name__)
def test_a_request_has_a_subject_of_fixed_words_and_an_answer(asked: type[Request[Any]]) -> None:
    assert asked.answer in MESSAGES
    assert asked.__doc__
    if asked is not Ready:  # every worker answers it under its own name
        assert re.fullmatch(r"labstow\.v1\.[a-z]+(-[a-z]+)*\.[a-z]+(-[a-z]+)*", request(asked.subject))


def test_no_two_requests_share_a_subject() -> None:
    subjects = [asked.subject for asked in REQUESTS]

    assert len(subjects) == len(set(subjects))


@pytest.mark.parametrize("quantity", ["NaN", "Infinity", "-Infinity", "1e400", '"NaN"', '"sNaN"', '"Infinity"',
    '"1e999999"', '"1e-400"', "9" * 5000, f'"{"9" * 5000}"', "0.1234567890123", '"0.1234567890123"', '"1e37"',
    '"100000000000000000000000000"', "-1", '"-0.000000000001"', "true", '"five"', '""', "[]", "{}",
    '"0x10"'])  # fmt: skip
def test_what_is_no_amount_is_refused(quantity: str) -> None:
    """I25, bad input 3 and 11."""
    with pytest.raises(ValidationError):
        consumable(quantity)


@pytest.mark.parametrize(
    ("quantity", "amount"),
    [("0", "0"), ("-0", "0"), ('"-0"', "0"), ("0.1", "0.1"), ('"0.1e1"', "1"), ("1e2", "100"), ('"1.50"', "1.5")],
)
def test_an_amount_may_be_a_number_or_a_text(quantity: str, amount: str) -> None:
    """I24, bad input 11: 0 has no sign."""
    read = consumable(quantity).quantity

    assert read == Decimal(amount)
    assert not read.is_signed()


@given(st.decimals(0, 10**26, places=12).filter(lambda amount: amount < 10**26))
def test_an_amount_given_as_text_is_kept_to_the_last_digit(amount: Decimal) -> None:
    """I24: 26 digits before the point and 12 after it."""
    read = consumable(f'"{amount:f}"')

    assert read.quantity == amount
    assert NewResource.model_validate_json(read.model_dump_json(exclude_unset=True)).quantity == amount


@given(st.integers(0, 10**15 - 1), st.integers(0, 12))
def test_an_amount_given_as_a_number_is_exact_to_15_digits(digits: int, places: int) -> None:
    """I24."""
    amount = Decimal(digits).scaleb(-places)

    assert consumable(f"{amount:f}").quantity == amount


@pytest.mark.parametrize("value", ["NaN", "-Infinity", "1e400", "[1, [1e400]]", "9" * 5000, "9" * 4000, str(2**64),
    str(-(2**63) - 1)])  # fmt: skip
def test_a_number_that_nothing_can_store_is_no_attribute(value: str) -> None:
    """Bad input 3: integers of more than 64 bits were taken, and then answered with an internal error."""
    with pytest.raises(ValidationError):
        described(value)


@pytest.mark.parametrize("value", [str(2**64 - 1), str(-(2**63)), "1.5", "-0.0", "1e-400"])
def test_other_numbers_are(value: str) -> None:
    assert described(value).attributes["a"] == json.loads(value)


@pytest.mark.parametrize("text", ["\x00", "a\x1fb", "\x7f", "\x85", "a\x9b31m", "\ud800", "\udfff!"], ids=ascii)
@pytest.mark.parametrize("field", ["name", "description", "resource_class", "unit", "attributes", "owner"])
def test_a_character_that_nothing_can_show_is_refused(field: str, text: str) -> None:
    """Bad input 5, from a client in Python and in JSON, in keys too."""
    given: list[Any] = [{"a": text}, {text: 1}, {"a": [{"b": [text]}]}] if field in ("attributes", "owner") else [text]

    for value in given:
        with pytest.raises(ValidationError):
            NewResource.model_validate({"name": "x", field: value})
        with pytest.raises(ValidationError):
            NewResource.model_validate_json(json.dumps({"name": "x", field: value}))


@given(st.text(st.characters(exclude_categories=["Cc", "Cs"]), min_size=1, max_size=255))
def test_any_other_text_is_a_name(text: str) -> None:
    """Bad input 5: as it was given, whatever its direction and normal form."""
    assert new(name=text).name == text


@pytest.mark.parametrize("name", ["", "x" * 256, 7, ["x"]])
def test_a_name_has_1_to_255_characters(name: object) -> None:
    with pytest.raises(ValidationError):
        new(name=name)


def test_a_known_thing_is_named_by_its_id_alone() -> None:
    """Whether it is known is for the worker to say."""
    assert NewResource(resource_id=PLATE_ID).name is None
    assert new(base_type="container", children=[{"resource_id": PLATE_ID}]).children[0].name is None


def nested(levels: int) -> dict[str, Any]:
    """That many objects and lists, one in the other."""
    value: Any = {} if levels % 2 else []
    for level in range(levels - 1, 0, -1):
        value = {"a": value} if level % 2 else [value]
    assert isinstance(value, dict)
    return value


@pytest.mark.parametrize("field", ["attributes", "owner"])
def test_attributes_have_bounds(field: str) -> None:
    """Bad input 7; seen to fail when characters are counted instead of bytes."""
    small: list[dict[str, Any]] = [
        {},
        nested(ATTRIBUTES_DEPTH),
        {str(key): None for key in range(ATTRIBUTES_KEYS)},
        {"k" * 256: 1},
        {"a": "x" * (ATTRIBUTES_BYTES - 100)},
        {"a": "µ" * (ATTRIBUTES_BYTES // 2 - 100)},
        {"a": "🧪" * (ATTRIBUTES_BYTES // 4 - 100)},
        {"__proto__": 1, "constructor": 2, "__class__": 3, "$ref": 4, "a.b": 5, "": 6},
    ]
    large: list[dict[str, Any]] = [
        nested(ATTRIBUTES_DEPTH + 1),
        {str(key): None for key in range(ATTRIBUTES_KEYS + 1)},
        {"a": [{str(key): None} for key in range(ATTRIBUTES_KEYS)]},
        {"k" * 257: 1},
        {"a": "x" * ATTRIBUTES_BYTES},
        {"a": "µ" * (ATTRIBUTES_BYTES // 2)},
        {"a": "🧪" * (ATTRIBUTES_BYTES // 4)},
        {"🧪" * 250 + str(key): None for key in range(66)},
        {"a": ["x" * 100] * 1000},
        {"a": [1] * ATTRIBUTES_BYTES},
        {"a": [[]] * ATTRIBUTES_BYTES},
        {"a": [""] * ATTRIBUTES_BYTES},
    ]
    for attributes in small:
        assert getattr(new(**{field: attributes}), field) == attributes
    for attributes in large:
        with pytest.raises(ValidationError):
            new(**{field: attributes})


NEST = '{"name": "x", "base_type": "container", "children": ['


@pytest.mark.parametrize(("before", "middle", "after"), [
    ('{"name": "x", "attributes": ', '{"a":', "}"), ('{"name": "x", "attributes": {"a": ', "[", "]"),
    (NEST, NEST, "]}"),
    ("", "[", "]"), ("", '{"resource":', "}"),
])  # fmt: skip
@pytest.mark.parametrize("depth", [300, 10_000, 100_000])
@pytest.mark.parametrize("closed", [True, False])
def test_json_as_deep_as_a_well_is_refused_and_harms_nobody(
    before: str, middle: str, after: str, depth: int, closed: bool
) -> None:
    """Bad input 2."""
    for message in (NewResource, Add):
        with pytest.raises(ValidationError):
            message.model_validate_json(before + middle * depth + (after * depth + "}" if closed else ""))


@pytest.mark.parametrize("body", [b"", b"null", b"[]", b"7", b'"x"', b"{", b'{"name": "x"} {}', b"\xff\xfe{\x00}\x00",
    b'\xef\xbb\xbf{"name": "x"}', b'{"name": "\xff"}', b"{'name': 'x'}", b"<xml/>"])  # fmt: skip
def test_what_is_not_an_object_in_json_is_refused(body: bytes) -> None:
    """Bad input 4."""
    with pytest.raises(ValidationError):
        NewResource.model_validate_json(body)


@pytest.mark.parametrize("bad", ["", "x", "0" * 25, "0" * 27, "0" * 10_000, "8" + "0" * 25, "0" * 25 + "I",
    "0" * 25 + "L", "0" * 25 + "O", "0" * 25 + "U", PLATE_ID.lower(), PLATE_ID + "\n", " " + PLATE_ID[1:],
    "../../x", "%2e%2e", "' or 1=1 --", "0" * 25 + "\u0660", None, 7])  # fmt: skip
def test_an_id_is_a_ulid(bad: object) -> None:
    """Bad input 6."""
    with pytest.raises(ValidationError):
        Get.model_validate_json(json.dumps({"resource_id": bad}))


@pytest.mark.parametrize("limit", [0, -1, 10**9, 1001, True, "10", 1.0, None])
def test_a_page_has_1_to_1000_things(limit: object) -> None:
    """Bad input 8."""
    for query in (Find, QueryHistory):
        with pytest.raises(ValidationError):
            query.model_validate_json(json.dumps({"limit": limit}))


@pytest.mark.parametrize("version", [0, -1, 2**31, 10**30, True, "1", 1.0])
def test_an_expected_version_is_one_that_a_thing_can_have(version: object) -> None:
    """Bad input 8: a version of 100 bits was an internal error, `true` was 1; seen to fail with a plain `int`."""
    rest: dict[type[Message], dict[str, object]] = {
        Update: {"resource_id": PLATE_ID, "changes": {}, "expected_version": version},
        Remove: {"resource_id": PLATE_ID, "expected_version": version},
        QueryHistory: {"version": version},
    }
    for message, fields in rest.items():
        with pytest.raises(ValidationError, match=r"\n(expected_)?version\n"):
            message.model_validate_json(json.dumps(fields))


@pytest.mark.parametrize("version", [1, 2**31 - 1])
def test_every_version_a_thing_can_have_can_be_expected(version: int) -> None:
    assert Remove(resource_id=PLATE_ID, expected_version=version).expected_version == version
    assert QueryHistory(version=version).version == version


def boxes(count: int, *, deep: bool) -> dict[str, Any]:
    """That many resources in one: side by side, or three levels of them."""
    if not deep:
        return {"name": "box", "base_type": "container", "children": [{"name": "x"}] * (count - 1)}
    shelf = {"name": "shelf", "base_type": "container", "children": [{"name": "x"}] * 9}
    tens, rest = divmod(count - 1, 10)
    return {"name": "rack", "base_type": "container", "children": [shelf] * tens + [{"name": "x"}] * rest}


@pytest.mark.parametrize("command", [Add, Init, Upsert, Replace])
@pytest.mark.parametrize("deep", [False, True])
def test_one_command_names_3000_resources_at_most(command: type[Message], deep: bool) -> None:
    """A larger one would be a transaction of seconds; seen to fail without `_counted`."""
    full, more = (NewResource.model_validate(boxes(MAX_NODES + extra, deep=deep)) for extra in (0, 1))

    command.model_validate_json(json.dumps({"resource": boxes(MAX_NODES, deep=deep)}))
    command.model_validate({"resource": full})
    for tree in (more, boxes(MAX_NODES + 1, deep=deep)):
        with pytest.raises(ValidationError, match=r"3001 resources in one command, at most 3000 .* parent_id"):
            command.model_validate({"resource": tree})


def test_a_full_plate_of_1536_wells_fits_into_one_command() -> None:
    wells = [{"name": "x", "position": [row, column]} for row in range(32) for column in range(48)]

    Add.model_validate({"resource": {"name": "P", "base_type": "grid", "rows": 32, "columns": 48, "children": wells}})


@pytest.mark.parametrize("number", [0, -1, 2**63, 10**30])
def test_a_version_and_a_place_in_the_journal_are_numbers_it_can_have(number: int) -> None:
    """Bad input 8: a forged cursor is a mistake of the caller's, not of the database's."""
    for field in ("version", "before"):
        with pytest.raises(ValidationError):
            QueryHistory.model_validate({field: number})


@pytest.mark.parametrize("moment", ["2026-01-01T00:00:00", "yesterday", "0001-01-01T00:00:00+10:00",
    "9999-12-31T23:59:59-10:00", "1e18"])  # fmt: skip
def test_a_moment_has_a_zone_and_lies_in_the_calendar(moment: str) -> None:
    """The ends of the calendar in another zone were an error nobody expected."""
    with pytest.raises(ValidationError):
        QueryHistory.model_validate_json(json.dumps({"since": moment}))


def test_a_moment_is_kept_in_utc() -> None:
    since = QueryHistory.model_validate_json('{"since": "2026-11-21T10:30:00+01:00"}').since

    assert since is not None
    assert (since.hour, since.minute, since.utcoffset()) == (9, 30, timedelta(0))
    assert since.tzinfo is UTC


def test_the_length_of_a_row_is_its_number_of_columns() -> None:
    assert new(base_type="row", length=24) == new(base_type="row", columns=24)
    assert NewResource(name="rack", base_type=BaseType.ROW, columns=24).columns == 24
    with pytest.raises(ValidationError):
        new(base_type="row", length=24, columns=24)


SIZES = {"rows": 2, "columns": 3, "layers": 4}


@pytest.mark.parametrize("kind", BaseType)
def test_each_type_has_exactly_its_own_dimensions(kind: BaseType) -> None:
    needed = SHAPED.get(kind, ())
    sizes = {name: SIZES[name] for name in needed}

    new(base_type=kind, **sizes)
    for name in SIZES:
        wrong = {key: value for key, value in sizes.items() if key != name} if name in needed else {name: 1, **sizes}
        with pytest.raises(ValidationError, match=name):
            new(base_type=kind, **wrong)


@pytest.mark.parametrize("size", [0, -1, 10_001, 10**6, 1.0, "3", True])
def test_a_dimension_is_a_whole_number_from_1(size: object) -> None:
    """Bad input 10."""
    with pytest.raises(ValidationError):
        new(base_type="row", columns=size)


@pytest.mark.parametrize("sizes", [{"rows": 1000, "columns": 101}, {"rows": 10_000, "columns": 10_000}])
def test_a_plate_has_100000_wells_at_most(sizes: dict[str, Any]) -> None:
    """Bad input 10."""
    new(base_type="grid", rows=1000, columns=100)
    with pytest.raises(ValidationError, match="at most 100000"):
        new(base_type="grid", **sizes)


@pytest.mark.parametrize("kind", BaseType)
def test_only_containers_have_children_and_only_consumables_are_given_a_quantity(kind: BaseType) -> None:
    sizes = {name: SIZES[name] for name in SHAPED.get(kind, ())}

    for field, value, kinds in (
        ("children", [{"name": "x"}], CONTAINERS),
        ("quantity", 1, CONSUMABLES),
        ("capacity", 1, CONTAINERS | CONSUMABLES),
    ):
        if kind in kinds:
            new(base_type=kind, **sizes, **{field: value})
        else:
            with pytest.raises(ValidationError):
                new(base_type=kind, **sizes, **{field: value})


def test_a_slot_holds_one() -> None:
    new(base_type="slot", capacity=1)
    for capacity in (0, 2, 1.5):
        with pytest.raises(ValidationError, match="capacity of a slot is 1"):
            new(base_type="slot", capacity=capacity)


@pytest.mark.parametrize("field", ["name", "resource_class", "owner", "attributes"])
def test_what_every_thing_has_cannot_be_patched_away(field: str) -> None:
    with pytest.raises(ValidationError, match="leave it out"):
        Patch.model_validate({field: None})
    assert not Patch().model_fields_set


def test_a_filter_on_a_family_means_all_its_types() -> None:
    assert matching(BaseType.CONTAINER) == CONTAINERS
    assert matching(BaseType.CONSUMABLE) == CONSUMABLES
    assert matching(BaseType.GRID) == {BaseType.GRID}
    assert len(BaseType) == 14
    assert not CONTAINERS & CONSUMABLES


def test_a_resource_told_of_is_a_resource_that_can_be_read() -> None:
    """I22: with children and without, now and after its removal."""
    told = Resource.model_validate(EXAMPLES[Resource])

    assert told.children == ()
    assert told.quantity == Decimal("0.1")
    assert Remove(resource_id=PLATE_ID).reason is None
    assert Update(resource_id=PLATE_ID, changes=Patch()).expected_version is None
