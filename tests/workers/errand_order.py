"""What the journal tells of things on their way: that each is in its gripper and nowhere else, unless somebody took it,
and that nothing else was begun with the same thing, gripper or target meanwhile (I16, I46).
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from typing import Any, Final

import psycopg

Json = dict[str, Any]

ENTRIES: Final = """
    select op_id, seq, entity_id, noun, what, state from labstow.journal
    where noun in ('resource', 'location', 'transfer') order by seq"""


def audit_errands(connection: psycopg.Connection[Any]) -> Iterator[str]:
    """Everything that was ever wrong with transfers, each finding with an id."""
    commands: dict[str, list[Any]] = defaultdict(list)
    for row in connection.execute(ENTRIES):
        commands[row[0]].append(row[1:])
    things: dict[str, Json] = {}
    attached: dict[str, str | None] = {}
    under_way: dict[str, Json] = {}
    taken: set[str] = set()
    for entries in sorted(commands.values(), key=lambda each: each[-1][0]):  # two about one thing do not overlap
        for _, key, noun, what, state in entries:
            if noun == "location":
                attached[key] = state["resource_id"]
            elif noun == "resource":
                things[key] = state
            elif what == "begun":
                under_way[key] = state
                taken.discard(state["resource_id"])
            elif what in ("completed", "aborted"):
                del under_way[key]
        carried = {each["resource_id"] for each in under_way.values()}
        own = {state["resource_id"] for _, _, noun, what, state in entries if (noun, what) == ("transfer", "begun")}
        taken |= {key for _, key, noun, _, _ in entries if noun == "resource"} & carried - own
        yield from _wrong(under_way.values(), things, set(attached.values()), taken)


def _wrong(
    under_way: Iterable[Json], things: dict[str, Json], attached: set[str | None], taken: set[str]
) -> Iterator[str]:
    for transfer in under_way:
        thing = transfer["resource_id"]
        if things[thing]["parent_id"] != transfer["gripper_id"] and thing not in taken:
            yield f"{thing} is on its way and not in its gripper"
        if thing in attached:
            yield f"{thing} is on its way and at a location"
    for what in ("resource_id", "gripper_id", "target"):
        where = Counter(str(sorted(each[what].items())) if what == "target" else each[what] for each in under_way)
        for key, times in where.items():
            if times > 1:
                yield f"{key} is the {what} of {times} transfers at once"
