"""LOAD, DECIDE, SAVE on a real Postgres: what is committed together, what happens once, and who suffers for what."""

import asyncio
import os
import signal
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime
from typing import Any

import orjson
import psycopg
import pytest

from labstow.contracts.errors import Refusal
from labstow.contracts.message import Command
from labstow.contracts.queries import Get
from labstow.contracts.resource import Add, Init, NewResource, Patch, Remove, Update, Upsert
from labstow.contracts.ulids import new_ulid
from labstow.workers.kit import pipeline, reader
from labstow.workers.kit.call import CLOCK_SKEW_S, Answered, Call, Result
from labstow.workers.kit.journal import verify
from labstow.workers.kit.lane import Lane
from labstow.workers.kit.noun import By, Outcome
from labstow.workers.kit.pipeline import Pipeline, Statement
from labstow.workers.kit.unit import Unit
from labstow.workers.resource.noun import RESOURCE
from labstow.workers.resource.repository import Repository
from labstow.workers.resource.thing import Thing
from tests.workers.calls import call, settle, sql

Ask = Callable[..., Awaitable[Answered]]


@pytest.fixture
async def unit(postgres_url: str) -> Any:
    unit = Unit(postgres_url, RESOURCE, Repository())
    yield unit
    await unit.close()


def plate(**fields: Any) -> NewResource:
    return NewResource(resource_id=new_ulid(), name="plate", base_type="grid", rows=8, columns=12, **fields)


async def test_what_is_written_is_read_back_with_its_journal(unit: Unit[Any], postgres_url: str) -> None:
    """I35, I38: one entry a thing, and the stored bytes still hash to what was hashed."""
    wells = tuple(NewResource(name=f"s{i}", position=[0, i], attributes={"n": 1e22, "µ": i}) for i in range(12))
    (added,) = await settle(unit, call(Add(resource=plate(children=wells))))
    assert added.status == 200
    with sql(postgres_url) as db:
        names = [c.name for c in db.execute("select * from journal limit 0").description or ()]
        rows = [dict(zip(names, row, strict=True)) for row in db.execute("select * from journal")]
        texts = dict(db.execute("select seq, array[changes::text, state::text] from journal").fetchall())
        heads = {head for (head,) in db.execute("select head from resource")}
    assert len(rows) == 13
    assert all(verify(row, *texts[row["seq"]]) for row in rows)
    assert heads == {row["hash"] for row in rows}
    assert not verify(rows[0] | {"actor": "somebody else"}, *texts[rows[0]["seq"]])


async def test_journal_entry_and_change_commit_together(unit: Unit[Any], postgres_url: str) -> None:
    """I35, I50: a change whose entry cannot be written does not happen, and leaves nothing to publish.

    Seen to fail with the change and the journal saved in two transactions.
    """
    (added,) = await settle(unit, call(Add(resource=plate())))
    resource_id = orjson.loads(added.body)["resource_id"]
    with sql(postgres_url) as db:
        db.execute("alter table journal add constraint broken check (version < 2)")
    with pytest.raises(psycopg.errors.CheckViolation):
        await settle(unit, call(Update(resource_id=resource_id, changes=Patch(name="renamed"))))
    with sql(postgres_url) as db:
        assert db.execute("select name, version from resource").fetchall() == [("plate", 1)]
        assert db.execute("select count(*) from journal").fetchone() == (1,)
        assert db.execute("select count(*) from outbox").fetchone() == (1,)
        db.execute("alter table journal drop constraint broken")
    (renamed,) = await settle(unit, call(Update(resource_id=resource_id, changes=Patch(name="renamed"))))
    assert orjson.loads(renamed.body)["version"] == 2


