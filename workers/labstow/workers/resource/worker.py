"""The resource worker: what it answers, and from which lanes."""

from typing import Any, Final

from labstow.contracts.message import Command, Request
from labstow.workers.kit.call import Call
from labstow.workers.kit.lane import Lane
from labstow.workers.kit.settings import Settings
from labstow.workers.kit.unit import Unit
from labstow.workers.kit.worker import Worker
from labstow.workers.resource.filling import Filling, parts
from labstow.workers.resource.footprint import HEAVY, Footprint, weight
from labstow.workers.resource.noun import RESOURCE
from labstow.workers.resource.reading import worker as reading
from labstow.workers.resource.repository import Repository
from labstow.workers.resource.rules import RULES
from labstow.workers.template import worker as templates

HEAVY_TIMEOUT_S: Final = 60


def make(settings: Settings) -> Worker:
    """The resource worker of this process."""
    worker = Worker("resource", "Resources of the laboratory: what there is, where it is, how much of it.")
    url, room = settings.postgres_url, settings.queue_room
    resources = Repository(settings.units, settings.lock_classes, strict=settings.compat_locks == "strict")
    units = [Unit(url, RESOURCE, resources), Unit(url, RESOURCE, resources, timeout_s=HEAVY_TIMEOUT_S, aside=True)]
    filling = Filling(parts)
    light = worker.lane(Lane(filling.beside(units[0].run), room=room, limit=settings.batch_commands, weight=_weight))
    heavy = worker.lane(Lane(filling.beside(units[1].run), room=room))
    light.moves_to = lambda call: heavy if _is_heavy(call) else light

    def lane_of(request: Request[Any]) -> Lane:
        return heavy if isinstance(request, Command) and weight(request) >= HEAVY else light

    for command in RULES:
        worker.serve(command, lane_of)
    filling.reading = reading.serve(worker, settings)
    worker.serve_ready(url, room)
    templates.serve(worker, settings)
    worker.closing += [*(unit.close for unit in units)]
    return worker


def _weight(call: Call[Any]) -> int:
    return weight(call.request) + (len(call.also.rows) if call.also is not None else 0)


def _is_heavy(call: Call[Any]) -> bool:
    """Whether a command turned out to be large."""
    return isinstance(call.also, Footprint) and (call.also.alone or bool(call.also.subtrees))
