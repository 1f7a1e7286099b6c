"""Messages about where things are (`labstow.v1.resource.*`): into containers, out of them, from one to another.

In these messages a resource is new, with everything in it, or known, by its `resource_id`.
"""

from typing import Any, ClassVar, Final, Self

from pydantic import model_validator

from labstow.contracts.message import Answer, Command, Ulid, Version
from labstow.contracts.positions import Position
from labstow.contracts.resource import Resource, Tree


class Placement(Answer):
    """What went where."""

    resource: Resource
    container: Resource | None
    """Where it is now; None: nowhere."""
    source: Resource | None
    """Where it was taken from; None: from nowhere."""
    evicted: Resource | None
    """What had its position, and is nowhere now."""


class Place(Command[Placement]):
    """Put a resource at a position of a container.

    Refused when the position is occupied, unless `replace`; and when the resource is in another container, unless
    `move`. In the same container it changes its position.
    """

    subject: ClassVar[str] = "resource.place"
    container_id: Ulid
    resource: Tree
    """Its `position` says where."""
    replace: bool = False
    """Take out what is there."""
    move: bool = False
    """Take it out of where it is."""
    expected_version: Version | None = None
    """Of the container."""


class Take(Command[Placement]):
    """Take a resource out of a container, by its position or by its id. Then it is nowhere."""

    subject: ClassVar[str] = "resource.take"
    container_id: Ulid
    position: Position | None = None
    resource_id: Ulid | None = None
    expected_version: Version | None = None
    """Of the container."""

    @model_validator(mode="after")
    def _not_both(self) -> Self:
        if self.position is not None and self.resource_id is not None:
            raise ValueError("say either a position or a resource_id")
        return self


class Push(Command[Placement]):
    """Put a resource on top of a stack, at the end of a queue, or into a slot."""

    subject: ClassVar[str] = "resource.push"
    container_id: Ulid
    resource: Tree
    move: bool = False
    """Take it out of where it is."""
    expected_version: Version | None = None
    """Of the container."""


class Pop(Command[Placement]):
    """Take the resource on top of a stack, at the front of a queue, or in a slot. Nobody else gets the same one."""

    subject: ClassVar[str] = "resource.pop"
    container_id: Ulid
    expected_version: Version | None = None
    """Of the container."""


class Move(Command[Placement]):
    """Move a known resource from wherever it is to a container, in one transaction, or out of where it is."""

    subject: ClassVar[str] = "resource.move"
    resource_id: Ulid
    container_id: Ulid | None = None
    """None: nowhere."""
    position: Position | None = None
    replace: bool = False
    """Take out what is there."""
    source_id: Ulid | None = None
    """Where the caller believes it to be; refused if it is not."""
    expected_version: Version | None = None
    """Of the resource."""


class Swapped(Answer):
    """Two resources that changed places."""

    resource: Resource
    other: Resource


class Swap(Command[Swapped]):
    """Let two resources change places, in one transaction. One of them may be nowhere."""

    subject: ClassVar[str] = "resource.swap"
    resource_id: Ulid
    other_id: Ulid
    expected_version: Version | None = None
    """Of the first."""


class Empty(Command[Resource]):
    """Leave nothing in a consumable, or take everything out of a container; what was in it is nowhere then."""

    subject: ClassVar[str] = "resource.empty"
    resource_id: Ulid
    expected_version: Version | None = None


COMMANDS: Final[tuple[type[Command[Any]], ...]] = (Place, Take, Push, Pop, Move, Swap, Empty)
