"""Messages of the resource noun (`labstow.v1.resource.*`): what is in the laboratory, and where."""

from decimal import Decimal
from typing import Annotated, Any, ClassVar, Final, Self

from pydantic import AfterValidator, AliasChoices, BeforeValidator, Field, JsonValue, model_validator

from labstow.contracts.base_types import CONSUMABLES, CONTAINERS, SHAPED, BaseType
from labstow.contracts.message import (
    DIGITS,
    Answer,
    Attributes,
    Command,
    Instant,
    Message,
    Name,
    Text,
    Ulid,
    Version,
    written_plainly,
)
from labstow.contracts.positions import MAX_DIMENSION, MAX_POSITIONS, Position

MAX_DEPTH: Final = 32
MAX_NODES: Final = 3_000
"""Resources in one command: a full plate of 1536 wells, or a hotel of 26 full plates of 96."""

Dimension = Annotated[int, Field(strict=True, ge=1, le=MAX_DIMENSION)]
Amount = Annotated[Decimal, Field(**DIGITS, ge=0), BeforeValidator(written_plainly), AfterValidator(Decimal.copy_abs)]
"""Not negative, and 0 has no sign."""
UnitName = Annotated[Text, Field(max_length=64)]
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
    order: int | None = None
    """In a stack, queue or slot: what came later has the higher one."""
    index: tuple[int, ...] | None = None
    """The position from 0, as (column,), (row, column), (row, column, layer), or the place in a stack or queue; known
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
    """A resource to be, with everything in it; or a known one, by its id, with the fields to write."""

    resource_id: Ulid | None = None
    """Made by the caller, so that asking twice is adding once; else by the worker."""
    name: Name | None = None
    """What is new needs one."""
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
    unit: UnitName | None = None
    version: Version | None = None
    """The version of a known resource that the caller has read: what others wrote since then is kept, see `Replace`."""
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
    unit: UnitName | None = None

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

    What is not named stays; where the resource is stays. The resource must exist. With a `version` in it, a field (of
    `attributes`, a key) that the client did not change since that version is not written, and one that others changed
    as well, to something else, is a refusal that shows both. The same holds for each child.
    """

    subject: ClassVar[str] = "resource.replace"
    resource: Tree
    expected_version: Version | None = None


class Remove(Command[Resource]):
    """Remove a resource and everything in it, as one operation that can be restored."""

    subject: ClassVar[str] = "resource.remove"
    resource_id: Ulid
    expected_version: Version | None = None
    reason: Text | None = None


class Restored(Answer):
    """What a restoration brought back."""

    resource: Resource
    """What the removal was of, with everything else in it again."""
    restored: int
    """How many resources came back."""
    refused: dict[str, JsonValue] | None
    """Why it is not where it was, as a problem; None if it is, or was nowhere."""


class Restore(Command[Restored]):
    """Bring back what one removal took: the resource, everything that was in it, to the place where it was.

    If that place is taken, full or gone, it is nowhere, and the answer says why. No lock comes back.
    """

    subject: ClassVar[str] = "resource.restore"
    resource_id: Ulid | None = None
    """Anything that the removal took."""
    removal_id: Ulid | None = None
    reason: Text | None = None

    @model_validator(mode="after")
    def _one_of_them(self) -> Self:
        if (self.resource_id is None) is (self.removal_id is None):
            raise ValueError("say either a resource_id or a removal_id")
        return self


COMMANDS: Final[tuple[type[Command[Any]], ...]] = (Add, Init, Upsert, Update, Replace, Remove, Restore)
EVENTS: Final = {
    "added": "it is new",
    "updated": "fields of it changed",
    "placed": "it was put into a container",
    "moved": "it went from one place to another",
    "taken": "it was taken out of a container, and is nowhere",
    "contents_changed": "something was put into it or taken from it",
    "removed": "it left the laboratory, with everything in it",
    "restored": "it came back",
}
