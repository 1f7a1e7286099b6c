"""Message headers. Identity never comes from a body, and a body never repeats what a header says."""

from typing import Final

OP_ID: Final = "Labstow-Op-Id"
"""A ULID made once per intent and reused on retries: the same id is executed once in 24 hours.

A refusal is kept and repeated for 24 hours too: a new intent needs a new id.
"""

DEADLINE: Final = "Labstow-Deadline"
"""Seconds since the epoch after which nobody waits for the answer; a command is executed at most a second after it.

That second is for clocks that differ: those of callers and workers must agree within it.
"""

LEASE: Final = "Labstow-Lease"
"""Ids of the leases the caller holds, separated by commas; each must still be in force.

`*`, from the gateway only: the caller has no way to say so (MADSci's clients), and means what it may hold.
"""

FILL: Final = "Labstow-Fill"
"""Parts of the answer to a command that are to come with everything in them: names of its fields, separated by commas,
or `.` for an answer that is a resource itself. Read after the change, so that it may be newer.
"""

ACTOR: Final = "Labstow-Actor"
"""Who asks, as claimed by the caller; a name stamped by the NATS server (`REQUEST_INFO`) goes before it."""

VIA: Final = "Labstow-Via"
"""The door a request came through: `rest` when the gateway sends it, else absent, which means `nats`."""

TRACE: Final = "traceparent"
"""W3C trace context; kept with the change and passed on with its event."""

REQUEST_INFO: Final = "Nats-Request-Info"
"""Set by the NATS server on requests from another account; cannot be forged from there."""

ERROR: Final = "Nats-Service-Error"
ERROR_CODE: Final = "Nats-Service-Error-Code"
"""On a refusal: its stable code, and its status as a number (NATS services convention, ADR-32)."""

MESSAGE_ID: Final = "Nats-Msg-Id"
"""On an event: its id, by which JetStream knows a repetition."""
