"""Eight clients and three worker processes in each other's way: what is one thing stays one, what is full stays full.

Each takes seconds. The long form repeats them until there was plenty of chance to go wrong:

    LABSTOW_RACES=50 pytest tests/system/test_races.py --timeout=0
"""

import asyncio
import os
import random
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from typing import Any, Final

import psycopg
import pytest

from labstow.client import AsyncLabstow
from labstow.contracts.errors import Refusal
from labstow.contracts.message import Command
from labstow.contracts.placing import Move, Place, Pop, Push, Swap
from labstow.contracts.resource import Add, NewResource, Remove, Restore
from labstow.contracts.ulids import new_ulid
from tests.conftest import Lab, running_lab
from tests.servers import Servers, fresh_nats
from tests.workers.auditor import audit

pytestmark = pytest.mark.system

TIMES: Final = int(os.environ.get("LABSTOW_RACES", "1"))
BUDGET: Final = 20.0
DEADLOCKS: Final = "select deadlocks from pg_stat_database where datname = current_database()"

Clients = list[AsyncLabstow]


@pytest.fixture(scope="module")
def three(servers: Servers, migrated: str) -> Iterator[Lab]:
    """Three replicas, which never wait for each other in a circle."""
    with servers.database(template=migrated) as url, fresh_nats() as nats:
        with running_lab(nats.url, url, replicas=3) as lab:
            yield lab
        with psycopg.connect(url) as connection:
            assert connection.execute(DEADLOCKS).fetchone() == (0,)


@pytest.fixture
async def clients(three: Lab) -> AsyncIterator[Clients]:
    """Eight connections; everything is in order when they are done."""
    await three.ready()
    async with AsyncExitStack() as stack:
        yield [await stack.enter_async_context(AsyncLabstow(three.nats_url, actor=f"robot {n}")) for n in range(8)]
    with psycopg.connect(three.postgres_url) as connection:
        assert audit(connection) == []


def thing(kind: str = "resource", *children: NewResource, **fields: Any) -> NewResource:
    """A thing to be, with an id."""
    return NewResource(resource_id=new_ulid(), name=f"a {kind}", base_type=kind, children=children, **fields)


def ids(*things: NewResource) -> list[str]:
    return [str(each.resource_id) for each in things]


async def said(client: AsyncLabstow, command: Command[Any]) -> str:
    """What comes of a command: `done`, or the code of its refusal."""
    try:
        await client.ask(command, budget=BUDGET)
    except Refusal as refusal:
        return refusal.code
    return "done"


async def each(clients: Clients, work: Callable[[AsyncLabstow, random.Random], Awaitable[Any]]) -> list[Any]:
    """What comes of something that all clients do at once, each with a dice of its own."""
    return await asyncio.gather(*(work(client, random.Random(number)) for number, client in enumerate(clients)))


def taken_in_order(url: str, container: NewResource) -> bool:
    """Whether a stack or queue gave what it should, change by change, as its versions tell (I19)."""
    changes = """
        select it.what, it.entity_id from journal own join journal it using (op_id, actor)
        where own.entity_id = %s and own.version > 1 and it.entity_id <> own.entity_id order by own.version"""
    line = ids(*container.children)
    with psycopg.connect(url, options="-c search_path=labstow") as connection:
        for what, resource_id in connection.execute(changes, [container.resource_id]):
            if what == "added":
                line.append(resource_id)
            elif line.pop(0 if container.base_type == "queue" else -1) != resource_id:
                return False
    return True


