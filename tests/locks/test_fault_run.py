"""A minute of harm in every run of the tests; see `fault_run` for the ten minutes, and for what is done.

FAULTS_SECONDS=600 FAULTS_SEED=7 pytest tests/locks/test_fault_run.py
"""

import os
from collections import Counter
from dataclasses import replace
from random import Random
from typing import Final

import pytest

from tests.locks.fault_run import Options, Run, run
from tests.locks.faults import OFTEN, SLEEP
from tests.locks.histories import Operation, by_resource
from tests.locks.silence import asleep_too_long
from tests.locks.verdict import not_linearizable

SECONDS: Final = float(os.environ.get("FAULTS_SECONDS", "60"))
SEED: Final = int(os.environ.get("FAULTS_SEED", "0"))
AROUND: Final = 120

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(SECONDS + AROUND)]


@pytest.fixture(scope="module")
def harmed() -> Run:
    """A run under harm, by seven client processes."""
    options = Options(SECONDS, clients=7, at_least=round(5_000 * SECONDS / 60))
    done = run(replace(options, seed=SEED) if SEED else options)
    print("\n".join(done.figures()))
    return done


def test_whatever_is_killed_emptied_or_put_to_sleep_every_answer_about_locks_is_possible(harmed: Run) -> None:
    """G1: every history has an order that explains it, no outcome is unknown, and the auditor finds nothing.

    I1 to I5, I7, I21, I27, I32, I33, I50, I51. Seen to fail, in 30 s and with sleeping clients alone: where a lease
    proved something, or could be renewed, until somebody noted its end; without the row locks of grants and the
    journal's one entry a version; and without the guard of the rules, see below.
    """
    assert harmed.verdict.wrong == []


def test_there_was_plenty_of_harm(harmed: Run) -> None:
    done = Counter(one.what for one in harmed.harmed)
    assert min(done[what] for what in OFTEN) >= 2
    assert len(harmed.operations) >= 5_000 * SECONDS / 60
    assert asleep_too_long(harmed.operations, harmed.harmed) >= SECONDS / 6


@pytest.mark.parametrize("seed", range(20))
def test_one_lease_granted_twice_would_be_found(harmed: Run, seed: int) -> None:
    """I1: in what really happened, one refusal is turned into a grant."""
    histories = by_resource(harmed.verdict.told)
    chances = [(thing, refused) for thing, history in histories.items() for refused in _refused_for_sure(history)]
    thing, refused = Random(seed).choice(chances)
    assert list(not_linearizable(_granted(histories[thing], refused)))


def test_workers_that_do_not_look_at_leases_are_found() -> None:
    """I2, I4: without the guard of the rules there is no order that explains what was told."""
    told = run(Options(5, clients=4, harm=(SLEEP,), at_least=500, checked=False)).verdict.wrong
    assert any("no order of these" in wrong for wrong in told)


def _refused_for_sure(history: list[Operation]) -> list[Operation]:
    """Acquires that were refused while somebody held it who wrote under the lease before and after."""
    wrote = [one for one in history if one.kind == "write" and one.answer == "ok" and "lease" in one.arguments]
    first = {one.arguments["lease"]: one.returned for one in reversed(wrote)}
    last = {one.arguments["lease"]: one.called for one in wrote}
    asked = [one for one in history if one.kind == "acquire" and one.answer == "held"]
    return [one for one in asked if any(first[key] < one.called and one.returned < last[key] for key in first)]


def _granted(history: list[Operation], refused: Operation) -> list[Operation]:
    """The history as if the refused one had got it, with the tokens as they would be then."""
    before = [one for one in history if one.answer == "granted" and one.returned < refused.called]
    token = max((one.result["token"] for one in before if one.result), default=0) + 1
    thing = refused.resources[0]

    def moved(one: Operation) -> Operation:
        if one is refused:
            return replace(one, result={"answer": "granted", "lease": "a second one", "tokens": {thing: token}})
        result, arguments = dict(one.result or {}), dict(one.arguments)
        for facts in (result, arguments):
            if (own := facts.pop("token", None)) is not None:
                facts["tokens"] = {thing: own + (own >= token)}
        return replace(one, result=result, arguments=arguments)

    return [moved(one) for one in history]
