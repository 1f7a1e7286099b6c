"""The lock worker: what it answers, and from which lanes."""

from functools import partial
from typing import Any, Final

from labstow.contracts.lock import COMMANDS, Acquire, Await, ListLeases, ReadUsage, Status
from labstow.contracts.message import Request
from labstow.workers.kit.call import Call
from labstow.workers.kit.decide import Decision
from labstow.workers.kit.lane import Lane
from labstow.workers.kit.reader import Reader, one_by_one
from labstow.workers.kit.settings import Settings
from labstow.workers.kit.sweeper import Sweeper
from labstow.workers.kit.unit import Unit
from labstow.workers.kit.worker import Worker
from labstow.workers.lock import reading
from labstow.workers.lock.lease import Lease
from labstow.workers.lock.noun import LOCK
from labstow.workers.lock.repository import Repository
from labstow.workers.lock.room import Room
from labstow.workers.lock.sweeper import OVER, PERIOD_S, over
from labstow.workers.lock.ticket import Left
from labstow.workers.lock.usage import usage
from labstow.workers.lock.wake import Bell
from labstow.workers.resource.filling import Filling
from labstow.workers.resource.reading.get import get
from labstow.workers.resource.reading.known import Known
from labstow.workers.resource.reading.worker import GETS_IN_A_BATCH

HEAVY_TIMEOUT_S: Final = 60
SLOWEST_S: Final = 30


def make(settings: Settings) -> Worker:
    """The lock worker of this process."""
    worker = Worker("lock", "Who may change what, for how long, and who is next.")
    url, room = settings.postgres_url, settings.queue_room
    locks = Repository(settings.lock_classes)

    def committed(decision: Decision[Lease]) -> None:
        """Tell those who wait, here and elsewhere; also who asked twice, of which one was answered."""
        moved = any(isinstance(note, Left) for note in decision.notes)
        changed = decision.changed.values()
        if freed := frozenset(lease.id for lease in changed if moved or lease.line or not lease.held):
            waiting.heard(freed)
            bell.ring(freed)

    filling = Filling(_thing)
    unit = Unit(url, LOCK, locks, committed=committed)
    large = Unit(url, LOCK, locks, timeout_s=HEAVY_TIMEOUT_S, aside=True, committed=committed)
    waiting = Room()
    light = worker.lane(
        Lane(filling.beside(waiting.beside(unit.run)), room=room, limit=settings.batch_commands, weight=_weight)
    )
    heavy = worker.lane(Lane(waiting.beside(large.run), room=room))
    light.moves_to = lambda call: heavy if _is_heavy(call) else light
    waiting.lane_of = light.moves_to
    bell = Bell(settings.redis_url, waiting.heard)
    sweeper = Sweeper(url, light, OVER, over, PERIOD_S)

    def lane_of(request: Request[Any]) -> Lane:
        return heavy if isinstance(request, Acquire) and request.scope == "subtree" else light

    for command in COMMANDS:
        worker.serve(command, lane_of)
    known = Known()
    gets = Reader(url, partial(get, known), opened=known.forget)
    filling.reading = worker.lane(Lane(gets.run, room=room, limit=GETS_IN_A_BATCH))
    reader = Reader(
        url, one_by_one({Status: partial(reading.status, settings.lock_classes), ListLeases: reading.leases})
    )
    counting = Reader(url, one_by_one({ReadUsage: usage}), timeout_s=SLOWEST_S, searching=True)
    looking = worker.lane(Lane(reader.run, room=room))
    for query in (Status, ListLeases):
        worker.serve(query, lambda _: looking)
    slow = worker.lane(Lane(counting.run, room=room))
    worker.serve(ReadUsage, lambda _: slow)
    worker.serve_ready(url, room, lambda: bell.problem and f"waiters look once a second, Redis: {bell.problem}")
    for run in (waiting.run, sweeper.run, bell.run):
        worker.alongside(run)
    worker.leaving.append(waiting.close)
    worker.closing += [each.close for each in (unit, large, gets, reader, counting, bell)]
    return worker


def _thing(call: Call[Any], told: dict[str, Any]) -> dict[str, str]:
    """What a lease is on, for those who want to see it; what is on several things is shown by their ids only."""
    ids = told.get("resource_ids", ())
    return dict.fromkeys(call.fill, ids[0]) if len(ids) == 1 else {}


def _weight(call: Call[Any]) -> int:
    also = len(call.also.rows) if call.also is not None else 0
    return also + (len(call.request.resource_ids) if isinstance(call.request, Acquire) else 1)


def _is_heavy(call: Call[Any]) -> bool:
    """Whether a request is about everything in some things."""
    return isinstance(call.request, Acquire | Await) and call.also is not None and bool(call.also.subtrees)  # type: ignore[attr-defined]
