"""What a noun brings to the kit: its rules, what a command must see, and how its things are written.

A rule is a pure function `rule(lab, command, now, by) -> Outcome`: no SQL, no broker, no clock. It raises a `Refusal`
to say no, and `Wanted` when it must see something that was not loaded.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Any, Generic, NamedTuple, Protocol, TypeVar

from labstow.contracts.message import Command


class Entity(Protocol):
    """What the kit knows of a thing: enough to write its journal."""

    @property
    def id(self) -> str:
        """A ULID."""

    @property
    def version(self) -> int:
        """One more with every change."""

    @property
    def parent_id(self) -> str | None:
        """What it is in."""

    @property
    def head(self) -> str:
        """Hash of its newest journal entry."""


class By(NamedTuple):
    """Who asks, how, and for which intent."""

    principal: str
    via: str
    op_id: str
    trace: str | None = None
    leases: tuple[str, ...] = ()
    """What is presented as proof, as it is kept: hashed."""


@dataclass
class Footprint:
    """What must be looked at for a decision. Nouns add what else they look at; all of it can be joined by `|`."""

    rows: set[str] = field(default_factory=set)
    """Things to lock, in id order; nothing else is waited for."""
    leases: set[str] = field(default_factory=set)
    """Leases that matter, as they are kept: hashed."""
    callers: set[str] = field(default_factory=set)
    """Who asks."""

    def add(self, other: "Footprint") -> None:
        """Take in what another one of this noun names."""
        for each in fields(other):
            setattr(self, each.name, getattr(self, each.name) | getattr(other, each.name))


class Wanted(Exception):
    """A rule looked at something that was not loaded: load it too and ask again."""

    def __init__(self, footprint: Footprint) -> None:
        super().__init__(footprint)
        self.footprint = footprint


T = TypeVar("T", bound=Entity)


class Change(NamedTuple, Generic[T]):
    """A thing as it will be, and what to call that: the last word of its event's type."""

    thing: T
    what: str
    reason: str | None = None
    token: int | None = None
    """Of the lease that allowed it."""


class Outcome(NamedTuple, Generic[T]):
    """What a command comes to. Empty `changes`: all was so already."""

    shown: Any
    """What is answered: a thing, or JSON in which there are things."""
    changes: tuple[Change[T], ...]
    """In the order of their versions, where one thing changes more than once."""
    group_id: str | None = None
    notes: tuple[Any, ...] = ()
    """What is saved besides, and is nobody's history."""


class Lab(Protocol[T]):
    """The loaded part of the laboratory."""

    def before(self, thing: T) -> T | None:
        """The thing as it was loaded, or as an earlier command left it; None if it is new."""

    def apply(self, outcome: Outcome[T]) -> None:
        """Make an outcome part of it, for the commands that follow."""


Rule = Callable[[Any, Any, datetime, By], Outcome[T]]


class Kind(NamedTuple):
    """One kind of thing, as the journal has it."""

    name: str
    state: Callable[[Any], dict[str, Any]]
    """The thing as answers, events and the journal show it."""
    seal: Callable[[Any, str], Any]
    """The thing with the hash of its newest journal entry."""


@dataclass(frozen=True)
class Noun(Generic[T]):
    """One noun, as the kit needs it."""

    kinds: Mapping[type, Kind]
    """What its commands change."""
    rules: Mapping[type[Command[Any]], Rule[T]]
    footprint: Callable[[], Footprint]
    """Nothing to look at yet."""
    needs: Callable[[Command[Any], Any], None]
    """Note in a footprint what a command is known to look at before anything is loaded."""
