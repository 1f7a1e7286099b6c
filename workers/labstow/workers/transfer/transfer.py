"""A transfer: a thing on its way, from the moment a gripper has it."""

from datetime import datetime
from typing import Any, Final, NamedTuple

from labstow.contracts.ulids import derived_ulid
from labstow.workers.kit.noun import Kind


class Transfer(NamedTuple):
    """A row of the table `transfer`, columns in its order."""

    id: str
    state: str
    resource_id: str
    node: str
    gripper_id: str
    source: dict[str, Any]
    target: dict[str, Any]
    left_at: dict[str, Any] | None
    lease: str | None
    """The secret of the lease that was taken for it, hashed."""
    holder: str
    purpose: str | None
    begun_at: datetime
    due_at: datetime
    overdue: bool
    ended_at: datetime | None
    reason: str | None
    version: int
    head: str

    @property
    def parent_id(self) -> None:
        """It is in nothing."""

    @property
    def open(self) -> bool:
        """Whether the thing is still on its way."""
        return self.state == "begun"


def state(of: Transfer) -> dict[str, Any]:
    """It, as answers, events and the journal show it."""
    fields = of._asdict()
    del fields["head"], fields["lease"]
    return {"transfer_id": fields.pop("id"), **fields}


def seal(of: Transfer, head: str) -> Transfer:
    """It, with the hash of its newest journal entry."""
    return of._replace(head=head)


def gripper_of(node: str) -> str:
    """The id of the slot that stands for a node's gripper."""
    return derived_ulid("gripper", node)


KIND: Final = Kind("transfer", state, seal)
