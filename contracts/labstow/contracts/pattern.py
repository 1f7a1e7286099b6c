"""Patterns that locations are made from: what a node must know of a place (`labstow.v1.representation-template.*`), and
which roles nodes play there (`labstow.v1.location-template.*`). Names are unique; the models are those of MADSci 0.8.
"""

from typing import Annotated, Any, ClassVar, Final, Literal, Self

from pydantic import Field, JsonValue, model_validator

from labstow.contracts.capabilities import Node
from labstow.contracts.location import Location, LocationName
from labstow.contracts.message import Answer, Attributes, Command, Instant, Message, Name, Query, Text, Ulid
from labstow.contracts.template import Path, Tags, TemplateName

MAX_ROLES: Final = 100


class RepresentationTemplate(Answer):
    """What a kind of node must know of a place."""

    template_id: Ulid
    kind: Literal["representation_template"] = "representation_template"
    name: str
    description: str | None
    default_values: dict[str, JsonValue]
    schema_def: dict[str, JsonValue] | None
    """A JSON Schema that representations must fit."""
    required_overrides: tuple[str, ...]
    tags: tuple[str, ...]
    created_by: str | None
    label: str
    """What its makers call this version, such as 1.0.0."""
    created_at: Instant
    updated_at: Instant
    removed_at: Instant | None
    version: int


class NewRepresentationTemplate(Message):
    """A representation template to be."""

    template_id: Ulid | None = None
    name: TemplateName
    description: Text | None = None
    default_values: Attributes = Field(default_factory=dict)
    schema_def: Attributes | None = None
    required_overrides: Annotated[tuple[Path, ...], Field(max_length=100)] = ()
    tags: Tags = ()
    created_by: Name | None = None
    label: Name = "1.0.0"


class LocationTemplate(Answer):
    """A kind of place: the roles that nodes play there, and what is there."""

    template_id: Ulid
    kind: Literal["location_template"] = "location_template"
    name: str
    description: str | None
    resource_template_name: str | None
    resource_template_overrides: dict[str, JsonValue] | None
    representation_templates: dict[str, str]
    """Names of representation templates by role."""
    default_allow_transfers: bool
    tags: tuple[str, ...]
    created_by: str | None
    label: str
    created_at: Instant
    updated_at: Instant
    removed_at: Instant | None
    version: int


class NewLocationTemplate(Message):
    """A location template to be."""

    template_id: Ulid | None = None
    name: TemplateName
    description: Text | None = None
    resource_template_name: TemplateName | None = None
    resource_template_overrides: Attributes | None = None
    representation_templates: Annotated[dict[Name, TemplateName], Field(max_length=MAX_ROLES)] = Field(
        default_factory=dict
    )
    default_allow_transfers: bool = True
    tags: Tags = ()
    created_by: Name | None = None
    label: Name = "1.0.0"


class CreateRepresentationTemplate(Command[RepresentationTemplate]):
    """Make a representation template.

    Where there is one of this name, that is refused; with `init` it is answered, or changed if its `label` is another.
    """

    subject: ClassVar[str] = "representation-template.create"
    template: NewRepresentationTemplate
    init: bool = False


class GetRepresentationTemplate(Query[RepresentationTemplate]):
    """Read a representation template."""

    subject: ClassVar[str] = "representation-template.get"
    name: TemplateName


class RepresentationTemplates(Answer):
    """All of them, by name."""

    templates: tuple[RepresentationTemplate, ...]


class ListRepresentationTemplates(Query[RepresentationTemplates]):
    """List representation templates."""

    subject: ClassVar[str] = "representation-template.list"


class RemoveRepresentationTemplate(Command[RepresentationTemplate]):
    """Remove a representation template. What was made from it stays."""

    subject: ClassVar[str] = "representation-template.remove"
    name: TemplateName


class CreateLocationTemplate(Command[LocationTemplate]):
    """Make a location template.

    Where there is one of this name, that is refused; with `init` it is answered, or changed if its `label` is another.
    """

    subject: ClassVar[str] = "location-template.create"
    template: NewLocationTemplate
    init: bool = False


class GetLocationTemplate(Query[LocationTemplate]):
    """Read a location template."""

    subject: ClassVar[str] = "location-template.get"
    name: TemplateName


class LocationTemplates(Answer):
    """All of them, by name."""

    templates: tuple[LocationTemplate, ...]


class ListLocationTemplates(Query[LocationTemplates]):
    """List location templates."""

    subject: ClassVar[str] = "location-template.list"


class RemoveLocationTemplate(Command[LocationTemplate]):
    """Remove a location template. What was made from it stays."""

    subject: ClassVar[str] = "location-template.remove"
    name: TemplateName


class AddFromTemplate(Command[Location]):
    """Make a location from a location template: each role is played by a node, and what that must know of the place is
    the default of its representation template with the overrides.
    """

    subject: ClassVar[str] = "location.from-template"
    name: LocationName
    template: TemplateName
    node_bindings: Annotated[dict[Name, Node], Field(max_length=MAX_ROLES)] = Field(default_factory=dict)
    """Nodes by role; every role needs one."""
    representation_overrides: Annotated[dict[Name, Attributes], Field(max_length=MAX_ROLES)] = Field(
        default_factory=dict
    )
    """By role."""
    resource_template_overrides: Attributes | None = None
    description: Text | None = None
    allow_transfers: bool | None = None
    """None: as the template has it."""

    @model_validator(mode="after")
    def _known_roles(self) -> Self:
        if unknown := sorted(set(self.representation_overrides) - set(self.node_bindings)):
            raise ValueError(f"representation_overrides: no node is bound to the role {unknown[0]!r}")
        return self


COMMANDS: Final[tuple[type[Command[Any]], ...]] = (
    CreateRepresentationTemplate,
    RemoveRepresentationTemplate,
    CreateLocationTemplate,
    RemoveLocationTemplate,
    AddFromTemplate,
)
QUERIES: Final[tuple[type[Query[Any]], ...]] = (
    GetRepresentationTemplate,
    ListRepresentationTemplates,
    GetLocationTemplate,
    ListLocationTemplates,
)
EVENTS: Final = {"created": "it is new", "updated": "it has another version", "removed": "nothing is made from it now"}