async def test_eight_writers_leave_no_gap_in_the_versions(unit: Unit[Any], postgres_url: str) -> None:
    """I30, I35, I36: 8 connections, 5 things, 400 changes: versions 1..n, each with its entry, chained by hash.

    Seen to fail without `for no key update` in LOCK: the journal's unique key then refused what two had decided on
    the same version, and writers gave up.
    """
    things = [plate() for _ in range(5)]
    await settle(unit, *(call(Add(resource=thing)) for thing in things))
    units = [Unit(postgres_url, RESOURCE, Repository()) for _ in range(8)]

    async def write(number: int) -> int:
        done = 0
        for i in range(10):
            changes = [
                call(Update(resource_id=thing.resource_id, changes=Patch(attributes={f"w{number}": i})))
                for thing in (things if number % 2 else things[::-1])
            ]
            done += sum(answer.status == 200 for answer in await settle(units[number], *changes))
        return done

    assert sum(await asyncio.gather(*(write(number) for number in range(8)))) == 400
    for one in units:
        await one.close()
    assert not sum((one.retries for one in units), start=unit.retries)
    with sql(postgres_url) as db:
        found = db.execute("select entity_id, array_agg(version order by seq) from journal group by 1").fetchall()
        assert {tuple(versions) for _, versions in found} == {tuple(range(1, 82))}
        broken = """select count(*) from (select prev_hash, lag(hash, 1, '') over (partition by entity_id order by seq)
            as before from journal) chain where prev_hash <> before"""
        assert db.execute(broken).fetchone() == (0,)
        assert {row[0] for row in db.execute("select version from resource")} == {81}


async def test_the_commands_of_a_batch_see_each_other(unit: Unit[Any]) -> None:
    """I15, I30: in one transaction a well is given once, and a hot thing folds into one row."""
    grid = plate()
    (_, first, second) = await settle(
        unit,
        call(Add(resource=grid)),
        call(Add(resource=NewResource(name="a", position="A1"), parent_id=grid.resource_id)),
        call(Add(resource=NewResource(name="b", position="A1"), parent_id=grid.resource_id)),
    )
    assert (first.status, second.status) == (200, 409)
    assert orjson.loads(second.body)["occupant_id"] == orjson.loads(first.body)["resource_id"]
    rename = [call(Update(resource_id=grid.resource_id, changes=Patch(name=f"n{i}"))) for i in range(40)]
    assert [orjson.loads(a.body)["version"] for a in await settle(unit, *rename)] == list(range(3, 43))


@pytest.mark.parametrize("named", [True, False])
async def test_a_plate_with_its_samples_is_decided_at_the_first_try(unit: Unit[Any], named: bool) -> None:
    """Nothing that is new has to be looked for, whoever made the ids."""
    wells = tuple(
        NewResource(resource_id=new_ulid() if named else None, name=f"s{i}", position=[0, i]) for i in range(12)
    )
    grid = NewResource(name="P", base_type="grid", rows=8, columns=12, children=wells)
    result = await unit.run([call(Add(resource=grid))])
    assert ([answer.status for answer in result.answers], result.again) == ([200], [])


async def test_an_operation_is_executed_once(unit: Unit[Any], postgres_url: str) -> None:
    """I32, I33: repeated later, in the same batch and at the same time elsewhere; another payload is refused.

    Seen to fail without the lookup of stored answers in LOAD: the repetition made a second thing.
    """
    other = Unit(postgres_url, RESOURCE, Repository())
    op_id, command = new_ulid(), Add(resource=NewResource(name="once"))
    at_once = await asyncio.gather(
        settle(unit, call(command, op_id), call(command, op_id)), settle(other, call(command, op_id))
    )
    (later,) = await settle(other, call(command, op_id))
    answers = [answer for answers in at_once for answer in answers] + [later]
    assert {answer.status for answer in answers} == {200}
    assert len({answer.body for answer in answers}) == 1
    (refused,) = await settle(unit, call(Add(resource=NewResource(name="another")), op_id))
    assert (refused.status, orjson.loads(refused.body)["code"]) == (422, "operation.other_payload")
    with sql(postgres_url) as db:
        assert db.execute("select count(*) from resource").fetchone() == (1,)
    await other.close()


