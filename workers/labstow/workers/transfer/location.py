"""A location: values in, values out."""

from datetime import datetime
from typing import Any, Final, NamedTuple

from labstow.workers.kit.noun import Kind


class Location(NamedTuple):
    """A row of the table `location`, columns in its order."""

    id: str
    name: str
    description: str | None
    representations: dict[str, Any]
    resource_id: str | None
    resource_template_name: str | None
    resource_template_overrides: dict[str, Any] | None
    awaits_template: bool
    allow_transfers: bool
    managed_by: str
    owner: dict[str, Any]
    location_template_name: str | None
    node_bindings: dict[str, str] | None
    applied: dict[str, Any] | None
    """What a lab file last said of it: what differs from that was changed by hand."""
    created_at: datetime
    updated_at: datetime
    removed_at: datetime | None
    version: int
    head: str

    @property
    def parent_id(self) -> str | None:
        """Locations are in nothing."""
        return None


def state(location: Location) -> dict[str, Any]:
    """The location as answers, events and the journal show it."""
    shown = location._asdict()
    del shown["id"], shown["head"], shown["applied"]
    return {"location_id": location.id, **shown}


def seal(location: Location, digest: str) -> Location:
    """The location with the hash of its newest journal entry."""
    return location._replace(head=digest)


KIND: Final = Kind("location", state, seal)
