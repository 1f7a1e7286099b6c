"""Messages of the history noun (`labstow.v1.history.*`): everything that ever happened, and who did it."""

from typing import Annotated, Any, ClassVar, Final, Literal

from pydantic import Field, JsonValue

from labstow.contracts.events import Change
from labstow.contracts.message import Answer, Instant, Query, Text, Ulid, Version

MAX_ENTRIES: Final = 1_000


class Entry(Answer):
    """One change of one thing, written in the transaction of the change and never altered."""

    seq: int
    event_id: Ulid
    noun: str
    entity_id: Ulid
    version: int
    what: str
    at: Instant
    actor: str
    via: str
    op_id: str
    group_id: str | None
    reason: str | None
    parent_id: Ulid | None
    """Where the thing was after the change."""
    token: int | None = None
    """Fencing token of the lease under which it was changed."""
    changes: dict[str, Change]
    state: dict[str, JsonValue]
    """The thing after the change, without its children."""
    prev_hash: str
    hash: str


class Entries(Answer):
    """Oldest first, the newest `limit` of them. `before` of the next query is `previous`; null at the beginning."""

    entries: tuple[Entry, ...]
    previous: int | None


class QueryHistory(Query[Entries]):
    """Read the history. Filters add up; one that is not given does not filter."""

    subject: ClassVar[str] = "history.query"
    noun: Text | None = None
    entity_id: Ulid | None = None
    version: Version | None = None
    what: Text | None = None
    removed: bool | None = None
    """Whether the thing was removed after the change."""
    actor: Text | None = None
    since: Instant | None = None
    until: Instant | None = None
    limit: Annotated[int, Field(strict=True, ge=1, le=MAX_ENTRIES)] = 100
    before: Annotated[int, Field(ge=1, lt=2**63)] | None = None
    """Only entries with a smaller `seq`."""


class At(Query[Entry]):
    """Read the newest entry of a thing at a moment: its state is how the thing was then."""

    subject: ClassVar[str] = "history.at"
    entity_id: Ulid
    noun: Text = "resource"
    at: Instant


class Difference(Answer):
    """What is different about a resource between two moments."""

    resource_id: Ulid
    name: str
    what: Literal["appeared", "disappeared", "changed"]
    """Appeared and disappeared in what was asked about; it may have been elsewhere."""
    changes: dict[str, Change]
    """Fields before and after; none where it did not exist before, or was removed."""


class Differences(Answer):
    """Differences in the order of ids."""

    since: Instant
    until: Instant
    differences: tuple[Difference, ...]


class Diff(Query[Differences]):
    """Compare a resource and everything in it at two moments."""

    subject: ClassVar[str] = "history.diff"
    resource_id: Ulid
    since: Instant
    until: Instant | None = None
    """None: now."""


QUERIES: Final[tuple[type[Query[Any]], ...]] = (QueryHistory, At, Diff)
