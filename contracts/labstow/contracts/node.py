"""Messages of the node noun (`labstow.v1.node.*`): who is there. Kept in Redis, so it may be lost at any moment: a node
says so again and again.
"""

from typing import Annotated, Any, ClassVar, Final

from pydantic import Field

from labstow.contracts.capabilities import Node
from labstow.contracts.message import Answer, Attributes, Instant, Query

MAX_FOR_S: Final = 3_600


class Beat(Answer):
    """That a node was heard."""

    node: str
    until: Instant
    """It counts as absent from then on, unless it is heard again."""


class HeartBeat(Query[Beat]):
    """Say that a node is there, for some seconds; say it again before they are over."""

    subject: ClassVar[str] = "node.beat"
    node: Node
    for_s: Annotated[float, Field(strict=True, ge=1, le=MAX_FOR_S)] = 30
    about: Attributes = Field(default_factory=dict)
    """Shown to those who ask who is there."""


class Present(Answer):
    """A node that is there."""

    node: str
    until: Instant
    about: Attributes


class Nodes(Answer):
    """Nodes by name."""

    nodes: tuple[Present, ...]


class ListNodes(Query[Nodes]):
    """Ask which nodes are there. Refused with 503 while that is not known."""

    subject: ClassVar[str] = "node.list"


QUERIES: Final[tuple[type[Query[Any]], ...]] = (HeartBeat, ListNodes)
