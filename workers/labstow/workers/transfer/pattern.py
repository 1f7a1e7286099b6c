"""A pattern that locations are made from: a representation template, or a location template."""

from datetime import datetime
from typing import Any, Final, Literal, NamedTuple

from labstow.workers.kit.noun import Kind

Sort = Literal["representation_template", "location_template"]


class Pattern(NamedTuple):
    """A row of the table `pattern`, columns in its order."""

    id: str
    kind: Sort
    name: str
    body: dict[str, Any]
    """All its other fields."""
    created_at: datetime
    updated_at: datetime
    removed_at: datetime | None
    version: int
    head: str

    @property
    def parent_id(self) -> None:
        """It is in nothing."""


def state(of: Pattern) -> dict[str, Any]:
    """It, as answers, events and the journal show it."""
    fields = of._asdict()
    del fields["head"]
    return {"template_id": fields.pop("id"), **fields.pop("body"), **fields}


def seal(of: Pattern, head: str) -> Pattern:
    """It, with the hash of its newest journal entry."""
    return of._replace(head=head)


KIND: Final = Kind("pattern", state, seal)
