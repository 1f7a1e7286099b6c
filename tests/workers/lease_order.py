"""What the journal tells of leases on whole things: that nothing in them was changed, or taken, by anybody else (I13).

It has its entries in the order in which they happened, as far as they are about the same things. For leases that are
not renewed.
"""

from collections.abc import Iterator
from datetime import datetime
from itertools import groupby
from typing import Any, Final, NamedTuple

import psycopg

from tests.rules.lock_model import above, below

ENTRIES: Final = """
    select op_id, at, entity_id, noun, version, what, token, state from labstow.journal
    where noun in ('resource', 'lock') order by seq"""


class Held(NamedTuple):
    """A lease, as it was granted."""

    holder: str
    whole: bool
    token: int
    until: datetime


def audit_whole(connection: psycopg.Connection[Any]) -> Iterator[str]:
    """Everything that is wrong with leases on whole things, each finding with an id."""
    parents: dict[str, str | None] = {}
    leases: dict[str, Held] = {}
    for _, group in groupby(connection.execute(ENTRIES).fetchall(), key=lambda row: row[:2]):
        entries = list(group)
        at = entries[0][1]
        held = {each: lease for each, lease in leases.items() if at < lease.until}
        for *_, thing, noun, version, what, token, _ in entries:
            parents.setdefault(thing, None)
            binding = [held[thing]] if thing in held else []
            binding += [held[each] for each in above(parents, thing) if each in held and held[each].whole]
            if noun == "resource" and version > 1 and binding and token not in {each.token for each in binding}:
                yield f"{thing} at version {version} was {what} without the lease that was in force"
        for *_, thing, noun, _, what, _, state in entries:
            if noun == "resource":
                parents[thing] = state["parent_id"]
            elif what == "granted":
                until = datetime.fromisoformat(state["expires_at"])
                leases[thing] = Held(state["holder"], state["scope"] == "subtree", state["token"], until)
            elif what in ("released", "expired", "broken"):
                del leases[thing]
        yield from _overlaps(parents, {each: lease for each, lease in leases.items() if at < lease.until})


def _overlaps(parents: dict[str, str | None], leases: dict[str, Held]) -> Iterator[str]:
    """Things that somebody has while somebody else has the whole of what they are in."""
    for thing, lease in leases.items():
        inside = [leases[each] for each in below(parents, thing) if each in leases] if lease.whole else []
        if any(each.holder != lease.holder for each in inside):
            yield f"{thing} is had whole, and somebody else has something in it"
