"""Messages of the location noun (`labstow.v1.location.*`): the places of a laboratory, what nodes know of them, and
what is there.

A location is looked up by its id, then by its name. A location has at most one resource attached (its nest, rack or
deck slot), and a resource is attached to at most one location; whatever is in that resource is at the location.
"""

from typing import Annotated, Any, ClassVar, Final, Literal, Self

from pydantic import AfterValidator, Field, JsonValue, StringConstraints, model_validator

from labstow.contracts.capabilities import Key, Node
from labstow.contracts.message import (
    Answer,
    Attributes,
    Command,
    Instant,
    Message,
    Name,
    Query,
    Text,
    Ulid,
    Version,
    bounded,
)
from labstow.contracts.template import TemplateName
from labstow.contracts.ulids import is_ulid

MAX_LOCATIONS: Final = 10_000
MAX_NODES: Final = 1_000


def _of_its_own(name: str) -> str:
    if is_ulid(name):
        raise ValueError("looks like an id: a location must not be taken for another one")
    if not name.strip("."):
        raise ValueError("must have more than dots: it is part of an address")
    return name


def _bounded(value: JsonValue) -> JsonValue:
    return bounded({"": value})[""]


LocationName = Annotated[
    str, StringConstraints(min_length=1, max_length=255, pattern=r"^[A-Za-z0-9_.-]+$"), AfterValidator(_of_its_own)
]
"""Unique, and as it stands part of an address: letters, digits, `_`, `.` and `-`."""
Representation = Annotated[JsonValue, AfterValidator(_bounded)]
"""What a node must know to reach a location: any JSON, null too; at most 64 KiB, 1,000 keys, 16 levels."""
Representations = Annotated[dict[Node, Representation], Field(max_length=MAX_NODES)]
ManagedBy = Literal["lab", "node"]


class Reservation(Answer):
    """Who is about to bring something here, or to take something away."""

    transfer_id: Ulid
    owned_by: str
    created: Instant
    expires: Instant
    """When the transfer counts as overdue; the reservation ends when it is completed or aborted."""


class Location(Answer):
    """A location as it is, or was."""

    location_id: Ulid
    name: str
    description: str | None
    representations: dict[str, JsonValue]
    """By node."""
    resource_id: Ulid | None
    """What is attached here."""
    resource_template_name: str | None
    """What a resource is made from that is attached when there is none yet."""
    resource_template_overrides: dict[str, JsonValue] | None
    awaits_template: bool
    """Whether that template was not there yet. As soon as it is, the resource is made."""
    allow_transfers: bool
    managed_by: ManagedBy
    owner: dict[str, JsonValue]
    location_template_name: str | None
    node_bindings: dict[str, str] | None
    """Which node plays which role of the location template."""
    created_at: Instant
    updated_at: Instant
    removed_at: Instant | None
    version: int
    reservation: Reservation | None = None


class NewLocation(Message):
    """A location to be. With `resource_template_name` and no `resource_id`, a resource is made and attached."""

    location_id: Ulid | None = None
    name: LocationName
    description: Text | None = None
    representations: Representations = Field(default_factory=dict)
    resource_id: Ulid | None = None
    resource_template_name: TemplateName | None = None
    resource_template_overrides: Attributes | None = None
    """Fields of a resource that differ from the template; what a resource does not have becomes an attribute."""
    allow_transfers: bool = True
    managed_by: ManagedBy = "lab"
    owner: Attributes = Field(default_factory=dict)
    location_template_name: TemplateName | None = None
    node_bindings: dict[Name, Node] | None = None


class AddLocation(Command[Location]):
    """Make a location. Refused where there is one of this name or id."""

    subject: ClassVar[str] = "location.add"
    location: NewLocation


class InitLocation(Command[Location]):
    """Make a location, or answer the one of this name as it is."""

    subject: ClassVar[str] = "location.init"
    location: NewLocation


class LocationPatch(Message):
    """Fields to change; a field that is not named stays."""

    name: LocationName | None = None
    description: Text | None = None
    representations: Representations | None = None
    """Those to set, by node; the others stay. null is a representation like any other."""
    allow_transfers: bool | None = None
    managed_by: ManagedBy | None = None
    owner: Attributes | None = None

    @model_validator(mode="after")
    def _only_some_can_be_null(self) -> Self:
        for name in self.model_fields_set - {"description"}:
            if getattr(self, name) is None:
                raise ValueError(f"{name} cannot be null: leave it out to keep it")
        return self


class UpdateLocation(Command[Location]):
    """Change the named fields. The name by which transfer capabilities call a location stays."""

    subject: ClassVar[str] = "location.update"
    location: Key
    changes: LocationPatch
    expected_version: Version | None = None


class RemoveLocation(Command[Location]):
    """Remove a location. Refused while a resource is attached, or on its way there or from there."""

    subject: ClassVar[str] = "location.remove"
    location: Key
    expected_version: Version | None = None
    reason: Text | None = None


class Represent(Command[Location]):
    """Teach a node a location. Others' representations stay, whatever is taught at the same time."""

    subject: ClassVar[str] = "location.represent"
    location: Key
    node: Node
    representation: Representation


class Unrepresent(Command[Location]):
    """Have a node forget a location."""

    subject: ClassVar[str] = "location.unrepresent"
    location: Key
    node: Node


class Attach(Command[Location]):
    """Say that a resource is what is at a location. Refused where either has another one."""

    subject: ClassVar[str] = "location.attach"
    location: Key
    resource_id: Ulid


class Detach(Command[Location]):
    """Say that nothing is at a location any more. The resource stays what it is."""

    subject: ClassVar[str] = "location.detach"
    location: Key


class GetLocation(Query[Location]):
    """Read a location, by its id or its name."""

    subject: ClassVar[str] = "location.get"
    location: Key
    by: Literal["any", "id", "name"] = "any"
    as_of: Instant | None = None


class Locations(Answer):
    """Locations by name."""

    locations: tuple[Location, ...]
    next: str | None
    """`after` of the next query; null at the end."""


class ListLocations(Query[Locations]):
    """List locations, in the order of their names. Filters add up."""

    subject: ClassVar[str] = "location.list"
    managed_by: ManagedBy | None = None
    node: Node | None = None
    """Those that this node knows."""
    limit: Annotated[int, Field(strict=True, ge=1, le=MAX_LOCATIONS)] = 1_000
    after: Name | None = None
    as_of: Instant | None = None


class Contents(Answer):
    """What is at a location: the attached resource, what that is in, and what is in it, by parent."""

    location_id: Ulid
    name: str
    resource_id: Ulid | None
    ancestor_ids: tuple[Ulid, ...]
    descendant_ids: dict[Ulid, tuple[Ulid, ...]]


class GetContents(Query[Contents]):
    """Ask what is at a location."""

    subject: ClassVar[str] = "location.contents"
    location: Key
    as_of: Instant | None = None


COMMANDS: Final[tuple[type[Command[Any]], ...]] = (
    AddLocation,
    InitLocation,
    UpdateLocation,
    RemoveLocation,
    Represent,
    Unrepresent,
    Attach,
    Detach,
)
QUERIES: Final[tuple[type[Query[Any]], ...]] = (GetLocation, ListLocations, GetContents)
EVENTS: Final = {
    "added": "it is new",
    "updated": "something about it changed",
    "represented": "a node was taught it",
    "unrepresented": "a node forgot it",
    "attached": "a resource is there",
    "detached": "it is there no more",
    "removed": "there is no such location any more",
}
