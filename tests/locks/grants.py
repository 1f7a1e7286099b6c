"""What the journal says was granted, beside what the sessions were told."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace
from typing import Any, Final, NamedTuple

import psycopg

from tests.locks.histories import Operation

GRANTED: Final = """
    select state->>'grant_id', state->>'holder', min(extract(epoch from at))::float8,
        json_object_agg(entity_id, (state->>'token')::bigint)
    from labstow.journal where noun = 'lock' and what = 'granted' group by 1, 2 order by min(seq)"""
HEARD_LATE: Final = {"lock.lost", "lock.ticket_gone", "lock.no_ticket"}
"""What somebody who waited may be told although it was granted: that it is over, or that others had it since."""


class Grant(NamedTuple):
    """A lease, as the journal has it."""

    grant_id: str
    holder: str
    at: float
    """By `time.time()`."""
    tokens: dict[str, int]


def granted(connection: psycopg.Connection[Any]) -> list[Grant]:
    """All leases there ever were, the oldest first."""
    return [Grant(*row) for row in connection.execute(GRANTED)]


def compare(
    operations: Iterable[Operation], grants: Iterable[Grant], clock: float
) -> tuple[list[Operation], list[str]]:
    """The operations, told of the grants that came too late for who waited; and what is wrong.

    I5: each grant is of what was asked, no more and no less; and each was asked for, and is what was told.
    `clock` is what to add to `time.monotonic()` to have `time.time()`.
    """
    asked = [one for one in operations if one.kind == "acquire"]
    told = {frozenset(one.result["tokens"].items()): one for one in asked if one.result and one.answer == "granted"}
    unheard = defaultdict(list)
    for one in asked:
        if one.answer != "granted":
            unheard[one.session, frozenset(one.resources)].append(one)
    late: dict[int, Operation] = {}
    wrong = []
    for grant in grants:
        key = frozenset(grant.tokens.items())
        if key in told:
            one = told.pop(key)
            if one.session != grant.holder or set(one.resources) != grant.tokens.keys():
                wrong.append(f"{grant} is told to somebody else, or of something else: {one}")
            continue
        at = grant.at - clock
        waited = [one for one in unheard[grant.holder, frozenset(grant.tokens)] if one.called <= at <= one.returned]
        if len(waited) != 1 or waited[0].answer not in HEARD_LATE:
            wrong.append(f"{grant} was never told, or not asked for: {[*map(str, waited)]}")
            continue
        result = {"answer": "granted", "lease": f"of {grant.grant_id}", "tokens": grant.tokens}
        late[id(waited[0])] = replace(waited[0], result=result)
    wrong += [f"was told, and is not in the journal: {one}" for one in told.values()]
    return [late.get(id(one), one) for one in operations], wrong
