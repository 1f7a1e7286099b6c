"""Eight client and three worker processes in each other's way: what is one thing stays one, what is full stays full.

Each takes seconds. The long form repeats them until there was plenty of chance to go wrong:

    LABSTOW_RACES=50 pytest tests/system/test_races.py --timeout=0
"""

import asyncio
import json
import os
import random
import sys
from asyncio.subprocess import PIPE, Process
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, Final

import psycopg
import pytest

from labstow.client import AsyncLabstow
from labstow.contracts.message import Command
from labstow.contracts.placing import Move, Place, Pop, Push, Swap
from labstow.contracts.resource import Add, NewResource, Remove, Restore
from labstow.contracts.ulids import new_ulid
from tests.conftest import Lab, running_lab
from tests.servers import Servers, fresh_nats
from tests.system.client_process import Asked, Told, asked
from tests.workers.auditor import audit

pytestmark = pytest.mark.system

TIMES: Final = int(os.environ.get("LABSTOW_RACES", "1"))
ROOT: Final = Path(__file__).parents[2]
CLIENTS: Final = range(8)
LONGEST_LINE: Final = 2**24
DEADLOCKS: Final = "select deadlocks from pg_stat_database where datname = current_database()"


class Clients:
    """Eight client processes."""

    def __init__(self, processes: list[Process]) -> None:
        self._processes = processes

    async def race(self, name: str, given: Iterable[Any], *, actor: str = "robot {}") -> list[Any]:
        """What comes of something that all do at once, each with what it is given; they begin when all are ready."""
        for number, (process, one) in enumerate(zip(self._processes, given, strict=True)):
            self._write(process, json.dumps([name, actor.format(number), one]))
        assert {await self._read(process) for process in self._processes} == {"ready"}
        for process in self._processes:
            self._write(process, "go")
        return [await self._read(process) for process in self._processes]

    async def say(self, given: Iterable[list[Asked]], *, actor: str = "robot {}") -> list[list[Told]]:
        """What comes of the commands that each of them asks, one after another."""
        return [[Told(*one) for one in told] for told in await self.race("say", given, actor=actor)]

    async def end(self) -> None:
        """Have nothing more for them."""
        for process in self._processes:
            assert process.stdin is not None
            process.stdin.close()
        assert {await process.wait() for process in self._processes} == {0}

    def _write(self, process: Process, line: str) -> None:
        assert process.stdin is not None
        process.stdin.write(line.encode() + b"\n")

    async def _read(self, process: Process) -> Any:
        assert process.stdout is not None
        line = await process.stdout.readline()
        assert line, "a client ended"
        return json.loads(line)


@pytest.fixture(scope="module")
def three(servers: Servers, migrated: str) -> Iterator[Lab]:
    """Three replicas, which never wait for each other in a circle."""
    with servers.database(template=migrated) as url, fresh_nats() as nats:
        with running_lab(nats.url, url, replicas=3) as lab:
            yield lab
        with psycopg.connect(url) as connection:
            assert connection.execute(DEADLOCKS).fetchone() == (0,)


@pytest.fixture(scope="module")
async def eight(three: Lab) -> AsyncIterator[Clients]:
    """Eight clients of it, each in a process of its own."""
    command = [sys.executable, "-m", "tests.system.client_process", three.nats_url]
    start = partial(asyncio.create_subprocess_exec, stdin=PIPE, stdout=PIPE, limit=LONGEST_LINE, cwd=ROOT)
    await three.ready()
    clients = Clients([await start(*command, str(number)) for number in CLIENTS])
    yield clients
    await clients.end()


@pytest.fixture
def clients(three: Lab, eight: Clients) -> Iterator[Clients]:
    """The eight; everything is in order when they are done."""
    yield eight
    with psycopg.connect(three.postgres_url) as connection:
        assert audit(connection) == []


@pytest.fixture
async def owner(three: Lab, eight: Clients) -> AsyncIterator[AsyncLabstow]:
    """Who fills the laboratory before they begin."""
    async with AsyncLabstow(three.nats_url, actor="owner") as connected:
        yield connected


def thing(kind: str = "resource", *children: NewResource, **fields: Any) -> NewResource:
    """A thing to be, with an id."""
    return NewResource(resource_id=new_ulid(), name=f"a {kind}", base_type=kind, children=children, **fields)


def ids(*things: NewResource) -> list[str]:
    return [str(each.resource_id) for each in things]


def codes(told: list[list[Told]]) -> Counter[str]:
    """How often what came of a race."""
    return Counter(one.code for each in told for one in each)


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
async def test_what_is_popped_by_many_is_handed_out_once_and_in_order(
    three: Lab, owner: AsyncLabstow, clients: Clients, _: int
) -> None:
    """I19: 1,000 things in four stacks and four queues, popped by all until nothing is left, while some push more.

    Seen to fail without `for no key update` in LOCK: what two were about to hand out was refused by the database.
    """
    lines = [thing(kind, *(thing() for _ in range(125))) for kind in ("stack", "queue") for _ in range(4)]
    for line in lines:
        await owner.ask(Add(resource=line))
    log = [one for each in await clients.race("empty", [ids(*lines)] * 8) for one in each]
    assert {(asked, told) for asked, told, _ in log} == {
        ("resource.push", "done"),
        ("resource.pop", "done"),
        ("resource.pop", "container.empty"),
    }
    popped = [one for asked, told, one in log if (asked, told) == ("resource.pop", "done")]
    assert len(popped) == len(set(popped))
    pushed = {one for asked, _, one in log if asked == "resource.push"}
    with psycopg.connect(three.postgres_url) as connection:
        left = connection.execute("select id from labstow.resource where parent_id = any(%s)", [ids(*lines)])
        assert set(popped) | {row[0] for row in left} == pushed.union(*(ids(*line.children) for line in lines))
    assert all(taken_in_order(three.postgres_url, line) for line in lines)


