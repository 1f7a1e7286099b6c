"""What the lock worker asks itself: nobody else may, so these are no messages of ours."""

from typing import ClassVar

from labstow.contracts.lock import Await, Released
from labstow.contracts.message import Command


class Sweep(Command[Released]):
    """Note which leases are over, and drop tickets that nobody asks about."""

    subject: ClassVar[str] = "lock.sweep"
    kept: ClassVar[bool] = False
    resource_ids: tuple[str, ...] = ()
    tickets: tuple[str, ...] = ()
    """Hashed."""


class LookAgain(Await):
    """Look whether it is the turn of somebody who asked, and waits for the answer: that does not mean he is alive."""
