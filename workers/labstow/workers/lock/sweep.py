"""What the sweeper asks: nobody else may, so it is no message of ours."""

from typing import ClassVar

from labstow.contracts.lock import Released
from labstow.contracts.message import Command


class Sweep(Command[Released]):
    """Note which leases are over, and drop tickets that nobody asks about."""

    subject: ClassVar[str] = "lock.sweep"
    kept: ClassVar[bool] = False
    resource_ids: tuple[str, ...] = ()
    tickets: tuple[str, ...] = ()
    """Hashed."""
