"""Where messages go. Subjects carry fixed words and ULIDs, nothing else: names may contain dots.

Requests:  labstow.v1.<noun>.<verb>           one queue group per kind of worker
Events:    labstow.evt.<noun>.<what>.<ULID>   a subscriber picks a noun, a kind or one thing by wildcard
Internal:  labstow.sys.<word>                 between our own processes; may be lost at any moment
"""

from typing import Final

REQUESTS: Final = "labstow.v1."
EVENTS: Final = "labstow.evt."
EVENT_STREAM: Final = "LABSTOW_EVENTS"
OUTBOX_PING: Final = "labstow.sys.outbox"
"""Wakes the relay after a commit; it also looks by itself, so a lost ping only costs time."""


def request(verb: str) -> str:
    """The subject a request is sent to: `request("resource.add")`."""
    return REQUESTS + verb


def event(noun: str, what: str = "*", entity_id: str = "*") -> str:
    """The subject an event is published on, or, with parts left out, the wildcard that matches it."""
    return f"{EVENTS}{noun}.{what}.{entity_id}"


def queue(worker: str) -> str:
    """The queue group, and service name, of a kind of worker."""
    return f"labstow-{worker}"
