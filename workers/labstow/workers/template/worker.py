"""What a resource worker answers about templates, and from which lanes."""

from typing import Final

from labstow.contracts.template import COMMANDS, QUERIES
from labstow.workers.kit.lane import Lane
from labstow.workers.kit.reader import Reader
from labstow.workers.kit.settings import Settings
from labstow.workers.kit.unit import Unit
from labstow.workers.kit.worker import Worker
from labstow.workers.template import reading
from labstow.workers.template.noun import TEMPLATE
from labstow.workers.template.repository import Repository

QUERIES_IN_A_BATCH: Final = 16


def serve(worker: Worker, settings: Settings) -> None:
    """Have a worker serve templates, beside what else it does."""
    unit = Unit(settings.postgres_url, TEMPLATE, Repository(settings.units), aside=True)
    reader = Reader(settings.postgres_url, reading.read)
    # Templates change rarely: one at a time, so that a name may be freed and taken again one after the other.
    changing = worker.lane(Lane(unit.run, room=settings.queue_room))
    asking = worker.lane(Lane(reader.run, room=settings.queue_room, limit=QUERIES_IN_A_BATCH))
    for command in COMMANDS:
        worker.serve(command, lambda _: changing)
    for query in QUERIES:
        worker.serve(query, lambda _: asking)
    worker.closing += [unit.close, reader.close]
