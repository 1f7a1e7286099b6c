"""Commands by dice: rows loaded in parts decide as the complete laboratory does, and many at once leave all in order.

The long form: LABSTOW_RACES=50 pytest tests/workers/test_races_model.py --timeout=0. A failure tells its seed.
"""

import asyncio
import os
import random
from collections.abc import Callable
from typing import Any, Final

import orjson
import psycopg
import pytest

from labstow.contracts.base_types import CONSUMABLES, CONTAINERS, LINED, BaseType
from labstow.contracts.batch import COMMANDS
from labstow.contracts.message import Command
from labstow.contracts.resource import Add, NewResource
from labstow.contracts.ulids import derived_ulid
from labstow.workers.kit.unit import Unit
from labstow.workers.resource.noun import RESOURCE
from labstow.workers.resource.repository import Repository
from tests.rules.room import Room, stand
from tests.workers.auditor import audit
from tests.workers.calls import call, settle

Json = dict[str, Any]

TIMES: Final = int(os.environ.get("LABSTOW_RACES", "1"))
BY_VERB: Final = {command.subject.split(".")[1]: command for command in COMMANDS}
SIZES: Final[dict[BaseType, Json]] = {
    BaseType.ROW: {"columns": 3},
    BaseType.GRID: {"rows": 2, "columns": 2},
    BaseType.VOXEL_GRID: {"rows": 1, "columns": 2, "layers": 2},
}
KINDS: Final = {
    derived_ulid(f"{kind} {number}"): kind
    for number in range(3)
    for kind in [*sorted(CONTAINERS), *sorted(CONSUMABLES), BaseType.RESOURCE]
}
POSITIONS: Final[dict[BaseType, list[Any]]] = {
    BaseType.ROW: [0, "2", 2],
    BaseType.GRID: [[0, 0], "A2", "B1"],
    BaseType.VOXEL_GRID: [[0, 0, 0], "A2:2"],
    BaseType.COLLECTION: ["x", "y", "z"],
    BaseType.POOL: ["x", "y", "z"],
    BaseType.CONTAINER: [None, "x", "y"],
}
FLEETING: Final = {"created_at", "updated_at", "removed_at", "removal_id", "detail"}
"""What is not the same for two who do the same."""


