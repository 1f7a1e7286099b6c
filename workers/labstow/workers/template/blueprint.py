"""A template as the rules see it: one row."""

from datetime import datetime
from typing import Any, NamedTuple

from labstow.contracts.base_types import BaseType
from labstow.contracts.errors import NoTemplate


class Blueprint(NamedTuple):
    """A row of the table `template`, without what can be told from the rest."""

    id: str
    name: str
    description: str | None
    label: str | None
    tags: list[str]
    required_overrides: list[str]
    created_by: str | None
    resource: dict[str, Any]
    """A `NewResource` as JSON, as `stored` writes it."""
    created_at: datetime
    updated_at: datetime
    removed_at: datetime | None
    version: int
    head: str
    """Hash of the newest journal entry."""

    @property
    def parent_id(self) -> None:
        """A template is nowhere."""

    @property
    def base_type(self) -> str:
        """The type of what is made from it."""
        return str(self.resource.get("base_type", BaseType.RESOURCE))


def state(of: Blueprint) -> dict[str, Any]:
    """The template as answers, events and the journal show it: the fields of `Template`."""
    fields = of._asdict()
    del fields["head"]
    return {"template_id": fields.pop("id"), **fields}


def seal(of: Blueprint, head: str) -> Blueprint:
    """The template with the hash of its newest journal entry."""
    return of._replace(head=head)


def no_template(name: str, version: int | None) -> NoTemplate:
    """The refusal of a name that no template has, or not at this version."""
    if version is None:
        return NoTemplate(name=name)
    return NoTemplate(f"there is no template {name} of version {version}", name=name, version=version)
