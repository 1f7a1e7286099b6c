"""What was read before is known: a row that was not written since is the same resource."""

from collections.abc import Mapping
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.sql import any_

from labstow.workers.kit.kept import Kept
from labstow.workers.kit.pipeline import Pipeline, Rows, Statement
from labstow.workers.kit.reader import fetch, snapshot
from labstow.workers.kit.statements import texts
from labstow.workers.resource.loads import COLUMNS
from labstow.workers.resource.reading.nodes import Found, Node, found, node
from labstow.workers.resource.reading.walks import ROW
from labstow.workers.resource.tables import resource
from labstow.workers.resource.thing import thing

ROOM: Final = 64_000_000
"""Bytes of memory, about, for what is known."""
NODE_BYTES: Final = 900
"""What a node takes besides its JSON."""

THINGS: Final = Statement.of(select(ROW, *COLUMNS).where(resource.c.id == any_(texts("ids"))))


class Known:
    """Resources by id and row. A statement says which rows an answer has, as of one moment; only those nobody has
    read since they were written are read.
    """

    def __init__(self, room: int = ROOM) -> None:
        self._nodes: Kept[tuple[str, str], Node] = Kept(room)

    def forget(self) -> None:
        """A new connection may lead to a database that went another way."""
        self._nodes.clear()

    async def read(
        self, db: Pipeline, statement: Statement, values: Mapping[str, Any], *, prepare: bool | None = None
    ) -> Found:
        """What a statement selects: id and row, and a number for what was asked for, in its order."""
        rows = await fetch(db, statement, values, prepare=prepare)
        nodes = await self._of(db, rows)
        if None in nodes:  # written between the two statements
            async with snapshot(db):
                rows = await fetch(db, statement, values, prepare=prepare)
                nodes = await self._of(db, rows)
        return found([(row[2], each) for row, each in zip(rows, nodes, strict=True) if each is not None])

    async def _of(self, db: Pipeline, rows: Rows) -> list[Node | None]:
        """The nodes of some rows; None where there is another row by now."""
        nodes = [self._nodes.get((row[0], row[1])) for row in rows]
        if None not in nodes:
            return nodes
        unknown = {row[0] for row, each in zip(rows, nodes, strict=True) if each is None}
        fresh: dict[tuple[str, str], Node] = {}
        for row, *columns in await fetch(db, THINGS, {"ids": list(unknown)}):
            read = node(thing(tuple(columns)))
            fresh[read.id, row] = read
            self._nodes.put((read.id, row), read, len(read.json) + NODE_BYTES)
        return [each or fresh.get((row[0], row[1])) for row, each in zip(rows, nodes, strict=True)]
