"""Statements of the hot path: written in SQLAlchemy Core, compiled once, run on psycopg in pipeline mode.

One JSON parameter a table carries any number of rows, so a statement is prepared once and planned once.
"""

from collections.abc import Iterable
from typing import Any, Final

from sqlalchemy import (
    CTE,
    JSON,
    Column,
    Select,
    Table,
    Text,
    bindparam,
    column,
    func,
    insert,
    literal_column,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.dialects.postgresql.psycopg import dialect
from sqlalchemy.sql import any_
from sqlalchemy.sql.elements import BindParameter, ClauseElement
from sqlalchemy.sql.selectable import TableValuedAlias

from labstow.workers.kit.journal import dumps
from labstow.workers.kit.pipeline import Statement
from labstow.workers.kit.tables import journal, operation, outbox

Columns = Iterable[Column[Any]]


def sql(statement: ClauseElement) -> str:
    """The statement as psycopg takes it."""
    return str(statement.compile(dialect=dialect()))  # type: ignore[no-untyped-call]


def texts(name: str) -> BindParameter[Any]:
    """A parameter that is a list of texts."""
    return bindparam(name, type_=ARRAY(Text))


def records(name: str, columns: Columns, *, verbatim: bool = False) -> TableValuedAlias:
    """A parameter that is a JSON list of records, as a table. `verbatim` keeps json columns byte by byte."""
    typed = [column(str(c.name), Text() if isinstance(c.type, Text) else c.type) for c in columns]
    expand = func.json_to_recordset if verbatim else func.jsonb_to_recordset
    given = bindparam(name, type_=JSON() if verbatim else JSONB())
    return expand(given).table_valued(*typed).render_derived(name, with_types=True)


def copy_in(table: Table, name: str, columns: Columns) -> Any:
    """Insert all records of a parameter."""
    wanted = list(columns)
    given = records(name, wanted)
    return insert(table).from_select([c.name for c in wanted], select(*given.c))


def change(table: Table, name: str, columns: Columns) -> Any:
    """Update the rows whose id a record has; `<name>_ids` lists the ids, so that they are found by index."""
    wanted = list(columns)
    given = records(name, wanted)
    values = {c.name: given.c[c.name] for c in wanted if c.name != "id"}
    return update(table).values(values).where(table.c.id == given.c.id, table.c.id == any_(texts(f"{name}_ids")))


def written(new: Iterable[dict[str, Any]], changed: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """What `copy_in` of "new" and `change` of "changed" are to write."""
    records = list(changed)
    return {
        "new": dumps(list(new)).decode(),
        "changed": dumps(records).decode(),
        "changed_ids": [record["id"] for record in records],
    }


def save(*own: CTE, new: CTE | None = None) -> Statement:
    """SAVE: one statement for the noun's own tables, the journal, the outbox and the stored answers.

    `new` inserts things, in the order of their ids, and returns something. The journal looks at it, so that it comes
    later: Postgres runs the parts in any order, and two who insert the same keys in another order would deadlock.
    """
    columns = [c for c in journal.c if c.name != "seq"]
    given = records("entries", columns, verbatim=True)
    entries = select(*given.c)
    if new is not None:
        own = (new, *own)
        entries = entries.where(select(func.count()).select_from(new).scalar_subquery() >= literal_column("0"))
    written = insert(journal).from_select([c.name for c in columns], entries).returning(journal.c.seq).cte("written")
    waiting = insert(outbox).from_select(["seq"], select(written.c.seq)).cte("waiting")
    return Statement.of(copy_in(operation, "operations", operation.c).add_cte(*own, waiting))


def _done() -> Select[Any]:
    columns = (
        operation.c.op_id,
        operation.c.principal,
        operation.c.digest,
        operation.c.status,
        operation.c.reply,
    )
    return select(*columns).where(operation.c.op_id == any_(texts("ids")))


DONE: Final = Statement.of(_done())
CLOCK: Final = Statement.of(select(func.clock_timestamp()))
