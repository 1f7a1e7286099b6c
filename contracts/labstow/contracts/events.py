"""What everybody may hear: one event per committed change of one thing.

Events are CloudEvents 1.0 in structured JSON mode, published on `labstow.evt.<noun>.<what>.<entity id>`. The id of an
event is the id of its journal entry and its `Nats-Msg-Id`. Per thing they arrive in the order of `version`, which
starts at 1 and has no gaps; events may arrive twice, never in another order.
"""

from typing import Final, Literal

from pydantic import JsonValue

from labstow.contracts.message import Answer, Instant, Ulid

CONTENT_TYPE: Final = "application/cloudevents+json"


class Change(Answer):
    """A field before and after."""

    before: JsonValue
    after: JsonValue


class EventData(Answer):
    """What changed, and the whole state after it (the thing's own, without its children)."""

    changes: dict[str, Change]
    state: dict[str, JsonValue]


class Event(Answer):
    """A committed change of one thing."""

    specversion: Literal["1.0"]
    id: Ulid
    source: Literal["/labstow"]
    type: str
    """`labstow.<noun>.<what>.v1`, for example `labstow.resource.added.v1`."""
    subject: Ulid
    """The thing that changed."""
    time: Instant
    """The database's clock at the change."""
    datacontenttype: Literal["application/json"]
    version: int
    """The version the thing has since this change."""
    seq: int
    """The number of the journal entry; rises along the stream for one thing, may have gaps."""
    actor: str
    via: str
    opid: str
    groupid: str | None
    """Shared by all changes of one operation that belongs together, such as the removal of a subtree."""
    reason: str | None
    traceparent: str | None
    data: EventData
