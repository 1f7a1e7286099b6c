"""Messages of the resource noun (`labstow.v1.resource.*`): what is in the laboratory, and where."""

from decimal import Decimal
from typing import Annotated, Any, ClassVar, Final, Self

from pydantic import AfterValidator, AliasChoices, Field, JsonValue, model_validator

from labstow.contracts.base_types import CONSUMABLES, CONTAINERS, SHAPED, BaseType
from labstow.contracts.message import (
    Answer,
    Attributes,
    Command,
    Exact,
    Instant,
    Message,
    Name,
    Query,
    Text,
    Ulid,
    Version,
)
from labstow.contracts.positions import MAX_DIMENSION, MAX_POSITIONS, Position

MAX_PAGE: Final = 1_000
MAX_DEPTH: Final = 32
MAX_NODES: Final = 2_500
"""Resources in one command: a full plate of 1536 wells, and more."""

Dimension = Annotated[int, Field(strict=True, ge=1, le=MAX_DIMENSION)]
Amount = Annotated[Exact, Field(ge=0), AfterValidator(Decimal.copy_abs)]
"""Not negative, and 0 has no sign."""
Columns = Annotated[Dimension | None, Field(validation_alias=AliasChoices("columns", "length"))]


class Resource(Answer):
    """A resource as it is. `version` grows by one with every change."""

    resource_id: Ulid
    name: str
    resource_class: str
    base_type: BaseType
    description: str | None
    owner: dict[str, JsonValue]
    attributes: dict[str, JsonValue]
    parent_id: Ulid | None
    position: str | None
    """Where it is in its parent, as `labstow.contracts.positions` writes it; None in a stack, a queue or nowhere."""
    index: tuple[int, ...] | None = None
    """The same from 0, as (column,), (row, column), (row, column, layer), or the place in a stack or queue; known
    where the parent was read with it."""
    rows: int | None
    columns: int | None
    layers: int | None
    one_indexed: bool
    quantity: Decimal | None
    """Of a container the number of its children; of a pool the sum of theirs; None where nothing is counted."""
    capacity: Decimal | None
    unit: str | None
    template_name: str | None
    template_version: int | None
    created_at: Instant
    updated_at: Instant
    removed_at: Instant | None
    removal_id: Ulid | None
    version: int
    children: tuple["Resource", ...] | None = None
    """By position, in a stack from the bottom, in a queue from the front; None where they were not asked for."""


class NewResource(Message):
    """A resource to be, with everything in it."""

    resource_id: Ulid | None = None
    """Made by the caller, so that asking twice is adding once; else by the worker."""
    name: Name
    resource_class: Annotated[Text, Field(max_length=255)] = ""
    base_type: BaseType = BaseType.RESOURCE
    description: Text | None = None
    owner: Attributes = Field(default_factory=dict)
    attributes: Attributes = Field(default_factory=dict)
    position: Position | None = None
    """Where in the parent."""
    rows: Dimension | None = None
    columns: Columns = None
    layers: Dimension | None = None
    one_indexed: bool = True
    quantity: Amount | None = None
    """Of a consumable; 0 if not given. What a container holds is counted, not told."""
    capacity: Amount | None = None
    unit: Annotated[Text, Field(max_length=64)] | None = None
    children: tuple["NewResource", ...] = ()

    @model_validator(mode="after")
    def _fits_its_type(self) -> Self:
        kind = self.base_type
        needed = SHAPED.get(kind, ())
        for name in ("rows", "columns", "layers"):
            if (getattr(self, name) is None) is (name in needed):
                raise ValueError(f"a {kind} {'needs' if name in needed else 'has no'} {name}")
        if needed and (self.rows or 1) * (self.columns or 1) * (self.layers or 1) > MAX_POSITIONS:
            raise ValueError(f"a {kind} has at most {MAX_POSITIONS} positions")
        if self.children and kind not in CONTAINERS:
            raise ValueError(f"a {kind} cannot have children")
        if self.quantity is not None and kind not in CONSUMABLES:
            raise ValueError(f"the quantity of a {kind} is not given" + (" but counted" if kind in CONTAINERS else ""))
        if self.capacity is not None and kind not in CONSUMABLES and kind not in CONTAINERS:
            raise ValueError(f"a {kind} has no capacity")
        if kind is BaseType.SLOT and self.capacity not in (None, 1):
            raise ValueError("the capacity of a slot is 1")
        return self


def _counted(tree: NewResource) -> NewResource:
    """Refuse a tree that is too large for one transaction; once for all of it, not at each level."""
    found = [tree]
    for node in found:
        found.extend(node.children)
    if len(found) > MAX_NODES:
        raise ValueError(f"{len(found)} resources in one command, at most {MAX_NODES} fit: add in parts, by parent_id")
    return tree


