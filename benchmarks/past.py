"""A laboratory that was at work for a hundred days: rows as the workers would have written them, by COPY.

Boxes with 99 tubes each, which ten robots write to in turn. Every ninth time it is the same tube, the busy one. The
last entry is a day old, so that no answer is stored any more; all is published.
"""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import cycle
from typing import Any, Final, NamedTuple

import psycopg

from labstow.contracts.ulids import new_ulid
from labstow.workers.kit.journal import HASHED, changes, dumps, entry
from labstow.workers.resource.thing import Thing, seal, state, thing

TUBES: Final = 99
ROBOTS: Final = 10
EVERY: Final = 9
DAYS: Final = 100
THINGS: Final = (
    f"select {', '.join(Thing._fields)} from labstow.resource where id in (%s, %s) order by parent_id nulls first"
)
COPY_THINGS: Final = f"copy labstow.resource ({', '.join(Thing._fields)}) from stdin"
COPY_ENTRIES: Final = f"copy labstow.journal ({', '.join(HASHED)}, hash) from stdin"
MOMENTS: Final = """
select unnest(percentile_disc(array(select n / 100.0 from generate_series(1, 100) n)) within group (order by at))
from labstow.journal where entity_id = %s
"""

Progress = Callable[[int], None]
Row = tuple[Any, ...]


class Busy(NamedTuple):
    """The busy tube, the box it is in, the class of both, and a hundred moments of its life."""

    id: str
    box: str
    batch: str
    moments: list[datetime]
    robot: str
    """Who wrote to it, among others."""
    quiet: str
    """Another box."""


class Past:
    """Things, and the entries that made them what they are."""

    def __init__(self, entries: int, box: Thing, tube: Thing) -> None:
        """`box` and `tube` are such as a worker wrote; what is in the past is like them."""
        self.things: dict[str, Thing] = {}
        self.busy = ""
        self._box, self._tube = box, tube
        self._step = timedelta(days=DAYS - 1) / entries
        self._now = datetime.now(UTC) - timedelta(days=DAYS)
        self._robots = cycle([f"robot {number}" for number in range(ROBOTS)])

    def entries(self, things: int, entries: int) -> Iterator[Row]:
        """So many entries of so many things, first to last."""
        for number in range(things // (TUBES + 1)):
            yield from self._add(number)
        self.busy = list(self.things)[-1]
        others = cycle([each for each in self.things if each != self.busy])
        for number in range(entries - len(self.things)):
            yield self._update(next(others) if number % EVERY else self.busy)

    def _add(self, number: int) -> Iterator[Row]:
        """A box with its tubes, in one operation."""
        common: dict[str, Any] = {"created_at": self._now, "updated_at": self._now, "version": 1}
        common["resource_class"] = f"batch{number:06}"
        box = self._box._replace(id=new_ulid(), quantity=Decimal(TUBES), **common)
        op_id, robot = new_ulid(), next(self._robots)
        yield self._write(box, "added", op_id, robot)
        for _ in range(TUBES):
            yield self._write(self._tube._replace(id=new_ulid(), parent_id=box.id, **common), "added", op_id, robot)
        self._now += self._step * (TUBES + 1)

    def _update(self, resource_id: str) -> Row:
        before = self.things[resource_id]
        self._now += self._step
        attributes = before.attributes | {"run": (op_id := new_ulid())}
        after = before._replace(attributes=attributes, version=before.version + 1, updated_at=self._now)
        return self._write(after, "updated", op_id, next(self._robots))

    def _write(self, after: Thing, what: str, op_id: str, robot: str) -> Row:
        before = self.things.get(after.id)
        shown = state(after)
        told = dumps(changes(state(before) if before else None, shown)), dumps(shown)
        columns: dict[str, Any] = dict.fromkeys(HASHED) | {
            "event_id": new_ulid(), "noun": "resource", "entity_id": after.id, "version": after.version, "what": what,
            "at": self._now, "actor": robot, "via": "nats", "op_id": op_id, "parent_id": after.parent_id,
            "prev_hash": before.head if before else "",
        }  # fmt: skip
        _, digest = entry(columns, *told)
        self.things[after.id] = seal(after, digest)
        columns |= {"changes": told[0].decode(), "state": told[1].decode()}
        return (*columns.values(), digest)


def fill(url: str, seeds: tuple[str, str], things: int, entries: int, progress: Progress) -> Busy:
    """Write a past into a database, with more of a box that is there and of a tube in it, whose ids are `seeds`."""
    with psycopg.connect(url) as connection:
        past = Past(entries, *map(thing, connection.execute(THINGS, seeds)))
        with connection.cursor() as cursor:
            with cursor.copy(COPY_ENTRIES) as copy:
                for number, row in enumerate(past.entries(things, entries)):
                    copy.write_row(row)
                    progress(number)
            with cursor.copy(COPY_THINGS) as copy:
                for one in past.things.values():
                    copy.write_row([dumps(value).decode() if isinstance(value, dict) else value for value in one])
        connection.commit()
        connection.autocommit = True
        connection.execute("vacuum analyze")
        connection.execute("checkpoint")
        moments = [at for (at,) in connection.execute(MOMENTS, [past.busy])]
    busy, quiet = past.things[past.busy], next(iter(past.things))
    return Busy(busy.id, str(busy.parent_id), busy.resource_class, moments, "robot 0", quiet)
