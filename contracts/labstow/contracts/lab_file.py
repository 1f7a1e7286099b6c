"""A lab file: the places of a laboratory and what its robots can do, as text that people write and keep under version
control. The format is that of MADSci's `location_manager_definition.yaml`, with resource templates.
"""

from collections import Counter
from typing import Annotated, Any, ClassVar, Final, Literal, Self

from pydantic import Field, JsonValue, model_validator

from labstow.contracts.capabilities import Capabilities
from labstow.contracts.location import MAX_LOCATIONS, LocationName, ManagedBy, Representations
from labstow.contracts.message import Answer, Attributes, Command, Message, Name, Query, Text, Ulid
from labstow.contracts.pattern import NewLocationTemplate, NewRepresentationTemplate
from labstow.contracts.template import TemplateName

MAX_TEMPLATES: Final = 1_000


class PlaceEntry(Message):
    """A location of a lab file."""

    location_id: Ulid | None = None
    """Of a location that is new: the one that is there keeps its own."""
    location_name: LocationName
    description: Text | None = None
    allow_transfers: bool = True
    representations: Representations = Field(default_factory=dict)
    resource_template_name: TemplateName | None = None
    resource_template_overrides: Attributes | None = None
    managed_by: ManagedBy = "lab"
    owner: Attributes | None = None


class Places(Message):
    """What a lab file says about places and robots."""

    locations: Annotated[tuple[PlaceEntry, ...], Field(max_length=MAX_LOCATIONS)] = ()
    transfer_capabilities: Capabilities | None = None
    representation_templates: Annotated[tuple[NewRepresentationTemplate, ...], Field(max_length=MAX_TEMPLATES)] = ()
    location_templates: Annotated[tuple[NewLocationTemplate, ...], Field(max_length=MAX_TEMPLATES)] = ()

    @model_validator(mode="after")
    def _each_once(self) -> Self:
        for what, names in (
            ("locations", [one.location_name for one in self.locations]),
            ("location_id of locations", [one.location_id for one in self.locations if one.location_id]),
            ("representation_templates", [one.name for one in self.representation_templates]),
            ("location_templates", [one.name for one in self.location_templates]),
        ):
            (name, times), *_ = Counter(names).most_common(1) or [("", 0)]
            if times > 1:
                raise ValueError(f"{what}: {name!r} is there more than once")
        return self


class Difference(Answer):
    """What a lab file says otherwise than the laboratory."""

    path: str
    """Such as `locations.sample_storage.representations.robotarm_1`."""
    live: JsonValue
    """null where it is not there."""
    file: JsonValue
    action: Literal["add", "change", "keep"]
    """Keep: somebody changed it since a lab file last said so, and what was taught is not overwritten."""
    sentence: str


class Applied(Answer):
    """What was changed, or would be."""

    differences: tuple[Difference, ...]
    changed: int
    """How many things were changed; 0 with `dry_run`."""
    lab_version: int


class ApplyLab(Command[Applied]):
    """Bring the laboratory to what a lab file says, all or nothing, or tell what that would change.

    What is absent is added. What is there is changed only where it still is as a lab file last left it. Nothing is
    ever removed.
    """

    subject: ClassVar[str] = "location.apply"
    places: Places
    absent_only: bool = False
    """Only add what is not there at all."""
    dry_run: bool = False


class Exported(Answer):
    """The laboratory as a lab file."""

    places: dict[str, JsonValue]
    lab_version: int


class ExportLab(Query[Exported]):
    """Read the laboratory as a lab file."""

    subject: ClassVar[str] = "location.export"


class TemplateEntry(Message):
    """A resource template of a lab file, as `template.create` takes it."""

    name: TemplateName
    resource: dict[str, JsonValue]
    description: Text | None = None
    label: Name | None = None
    tags: tuple[Name, ...] = ()
    required_overrides: tuple[Name, ...] = ()


class LabFile(Places):
    """All of a lab file."""

    manager_id: Name | None = None
    """As in MADSci; not used."""
    manager_type: Name | None = None
    """As in MADSci; not used."""
    name: Name | None = None
    description: Text | None = None
    resource_templates: Annotated[tuple[TemplateEntry, ...], Field(max_length=MAX_TEMPLATES)] = ()


COMMANDS: Final[tuple[type[Command[Any]], ...]] = (ApplyLab,)
QUERIES: Final[tuple[type[Query[Any]], ...]] = (ExportLab,)