Tree = Annotated[NewResource, AfterValidator(_counted)]
"""A resource with everything in it, as much as one command takes."""


class Patch(Message):
    """Fields to change; a field that is not named stays. `attributes` merge key by key, a null removes its key."""

    name: Name | None = None
    resource_class: Annotated[Text, Field(max_length=255)] | None = None
    description: Text | None = None
    owner: Attributes | None = None
    attributes: Attributes | None = None
    quantity: Amount | None = None
    capacity: Amount | None = None
    unit: Annotated[Text, Field(max_length=64)] | None = None

    @model_validator(mode="after")
    def _only_some_can_be_null(self) -> Self:
        for name in ("name", "resource_class", "owner", "attributes"):
            if name in self.model_fields_set and getattr(self, name) is None:
                raise ValueError(f"{name} cannot be null: leave it out to keep it")
        return self


class Add(Command[Resource]):
    """Record a new resource, with everything in it, alone or in a container.

    An id that exists answers the stored resource if name, class and type agree, and is refused otherwise. Children
    are new, or known and nowhere yet.
    """

    subject: ClassVar[str] = "resource.add"
    resource: Tree
    parent_id: Ulid | None = None


class Init(Command[Resource]):
    """Get the one resource that matches a definition, or create it; however many ask at once, one is created.

    Name, class and type must be equal, owner and attributes contained in what is stored.
    """

    subject: ClassVar[str] = "resource.init"
    resource: Tree


class Upsert(Command[Resource]):
    """Add a resource, or write the named fields of the one with this id; the same for its children.

    Children that are not named stay where they are. `parent_id` is where to put what is new, or nowhere yet.
    """

    subject: ClassVar[str] = "resource.upsert"
    resource: Tree
    parent_id: Ulid | None = None


class Update(Command[Resource]):
    """Change the named fields of a resource."""

    subject: ClassVar[str] = "resource.update"
    resource_id: Ulid
    changes: Patch
    expected_version: Version | None = None


class Replace(Command[Resource]):
    """Write a resource as a client last held it: named fields, and its children, which are added or updated.

    What is not named stays; where the resource is stays. The resource must exist.
    """

    subject: ClassVar[str] = "resource.replace"
    resource: Tree


class Remove(Command[Resource]):
    """Remove a resource and everything in it, as one operation that can be restored."""

    subject: ClassVar[str] = "resource.remove"
    resource_id: Ulid
    expected_version: Version | None = None
    reason: Text | None = None


class Get(Query[Resource]):
    """Read one resource, with everything in it unless told otherwise."""

    subject: ClassVar[str] = "resource.get"
    resource_id: Ulid
    children: bool = True
    removed: bool = False
    """Also answer a resource that was removed."""


class Page(Answer):
    """Part of what was found, in the order of ids. `after` of the next query is `next`; null at the end."""

    resources: tuple[Resource, ...]
    next: Ulid | None


class Find(Query[Page]):
    """Find resources by what they are. Filters add up; one that is not given does not filter.

    `base_type` `container` and `consumable` stand for their whole family; `owner` must be contained. With
    `multiple: false` the first match is answered and none is a refusal; with `unique`, several are one too.
    """

    subject: ClassVar[str] = "resource.find"
    resource_id: Ulid | None = None
    name: Text | None = None
    resource_class: Text | None = None
    base_type: BaseType | None = None
    description: Text | None = None
    parent_id: Ulid | None = None
    owner: Attributes | None = None
    removed: bool | None = False
    """None finds both."""
    multiple: bool = True
    unique: bool = False
    children: bool = False
    limit: Annotated[int, Field(strict=True, ge=1, le=MAX_PAGE)] = 100
    after: Ulid | None = None


class Hierarchy(Answer):
    """What a resource is in, closest first, and what is in it, by parent."""

    resource_id: Ulid
    ancestor_ids: tuple[Ulid, ...]
    descendant_ids: dict[Ulid, tuple[Ulid, ...]]


class GetHierarchy(Query[Hierarchy]):
    """Ask what a resource is in and what is in it."""

    subject: ClassVar[str] = "resource.hierarchy"
    resource_id: Ulid


COMMANDS: Final[tuple[type[Command[Any]], ...]] = (Add, Init, Upsert, Update, Replace, Remove)
QUERIES: Final[tuple[type[Query[Any]], ...]] = (Get, Find, GetHierarchy)
EVENTS: Final = {
    "added": "it is new",
    "updated": "fields of it changed",
    "placed": "it was put into a container",
    "contents_changed": "something was put into it or taken from it",
    "removed": "it left the laboratory, with everything in it",
}
