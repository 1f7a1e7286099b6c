"""What every worker answers about itself (`labstow.v1.<worker>.ready`)."""

from typing import ClassVar

from labstow.contracts.message import Answer, Query


class Readiness(Answer):
    """The worker has its database and its writers live."""

    ready: bool
    schema_revision: str
    degraded: str | None = None
    """What works less well than it should, and why."""


class Ready(Query[Readiness]):
    """Ask whether a request would be served now; a worker that could not serve it answers a 503."""

    subject: ClassVar[str] = "ready"
