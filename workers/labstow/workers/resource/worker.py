"""The resource worker: what it answers, and from which lanes."""

from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncEngine

from labstow.contracts.message import Command, Request
from labstow.contracts.resource import COMMANDS, Find, Get, GetHierarchy
from labstow.workers.kit.call import Call
from labstow.workers.kit.lane import Lane
from labstow.workers.kit.reader import Reader
from labstow.workers.kit.settings import Settings
from labstow.workers.kit.unit import Unit
from labstow.workers.kit.worker import Worker
from labstow.workers.resource import reading
from labstow.workers.resource.noun import RESOURCE
from labstow.workers.resource.repository import HEAVY, Repository, weight

GETS_IN_A_BATCH: Final = 256
HEAVY_TIMEOUT_S: Final = 60


def make(settings: Settings, engine: AsyncEngine) -> Worker:
    """The resource worker of this process."""
    worker = Worker("resource", "Resources of the laboratory: what there is, where it is, how much of it.")
    url, room = settings.postgres_url, settings.queue_room
    units = [Unit(url, RESOURCE, Repository()), Unit(url, RESOURCE, Repository(), timeout_s=HEAVY_TIMEOUT_S)]
    light = worker.lane(Lane(units[0].run, room=room, limit=settings.batch_commands, weight=_weight))
    heavy = worker.lane(Lane(units[1].run, room=room))
    gets = Reader(url, reading.get)
    getting = worker.lane(Lane(gets.run, room=room, limit=GETS_IN_A_BATCH))
    light.moves_to = lambda call: heavy if call.also.subtrees else light

    def lane_of(request: Request[Any]) -> Lane:
        return heavy if isinstance(request, Command) and weight(request) >= HEAVY else light

    for command in COMMANDS:
        worker.serve(command, lane_of)
    worker.serve(Get, lambda _: getting)
    worker.serve_reads(engine, {Find: reading.find, GetHierarchy: reading.hierarchy}, room)
    worker.closing += [*(unit.close for unit in units), gets.close]
    return worker


def _weight(call: Call[Any]) -> int:
    return weight(call.request) + len(call.also.rows)