class Dice:
    """Makes commands about a few things, so that they meet."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)

    def command(self) -> Command[Any]:
        steps = [
            {"verb": (verb := self.verb()), "command": VERBS[verb](self)} for _ in range(self._random.randint(1, 3))
        ]
        if len(steps) == 1 or self._random.random() < 0.5:
            return BY_VERB[verb].model_validate(steps[-1]["command"])
        return BY_VERB["batch"].model_validate({"steps": steps})

    def verb(self) -> str:
        return self._random.choices([*VERBS], [SELDOM.get(verb, 1.0) for verb in VERBS])[0]

    def any(self, kinds: frozenset[BaseType] | None = None) -> str:
        return self._random.choice([each for each, kind in KINDS.items() if kinds is None or kind in kinds])

    def box(self) -> str:
        return self.any(CONTAINERS)

    def line(self) -> str:
        return self.any(LINED)

    def position(self, container: str) -> Json:
        positions = POSITIONS.get(KINDS[container], [None])
        position = self._random.choice(positions if self._random.random() < 0.95 else [[5, 5], "nowhere"])
        return {} if position is None else {"position": position}

    def amount(self) -> str:
        return self._random.choice(["1", "2", "3", "0.5"])

    def unit(self) -> Json:
        return self._random.choice([{}, {}, {"unit": "mL"}, {"unit": "uL"}])

    def flag(self, name: str) -> Json:
        return {name: True} if self._random.random() < 0.5 else {}

    def node(self, container: str | None = None, depth: int = 1) -> Json:
        """A thing to add or write."""
        fits = CONSUMABLES if container and KINDS[container] is BaseType.POOL else None
        resource_id = self.any(fits)
        kind = KINDS[resource_id]
        node: Json = {"resource_id": resource_id, "name": f"a {kind}", "base_type": kind, **SIZES.get(kind, {})}
        node |= self.position(container) if container else {}
        if kind in CONSUMABLES:
            node |= {"quantity": self._random.randint(0, 3), **self.unit()}
        if kind in CONTAINERS and kind is not BaseType.SLOT and self._random.random() < 0.2:
            node["capacity"] = self._random.randint(1, 3)
        if kind in CONTAINERS and depth:
            node["children"] = [self.node(resource_id, depth - 1) for _ in range(self._random.randint(0, 2))]
        return node

    def put(self, container: str) -> Json:
        """A thing, known for the most part, to put somewhere."""
        if self._random.random() < 0.3:
            return self.node(container)
        return {"resource_id": (each := self.any()), "base_type": KINDS[each], **SIZES.get(KINDS[each], {})} | (
            self.position(container)
        )


def _into(dice: Dice) -> Json:
    return {"container_id": (box := dice.box()), "resource": dice.put(box), **dice.flag("move"), **dice.flag("replace")}


def _push(dice: Dice) -> Json:
    return {"container_id": (line := dice.line()), "resource": dice.put(line), **dice.flag("move")}


def _move(dice: Dice) -> Json:
    box = dice.box()
    return {"resource_id": dice.any(), "container_id": box, **dice.position(box), **dice.flag("replace")}


def _amount(name: str) -> Callable[[Dice], Json]:
    return lambda dice: {"resource_id": dice.any(CONSUMABLES), name: dice.amount(), **dice.unit()}


def _one(dice: Dice) -> Json:
    return {"resource_id": dice.any()}


VERBS: Final[dict[str, Callable[[Dice], Json]]] = {
    "add": lambda dice: {"resource": dice.node(box := dice.box()), "parent_id": box},
    "upsert": lambda dice: {"resource": dice.node(depth=2)},
    "replace": lambda dice: {"resource": dice.node(depth=2)},
    "remove": _one,
    "restore": _one,
    "place": _into,
    "push": _push,
    "move": _move,
    "take": lambda dice: {"container_id": (box := dice.box()), **(dice.position(box) or {"resource_id": dice.any()})},
    "pop": lambda dice: {"container_id": dice.line()},
    "swap": lambda dice: {"resource_id": dice.any(), "other_id": dice.any()},
    "empty": _one,
    "set-quantity": _amount("quantity"),
    "change-quantity": _amount("by"),
    "decrease-quantity": _amount("amount"),
    "set-capacity": lambda dice: {"resource_id": dice.any(), "capacity": dice.amount()},
    "clear-capacity": _one,
}


SELDOM: Final = {"remove": 0.4, "empty": 0.4, "restore": 3.0, "move": 4.0, "push": 3.0, "pop": 2.0}
"""What is thrown more often, or less, so that there is something where one looks."""
BEGINNING: Final = [
    Add(resource=NewResource(resource_id=each, name=f"a {kind}", base_type=kind, **SIZES.get(kind, {})))
    for each, kind in KINDS.items()
]


def lasting(answer: Any) -> Any:
    """An answer without what is fleeting."""
    if isinstance(answer, dict):
        return {key: lasting(value) for key, value in answer.items() if key not in FLEETING}
    return [lasting(each) for each in answer] if isinstance(answer, list) else answer


@pytest.mark.parametrize("seed", range(4 * TIMES))
async def test_what_is_loaded_in_parts_is_decided_as_if_all_were_there(postgres_url: str, seed: int) -> None:
    """I14-I18, I22, I25, I36: 300 commands, among them batches, to a database and to a laboratory in memory.

    Seen to fail when a move of a box makes it unknown how deep others are: a batch of such could never be decided.
    """
    dice, room, unit = Dice(seed), Room(), Unit(postgres_url, RESOURCE, Repository())
    done = 0
    for number, command in enumerate([*BEGINNING, *(dice.command() for _ in range(300))]):
        (stored,) = await settle(unit, call(command))
        (known,) = (await room.unit.run([call(command)])).answers
        told = [lasting(orjson.loads(answer.body)) for answer in (stored, known)]
        assert (stored.status, told[0]) == (known.status, told[1]), (seed, number, command)
        done += stored.status == 200
    stand(room)
    await unit.close()
    assert done > 100
    with psycopg.connect(postgres_url) as connection:
        assert audit(connection) == []


@pytest.mark.parametrize("seed", range(2 * TIMES))
async def test_four_who_do_anything_at_once_leave_all_in_order(postgres_url: str, seed: int) -> None:
    """I14-I18, I22, I25, I30, I35-I38, I41: 4 times 200 commands about the same few things, four at a time.

    Seen to fail without `for no key update` in LOCK.
    """
    units = [Unit(postgres_url, RESOURCE, Repository()) for _ in range(4)]
    await settle(units[0], *map(call, BEGINNING))

    async def work(number: int) -> set[int]:
        dice, statuses = Dice(1000 * seed + number), set()
        for _ in range(50):
            answers = await settle(units[number], *(call(dice.command()) for _ in range(4)))
            statuses |= {answer.status for answer in answers}
        return statuses

    statuses = await asyncio.gather(*map(work, range(4)))
    for unit in units:
        await unit.close()
        assert "40P01" not in unit.retries
    assert set().union(*statuses) <= {200, 404, 409, 412, 413, 422}
    with psycopg.connect(postgres_url) as connection:
        assert audit(connection) == []
