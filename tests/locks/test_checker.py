"""The checker accepts all that a correct lock service tells many sessions, and finds the one thing it must not tell.

Each rule of the models was taken out once, and a test was seen to fail.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from itertools import count, islice
from math import inf
from random import Random
from typing import Any, Final

import pytest

from tests.locks.checker import Model, NotLinearizable, linearize, linearize_each
from tests.locks.histories import Facts, Operation, by_resource
from tests.locks.models import COUNTER, EMPTY, POSITION, QUEUE, REGISTER, STACK, Register, leased_register, line
from tests.locks.simulated.crowd import Told
from tests.locks.simulated.lies import LIES, SECOND_GRANT
from tests.locks.simulated.sessions import lock_history
from tests.locks.simulated.things import lost_change, popped_twice, put_on_top, shelf_history, stock_history

SHORT_STACK: Final = Model(EMPTY, partial(line, pops=-1, room=6))
SHORT_QUEUE: Final = Model(EMPTY, partial(line, pops=0, room=6))


def told(session: str, kind: str, answer: str | None, called: float, returned: float, **asked: Any) -> Operation:
    result: Facts | None = None if answer is None else {"answer": answer}
    return Operation(session, kind, ("plate",), asked, result, called, returned)


def granted(session: str, token: int, called: float, returned: float) -> Operation:
    lease = {"lease": f"{session}'s {token}", "token": token}
    return Operation(session, "acquire", ("plate",), {"ttl": 10}, {"answer": "granted", **lease}, called, returned)


def write(session: str, called: float, returned: float, **proof: Any) -> Operation:
    return told(session, "write", "ok", called, returned, value=session, **proof)


def asks(kind: str, answer: str, facts: Facts | None = None, **asked: Any) -> Callable[[float], Operation]:
    """An operation that is called and returns right after a moment."""
    result = {"answer": answer, **(facts or {})}
    return lambda at: Operation("ann", kind, ("rack",), asked, result, at, at + 0.5)


def with_a_lie(history: Callable[[int], Told]) -> Iterator[Told]:
    """Histories in which there was an occasion for the lie."""
    return (told for seed in count() if (told := history(seed)).wrong)


@pytest.mark.parametrize("resources", [16, 4, 1])
@pytest.mark.parametrize("seed", range(3))
def test_what_a_correct_lock_service_tells_eight_sessions_is_explained(seed: int, resources: int) -> None:
    """Leases on several things, waits, pauses longer than leases, breaks (I1, I4, I5, I13)."""
    history = lock_history(seed, resources).history

    orders = linearize_each(history, REGISTER)

    assert {resource: len(order) for resource, order in orders.items()} == {
        resource: len(operations) for resource, operations in by_resource(history).items()
    }


def test_five_thousand_operations_are_explained_in_far_less_than_two_seconds() -> None:
    history = lock_history(seed=7, resources=16).history
    began = time.process_time()

    linearize_each(history, REGISTER)

    assert time.process_time() - began < 1


def test_a_second_grant_is_found_in_every_history() -> None:
    """I1: twenty of twenty, and it is named."""
    for told in islice(with_a_lie(lambda seed: lock_history(seed, 16, lie=SECOND_GRANT)), 20):
        with pytest.raises(NotLinearizable) as refused:
            linearize_each(told.history, REGISTER)
        assert is_part_of(refused.value.culprit, told.wrong)


@pytest.mark.parametrize("lie", LIES)
def test_one_lie_among_thousands_of_answers_is_found(lie: str) -> None:
    """I1, I2, I3, I4."""
    for told in islice(with_a_lie(lambda seed: lock_history(seed, 16, 2000, LIES[lie])), 3):
        with pytest.raises(NotLinearizable) as refused:
            linearize_each(told.history, REGISTER)
        assert is_part_of(refused.value.culprit, told.wrong)


def is_part_of(part: Operation, whole: Operation | None) -> bool:
    return whole is not None and part in [whole.at(resource) for resource in whole.resources]


def test_the_report_names_the_resource_what_was_explained_and_what_could_not_be() -> None:
    history = [
        granted("ann", 1, 0.0, 0.1),
        write("ann", 0.2, 0.3, lease="ann's 1"),
        granted("bob", 2, 0.4, 0.5),
        write("cyd", 0.45, 0.6, lease="cyd's 7"),
        write("ann", 0.7, 0.8, lease="ann's 1"),
    ]

    with pytest.raises(NotLinearizable) as refused:
        linearize_each(history, REGISTER)

    assert str(refused.value).splitlines() == [
        "plate: no order of these 5 operations explains what they told.",
        "The longest that explains some has 2 of them, and ends:",
        "    0.0000 to 0.1000  ann: acquire plate ttl=10 -> granted lease=ann's 1 token=1",
        "    0.2000 to 0.3000  ann: write plate value=ann lease=ann's 1 -> ok",
        "Now it is Register(token=1, value='ann', lease=Lease(name=\"ann's 1\", may_end=10.0, must_end=10.1), "
        "free_since=-inf)",
        "and this cannot be next:",
        "    0.4000 to 0.5000  bob: acquire plate ttl=10 -> granted lease=bob's 2 token=2",
        "nor does it help to place one of these before it:",
        "    0.4500 to 0.6000  cyd: write plate value=cyd lease=cyd's 7 -> ok",
    ]


def test_a_lease_may_end_as_long_after_the_call_as_it_lasts_and_not_sooner() -> None:
    first = granted("ann", 1, 0.0, 2.0)

    assert linearize([first, granted("bob", 2, 9.0, 10.0)], REGISTER)
    with pytest.raises(NotLinearizable):
        linearize([first, granted("bob", 2, 9.0, 9.9)], REGISTER)


def test_a_lease_must_end_as_long_after_the_return_as_it_lasts() -> None:
    first = granted("ann", 1, 0.0, 2.0)

    assert linearize([first, write("ann", 11.9, 13.0, lease="ann's 1")], REGISTER)
    with pytest.raises(NotLinearizable):
        linearize([first, write("ann", 12.0, 13.0, lease="ann's 1")], REGISTER)


def test_a_lease_lasts_from_its_renewal_for_as_long_as_that_says() -> None:
    grant, renewal = granted("ann", 1, 0.0, 1.0), told("ann", "renew", "ok", 5.0, 6.0, lease="ann's 1", ttl=2)

    assert linearize([grant, renewal, granted("bob", 2, 6.5, 7.0)], REGISTER)
    with pytest.raises(NotLinearizable):
        linearize([grant, renewal, granted("bob", 2, 6.5, 6.9)], REGISTER)
    with pytest.raises(NotLinearizable):
        linearize([grant, renewal, write("ann", 8.0, 9.0, lease="ann's 1")], REGISTER)


def test_whoever_waited_has_the_lease_from_when_it_became_free() -> None:
    history = [
        granted("ann", 1, 0.0, 1.0),
        granted("bob", 2, 2.0, 9.1),
        told("ann", "release", "ok", 9.0, 9.5, lease="ann's 1"),
        granted("cyd", 3, 18.0, 19.0),
    ]

    assert linearize(history, REGISTER) == [history[0], history[2], history[1], history[3]]
    with pytest.raises(NotLinearizable):  # of bob's ten seconds nine are over
        linearize([*history[:3], granted("cyd", 3, 17.0, 18.0)], REGISTER)


def test_a_lease_that_was_lost_once_is_lost() -> None:
    """I4: at 10.5 it may be over or not, and the first to be told decides."""
    first, lost = granted("ann", 1, 0.0, 1.0), told("ann", "renew", "lost", 10.3, 10.4, lease="ann's 1", ttl=10)

    assert linearize([first, write("ann", 10.1, 10.2, lease="ann's 1"), lost], REGISTER)
    with pytest.raises(NotLinearizable):
        linearize([first, lost, write("ann", 10.5, 10.6, lease="ann's 1")], REGISTER)


def test_who_writes_under_an_old_lease_is_told_that_it_is_lost_or_that_another_holds_it() -> None:
    history = [
        granted("ann", 1, 0.0, 1.0),
        told("ann", "release", "ok", 2.0, 3.0, lease="ann's 1"),
        granted("bob", 2, 4.0, 5.0),
    ]

    for answer in ("held", "lost"):
        assert linearize([*history, told("ann", "write", answer, 6.0, 7.0, lease="ann's 1", value=1)], REGISTER)
    with pytest.raises(NotLinearizable):
        linearize([*history, told("bob", "write", "held", 6.0, 7.0, lease="bob's 2", value=1)], REGISTER)


def test_a_token_of_an_earlier_grant_does_not_write() -> None:
    """I2."""
    history = [granted("ann", 1, 0.0, 1.0), told("ann", "break", "ok", 2.0, 3.0), granted("bob", 3, 4.0, 5.0)]

    assert linearize([*history, write("bob", 6.0, 7.0, lease="bob's 3", token=3)], REGISTER)
    with pytest.raises(NotLinearizable):
        linearize([*history, write("bob", 6.0, 7.0, lease="bob's 3", token=1)], REGISTER)


def test_a_break_takes_what_is_held_with_the_next_token() -> None:
    first, broken = granted("ann", 1, 0.0, 1.0), told("ann", "break", "ok", 2.0, 3.0)

    assert linearize([first, replace(broken, result={"answer": "ok", "token": 2})], REGISTER)
    assert linearize([first, told("ann", "break", "not held", 10.0, 11.0)], REGISTER)
    with pytest.raises(NotLinearizable):
        linearize([first, replace(broken, result={"answer": "ok", "token": 1})], REGISTER)
    with pytest.raises(NotLinearizable):
        linearize([first, told("ann", "break", "not held", 2.0, 3.0)], REGISTER)


def test_what_nobody_was_told_may_have_happened_later_or_never() -> None:
    grant, release = granted("ann", 1, 0.0, 1.0), told("ann", "release", None, 2.0, inf, lease="ann's 1")
    again = granted("bob", 2, 5.0, 6.0)

    assert linearize([grant, release, write("ann", 3.0, 4.0, lease="ann's 1"), again], REGISTER)[-2:] == [
        release,
        again,
    ]
    assert linearize([grant, release, write("ann", 3.0, 4.0, lease="ann's 1")], REGISTER)
    with pytest.raises(NotLinearizable):
        linearize([grant, again], REGISTER)


def test_a_lease_that_nobody_was_told_of_may_be_held_by_nobody_for_a_while() -> None:
    silent, refused = told("ann", "acquire", None, 0.0, inf, ttl=10), told("bob", "acquire", "held", 5.0, 6.0, ttl=10)

    assert linearize([silent, refused], REGISTER) == [silent, refused]
    assert linearize([silent, granted("bob", 1, 5.0, 6.0)], REGISTER)
    assert linearize([silent, granted("bob", 2, 12.0, 13.0)], REGISTER)
    with pytest.raises(NotLinearizable):
        linearize([silent, granted("bob", 2, 5.0, 6.0)], REGISTER)


def test_some_silence_does_not_hinder_the_search() -> None:
    history, dice = lock_history(seed=3, resources=16).history, Random(3)
    silent = set(dice.sample([n for n, each in enumerate(history) if each.kind in {"write", "release"}], 20))

    linearize_each(
        [replace(each, result=None, returned=inf) if n in silent else each for n, each in enumerate(history)], REGISTER
    )


@pytest.mark.parametrize(
    ("model", "history", "lie"),
    [
        (COUNTER, stock_history, lost_change),
        (SHORT_STACK, partial(shelf_history, pops=-1, room=6), popped_twice),
        (SHORT_QUEUE, partial(shelf_history, pops=0, room=6), popped_twice),
        (POSITION, partial(shelf_history, pops=-1, room=1), popped_twice),
        (POSITION, partial(shelf_history, pops=-1, room=1), put_on_top),
    ],
    ids=["a change lost", "a stack popped twice", "a queue popped twice", "a position vacated twice", "one on another"],
)
def test_what_must_not_happen_to_things_is_found_too(model: Model[Any], history: Callable[..., Told], lie: Any) -> None:
    """I15, I17, I19, I27."""
    linearize_each(history(0).history, model)

    for wrong in islice(with_a_lie(partial(history, lie=lie)), 5):
        with pytest.raises(NotLinearizable):
            linearize_each(wrong.history, model)


@pytest.mark.parametrize(
    ("model", "steps"),
    [
        (COUNTER, [asks("change", "ok", by=2), asks("change", "ok", by=-3)]),
        (COUNTER, [asks("change", "ok", by=2), asks("change", "not enough", by=-2)]),
        (COUNTER, [asks("change", "ok", by=2), asks("read", "ok", {"quantity": 1})]),
        (POSITION, [asks("push", "full", item="x")]),
        (POSITION, [asks("push", "ok", item="x"), asks("push", "ok", item="y")]),
        (POSITION, [asks("push", "ok", item="x"), asks("pop", "empty")]),
        (STACK, [asks("pop", "ok", {"item": "x"})]),
        (STACK, [asks("push", "ok", item="x"), asks("push", "ok", item="y"), asks("pop", "ok", {"item": "x"})]),
        (QUEUE, [asks("push", "ok", item="x"), asks("push", "ok", item="y"), asks("pop", "ok", {"item": "y"})]),
    ],
)
def test_no_thing_does_what_it_cannot(model: Model[Any], steps: list[Callable[[float], Operation]]) -> None:
    *possible, impossible = [step(float(number)) for number, step in enumerate(steps)]

    assert linearize(possible, model) == possible
    with pytest.raises(NotLinearizable):
        linearize([*possible, impossible], model)


def test_what_changes_nothing_is_not_tried_in_every_order() -> None:
    """Twenty at once have a million subsets."""
    tried = []

    def step(state: Register, operation: Operation) -> Register | None:
        tried.append(operation)
        return leased_register(state, operation)

    refused = [told(f"session {number}", "acquire", "held", 2.0, 4.0, ttl=10) for number in range(20)]
    with pytest.raises(NotLinearizable):
        linearize([granted("ann", 1, 0.0, 1.0), *refused, granted("bob", 2, 2.0, 3.0)], Model(Register(), step))
    assert len(tried) < 1000


def test_an_answer_that_no_model_knows_is_a_mistake_of_the_history() -> None:
    with pytest.raises(ValueError, match="does not say this"):
        linearize([told("ann", "acquire", "perhaps", 0.0, 1.0, ttl=10)], REGISTER)
