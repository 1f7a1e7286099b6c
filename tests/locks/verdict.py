"""Whether what happened in a run can have happened in a laboratory that keeps its promises."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import psycopg

from tests.locks.auditor_locks import audit_locks
from tests.locks.checker import Model, NotLinearizable, linearize
from tests.locks.grants import HEARD_LATE, compare, granted
from tests.locks.histories import Operation, by_resource
from tests.locks.models import Register, counter, leased_register
from tests.workers.auditor import audit

TELLING: Final = {"granted", "held", "ok", "lost"}
"""Answers that say something about a leased thing."""
HARMLESS: Final = {
    "acquire": {"lock.wait_timeout", "lock.in_line", "lock.deadlock", "cancelled", *HEARD_LATE},
    "break": {"lock.not_held"},
}
"""Answers that say nothing about it, and are no mistake."""


@dataclass(frozen=True)
class Verdict:
    """What a run comes to."""

    wrong: list[str]
    grants: int
    heard_late: int
    several: float
    """The share of acquires that asked for several things."""
    told: list[Operation]
    """All that tells of leased things, those grants included that nobody waited for any more."""


def judge(connection: psycopg.Connection[Any], operations: Sequence[Operation], clock: float) -> Verdict:
    """Everything that is wrong after a run; `clock` is what to add to `time.monotonic()` to have `time.time()`."""
    grants = granted(connection)
    complete, wrong = compare(operations, grants, clock)
    wrong += [f"nobody knows what became of {one}" for one in operations if one.result is None]
    wrong += [f"was told what nobody should be: {one}" for one in operations if _is_odd(one)]
    told = [one for one in complete if one.kind != "change" and one.answer in TELLING]
    wrong += not_linearizable(told)
    wrong += _stock(connection, operations)
    wrong += audit(connection)
    wrong += audit_locks(connection)
    acquires = [one for one in operations if one.kind == "acquire"]
    late = sum(before is not after for before, after in zip(operations, complete, strict=True))
    several = sum(len(one.resources) > 1 for one in acquires) / max(len(acquires), 1)
    return Verdict(wrong, len(grants), late, several, told)


def not_linearizable(operations: Iterable[Operation]) -> Iterator[str]:
    """Why there is no order that explains what was told of leased things, for each where there is none."""
    model = Model(Register(), leased_register)
    for history in by_resource(operations).values():
        try:
            linearize(history, model)
        except NotLinearizable as impossible:
            yield str(impossible)


def _stock(connection: psycopg.Connection[Any], operations: Iterable[Operation]) -> Iterator[str]:
    """I27: there is as much as was put there, and each was told how much it became."""
    stored = dict(connection.execute("select id, quantity from labstow.resource").fetchall())
    for thing, history in by_resource(one for one in operations if one.kind == "change").items():
        if stored[thing] != len(history):
            yield f"{thing} became {stored[thing]} by {len(history)} times one more"
        try:
            linearize(history, Model(0, counter))
        except NotLinearizable as impossible:
            yield str(impossible)


def _is_odd(one: Operation) -> bool:
    return one.answer is not None and one.answer not in TELLING and one.answer not in HARMLESS.get(one.kind, ())
