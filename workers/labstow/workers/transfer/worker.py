"""The transfer worker: what it answers, and from which lanes."""

from typing import Any, Final

from labstow.contracts import lab_file, location, node, pattern, transfer
from labstow.contracts.lab_file import ExportLab
from labstow.contracts.location import GetContents, GetLocation, ListLocations
from labstow.contracts.message import Request
from labstow.contracts.pattern import (
    GetLocationTemplate,
    GetRepresentationTemplate,
    ListLocationTemplates,
    ListRepresentationTemplates,
)
from labstow.contracts.transfer import (
    GetConfiguration,
    GetGraph,
    GetGraphPicture,
    GetTransfer,
    ListTransfers,
    PlanTransfer,
)
from labstow.workers.kit.decide import Decision
from labstow.workers.kit.lane import Lane
from labstow.workers.kit.reader import Reader, one_by_one
from labstow.workers.kit.settings import Settings
from labstow.workers.kit.sweeper import Sweeper
from labstow.workers.kit.unit import Unit
from labstow.workers.kit.worker import Worker
from labstow.workers.lock.lease import Lease
from labstow.workers.lock.wake import Bell
from labstow.workers.transfer.noun import TRANSFER
from labstow.workers.transfer.presence import Presence
from labstow.workers.transfer.reading import locations, transfers
from labstow.workers.transfer.reading.export import export
from labstow.workers.transfer.reading.planning import Planner
from labstow.workers.transfer.repository import Repository
from labstow.workers.transfer.sweeping import AWAITED, OVERDUE, PERIOD_S, awaited, overdue

GETS_IN_A_BATCH: Final = 256
PLANS_IN_A_BATCH: Final = 16
HEAVY_TIMEOUT_S: Final = 60


def make(settings: Settings) -> Worker:
    """The transfer worker of this process."""
    worker = Worker("transfer", "Places of the laboratory, ways between them, and moving things.")
    url, room = settings.postgres_url, settings.queue_room
    strict, presence = settings.compat_locks == "strict", Presence(settings.redis_url)
    repository = Repository(settings.lock_classes, settings.units, strict=strict)
    bell = Bell(settings.redis_url, lambda ids: None)

    def committed(decision: Decision[Any]) -> None:
        """Tell those who wait for what was given back."""
        bell.ring(one.id for one in decision.changed.values() if isinstance(one, Lease) and not one.held)

    def tell(there: frozenset[str] | None) -> None:
        repository.there = there

    unit = Unit(url, TRANSFER, repository, committed=committed)
    changing = worker.lane(Lane(presence.beside(unit.run, tell), room=room, limit=settings.batch_commands))
    for command in (*location.COMMANDS, *pattern.COMMANDS, *transfer.COMMANDS):
        worker.serve(command, lambda _: changing)
    large = Unit(
        url, TRANSFER, Repository(settings.lock_classes, settings.units), timeout_s=HEAVY_TIMEOUT_S, aside=True
    )
    applying = worker.lane(Lane(large.run, room=room))
    for applied in lab_file.COMMANDS:
        worker.serve(applied, lambda _: applying)
    planning = Reader(url, Planner(presence).read)
    ways = worker.lane(Lane(planning.run, room=room, limit=PLANS_IN_A_BATCH))
    for asked in (PlanTransfer, GetGraph, GetGraphPicture):
        worker.serve(asked, lambda _: ways)
    gets = Reader(url, locations.get)
    getting = worker.lane(Lane(gets.run, room=room, limit=GETS_IN_A_BATCH))
    reader = Reader(url, one_by_one(_READS))
    reading = worker.lane(Lane(reader.run, room=room))

    def lane_of(request: Request[Any]) -> Lane:
        return getting if isinstance(request, GetLocation) and request.as_of is None else reading

    for query in _READS:
        worker.serve(query, lane_of)
    hearing = worker.lane(Lane(presence.run, room=room))
    for heard in node.QUERIES:
        worker.serve(heard, lambda _: hearing)
    worker.serve_ready(url, room, lambda: bell.problem and f"who is there is not known, Redis: {bell.problem}")
    sweepers = [
        Sweeper(url, changing, OVERDUE, overdue, PERIOD_S),
        Sweeper(url, changing, AWAITED, awaited, PERIOD_S),
    ]
    for run in (bell.run, *(each.run for each in sweepers)):
        worker.alongside(run)
    worker.closing += [each.close for each in (unit, large, planning, gets, reader, presence, bell)]
    return worker


_READS: Final[dict[Any, Any]] = {
    GetLocation: locations.get_past,
    ListLocations: locations.page,
    GetContents: locations.contents,
    GetTransfer: transfers.one,
    ListTransfers: transfers.page,
    GetConfiguration: transfers.configuration,
    ExportLab: export,
    GetLocationTemplate: transfers.get_pattern,
    ListLocationTemplates: transfers.list_patterns,
    GetRepresentationTemplate: transfers.get_pattern,
    ListRepresentationTemplates: transfers.list_patterns,
}
