"""The history worker: what happened, and the relay that tells everybody."""

from nats.aio.client import Client
from sqlalchemy.ext.asyncio import AsyncEngine

from labstow.contracts.history import QueryHistory
from labstow.workers.history import queries
from labstow.workers.kit.relay import Relay
from labstow.workers.kit.settings import Settings
from labstow.workers.kit.worker import Worker


def make(settings: Settings, engine: AsyncEngine) -> Worker:
    """The history worker of this process."""
    worker = Worker("history", "Everything that ever happened, and who did it.")

    async def relay(nats: Client) -> None:
        await Relay(settings.postgres_url, nats).run()

    worker.background.append(relay)
    worker.serve_reads(engine, {QueryHistory: queries.query}, settings.queue_room)
    return worker
