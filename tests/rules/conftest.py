"""A laboratory for each test, audited when it is over."""

from collections.abc import Iterator

import pytest

from tests.rules.room import Room, audit


@pytest.fixture
def room() -> Iterator[Room]:
    """An empty laboratory; whatever a test does in it, its rules must hold afterwards."""
    used = Room()
    yield used
    audit(used)
