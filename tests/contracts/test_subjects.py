"""Where messages go: fixed words and ULIDs, nothing else."""

import pytest

from labstow.contracts import subjects
from labstow.contracts.resource import EVENTS
from tests.contracts.examples import PLATE_ID


@pytest.mark.parametrize("what", EVENTS)
def test_an_event_has_a_subject_that_a_wildcard_finds(what: str) -> None:
    told = subjects.event("resource", what, PLATE_ID).split(".")

    for wildcard in (subjects.event("resource"), subjects.event("resource", what), subjects.event("*", "*", PLATE_ID)):
        assert all(part in ("*", word) for part, word in zip(wildcard.split("."), told, strict=True))
    assert told[:2] == ["labstow", "evt"]


def test_requests_events_and_our_own_signals_never_mix() -> None:
    families = [subjects.REQUESTS, subjects.EVENTS, subjects.OUTBOX_PING]

    assert all(not one.startswith(other) for one in families for other in families if one != other)
    assert subjects.request("resource.add") == "labstow.v1.resource.add"
    assert subjects.queue("resource") == "labstow-resource"
