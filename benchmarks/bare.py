"""The baseline of writing: bare psycopg locks rows, writes them, and writes what our tables keep about it."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Final, Self

import orjson
import psycopg

from labstow.contracts.ulids import new_ulid

BODY: Final = orjson.dumps({"name": "s", "attributes": {"compound": "aspirin", "mM": 10}, "state": "x" * 400}).decode()
TABLES: Final = """
create table bare_thing (id text collate "C" primary key, body jsonb not null, version int not null);
create table bare_journal (seq bigint generated always as identity primary key, id text not null, version int not null,
    at timestamptz not null, changes json not null, state json not null, unique (id, version));
create index on bare_journal (at);
create table bare_outbox (seq bigint primary key);
create table bare_operation (op_id text primary key, reply text not null);
"""
LOCK: Final = "select * from bare_thing where id = any(%s) order by id for no key update"
SAVE: Final = """
with things as (insert into bare_thing select id, %(body)s, 1 from unnest(%(new)s::text[]) as id returning 1),
changed as (update bare_thing set body = %(body)s, version = version + 1 where id = any(%(ids)s)
    returning id, version),
entries as (insert into bare_journal (id, version, at, changes, state)
    select id, 1, %(at)s, %(body)s, %(body)s from unnest(%(new)s::text[]) as id
    union all select id, version, %(at)s, %(body)s, %(body)s from changed returning seq),
waiting as (insert into bare_outbox select seq from entries)
insert into bare_operation values (%(op_id)s, %(body)s)
"""


class Bare:
    """Connections, and rows that callers take turns with."""

    def __init__(self, url: str, callers: int) -> None:
        self._url, self._callers = url, callers
        self._connections: list[psycopg.AsyncConnection] = []
        self._things: list[str] = []

    async def __aenter__(self) -> Self:
        self._connections = [await psycopg.AsyncConnection.connect(self._url) for _ in range(self._callers)]
        self._things = [new_ulid() for _ in range(self._callers * 8)]
        first = self._connections[0]
        await first.execute(TABLES)
        await first.execute("insert into bare_thing select id, '{}', 1 from unnest(%s::text[]) as id", (self._things,))
        await first.commit()
        return self

    async def __aexit__(self, *_: object) -> None:
        await asyncio.gather(*(connection.close() for connection in self._connections))

    def writing(self, new: int, changed: int) -> Callable[[], Awaitable[None]]:
        """A transaction that adds some rows and changes others: two round trips, as ours has."""

        async def once() -> None:
            connection = self._connections.pop()
            ids = [self._things.pop() for _ in range(changed)]
            values = {"body": BODY, "new": [new_ulid() for _ in range(new)], "ids": ids, "at": datetime.now(UTC)}
            await connection.execute(LOCK, (sorted(ids),))
            await connection.execute(SAVE, {**values, "op_id": new_ulid()})
            await connection.commit()
            self._things.extend(ids)
            self._connections.append(connection)

        return once
