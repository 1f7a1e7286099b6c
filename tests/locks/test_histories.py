"""What clients write down comes back as it was, from any number of files, and is told apart by resource."""

from math import inf, nan
from pathlib import Path

import pytest

from tests.locks.histories import Operation, by_resource, record, recorded

BOTH = ("plate", "rack")
GRANTED = {"answer": "granted", "lease": "L1", "tokens": {"plate": 3, "rack": 8}}
ACQUIRE = Operation("ann", "acquire", BOTH, {"ttl": 0.25}, GRANTED, 10.0, 10.5)
READ = Operation("bob", "read", ("rack",), {}, {"answer": "ok", "value": "x"}, 9.0, 12.125)
SILENT = Operation("bob", "release", BOTH, {"lease": "L1"}, None, 11.0)


def test_the_files_of_several_clients_are_one_history_in_the_order_of_calls(tmp_path: Path) -> None:
    ann, bob = tmp_path / "ann", tmp_path / "bob"
    with ann.open("wb") as anns, bob.open("wb") as bobs:
        record(anns, ACQUIRE)
        record(bobs, READ)
        record(bobs, SILENT)

    assert recorded(ann, bob) == [READ, ACQUIRE, SILENT]


def test_what_is_done_to_several_resources_is_in_the_history_of_each_with_its_token() -> None:
    histories = by_resource([READ, ACQUIRE, SILENT])

    assert list(histories) == ["plate", "rack"]
    assert [operation.kind for operation in histories["plate"]] == ["acquire", "release"]
    assert [operation.kind for operation in histories["rack"]] == ["read", "acquire", "release"]
    granted = histories["rack"][1]
    assert granted.result == {"answer": "granted", "lease": "L1", "token": 8}
    assert (granted.called, granted.returned, granted.resources) == (10.0, 10.5, ("rack",))


def test_a_refusal_is_only_in_the_histories_of_the_resources_that_it_blames() -> None:
    held = Operation("ann", "acquire", BOTH, {"ttl": 0.25}, {"answer": "held", "because": ["rack"]}, 1.0, 2.0)

    assert list(by_resource([held])) == ["rack"]


def test_a_refusal_of_several_resources_has_to_blame_one() -> None:
    with pytest.raises(ValueError, match="because of which"):
        by_resource([Operation("ann", "acquire", BOTH, {"ttl": 0.25}, {"answer": "held"}, 1.0, 2.0)])


@pytest.mark.parametrize(("called", "returned"), [(2.0, 1.0), (nan, 1.0), (1.0, nan), (1.0, inf)])
def test_times_that_cannot_be_are_refused(called: float, returned: float) -> None:
    with pytest.raises(ValueError, match="return"):
        Operation("ann", "read", ("plate",), {}, {"answer": "ok", "value": 1}, called, returned)


def test_what_nobody_was_told_has_not_returned() -> None:
    with pytest.raises(ValueError, match="returns when its result is told"):
        Operation("ann", "read", ("plate",), {}, None, 1.0, 2.0)