async def test_many_who_init_one_thing_get_one_thing(unit: Unit[Any], postgres_url: str) -> None:
    """I34: 8 connections with 5 calls each create one row, again and again.

    Seen to fail without the key lock (QUEUE_UP): several rows, then `resource.ambiguous`.
    """
    units = [Unit(postgres_url, RESOURCE, Repository()) for _ in range(8)]
    for number in range(10):
        wanted = Init(resource=NewResource(name=f"buffer {number}", resource_class="reagent"))
        answers = await asyncio.gather(*(settle(one, *(call(wanted) for _ in range(5))) for one in units))
        assert len({answer.body for some in answers for answer in some}) == 1
    with sql(postgres_url) as db:
        assert db.execute("select count(*) from resource").fetchone() == (10,)
    for one in units:
        await one.close()


async def test_boxes_put_into_each_other_by_many_make_no_cycle(unit: Unit[Any], postgres_url: str) -> None:
    """I14: a box put into a shelf of another box, while that one is put into a shelf of the first. 30 pairs.

    The two commands lock different rows, so only the tree lock tells them of each other. Seen to fail without it:
    both succeeded, and a box was in itself.
    """
    units = [Unit(postgres_url, RESOURCE, Repository()) for _ in range(4)]
    for _ in range(30):
        shelves = [NewResource(resource_id=new_ulid(), name="shelf", base_type="container") for _ in "ab"]
        boxes = [NewResource(resource_id=new_ulid(), name="box", base_type="container", children=(s,)) for s in shelves]
        await settle(unit, *(call(Add(resource=box)) for box in boxes))
        crossing = [
            Upsert(resource=NewResource(resource_id=box.resource_id, name="box"), parent_id=shelf.resource_id)
            for box, shelf in zip(boxes, reversed(shelves), strict=True)
        ]
        answers = await asyncio.gather(*(settle(one, call(crossing[i % 2])) for i, one in enumerate(units)))
        assert sorted(answer.status for some in answers for answer in some) == [200, 200, 409, 409]
    with sql(postgres_url) as db:
        outside = db.execute("select count(*) from resource where parent_id is null").fetchone()
    assert outside == (30,)
    for one in units:
        await one.close()


async def test_a_subtree_is_removed_whole_while_others_fill_it(unit: Unit[Any], postgres_url: str) -> None:
    """I16, I41: what is added meanwhile is either in the removal or was refused; nothing lives in what is gone."""
    other = Unit(postgres_url, RESOURCE, Repository())
    for _ in range(10):
        grid = plate(children=(NewResource(name="x", position="A1"),))
        await settle(unit, call(Add(resource=grid)))
        adds = [
            call(Add(resource=NewResource(name="y", position=f"B{i}"), parent_id=grid.resource_id)) for i in range(1, 9)
        ]
        await asyncio.gather(settle(other, *adds), settle(unit, call(Remove(resource_id=grid.resource_id or ""))))
    with sql(postgres_url) as db:
        orphans = """select count(*) from resource child join resource parent on child.parent_id = parent.id
            where (child.removed_at is null) <> (parent.removed_at is null)"""
        assert db.execute(orphans).fetchone() == (0,)
    await other.close()


async def test_a_rule_with_a_bug_harms_its_own_caller_only(postgres_url: str) -> None:
    """One of twenty commands of a batch fails in its rule: it is answered 500, the others 200, and the lane lives.

    Seen to fail without the lane's edge: nobody was answered.
    """

    def buggy(lab: Any, command: Update, now: datetime, by: By) -> Outcome[Thing]:
        raise ZeroDivisionError

    noun = replace(RESOURCE, rules={**RESOURCE.rules, Update: buggy})
    unit = Unit(postgres_url, noun, Repository())
    lane = Lane(unit.run, room=100, limit=64)
    answers: list[int] = []

    async def answer(status: int, body: bytes) -> None:
        answers.append(status)

    for i in range(20):
        command: Command[Any] = Add(resource=NewResource(name="fine"))
        if i == 7:
            command = Update(resource_id=new_ulid(), changes=Patch(name="x"))
        assert lane.put(Call(command, By("tester", "test", new_ulid()), answer))
    lane.start()
    async with asyncio.timeout(10):
        await lane.drain()
    assert sorted(answers) == [200] * 19 + [500]
    assert (any(task.done() for task in lane.tasks), lane.taken_apart) == (False, 1)
    await lane.stop()
    await unit.close()


