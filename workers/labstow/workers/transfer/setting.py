"""What the robots can do, as it is set: one thing, and the only one of its kind."""

from datetime import datetime
from typing import Any, Final, NamedTuple

from labstow.contracts.ulids import derived_ulid
from labstow.workers.kit.noun import Kind

SETTING_ID: Final = derived_ulid("capabilities")


class Setting(NamedTuple):
    """The row of the table `setting`, columns in its order."""

    id: str
    capabilities: dict[str, Any]
    applied: dict[str, Any] | None
    """What a lab file last said."""
    updated_at: datetime
    version: int
    head: str

    @property
    def parent_id(self) -> None:
        """It is in nothing."""


def state(of: Setting) -> dict[str, Any]:
    """It, as answers, events and the journal show it."""
    return {"capabilities": of.capabilities, "updated_at": of.updated_at, "version": of.version}


def seal(of: Setting, head: str) -> Setting:
    """It, with the hash of its newest journal entry."""
    return of._replace(head=head)


KIND: Final = Kind("capabilities", state, seal)