@pytest.mark.parametrize("_", range(TIMES))
async def test_no_more_goes_into_a_container_than_fits(owner: AsyncLabstow, clients: Clients, _: int) -> None:
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
    for box, *_rest in fillers:
        await owner.ask(Add(resource=box))
    tries = 0
    for box, room, command in fillers:
        told = await clients.say(
            [asked(command(str(box.resource_id), 8 * one + number)) for one in range(3)] for number in CLIENTS
        )
        result = codes(told)
        tries += result.total()
        assert result.pop("done") == room
        assert result.keys() <= {"container.full", "position.occupied"}
    assert tries == 24 * len(fillers) == 1008


@pytest.mark.parametrize("_", range(TIMES))
async def test_boxes_that_are_put_into_each_other_are_never_in_themselves(
    owner: AsyncLabstow, clients: Clients, _: int
) -> None:
    """I14: 1,000 moves of eight boxes, of which each holds a bag: always four pairs, to be put into each other at the
    same moment. Nobody waits in a circle, too.

    Seen to fail without the tree lock: a box was in itself.
    """
    boxes = [thing("container", thing("container")) for _ in range(8)]
    for box in boxes:
        await owner.ask(Add(resource=box))
    bags = [box.children[0] for box in boxes]
    results: Counter[str] = Counter()
    dice = random.Random()

    def move(one: int, other: int) -> list[Asked]:
        into = dice.choice([boxes, bags])[other]
        return [asked(Move(resource_id=str(boxes[one].resource_id), container_id=into.resource_id))]

    for _ in range(125):
        order = dice.sample(range(8), 8)
        pairs = zip(order[::2], order[1::2], strict=True)
        told = await clients.say([each for one, other in pairs for each in (move(one, other), move(other, one))])
        results += codes(told)
    assert results.keys() == {"done", "container.cycle"}
    assert min(results.values()) > 50


@pytest.mark.parametrize("_", range(TIMES))
async def test_what_is_moved_by_many_is_always_in_one_place(
    three: Lab, owner: AsyncLabstow, clients: Clients, _: int
) -> None:
    """I16: 40 things between two plates, a stack and a queue: 1,000 moves and swaps, while somebody counts.

    Seen to fail without `for no key update` in LOCK, and with what `grab` reads not locked: deadlocks.
    """
    plates = [thing("grid", *(thing(position=[row, 0]) for row in range(8)), rows=8, columns=4) for _ in "ab"]
    lines = [thing(kind, *(thing() for _ in range(12))) for kind in ("stack", "queue")]
    for one in (*plates, *lines):
        await owner.ask(Add(resource=one))
    moving = [child for one in (*plates, *lines) for child in ids(*one.children)]
    counted: set[int] = set()
    done = asyncio.Event()

    async def count() -> None:
        inside = "select count(*) from labstow.resource where id = any(%s) and parent_id = any(%s)"
        async with await psycopg.AsyncConnection.connect(three.postgres_url, autocommit=True) as connection:
            while not done.is_set():
                found = await connection.execute(inside, [moving, ids(*plates, *lines)])
                counted.update(row[0] for row in await found.fetchall())

    def move(dice: random.Random) -> Asked:
        one, other = dice.sample(moving, 2)
        if dice.random() < 0.3:
            return asked(Swap(resource_id=one, other_id=other))
        if dice.random() < 0.5:
            return asked(Move(resource_id=one, container_id=dice.choice(lines).resource_id))
        at = [dice.randrange(8), dice.randrange(4)]
        return asked(Move(resource_id=one, container_id=dice.choice(plates).resource_id, position=at))

    counting = asyncio.create_task(count())
    told = await clients.say([move(dice) for _ in range(125)] for dice in map(random.Random, CLIENTS))
    done.set()
    await counting
    assert counted == {len(moving)}
    assert codes(told).keys() == {"done", "position.occupied"}


@pytest.mark.parametrize("_", range(TIMES))
async def test_an_operation_id_is_executed_once_wherever_it_arrives(
    owner: AsyncLabstow, clients: Clients, _: int
) -> None:
    """I32: 100 pops, each sent by eight clients with one operation id, are 100 pops, and all eight get one answer.

    Seen to fail without `for no key update` in LOCK: deadlocks.
    """
    stack = thing("stack", *(thing() for _ in range(100)))
    await owner.ask(Add(resource=stack))
    for left in reversed(ids(*stack.children)):
        pop = asked(Pop(container_id=str(stack.resource_id)), new_ulid())
        told = await clients.say([[pop]] * 8, actor="one robot")
        assert all(each == told[0] for each in told)
        assert told[0][0].answer["resource"]["resource_id"] == left


@pytest.mark.parametrize("_", range(TIMES))
async def test_a_removal_is_undone_once(owner: AsyncLabstow, clients: Clients, _: int) -> None:
    """I42: eight restore one plate at the same moment, by what was in it; to the others it is there already.

    Seen to fail without the three guards it has: the row locks, the tree lock, and one journal entry a version.
    """
    for _ in range(20):
        wells = (thing(position=[row, column]) for row in range(8) for column in range(12))
        plate = thing("grid", *wells, rows=8, columns=12)
        await owner.ask(Add(resource=thing("container", plate)))
        await owner.ask(Remove(resource_id=str(plate.resource_id)))
        told = await clients.say([asked(Restore(resource_id=one))] for one in ids(plate, *plate.children)[:8])
        assert codes(told) == {"done": 1, "resource.not_removed": 7}
