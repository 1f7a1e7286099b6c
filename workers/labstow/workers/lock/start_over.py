"""What is asked after the database was restored from a backup: nobody else may, so it is no message of ours."""

from typing import ClassVar

from labstow.contracts.message import Answer, Command


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
