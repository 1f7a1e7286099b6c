"""For how long nobody was answered after something was harmed."""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Sequence
from itertools import pairwise
from operator import attrgetter
from typing import Final

from tests.locks.faults import SLEEP, Harmed
from tests.locks.histories import Operation

ABOUT: Final = {
    "locks": ("acquire", "renew", "release", "break"),
    "things": ("write", "change"),
    "reads": ("read",),
}
ALONE_S: Final = 3.5
"""So long before nothing else was harmed."""
WINDOW_S: Final = 12.0


def silences(operations: Iterable[Operation], harmed: Sequence[Harmed]) -> dict[str, tuple[int, dict[str, float]]]:
    """G19: how often something was harmed alone, and the longest time without an answer after it, by what was asked."""
    known = [one for one in operations if one.result is not None]
    answers = {about: sorted(one.returned for one in known if one.kind in kinds) for about, kinds in ABOUT.items()}
    end = max((one.called for one in known), default=0.0)
    kills = sorted((one for one in harmed if one.what != SLEEP), key=attrgetter("began"))
    found: dict[str, list[dict[str, float]]] = defaultdict(list)
    for number, harm in enumerate(kills):
        before, after = kills[max(number - 1, 0)], kills[number + 1 : number + 2]
        if number and harm.began - before.began < ALONE_S:
            continue
        until = min([harm.began + WINDOW_S, end, *(one.began for one in after)])
        found[harm.what].append({about: _longest(times, harm.began, until) for about, times in answers.items()})
    return {
        what: (len(rows), {about: max(row[about] for row in rows) for about in ABOUT})
        for what, rows in sorted(found.items())
    }


def asleep_too_long(operations: Iterable[Operation], harmed: Iterable[Harmed]) -> int:
    """How often a client slept until a lease that it held was over."""
    leases = _leases(operations)
    sleeps = [one for one in harmed if one.what == SLEEP]
    return sum(
        any(granted < sleep.began and sleep.began < over < sleep.ended for granted, over in leases[sleep.whom])
        for sleep in sleeps
    )


def _leases(operations: Iterable[Operation]) -> dict[str, list[tuple[float, float]]]:
    """By client: when leases were granted or renewed, and when they were over, where nothing came in between."""
    spans, uses = [], defaultdict(list)
    for one in operations:
        lease = one.arguments.get("lease") or (one.result or {}).get("lease")
        if one.kind in {"renew", "release"}:
            uses[lease].append(one.called)
        if one.answer == "granted" or (one.kind == "renew" and one.answer == "ok"):
            client = one.session.removeprefix("robot ").partition(".")[0]
            spans.append((client, lease, one.returned, one.returned + one.arguments["ttl"]))
    leases = defaultdict(list)
    for client, lease, since, until in spans:
        if not any(since < used < until for used in uses[lease]):
            leases[client].append((since, until))
    return leases


def _longest(times: Sequence[float], since: float, until: float) -> float:
    """The longest silence in a span."""
    moments = [since, *times[bisect_right(times, since) : bisect_right(times, until)], until]
    return max((after - before for before, after in pairwise(moments)), default=0.0)
