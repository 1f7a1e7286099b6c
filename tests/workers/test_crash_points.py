"""A worker is killed at each statement of each command: it is done or not done, never half (I21, I32, I33).

The long form does everything on the large plate, too: LABSTOW_RACES=2 pytest tests/workers/test_crash_points.py
"""

import asyncio
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, Final

import pytest

from labstow.contracts.batch import Batch
from labstow.contracts.message import Command
from labstow.contracts.placing import Empty, Move, Place, Pop, Swap
from labstow.contracts.resource import Add, NewResource, Remove, Restore
from labstow.contracts.ulids import derived_ulid, new_ulid
from labstow.workers.kit.unit import Unit
from labstow.workers.resource.noun import RESOURCE
from labstow.workers.resource.repository import Repository
from tests.servers import Servers
from tests.workers.auditor import audit
from tests.workers.calls import call, settle
from tests.workers.crash_points import Stage
from tests.workers.dying import Dying

Size = tuple[int, int]

PLATE, STACK, SAMPLE, BIN = map(derived_ulid, ("plate", "stack", "sample", "bin"))
PICTURE: Final = (
    "select id, parent_id, position, order_seq, quantity, version, removed_at is null from resource order by 1",
    "select entity_id, version, what from journal order by 1, 2",
    "select entity_id, version from journal join outbox using (seq) order by 1, 2",
    "select op_id, status from operation",
)
"""Everything there is, but for moments and for ids that are made anew each time."""
SMALL: Final = (8, 12)
LARGE: Final = (32, 48)


def commands(rows: int, columns: int) -> dict[str, Command[Any]]:
    """What is done to a plate whose last well is free, a stack on a shelf, and a bin that was removed."""
    last = [rows - 1, columns - 1]
    new = NewResource(resource_id=derived_ulid("new"), name="new")
    move = Move(resource_id=derived_ulid("lid 0"), container_id=PLATE, position=last)
    steps = [
        {"verb": "pop", "command": {"container_id": STACK}},
        {"verb": "place", "command": {"container_id": PLATE, "resource": {"resource_id": SAMPLE, "position": last}}},
        {"verb": "remove", "command": {"resource_id": STACK}},
    ]
    return {
        "place": Place(container_id=PLATE, resource=new.model_copy(update={"position": last})),
        "replace": Place(container_id=PLATE, resource=new.model_copy(update={"position": "A1"}), replace=True),
        "move": move,
        "pop": Pop(container_id=STACK),
        "swap": Swap(resource_id=SAMPLE, other_id=derived_ulid("lid 1")),
        "remove": Remove(resource_id=PLATE),
        "restore": Restore(resource_id=BIN),
        "empty": Empty(resource_id=PLATE),
        "batch": Batch.model_validate({"steps": steps}),
    }


CASES: Final = [
    (name, size)
    for size in (SMALL, LARGE)
    for name in commands(*size)
    if size == SMALL or name in ("place", "remove") or "LABSTOW_RACES" in os.environ
]


@pytest.fixture(scope="module")
def scenes(servers: Servers, migrated: str) -> Iterator[dict[Size, str]]:
    """Databases with everything in its place, by the size of their plate."""
    with ExitStack() as stack:
        yield {size: stack.enter_context(scene(servers, migrated, *size)) for size in (SMALL, LARGE)}


@contextmanager
def scene(servers: Servers, migrated: str, rows: int, columns: int) -> Iterator[str]:
    """A database with a plate, full but for its last well, a stack, and a bin with as much in it, which was removed."""
    wells = [[row, column] for row in range(rows) for column in range(columns)]
    samples = tuple(
        NewResource(resource_id=SAMPLE if well == [0, 1] else new_ulid(), name="sample", position=well)
        for well in wells[:-1]
    )
    lids = tuple(NewResource(resource_id=derived_ulid(f"lid {n}"), name="lid") for n in range(3))
    things = [
        NewResource(resource_id=PLATE, name="plate", base_type="grid", rows=rows, columns=columns, children=samples),
        NewResource(
            resource_id=derived_ulid("shelf"),
            name="shelf",
            base_type="container",
            children=(NewResource(resource_id=STACK, name="stack", base_type="stack", children=lids),),
        ),
        NewResource(
            resource_id=BIN,
            name="bin",
            base_type="container",
            children=tuple(NewResource(name="waste") for _ in samples),
        ),
    ]

    async def furnish(url: str) -> None:
        unit = Unit(url, RESOURCE, Repository())
        for thing in things:
            await settle(unit, call(Add(resource=thing)))
        await settle(unit, call(Remove(resource_id=BIN)))
        await unit.close()

    with servers.database(template=migrated) as url:
        asyncio.run(furnish(url))
        yield url


@pytest.mark.parametrize(("name", "size"), CASES)
def test_a_worker_that_is_killed_leaves_nothing_half_done(
    servers: Servers, scenes: dict[Size, str], killed: Dying, name: str, size: Size
) -> None:
    """Seen to fail with the answers stored in a transaction of their own."""
    Stage(servers, scenes[size], PICTURE, audit).kill(killed, commands(*size)[name])
