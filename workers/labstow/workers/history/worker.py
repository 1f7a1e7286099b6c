"""The history worker: what happened, and the relay that tells everybody."""

from functools import partial
from typing import Final

from nats.aio.client import Client

from labstow.contracts.history import QUERIES, At, Diff, QueryHistory
from labstow.workers.history import queries
from labstow.workers.history.differences import diff
from labstow.workers.history.entries import KnownEntries
from labstow.workers.kit.lane import Lane
from labstow.workers.kit.reader import Reader, one_by_one
from labstow.workers.kit.relay import Relay
from labstow.workers.kit.settings import Settings
from labstow.workers.kit.worker import Worker

READERS: Final = 4
SLOWEST_S: Final = 30


def make(settings: Settings) -> Worker:
    """The history worker of this process."""
    worker = Worker("history", "Everything that ever happened, and who did it.")

    async def relay(nats: Client) -> None:
        await Relay(settings.postgres_url, nats).run()

    worker.background.append(relay)
    entries = KnownEntries()
    answers = one_by_one({QueryHistory: partial(queries.query, entries), At: partial(queries.at, entries), Diff: diff})
    readers = [
        Reader(settings.postgres_url, answers, timeout_s=SLOWEST_S, searching=True, opened=entries.forget)
        for _ in range(READERS)
    ]
    lane = worker.lane(Lane(*(reader.run for reader in readers), room=settings.queue_room))
    for query in QUERIES:
        worker.serve(query, lambda _: lane)
    worker.serve_ready(settings.postgres_url, settings.queue_room)
    worker.closing += [reader.close for reader in readers]
    return worker