@pytest.mark.parametrize("_", range(TIMES))
async def test_what_is_popped_by_many_is_handed_out_once_and_in_order(three: Lab, clients: Clients, _: int) -> None:
    """I19: 1,000 things in four stacks and four queues, popped by all until nothing is left, while some push more.

    Seen to fail without `for no key update` in LOCK: what two were about to hand out was refused by the database.
    """
    lines = [thing(kind, *(thing() for _ in range(125))) for kind in ("stack", "queue") for _ in range(4)]
    for line in lines:
        await clients[0].ask(Add(resource=line))
    got: list[str] = []
    pushed: list[str] = []

    async def work(client: AsyncLabstow, dice: random.Random) -> None:
        left = ids(*lines)
        while left:
            container = dice.choice(left)
            if dice.random() < 0.05:
                new = thing()
                assert await said(client, Push(container_id=container, resource=new)) == "done"
                pushed.extend(ids(new))
            try:
                answer = await client.ask(Pop(container_id=container), budget=BUDGET)
            except Refusal as refusal:
                assert refusal.code == "container.empty"  # noqa: PT017
                left.remove(container)
            else:
                got.append(answer.resource.resource_id)

    await each(clients, work)
    assert len(got) == len(set(got))
    everything = {one for line in lines for one in ids(*line.children)} | set(pushed)
    with psycopg.connect(three.postgres_url) as connection:
        left = connection.execute("select id from labstow.resource where parent_id = any(%s)", [ids(*lines)])
        assert set(got) | {row[0] for row in left} == everything
    assert all(taken_in_order(three.postgres_url, line) for line in lines)


