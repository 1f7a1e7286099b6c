"""Of a few operations every order can be tried, and that is what the search has to agree with."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from itertools import combinations, permutations
from math import inf
from typing import Any, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.locks.checker import Model, NotLinearizable, linearize
from tests.locks.histories import Facts, Operation
from tests.locks.models import COUNTER, POSITION, QUEUE, REGISTER, STACK
from tests.locks.simulated.crowd import Request, Server
from tests.locks.simulated.service import LockService
from tests.locks.simulated.things import Shelf, Stock

Asks = st.SearchStrategy[tuple[str, Facts]]
Answers = dict[str, st.SearchStrategy[Facts]]

spans = st.integers(0, 3)
small = st.sampled_from([1, 2, 3])
leases = small.map("lease {}".format)
things = st.sampled_from(["x", "y"])


def facts(answer: str | None = None, **drawn: st.SearchStrategy[Any]) -> st.SearchStrategy[Facts]:
    return st.fixed_dictionaries(({"answer": st.just(answer)} if answer else {}) | drawn)


def asks(**arguments: st.SearchStrategy[Facts]) -> Asks:
    return st.one_of(*[st.tuples(st.just(kind), drawn) for kind, drawn in arguments.items()])


REGISTER_ASKS: Final = asks(
    acquire=facts(ttl=spans),
    write=facts(value=things) | facts(value=things, lease=leases) | facts(value=things, lease=leases, token=small),
    renew=facts(lease=leases, ttl=spans),
    release=facts(lease=leases),
    **{"break": facts(), "read": facts()},
)
OK: Final = facts("ok")
LOST: Final = facts("lost")
REGISTER_ANSWERS: Final[Answers] = {
    "acquire": facts("granted", lease=leases, token=small) | facts("held"),
    "write": OK | facts("held") | LOST,
    "renew": OK | LOST,
    "release": OK | LOST,
    "break": OK | facts("not held"),
    "read": facts("ok", value=things),
}
CHANGES: Final = asks(change=facts(by=st.integers(-2, 2)), read=facts())
QUANTITIES: Final[Answers] = {"change": OK | facts("not enough"), "read": facts("ok", quantity=small)}
MOVES: Final = asks(push=facts(item=things), pop=facts())
ITEMS: Final[Answers] = {"push": OK | facts("full"), "pop": facts("ok", item=things) | facts("empty")}


@st.composite
def histories(draw: st.DrawFn, server: Callable[[], Server], asks: Asks, answers: Answers) -> list[Operation]:
    """Up to six operations at one thing: mostly true, now and then not, or without an answer."""
    serving, now, history = server(), 0, []
    for number in range(draw(st.integers(1, 6))):
        now += draw(spans)
        kind, arguments = draw(asks)
        called, returned = now - draw(spans), now + draw(spans)
        told = serving.answer(Request(kind, ("plate",), arguments), called, now)
        operation = Operation(f"session {number}", kind, ("plate",), arguments, told, called, returned).at("plate")
        match draw(st.integers(0, 9)):
            case 0 | 1 | 2:
                operation = replace(operation, result=draw(answers[kind]))
            case 3:
                operation = replace(operation, result=None, returned=inf)
        history.append(operation)
    return history


def cases(model: Model[Any], drawn: st.SearchStrategy[list[Operation]]) -> st.SearchStrategy[Any]:
    return st.tuples(st.just(model), drawn)


CASES: Final = st.one_of(
    cases(REGISTER, histories(lambda: LockService(["plate"]), REGISTER_ASKS, REGISTER_ANSWERS)),
    cases(COUNTER, histories(Stock, CHANGES, QUANTITIES)),
    cases(STACK, histories(lambda: Shelf(-1, 6), MOVES, ITEMS)),
    cases(QUEUE, histories(lambda: Shelf(0, 6), MOVES, ITEMS)),
    cases(POSITION, histories(lambda: Shelf(-1, 1), MOVES, ITEMS)),
)


def orders(history: Sequence[Operation]) -> Iterable[tuple[Operation, ...]]:
    """Every order of what happened, and of some of what may have happened."""
    known = [operation for operation in history if operation.result is not None]
    unknown = [operation for operation in history if operation.result is None]
    for count in range(len(unknown) + 1):
        for happened in combinations(unknown, count):
            yield from permutations([*known, *happened])


def explains(order: Sequence[Operation], model: Model[Any]) -> bool:
    """Whether nothing comes before what it followed for everybody to see, and the model says the same."""
    state = model.start
    for number, operation in enumerate(order):
        if any(later.returned < operation.called for later in order[number:]):
            return False
        if (state := model.step(state, operation)) is None:
            return False
    return True


def test_the_search_finds_an_order_exactly_if_there_is_one() -> None:
    """Both are seen often: histories with an order, and without."""
    seen = Counter[bool]()

    @settings(max_examples=500, deadline=None)
    @given(CASES)
    def agree(case: tuple[Model[Any], list[Operation]]) -> None:
        model, history = case
        possible = any(explains(order, model) for order in orders(history))
        seen[possible] += 1
        if possible:
            order = linearize(history, model)
            assert explains(order, model)
            assert {id(each) for each in history if each.result} <= {id(each) for each in order}
        else:
            with pytest.raises(NotLinearizable):
                linearize(history, model)

    agree()
    assert min(seen[True], seen[False]) > 50
