"""What a round of five statements costs its sender: in psycopg's own pipeline mode, and in `kit.pipeline`.

    python -m benchmarks.pipelines [--rounds 2000] [--repeat 5]

Prints CPU and time per round, medians; both send the same prepared statements and read the same rows.
"""

import argparse
import asyncio
import statistics
import time
from collections.abc import Awaitable, Callable
from typing import Final

import psycopg
import uvloop
from sqlalchemy import Text, bindparam, literal_column, select, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.sql import any_

from labstow.workers.kit.database import connect
from labstow.workers.kit.pipeline import Ask, Pipeline, Statement
from tests.servers import running_servers

NAMES: Final = ["pg_class", "pg_proc"]
PLAIN: Final = "select oid::text, relname from pg_catalog.pg_class where relname = any(%(names)s::text[])"
STATEMENT: Final = Statement.of(
    select(literal_column("oid::text"), literal_column("relname"))
    .select_from(text("pg_catalog.pg_class"))
    .where(literal_column("relname") == any_(bindparam("names", type_=ARRAY(Text))))
)
FIVE: Final = range(5)


async def psycopgs(db: psycopg.AsyncConnection) -> None:
    """One round in psycopg's pipeline mode."""
    async with db.pipeline():
        cursors = [await db.execute(PLAIN, {"names": NAMES}) for _ in FIVE]
    for cursor in cursors:
        assert len(await cursor.fetchall()) == 2


async def ours(db: Pipeline) -> None:
    """One round in ours."""
    for rows in await db.exchange(*[Ask(STATEMENT, {"names": NAMES}) for _ in FIVE]):
        assert len(rows) == 2


async def measured(once: Callable[[], Awaitable[None]], rounds: int) -> tuple[float, float]:
    """CPU and time of a round, in microseconds."""
    cpu, begun = time.process_time(), time.perf_counter()
    for _ in range(rounds):
        await once()
    return (time.process_time() - cpu) / rounds * 1e6, (time.perf_counter() - begun) / rounds * 1e6


async def run(url: str, given: argparse.Namespace) -> None:
    """Measure both in turns, and print."""
    theirs, own = await connect(url), Pipeline(await connect(url))
    await theirs.set_autocommit(True)
    ways = {"psycopg": lambda: psycopgs(theirs), "kit.pipeline": lambda: ours(own)}
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in ways}
    for _ in range(given.repeat):
        for name, once in ways.items():
            found[name].append(await measured(once, given.rounds))
    for name, figures in found.items():
        cpu, elapsed = (statistics.median(each) for each in zip(*figures, strict=True))
        print(f"{name:14} {cpu:6.0f} us CPU, {elapsed:6.0f} us a round of five statements")
    await asyncio.gather(theirs.close(), own.close())


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--rounds", type=int, default=2_000)
    options.add_argument("--repeat", type=int, default=5)
    with running_servers() as servers, servers.database() as url:
        uvloop.run(run(url, options.parse_args()))


if __name__ == "__main__":
    main()