@pytest.mark.parametrize("_", range(TIMES))
async def test_no_more_goes_into_a_container_than_fits(clients: Clients, _: int) -> None:
    """I15, I17: 1,000 tries to fill containers with room for one to five, and to have one well: as many as fit do.

    Seen to fail without `for no key update` in LOCK, and without the check of the capacity.
    """
    fillers: list[tuple[NewResource, int, Callable[[str, int], Command[Any]]]] = []
    for room in range(1, 6):
        fillers += [
            (thing("stack", capacity=room), room, lambda box, n: Push(container_id=box, resource=thing())),
            (thing("queue", capacity=room), room, lambda box, n: Push(container_id=box, resource=thing())),
            (thing("container", capacity=room), room, lambda box, n: Add(parent_id=box, resource=thing())),
            (
                thing("collection", capacity=room),
                room,
                lambda box, n: Add(parent_id=box, resource=thing(position=f"{n}")),
            ),
            (
                thing("grid", rows=8, columns=12, capacity=room),
                room,
                lambda box, n: Place(container_id=box, resource=thing(position=[n % 8, n // 8])),
            ),
        ]
    fillers += [(thing("slot"), 1, lambda box, n: Push(container_id=box, resource=thing())) for _ in range(8)]
    fillers += [
        (thing("grid", rows=2, columns=2), 1, lambda box, n: Place(container_id=box, resource=thing(position="B2")))
        for _ in range(9)
    ]
    results: dict[str, Counter[str]] = {}
    for box, *_rest in fillers:
        await clients[0].ask(Add(resource=box))
        results[str(box.resource_id)] = Counter()

    async def work(client: AsyncLabstow, dice: random.Random) -> None:
        number = clients.index(client)
        for one in range(3):
            for box, _room, command in fillers:
                key = str(box.resource_id)
                results[key][await said(client, command(key, 8 * one + number))] += 1

    await each(clients, work)
    assert sum(map(sum, map(Counter.values, results.values()))) == 24 * len(fillers) == 1008
    for box, room, _command in fillers:
        result = results[str(box.resource_id)]
        assert result.pop("done") == room
        assert result.keys() <= {"container.full", "position.occupied"}


@pytest.mark.parametrize("_", range(TIMES))
async def test_boxes_that_are_put_into_each_other_are_never_in_themselves(clients: Clients, _: int) -> None:
    """I14: 1,000 moves of eight boxes, of which each holds a bag, into each other. Nobody waits in a circle, too.

    Seen to fail without the tree lock: a box was in itself.
    """
    boxes = [thing("container", thing("container")) for _ in range(8)]
    for box in boxes:
        await clients[0].ask(Add(resource=box))
    bags = [box.children[0] for box in boxes]

    async def work(client: AsyncLabstow, dice: random.Random) -> Counter[str]:
        results: Counter[str] = Counter()
        for _ in range(125):
            one, other = dice.sample(range(len(boxes)), 2)
            into = dice.choice([boxes, bags])[other]
            command = Move(resource_id=str(boxes[one].resource_id), container_id=into.resource_id)
            results[await said(client, command)] += 1
        return results

    results = sum(await each(clients, work), start=Counter[str]())
    assert results.keys() == {"done", "container.cycle"}
    assert min(results.values()) > 50


@pytest.mark.parametrize("_", range(TIMES))
async def test_what_is_moved_by_many_is_always_in_one_place(three: Lab, clients: Clients, _: int) -> None:
    """I16: 40 things between two plates, a stack and a queue: 1,000 moves and swaps, while somebody counts.

    Seen to fail without `for no key update` in LOCK, and with what GRAB reads not locked: deadlocks.
    """
    plates = [thing("grid", *(thing(position=[row, 0]) for row in range(8)), rows=8, columns=4) for _ in "ab"]
    lines = [thing(kind, *(thing() for _ in range(12))) for kind in ("stack", "queue")]
    for one in (*plates, *lines):
        await clients[0].ask(Add(resource=one))
    moving = [child for one in (*plates, *lines) for child in ids(*one.children)]
    counted: set[int] = set()
    done = asyncio.Event()

    async def count() -> None:
        inside = "select count(*) from labstow.resource where id = any(%s) and parent_id = any(%s)"
        async with await psycopg.AsyncConnection.connect(three.postgres_url, autocommit=True) as connection:
            while not done.is_set():
                found = await connection.execute(inside, [moving, ids(*plates, *lines)])
                counted.update(row[0] for row in await found.fetchall())

    async def work(client: AsyncLabstow, dice: random.Random) -> Counter[str]:
        results: Counter[str] = Counter()
        for _ in range(125):
            one, other = dice.sample(moving, 2)
            command: Command[Any]
            if dice.random() < 0.3:
                command = Swap(resource_id=one, other_id=other)
            elif dice.random() < 0.5:
                command = Move(resource_id=one, container_id=dice.choice(lines).resource_id)
            else:
                at = [dice.randrange(8), dice.randrange(4)]
                command = Move(resource_id=one, container_id=dice.choice(plates).resource_id, position=at)
            results[await said(client, command)] += 1
        return results

    counting = asyncio.create_task(count())
    results = sum(await each(clients, work), start=Counter[str]())
    done.set()
    await counting
    assert counted == {len(moving)}
    assert results.keys() == {"done", "position.occupied"}


@pytest.mark.parametrize("_", range(TIMES))
async def test_an_operation_id_is_executed_once_wherever_it_arrives(three: Lab, clients: Clients, _: int) -> None:
    """I32: 100 pops, each sent by eight clients with one operation id, are 100 pops, and all eight get one answer.

    Seen to fail without `for no key update` in LOCK: deadlocks.
    """
    stack = thing("stack", *(thing() for _ in range(100)))
    await clients[0].ask(Add(resource=stack))
    for left in reversed(ids(*stack.children)):
        op_id, command = new_ulid(), Pop(container_id=str(stack.resource_id))
        for client in clients:
            client.actor = "one robot"
        answers = await asyncio.gather(*(client.ask(command, op_id=op_id, budget=BUDGET) for client in clients))
        assert {answer.resource.resource_id for answer in answers} == {left}
        assert all(answer == answers[0] for answer in answers)


@pytest.mark.parametrize("_", range(TIMES))
async def test_a_removal_is_undone_once(clients: Clients, _: int) -> None:
    """I42: eight restore one plate at the same moment, by what was in it; to the others it is there already.

    Seen to fail without the three guards it has: the row locks, the tree lock, and one journal entry a version.
    """
    for _ in range(20):
        wells = (thing(position=[row, column]) for row in range(8) for column in range(12))
        plate = thing("grid", *wells, rows=8, columns=12)
        await clients[0].ask(Add(resource=thing("container", plate)))
        await clients[0].ask(Remove(resource_id=str(plate.resource_id)))
        asked = zip(clients, ids(plate, *plate.children), strict=False)
        results = await asyncio.gather(*(said(client, Restore(resource_id=one)) for client, one in asked))
        assert Counter(results) == {"done": 1, "resource.not_removed": 7}
