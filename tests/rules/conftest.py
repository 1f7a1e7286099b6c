"""A laboratory for each test, audited when it is over."""

from collections.abc import Iterator

import pytest

from tests.rules.room import Room, audit
from tests.rules.stock import Stock


@pytest.fixture
def room() -> Iterator[Room]:
    """An empty laboratory; whatever a test does in it, its rules must hold afterwards."""
    used = Room()
    yield used
    audit(used)


@pytest.fixture
def stock(room: Room) -> Stock:
    """A room with templates; none yet."""
    return Stock(room)
