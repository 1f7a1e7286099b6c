"""Questions about resources (`labstow.v1.resource.*`): one, those that match, where one is, what is in one.

With `as_of` the laboratory is read as it was at that moment, from the journal.
"""

from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any, ClassVar, Final

from pydantic import Field

from labstow.contracts.base_types import BaseType
from labstow.contracts.message import Answer, Attributes, Instant, Query, Text, Ulid
from labstow.contracts.resource import Resource

MAX_PAGE: Final = 1_000
MAX_OFFSET: Final = 1_000_000


class Get(Query[Resource]):
    """Read one resource, with everything in it unless told otherwise."""

    subject: ClassVar[str] = "resource.get"
    resource_id: Ulid
    children: bool = True
    removed: bool = False
    """Also answer a resource that was removed."""
    as_of: Instant | None = None


class Sort(StrEnum):
    """What found resources are put in order by; what is equal there, and what has none, by id."""

    ID = "id"
    NAME = "name"
    RESOURCE_CLASS = "resource_class"
    CREATED_AT = "created_at"
    UPDATED_AT = "updated_at"
    QUANTITY = "quantity"


class Page(Answer):
    """Part of what was found, in the order that was asked for."""

    resources: tuple[Resource, ...]
    next: str | None
    """`after` of the next query; null at the end."""
    count: int | None = None
    """How many there are in all pages, if that was asked."""


class Find(Query[Page]):
    """Find resources by what they are. Filters add up; one that is not given does not filter.

    `base_type` `container` and `consumable` stand for their whole family; `owner` and `attributes` must be contained.
    With `multiple: false` the first match is answered and none is a refusal; with `unique`, several are one too.
    """

    subject: ClassVar[str] = "resource.find"
    resource_id: Ulid | None = None
    name: Text | None = None
    resource_class: Text | None = None
    base_type: BaseType | None = None
    description: Text | None = None
    parent_id: Ulid | None = None
    owner: Attributes | None = None
    attributes: Attributes | None = None
    template_name: Text | None = None
    text: Annotated[Text, Field(max_length=255)] | None = None
    """Words; each must begin a word of the name, the class or the description."""
    is_empty: bool | None = None
    """Whether nothing is in a container, or left of a consumable."""
    removed: bool | None = False
    """None finds both."""
    created_after: Instant | None = None
    created_before: Instant | None = None
    updated_after: Instant | None = None
    updated_before: Instant | None = None
    multiple: bool = True
    unique: bool = False
    children: bool = False
    sort: Sort = Sort.ID
    descending: bool = False
    limit: Annotated[int, Field(strict=True, ge=1, le=MAX_PAGE)] = 100
    offset: Annotated[int, Field(strict=True, ge=0, le=MAX_OFFSET)] = 0
    """How many to leave out first; `after` costs less."""
    after: Annotated[Text, Field(max_length=2_000)] | None = None
    """What `next` of the page before said."""
    count: bool = False
    """Also tell how many there are."""
    as_of: Instant | None = None
    """In the order of ids only."""


class Hierarchy(Answer):
    """What a resource is in, closest first, and what is in it, by parent."""

    resource_id: Ulid
    ancestor_ids: tuple[Ulid, ...]
    descendant_ids: dict[Ulid, tuple[Ulid, ...]]


class GetHierarchy(Query[Hierarchy]):
    """Ask what a resource is in and what is in it."""

    subject: ClassVar[str] = "resource.hierarchy"
    resource_id: Ulid
    as_of: Instant | None = None


class Branch(Answer):
    """A resource in short, and what is in it."""

    resource_id: Ulid
    name: str
    resource_class: str
    base_type: BaseType
    position: str | None
    index: tuple[int, ...] | None
    quantity: Decimal | None
    capacity: Decimal | None
    unit: str | None
    children: tuple["Branch", ...]


class GetTree(Query[Branch]):
    """Read the names and quantities of a resource and of everything in it."""

    subject: ClassVar[str] = "resource.tree"
    resource_id: Ulid
    as_of: Instant | None = None


class Step(Answer):
    """A resource on the way to another one, and where it is in the step before."""

    resource_id: Ulid
    name: str
    base_type: BaseType
    position: str | None
    """In a stack or queue the place in line, from 1 at the bottom or front."""


class Whereabouts(Answer):
    """Where a resource is: the way to it from the outermost container, the resource itself last."""

    resource_id: Ulid
    path: tuple[Step, ...]
    words: str
    """The containers and positions on the way: `Incubator 2 / stack A / position 3`; empty when it is nowhere."""
    location: str | None
    """The location it is at: that of the nearest thing on the way that is attached to one, or of itself."""


class Where(Query[Whereabouts]):
    """Ask where a resource is."""

    subject: ClassVar[str] = "resource.where"
    resource_id: Ulid
    as_of: Instant | None = None


class Space(Answer):
    """A container with room in it."""

    container_id: Ulid
    name: str
    base_type: BaseType
    free: int | None
    """How many more things fit; None: any number."""
    positions: tuple[str, ...]
    """Free positions in the order of a plate, row by row, as many as were asked for; empty where the key is free."""


class Spaces(Answer):
    """Where there is room."""

    spaces: tuple[Space, ...]
    enough: bool
    """Whether all that was asked for fits."""


class FindFree(Query[Spaces]):
    """Ask where something can be put: in one container, or in those of a class or type. Pools are left out."""

    subject: ClassVar[str] = "resource.find-free"
    container_id: Ulid | None = None
    within_id: Ulid | None = None
    """Only containers in this one, at any depth."""
    resource_class: Text | None = None
    base_type: BaseType | None = None
    """Of the containers."""
    count: Annotated[int, Field(strict=True, ge=1, le=MAX_PAGE)] = 1
    """How many things need room."""
    together: bool = False
    """All of them in one container."""


QUERIES: Final[tuple[type[Query[Any]], ...]] = (Get, Find, GetHierarchy, GetTree, Where, FindFree)