async def test_a_full_lane_turns_away_at_once_and_late_calls_are_not_executed(postgres_url: str) -> None:
    """Back-pressure, and deadlines: what nobody waits for any more is answered 504 unexecuted."""
    unit = Unit(postgres_url, RESOURCE, Repository())
    lane = Lane(unit.run, room=3)
    answers: list[int] = []

    async def answer(status: int, body: bytes) -> None:
        answers.append(status)

    calls = [Call(Add(resource=NewResource(name="late")), By("t", "t", new_ulid()), answer) for _ in range(4)]
    calls[1].deadline = 1.0
    assert [lane.put(one) for one in calls] == [True, True, True, False]
    lane.start()
    async with asyncio.timeout(10):
        await lane.drain()
    await lane.stop()
    await unit.close()
    assert answers == [200, 504, 200]
    with sql(postgres_url) as db:
        assert db.execute("select count(*) from resource").fetchone() == (2,)


async def test_a_call_that_expires_while_it_is_served_is_answered_once(postgres_url: str) -> None:
    """Its outcome is told, late as it is. Seen to fail with lateness looked at again after the run: 200, then 504."""

    async def run(calls: list[Call[Any]]) -> Result:
        while calls[0].late_s <= 0:
            await asyncio.sleep(0.01)
        return Result([Answered(calls[0], 200, b"{}")], [])

    lane = Lane(run, room=1)
    answers: list[int] = []

    async def answer(status: int, body: bytes) -> None:
        answers.append(status)

    late = Call(Add(resource=NewResource(name="x")), By("t", "t", new_ulid()), answer)
    late.deadline = time.time() - CLOCK_SKEW_S + 0.1
    lane.put(late)
    lane.start()
    async with asyncio.timeout(10):
        await lane.drain()
    await lane.stop()
    assert answers == [200]


class Unheard(Unit[Thing]):
    """Commits, does not hear of it, and finds no database afterwards."""

    async def _transact(self, calls: list[Call[Any]]) -> Any:
        await super()._transact(calls)
        await self.close()
        self._url = "postgresql://nobody@127.0.0.1:1/nothing"
        raise psycopg.OperationalError("the connection was lost")


async def test_what_may_have_been_committed_is_not_called_undone(postgres_url: str, unit: Unit[Any]) -> None:
    """I33: no word of the commit came back: the outcome is unknown, and asking again tells it.

    Seen to fail with `storage.unavailable` whatever was sent: "nothing was done", and yet it was.
    """
    op_id, command = new_ulid(), Add(resource=NewResource(name="x"))
    (unheard,) = await settle(Unheard(postgres_url, RESOURCE, Repository()), call(command, op_id))
    assert orjson.loads(unheard.body)["code"] == "outcome.unknown"
    (again,) = await settle(unit, call(command, op_id))
    assert again.status == 200
    with sql(postgres_url) as db:
        assert db.execute("select count(*) from resource").fetchone() == (1,)
    away = Unit("postgresql://nobody@127.0.0.1:1/nothing", RESOURCE, Repository())
    (undone,) = await settle(away, call(command))
    assert orjson.loads(undone.body)["code"] == "storage.unavailable"


async def test_a_frozen_database_is_not_waited_for(postgres_url: str) -> None:
    """I10: a backend that says nothing (SIGSTOP) is given up. Seen to fail without the time limit: no answer, ever."""
    frozen = Unit(postgres_url, RESOURCE, Repository(), timeout_s=1)
    await settle(frozen, call(Add(resource=NewResource(name="x"))))
    with sql(postgres_url) as db:
        mine = "select pid from pg_stat_activity where datname = current_database() and query = 'commit'"
        ((pid,),) = db.execute(mine).fetchall()
    os.kill(pid, signal.SIGSTOP)
    try:
        async with asyncio.timeout(25):
            (refused,) = await settle(frozen, call(Add(resource=NewResource(name="y"))))
    finally:
        os.kill(pid, signal.SIGCONT)
    assert orjson.loads(refused.body)["code"] == "storage.unavailable"
    (served,) = await settle(frozen, call(Add(resource=NewResource(name="z"))))
    assert served.status == 200
    await frozen.close()


