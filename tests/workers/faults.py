"""A database that is made wrong in one way, for its auditors to find it."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import psycopg


@contextmanager
def unguarded(url: str) -> Iterator[psycopg.Connection[Any]]:
    """A transaction, rolled back at the end, in which nothing keeps anybody from doing anything."""
    with psycopg.connect(url, options="-c search_path=labstow") as connection:
        connection.execute("set local session_replication_role = replica")  # no triggers, no foreign keys
        constraints = connection.execute(
            "select conrelid::regclass::text, conname from pg_constraint where connamespace = 'labstow'::regnamespace"
            " and contype in ('c', 'u')"
        )
        for table, name in constraints.fetchall():
            connection.execute(f"alter table {table} drop constraint {name}")
        unique = connection.execute(
            "select indexrelid::regclass::text from pg_index where indisunique and not indisprimary"
            " and indrelid in (select oid from pg_class where relnamespace = 'labstow'::regnamespace)"
        )
        for (index,) in unique.fetchall():
            connection.execute(f"drop index {index}")
        yield connection
        connection.rollback()


def do_wrong(connection: psycopg.Connection[Any], fault: str, names: Mapping[str, str]) -> None:
    """Carry out a statement, in which `:name` is the id of something."""
    for name, key in names.items():
        fault = fault.replace(f":{name}", f"'{key}'")
    assert connection.execute(fault).rowcount
