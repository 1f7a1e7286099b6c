"""What the lock worker asks itself: nobody else may, so these are no messages of ours."""

from typing import ClassVar

from labstow.contracts.lock import Await, Released
from labstow.contracts.message import Answer, Command


class Sweep(Command[Released]):
    """Note which leases are over, and drop tickets that nobody asks about."""

    subject: ClassVar[str] = "lock.sweep"
    kept: ClassVar[bool] = False
    resource_ids: tuple[str, ...] = ()
    tickets: tuple[str, ...] = ()
    """Hashed."""


class LookAgain(Await):
    """Look whether it is the turn of somebody who asked, and waits for the answer: that does not mean he is alive."""


class StartedOver(Answer):
    """What was done."""

    things: int
    """How many tokens were raised."""
    held: int
    """How many things somebody held."""


class StartOver(Command[StartedOver]):
    """End all leases on some things, drop all tickets for them, and raise their tokens to `floor` at least.

    What has such a token is left alone, and so is what is held under a lease that is not named: ask again.
    """

    subject: ClassVar[str] = "lock.start_over"
    kept: ClassVar[bool] = False
    resource_ids: tuple[str, ...]
    leases: tuple[str, ...] = ()
    """Hashed."""
    floor: int
