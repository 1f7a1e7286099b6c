"""A laboratory for each test, audited when it is over."""

from collections.abc import Iterator

import pytest

from tests.rules import errand_room, lock_room
from tests.rules.errand_room import ErrandRoom
from tests.rules.lock_room import LockRoom
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


@pytest.fixture
def lab() -> Iterator[LockRoom]:
    """An empty laboratory in which things are locked; whatever a test does, the rules of locks hold afterwards."""
    used = LockRoom()
    yield used
    lock_room.audit(used)


@pytest.fixture
def errands() -> Iterator[ErrandRoom]:
    """An empty laboratory in which robots carry things; whatever a test does, the rules hold afterwards."""
    used = ErrandRoom()
    yield used
    errand_room.audit(used)
