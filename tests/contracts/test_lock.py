"""What the messages of locks take, and what they refuse before anybody looks at the laboratory."""

import json
from typing import Any

import pytest
from pydantic import ValidationError

from labstow.contracts.lock import COMMANDS, MAX_THINGS, QUERIES, Acquire, Break, ListLeases, Release, Renew, Status
from labstow.contracts.message import Message
from labstow.contracts.ulids import new_ulid
from tests.contracts.examples import EXAMPLES, LEASE_ID, PLATE_ID, RACK_ID
from tests.contracts.test_messages import REQUESTS


def taken(message: type[Message], **fields: Any) -> bool:
    """Whether this comes in over the wire."""
    try:
        message.model_validate_json(json.dumps(EXAMPLES[message] | fields))
    except ValidationError:
        return False
    return True


def test_every_request_of_locks_is_a_command_or_a_query_of_theirs() -> None:
    assert {*COMMANDS, *QUERIES} == {one for one in REQUESTS if one.subject.startswith("lock.")}


@pytest.mark.parametrize("seconds", [0, -5, 0.99, float("nan"), float("inf"), 3601, 10**9, "60", True, None])
def test_a_lease_is_for_a_second_to_an_hour(seconds: object) -> None:
    """Bad input 12."""
    assert not taken(Acquire, ttl_s=seconds)
    assert taken(Renew, ttl_s=seconds) == (seconds is None)
    assert taken(Acquire, ttl_s=1)
    assert taken(Acquire, ttl_s=3600)


@pytest.mark.parametrize("seconds", [-1, float("nan"), float("inf"), 301, 10**9, "60", True, None])
def test_nobody_waits_for_longer_than_five_minutes(seconds: object) -> None:
    """Bad input 12."""
    assert not taken(Acquire, wait_s=seconds)
    assert taken(Acquire, wait_s=0)
    assert taken(Acquire, wait_s=300)


@pytest.mark.parametrize("message", [Acquire, Status])
def test_a_lease_is_of_1_to_64_things(message: type[Message]) -> None:
    """Bad input 12. To name one of them twice is for the worker to understand."""
    assert not taken(message, resource_ids=[])
    assert not taken(message, resource_ids=[new_ulid() for _ in range(MAX_THINGS + 1)])
    assert not taken(message, resource_ids=[PLATE_ID, "plate 1"])
    assert not taken(message, resource_ids=PLATE_ID)
    assert taken(message, resource_ids=[new_ulid() for _ in range(MAX_THINGS)])
    assert taken(message, resource_ids=[PLATE_ID, PLATE_ID])


def test_a_lenient_lease_has_a_session_by_which_it_is_known() -> None:
    assert not taken(Acquire, session=None, lenient=True)
    assert taken(Acquire, session="node 7", lenient=True)


def test_what_is_released_is_named_by_its_lease_or_by_its_session_and_things() -> None:
    named: dict[str, Any] = {"lease_id": None, "session": None, "resource_ids": None}
    said: list[dict[str, Any]] = [{"lease_id": LEASE_ID}, {"lease_id": LEASE_ID, "resource_ids": [RACK_ID]}]
    assert all(taken(Release, **named | each) for each in [*said, {"session": "node 7", "resource_ids": [RACK_ID]}])
    unsaid: list[dict[str, Any]] = [
        {},
        {"resource_ids": [RACK_ID]},
        {"session": "node 7"},
        {"lease_id": LEASE_ID, "session": "node 7"},
    ]
    assert not any(taken(Release, **named | each) for each in unsaid)


@pytest.mark.parametrize("reason", ["", None, 7, "\x00"])
def test_nothing_is_broken_without_a_reason(reason: object) -> None:
    assert not taken(Break, reason=reason)


@pytest.mark.parametrize("age", [-1, float("nan"), float("inf"), 10**10, "9"])
def test_an_age_is_a_number_of_seconds(age: object) -> None:
    assert not taken(ListLeases, older_than_s=age)
    assert taken(ListLeases, older_than_s=0)