async def test_who_waits_for_a_worker_that_hangs_is_told_to_try_again(postgres_url: str, unit: Unit[Any]) -> None:
    """I10: a session has locked a row and says no more: 503 in seconds, and nothing was done.

    Seen to fail without a limit for locks: twice the statement timeout, then a 500.
    """
    mine, other = new_ulid(), new_ulid()
    await settle(unit, *(call(Add(resource=NewResource(resource_id=each, name="x"))) for each in (mine, other)))
    impatient = Unit(postgres_url, RESOURCE, Repository(), timeout_s=1)
    renamed = Update(resource_id=mine, changes=Patch(name="y"))
    with psycopg.connect(postgres_url) as hung:
        hung.execute("select from labstow.resource where id = %s for update", [mine])
        (refused,) = await settle(impatient, call(renamed))
    assert (refused.status, orjson.loads(refused.body)["code"]) == (503, "worker.contended")
    assert impatient.retries == {"55P03": 4}
    (served,) = await settle(impatient, call(renamed))
    assert (served.status, orjson.loads(served.body)["version"]) == (200, 2)
    await impatient.close()


async def test_a_database_that_is_too_slow_is_away(postgres_url: str) -> None:
    """Whoever asks meanwhile is told to try again; that is not an error of his request. Seen to fail: 500."""
    impatient = Unit(postgres_url, RESOURCE, Repository(), timeout_s=1)
    with sql(postgres_url) as db:
        db.execute("create function crawl() returns trigger language plpgsql as 'begin perform pg_sleep(60); end'")
        db.execute("create trigger crawl before insert on journal execute function crawl()")
        db.commit()
        (refused,) = await settle(impatient, call(Add(resource=NewResource(name="x"))))
        assert (refused.status, orjson.loads(refused.body)["code"]) == (503, "storage.unavailable")
        db.execute("drop trigger crawl on journal")
        db.execute("drop function crawl")
        db.commit()
    (served,) = await settle(impatient, call(Add(resource=NewResource(name="x"))))
    assert served.status == 200
    await impatient.close()


async def test_the_same_new_things_in_another_order_are_no_deadlock(unit: Unit[Any], postgres_url: str) -> None:
    """Two replicas get the same adds, as after a resend. Seen to fail with rows inserted as they came: 40P01."""
    other = Unit(postgres_url, RESOURCE, Repository())
    for _ in range(25):
        adds = [Add(resource=NewResource(resource_id=new_ulid(), name="x")) for _ in range(60)]
        both = await asyncio.gather(
            settle(unit, *(call(add) for add in adds)), settle(other, *(call(add) for add in reversed(adds)))
        )
        assert {answer.status for answers in both for answer in answers} == {200}
    assert "40P01" not in unit.retries + other.retries
    await other.close()


async def test_a_slow_read_does_not_take_the_others_with_it(postgres_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """One of five gathered reads exceeds the time limit: it is told to narrow, the others are answered.

    Seen to fail with every operational error taken for an absent database: five times 503.
    """
    monkeypatch.setattr(reader, "TIMEOUT_S", 1)

    async def read(db: Pipeline, queries: list[Any]) -> list[bytes | Refusal]:
        if any(not query.children for query in queries):
            await db.exchange(pipeline.Ask(Statement.plain("select pg_sleep(10)")))
        return [b"{}"] * len(queries)

    reading = reader.Reader(postgres_url, read)
    lane = Lane(reading.run, room=5, limit=5)
    answers: list[int] = []

    async def answer(status: int, body: bytes) -> None:
        answers.append(status)

    for number in range(5):
        query = Get(resource_id=new_ulid(), children=number != 3)
        lane.put(Call(query, By("t", "t", new_ulid()), answer))
    lane.start()
    async with asyncio.timeout(20):
        await lane.drain()
    await lane.stop()
    await reading.close()
    assert sorted(answers) == [200, 200, 200, 200, 422]
