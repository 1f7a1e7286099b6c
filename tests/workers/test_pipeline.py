"""Statements in one round trip: what comes back, and what a failure leaves behind."""

import asyncio
from collections.abc import AsyncIterator

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Integer, Text, bindparam, cast, func, literal_column, select
from sqlalchemy.dialects.postgresql import ARRAY

from labstow.workers.kit.database import connect
from labstow.workers.kit.pipeline import BEGIN, COMMIT, ROLLBACK, Ask, Pipeline, Statement
from tests.conftest import until

ONE = Statement.plain("select 1")
ECHO = Statement.of(select(cast(bindparam("text", type_=Text), Text), bindparam("numbers", type_=ARRAY(Integer))))
LENGTH = Statement.of(select(func.length(bindparam("text", type_=Text))))
DIVIDED = Statement.of(select(literal_column("1") / bindparam("by", type_=Integer)))
SLEEP = Statement.plain("select pg_sleep(30)")


@pytest.fixture
async def pipeline(postgres_url: str) -> AsyncIterator[Pipeline]:
    opened = Pipeline(await connect(postgres_url))
    yield opened
    await opened.close()


async def test_each_statement_has_its_rows(pipeline: Pipeline) -> None:
    for _ in range(3):  # prepared once, used again
        found = await pipeline.exchange(
            Ask(ONE), Ask(ECHO, {"text": "µ 'x'", "numbers": [1, 2]}), Ask(LENGTH, {"text": "abc"}), Ask(ONE)
        )
        assert found == [[(1,)], [("µ 'x'", [1, 2])], [(3,)], [(1,)]]


LIST = Statement.of(select(bindparam("texts", type_=ARRAY(Text))))


@given(texts=st.lists(st.none() | st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))))
@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_a_list_of_any_texts_arrives(pipeline: Pipeline, texts: list[str | None]) -> None:
    assert await pipeline.exchange(Ask(LIST, {"texts": texts})) == [[(texts,)]]


async def test_what_is_larger_than_any_buffer_arrives(pipeline: Pipeline) -> None:
    """Both ways at once: nobody waits for the other to read."""
    large = "x" * 20_000_000

    async with asyncio.timeout(20):
        echoed, length, one = await pipeline.exchange(
            Ask(ECHO, {"text": large, "numbers": []}), Ask(LENGTH, {"text": large}), Ask(ONE)
        )

    assert (len(echoed[0][0]), length, one) == (len(large), [(len(large),)], [(1,)])


async def test_the_first_failure_is_told_and_what_follows_is_not_done(pipeline: Pipeline) -> None:
    """And the connection is good for more, whether or not its statements had been prepared before."""
    make = Statement.plain("create table made (n int)")
    for _ in range(2):
        with pytest.raises(psycopg.errors.DivisionByZero):
            await pipeline.exchange(Ask(BEGIN), Ask(ONE), Ask(DIVIDED, {"by": 0}), Ask(make), Ask(COMMIT))
        assert not pipeline.idle
        await pipeline.exchange(Ask(ROLLBACK))
        assert pipeline.idle
    assert await pipeline.exchange(Ask(Statement.plain("select to_regclass('made') is null"))) == [[(True,)]]
    assert await pipeline.exchange(Ask(DIVIDED, {"by": 1}), Ask(ONE)) == [[(1,)], [(1,)]]


async def test_a_statement_that_cannot_be_prepared_is_told_each_time(pipeline: Pipeline) -> None:
    broken = Statement.plain("select nothing from nowhere")
    for _ in range(2):
        with pytest.raises(psycopg.errors.UndefinedTable):
            await pipeline.exchange(Ask(ONE), Ask(broken))
    assert await pipeline.exchange(Ask(ONE)) == [[(1,)]]


async def test_who_gives_up_waiting_leaves_nothing_running(pipeline: Pipeline, postgres_url: str) -> None:
    """The query is cancelled, too: else it would hold its locks for as long as it likes."""
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.2):
            await pipeline.exchange(Ask(SLEEP))
    async with await psycopg.AsyncConnection.connect(postgres_url, autocommit=True) as other:

        async def over() -> bool:
            asked = (
                "select count(*) from pg_stat_activity where state = 'active' and query like '%pg_sleep(30)%'"
                " and datname = current_database() and pid <> pg_backend_pid()"
            )
            found = await (await other.execute(asked)).fetchone()
            return found == (0,)

        await until(over)


async def test_a_lost_connection_is_told(pipeline: Pipeline, postgres_url: str) -> None:
    pid = (await pipeline.exchange(Ask(Statement.plain("select pg_backend_pid()"))))[0][0][0]
    with psycopg.connect(postgres_url, autocommit=True) as other:
        other.execute("select pg_terminate_backend(%s, 5000)", (pid,))
    with pytest.raises(psycopg.OperationalError):
        await pipeline.exchange(Ask(ONE))
    assert pipeline.closed


async def test_values_that_cannot_be_written_harm_nobody(pipeline: Pipeline) -> None:
    with pytest.raises(KeyError):
        await pipeline.exchange(Ask(ONE), Ask(LENGTH, {}))
    assert await pipeline.exchange(Ask(ONE)) == [[(1,)]]
