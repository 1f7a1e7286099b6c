"""Entries of the journal as they are answered. None ever changes, so what was read is kept."""

from typing import Any, Final

import orjson
from sqlalchemy import BigInteger, Text, bindparam, cast, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.sql import any_

from labstow.workers.kit.journal import OPTIONS
from labstow.workers.kit.kept import Kept
from labstow.workers.kit.pipeline import Pipeline, Statement
from labstow.workers.kit.reader import fetch
from labstow.workers.kit.tables import journal

KEPT_BYTES: Final = 32_000_000
"""Memory for what was read."""
READ_AT_ONCE: Final = 200
"""An entry may be large: so many are read before anybody looks whether they still fit."""

_PLAIN: Final = (
    journal.c.seq, journal.c.event_id, journal.c.noun, journal.c.entity_id, journal.c.version, journal.c.what,
    journal.c.at, journal.c.actor, journal.c.via, journal.c.op_id, journal.c.group_id, journal.c.reason,
    journal.c.parent_id, journal.c.token, journal.c.prev_hash, journal.c.hash,
)  # fmt: skip
_NAMES: Final = [str(column.name) for column in _PLAIN]
_ENTRIES: Final = Statement.of(
    select(*_PLAIN, cast(journal.c.changes, Text), cast(journal.c.state, Text)).where(
        journal.c.seq == any_(bindparam("seqs", type_=ARRAY(BigInteger)))
    )
)


class KnownEntries:
    """Entries by their number."""

    def __init__(self, room: int = KEPT_BYTES) -> None:
        self._written: Kept[int, bytes] = Kept(room)

    def forget(self) -> None:
        """A new connection may lead to a database that went another way."""
        self._written.clear()

    async def read(self, db: Pipeline, seqs: list[int], room: int) -> list[bytes]:
        """Entries in the order of their numbers, as many as fit into so many bytes, and one at least."""
        found: list[bytes] = []
        for start in range(0, len(seqs), READ_AT_ONCE):
            chunk = seqs[start : start + READ_AT_ONCE]
            written = await self._read(db, chunk)
            for seq in chunk:
                room -= len(written[seq])
                if room < 0 and found:
                    return found
                found.append(written[seq])
        return found

    async def _read(self, db: Pipeline, seqs: list[int]) -> dict[int, bytes]:
        written = {seq: kept for seq in seqs if (kept := self._written.get(seq)) is not None}
        if unknown := [seq for seq in seqs if seq not in written]:
            for row in await fetch(db, _ENTRIES, {"seqs": unknown}):
                written[row[0]] = fresh = _entry(row)
                self._written.put(row[0], fresh, len(fresh))
        return written


def _entry(row: tuple[Any, ...]) -> bytes:
    """An entry as it is answered. `changes` and `state` pass as the bytes the entry's hash is over."""
    entry = dict(zip(_NAMES, row, strict=False))
    texts = {"changes": orjson.Fragment(row[-2]), "state": orjson.Fragment(row[-1])}
    return orjson.dumps(entry | texts, option=OPTIONS)
