"""Locations and capabilities as a worker of transfers keeps them, in memory."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from labstow.contracts.capabilities import Capabilities
from labstow.contracts.lab_file import Difference, Places
from labstow.contracts.ulids import new_ulid
from labstow.workers.transfer.applying import merged_capabilities, merged_location
from labstow.workers.transfer.comparing import Json
from labstow.workers.transfer.location import Location

NOW: Final = datetime(2026, 11, 22, tzinfo=UTC)


@dataclass
class Bench:
    """Locations and capabilities, as a worker keeps them."""

    locations: dict[str, Location] = field(default_factory=dict)
    capabilities: Json | None = None
    applied: Json | None = None

    def apply(self, places: Json, *, absent_only: bool = False, dry_run: bool = False) -> list[Difference]:
        """Bring it to what a lab file says, or only tell."""
        file = Places.model_validate(places)
        differences: list[Difference] = []
        for entry in file.locations:
            live = self.locations.get(entry.location_name)
            merge = merged_location(live, entry, absent_only=absent_only)
            differences += merge.differences
            if not dry_run:
                fields = {"applied": merge.applied, **merge.fields}
                self.locations[entry.location_name] = (live or place(entry.location_name))._replace(**fields)
        if file.transfer_capabilities is not None:
            known = None if self.capabilities is None else Capabilities.model_validate(self.capabilities)
            said = merged_capabilities(known, self.applied, file.transfer_capabilities, absent_only=absent_only)
            differences += said.differences
            if not dry_run:
                whole = {**(self.capabilities or {}), **said.fields}
                self.capabilities = Capabilities.model_validate(whole).model_dump(mode="json")
                self.applied = said.applied
        return differences

    def teach(self, name: str, **fields: Any) -> None:
        """Change a location by hand; it need not be there."""
        self.locations[name] = self.locations.get(name, place(name))._replace(**fields)

    def shown(self) -> tuple[dict[str, Json], Json | None]:
        """What anybody can see of it."""
        return {name: one._replace(applied=None)._asdict() for name, one in self.locations.items()}, self.capabilities


def place(name: str) -> Location:
    """A location of which only the name is known."""
    return Location(
        id=new_ulid(), name=name, description=None, representations={}, resource_id=None, resource_template_name=None,
        resource_template_overrides=None, awaits_template=False, allow_transfers=True, managed_by="lab", owner={},
        location_template_name=None, node_bindings=None, applied=None, created_at=NOW, updated_at=NOW, removed_at=None,
        version=1, head="",
    )  # fmt: skip
