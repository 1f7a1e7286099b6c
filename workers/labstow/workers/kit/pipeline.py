"""Several prepared statements in one round trip: sent in one write, answered in one read.

psycopg's own pipeline writes and reads for each statement, and makes a cursor for it: three times the CPU, which is
most of what a single caller waits for (`python -m benchmarks.pipelines`). This stands on `psycopg.pq`, the documented
wrapper of libpq, and on psycopg's own conversions.
"""

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any, Final, NamedTuple, Self

import psycopg
from psycopg import pq
from psycopg.adapt import PyFormat, Transformer
from psycopg.errors import error_from_result
from psycopg.waiting import Ready, Wait
from sqlalchemy.dialects.postgresql.psycopg import dialect
from sqlalchemy.sql.elements import ClauseElement

_NUMBERS: Final = count(1)
ESCAPED: Final = str.maketrans({"\\": "\\\\", '"': '\\"'})
FAILED: Final = (pq.ExecStatus.FATAL_ERROR, pq.ExecStatus.PIPELINE_ABORTED)

Rows = list[tuple[Any, ...]]


@dataclass(frozen=True, eq=False)
class Statement:
    """A statement under the name it is prepared by, and the names of its parameters in their order."""

    text: bytes
    parameters: tuple[str, ...]
    name: bytes

    @classmethod
    def of(cls, statement: ClauseElement) -> Self:
        """A statement of SQLAlchemy Core, compiled once."""
        compiled = statement.compile(dialect=dialect(paramstyle="numeric_dollar"))  # type: ignore[no-untyped-call]
        names = tuple(getattr(compiled, "positiontup", None) or ())  # as SQLCompiler has it
        return cls(str(compiled).encode(), names, b"labstow_%d" % next(_NUMBERS))

    @classmethod
    def plain(cls, text: str) -> Self:
        """A statement without parameters."""
        return cls(text.encode(), (), b"labstow_%d" % next(_NUMBERS))


class Ask(NamedTuple):
    """A statement and the values of its parameters."""

    statement: Statement
    values: Mapping[str, Any] = {}
    once: bool = False
    """Plan it for these values, and keep nothing of it."""


BEGIN: Final = Statement.plain("begin")
BEGIN_SNAPSHOT: Final = Statement.plain("begin isolation level repeatable read read only")
COMMIT: Final = Statement.plain("commit")
ROLLBACK: Final = Statement.plain("rollback")


class Pipeline:
    """A connection that is used for nothing else."""

    def __init__(self, db: psycopg.AsyncConnection) -> None:
        self._db = db
        self._prepared: set[bytes] = set()
        db.pgconn.enter_pipeline_mode()

    @property
    def closed(self) -> bool:
        """Whether it is of no more use."""
        return self._db.closed

    @property
    def idle(self) -> bool:
        """Whether no transaction is open."""
        return self._db.pgconn.transaction_status == pq.TransactionStatus.IDLE

    async def close(self) -> None:
        """Give the connection back."""
        await self._db.close()

    async def exchange(self, *asks: Ask) -> list[Rows]:
        """The rows of each statement. They are executed in their order, up to the first that fails.

        Raises:
            psycopg.Error: what the database says of that one.
        """
        connection, expected = self._db.pgconn, list[bytes | None]()
        convert, new = Transformer(self._db), set[bytes]()
        # All values first: what cannot be written must not leave half a pipeline behind.
        written = [_written(convert, ask.statement, ask.values) for ask in asks]
        for (statement, _, once), given in zip(asks, written, strict=True):
            name = b"" if once else statement.name
            if once or (name not in self._prepared and name not in new):
                connection.send_prepare(name, statement.text)
                expected.append(b"" if once else name)
                new.add(name)
            connection.send_query_prepared(name, given, result_format=pq.Format.BINARY)
            expected.append(None)
        connection.pipeline_sync()
        answers: list[Rows] = []
        for prepared, result in zip(expected, await self._db.wait(_results(connection)), strict=True):
            if result.status in FAILED:
                raise error_from_result(result, self._db.info.encoding)
            if prepared is None:
                if result.ntuples:  # else there is nothing to convert, and it looks at every column
                    convert.set_pgresult(result)
                answers.append(convert.load_rows(0, result.ntuples, tuple) if result.ntuples else [])
            else:
                self._prepared.add(prepared)
        return answers


def _written(convert: Any, statement: Statement, values: Mapping[str, Any]) -> Sequence[Any] | None:
    given = [_listed(values[name]) for name in statement.parameters]
    return convert.dump_sequence(given, [PyFormat.TEXT] * len(given)) if given else None


def _listed(value: Any) -> Any:
    """A list as Postgres reads it. psycopg looks at each item for its type; ours are texts, or numbers, or nothing."""
    if type(value) is not list:
        return value
    return "{" + ",".join(map(_item, value)) + "}"


def _item(item: str | int | None) -> str:
    if item is None:
        return "null"
    return f'"{item.translate(ESCAPED)}"' if isinstance(item, str) else str(item)


def _results(connection: pq.abc.PGconn) -> Generator[Wait, Ready | int, list[pq.abc.PGresult]]:
    """Send what is queued, and collect results up to the end of the pipeline."""
    results: list[pq.abc.PGresult] = []
    sending = True
    while True:
        sending = sending and connection.flush() == 1
        ready = yield Wait.RW if sending else Wait.R
        if not ready & Ready.R:
            continue
        connection.consume_input()
        while not connection.is_busy():
            result = connection.get_result()
            if result is None:  # the end of one statement
                continue
            if result.status == pq.ExecStatus.PIPELINE_SYNC:
                return results
            results.append(result)
