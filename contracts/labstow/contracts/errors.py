"""How labstow says no.

    Refusal                      an answer, not an accident: a stable code, a status, the facts, a sentence
    ├── BadRequest       400     request.not_json
    ├── NotFound         404     resource.not_found
    │   ├── Removed              resource.removed
    │   ├── NoMatch              resource.no_match
    │   ├── NotRemoved           resource.not_removed
    │   ├── Vacant               position.vacant
    │   ├── NoTemplate           template.not_found
    │   └── NoTicket             lock.no_ticket
    ├── NotYours         403     lock.not_yours
    ├── Conflict         409
    │   ├── Ambiguous            resource.ambiguous
    │   ├── IdTaken              resource.id_taken
    │   ├── OtherShape           resource.other_shape
    │   ├── Elsewhere            resource.elsewhere
    │   ├── NotThere             resource.not_there
    │   ├── NotAContainer        container.expected
    │   ├── NotOrdered           container.not_ordered
    │   ├── Occupied             position.occupied
    │   ├── Full                 container.full
    │   ├── NothingInIt          container.empty
    │   ├── Cycle                container.cycle
    │   ├── TooDeep              container.too_deep
    │   ├── ConsumablesOnly      pool.consumables_only
    │   ├── NotAConsumable       consumable.expected
    │   ├── Insufficient         quantity.insufficient
    │   ├── OverCapacity         quantity.over_capacity
    │   ├── NoCapacity           quantity.no_capacity
    │   ├── UnitMismatch         quantity.unit_mismatch
    │   ├── ChangedByOthers      version.conflict
    │   ├── TemplateExists       template.exists
    │   ├── Held                 lock.held
    │   │   └── WaitTimeout      lock.wait_timeout
    │   ├── InLine               lock.in_line
    │   ├── Cooling              lock.cooling
    │   ├── Deadlock             lock.deadlock
    │   └── NotHeld              lock.not_held
    ├── Gone             410
    │   ├── LeaseLost            lock.lost
    │   └── TicketGone           lock.ticket_gone
    ├── StaleVersion     412     version.stale
    ├── TooLarge         413
    │   ├── RequestTooLarge      request.too_large
    │   ├── AnswerTooLarge       answer.too_large
    │   └── TooMany              operation.too_many
    ├── Invalid          422     request.invalid
    │   ├── InvalidPosition      position.invalid
    │   ├── InvalidQuantity      quantity.invalid
    │   ├── MissingOverrides     template.missing_overrides
    │   └── OtherPayload         operation.other_payload
    ├── TooSlow          422     query.too_slow
    ├── Locked           423     resource.locked
    │   └── LeaseRequired        resource.lease_required
    ├── LockLimit        429     lock.limit
    ├── Internal         500     internal
    ├── Unavailable      503     nothing was done; try again
    │   ├── NoWorker             worker.none
    │   ├── Busy                 worker.busy
    │   ├── Contended            worker.contended
    │   └── StorageUnavailable   storage.unavailable
    └── Late             504
        ├── DeadlinePassed       deadline.passed      not executed
        └── OutcomeUnknown       outcome.unknown      ask again with the same operation id

Over NATS a refusal is a reply with the headers `Nats-Service-Error` (the code) and `Nats-Service-Error-Code` (the
status) and a problem body; over REST the same body is `application/problem+json` (RFC 9457).
"""

from typing import Any, ClassVar


class Refusal(Exception):
    """A no the caller can act on. `facts` are fields of the problem body, beside `code`, `status` and `detail`."""

    code: ClassVar[str] = "refused"
    status: ClassVar[int] = 500
    sentence: ClassVar[str] = "refused"
    by_code: ClassVar[dict[str, type["Refusal"]]] = {}

    def __init__(self, /, detail: str | None = None, **facts: Any) -> None:
        self.detail = self.sentence.format(**facts) if detail is None else detail
        self.facts = facts
        super().__init__(self.detail)

    def __init_subclass__(cls) -> None:
        if "code" in cls.__dict__:
            Refusal.by_code[cls.code] = cls

    def problem(self) -> dict[str, Any]:
        """The body of the answer, as RFC 9457 has it."""
        head = {
            "type": f"urn:labstow:{self.code}",
            "code": self.code,
            "status": self.status,
            "detail": self.detail,
        }
        return head | self.facts

    @classmethod
    def from_problem(cls, problem: dict[str, Any]) -> "Refusal":
        """The refusal a problem body tells of; a code this version does not know becomes a plain `Refusal`."""
        facts = {key: value for key, value in problem.items() if key not in ("type", "code", "status", "detail")}
        refusal = cls.by_code.get(str(problem.get("code")), Refusal)(str(problem.get("detail")), **facts)
        if type(refusal) is Refusal:
            refusal.__dict__.update(code=str(problem.get("code")), status=int(problem.get("status", 500)))
        return refusal


class BadRequest(Refusal):
    """The body is not JSON."""

    code, status, sentence = "request.not_json", 400, "the body is not JSON: {reason}"


class NotFound(Refusal):
    """There is no such thing, and never was."""

    code, status, sentence = "resource.not_found", 404, "there is no resource {resource_id}"


class Removed(NotFound):
    """The thing was removed; its history is still there."""

    code, sentence = "resource.removed", "resource {resource_id} was removed at {removed_at}"


class NoMatch(NotFound):
    """A search for one thing found none."""

    code, sentence = "resource.no_match", "no resource matches the query"


class NotRemoved(NotFound):
    """Only what was removed can be restored, and only once."""

    code, sentence = "resource.not_removed", "No removed resource with ID '{resource_id}'."


class Vacant(NotFound):
    """Nothing is at this position."""

    code, sentence = "position.vacant", "there is nothing at position {position} of {name}"


class NoTemplate(NotFound):
    """There is no template of this name, or not of this version."""

    code, sentence = "template.not_found", "there is no template {name}"


class Conflict(Refusal):
    """What is asked contradicts what is."""

    status = 409


class Ambiguous(Conflict):
    """One thing was asked for, and several are meant."""

    code = "resource.ambiguous"
    sentence = "several resources match, among them {resource_ids}: name more fields"


class IdTaken(Conflict):
    """Another thing has this id already; ids are never used again."""

    code = "resource.id_taken"
    sentence = "the id {resource_id} belongs to {name}, a {base_type} that differs in {differs}"


class OtherShape(Conflict):
    """A thing keeps its type and its dimensions for life."""

    code = "resource.other_shape"
    sentence = "{name} has {field} {actual}, not {asked}: a resource keeps its type and dimensions"


class Elsewhere(Conflict):
    """A thing is in one place at a time."""

    code, sentence = "resource.elsewhere", "{name} is in {parent_id}: take it from there first"


class NotThere(Conflict):
    """The thing is not where the caller believes it to be."""

    code, sentence = "resource.not_there", "{name} is not in {expected_id}: {actual}"


class NotAContainer(Conflict):
    """Only containers hold things."""

    code, sentence = "container.expected", "{name} is a {base_type} and cannot contain anything"


class NotOrdered(Conflict):
    """Push and pop are for what is taken from one end."""

    code = "container.not_ordered"
    sentence = "{name} is a {base_type}; push and pop are for stacks, queues and slots: place and take instead"


class Occupied(Conflict):
    """A position holds at most one thing."""

    code, sentence = "position.occupied", "position {position} of {name} is occupied by {occupant_id}"


class Full(Conflict):
    """A container never holds more than its capacity."""

    code, sentence = "container.full", "{name} is at its capacity of {capacity}"


class NothingInIt(Conflict):
    """Nothing can be taken from an empty container."""

    code, sentence = "container.empty", "there is nothing in {name}"


class Cycle(Conflict):
    """Nothing contains itself."""

    code, sentence = "container.cycle", "{name} contains {parent_id}, so it cannot be put into it"


class TooDeep(Conflict):
    """Things are nested 32 levels deep at most."""

    code, sentence = "container.too_deep", "containers are nested at most {limit} levels deep"


class ConsumablesOnly(Conflict):
    """A pool mixes consumables, nothing else."""

    code = "pool.consumables_only"
    sentence = "{name} is a pool, and {child} is a {base_type}, not a consumable"


class NotAConsumable(Conflict):
    """Only consumables have a quantity that can be written; that of a container is counted."""

    code, sentence = "consumable.expected", "{name} is a {base_type}: {reason}"


class Insufficient(Conflict):
    """What is not there cannot be taken."""

    code, sentence = "quantity.insufficient", "insufficient quantity: {name} has {available}, {asked} was asked for"


class NoCapacity(Conflict):
    """Nobody said how much fits."""

    code, sentence = "quantity.no_capacity", "{name} has no capacity: set it, or set the quantity"


class OverCapacity(Conflict):
    """A quantity never exceeds the capacity."""

    code, sentence = "quantity.over_capacity", "{name} has a capacity of {capacity}, {quantity} does not fit"


class UnitMismatch(Conflict):
    """Amounts convert within one dimension, or not at all."""

    code, sentence = "quantity.unit_mismatch", "{name} counts in {own_unit}, and {unit} does not convert to that"


class ChangedByOthers(Conflict):
    """The caller and somebody else changed the same field, to different values, since the version the caller read."""

    code = "version.conflict"
    sentence = "{name} was changed by others since version {read}, in {fields}: read it again, and decide again"


class TemplateExists(Conflict):
    """Names of templates are unique, without regard to case."""

    code, sentence = "template.exists", "there is a template {name} already, at version {version}"


class Held(Conflict):
    """Somebody holds it. `self` tells whether it is the caller's own session."""

    code = "lock.held"
    sentence = "{name} is held by {holder} for another {expires_in_ms} ms: ask with wait_s to stand in line"


class WaitTimeout(Held):
    """It did not become free in the time the caller was ready to wait."""

    code, sentence = "lock.wait_timeout", "waited {wait_s} s in vain for {name}"


class InLine(Conflict):
    """It is free, and others wait for it already: nobody jumps the line."""

    code, sentence = (
        "lock.in_line",
        "others wait for {name} already, {waiters} of them: ask with wait_s to stand in line",
    )


class Cooling(Conflict):
    """Its last lease ended by force: whatever moved then may still move."""

    code, sentence = "lock.cooling", "{name} was left by force and is not given yet: {until}"


class Deadlock(Conflict):
    """To wait would never end: those waited for wait for what the caller holds."""

    code, sentence = "lock.deadlock", "waiting would never end: {cycle}; release what you hold, then take all at once"


class NotHeld(Conflict):
    """There is nothing to break."""

    code, sentence = "lock.not_held", "nobody holds {name}"


class NotYours(Refusal):
    """The lease is somebody else's."""

    code, status, sentence = "lock.not_yours", 403, "this lease belongs to somebody else"


class NoTicket(NotFound):
    """There is no such place in line, and no lease that came of it."""

    code, sentence = "lock.no_ticket", "there is no such ticket"


class Gone(Refusal):
    """What the caller had is over, and does not come back."""

    status = 410


class LeaseLost(Gone):
    """A lease that is over; also when the thing is free again: others may have had it meanwhile."""

    code, sentence = "lock.lost", "the lease is over ({how}): look how things are, and take a new one"


class TicketGone(Gone):
    """Nobody asked about the ticket for too long, or there never was such a one."""

    code, sentence = "lock.ticket_gone", "there is no such place in line (any more): acquire again"


class Locked(Refusal):
    """Somebody holds what would change, and the request does not prove to be theirs."""

    code, status = "resource.locked", 423
    sentence = "{name} is locked by {holder} for another {expires_in_ms} ms: present the lease, or wait for one"


class LeaseRequired(Locked):
    """Things of this class change under a lease only."""

    code, sentence = "resource.lease_required", "{name} is a {resource_class}: acquire it first, and present the lease"


class LockLimit(Refusal):
    """One principal holds or waits for more than anybody needs."""

    code, status, sentence = "lock.limit", 429, "{principal} has {count} {what} already, at most {limit} are allowed"


class StaleVersion(Refusal):
    """The thing has changed since the caller last read it."""

    code, status = "version.stale", 412
    sentence = "{name} is at version {version}, not {expected}: read it again"


class TooLarge(Refusal):
    """It does not fit into one message."""

    status = 413


class RequestTooLarge(TooLarge):
    """The request is larger than any honest one."""

    code, sentence = "request.too_large", "the request has {size} bytes or more, at most {limit} fit"


class AnswerTooLarge(TooLarge):
    """There is more to answer than fits."""

    code = "answer.too_large"
    sentence = "the answer has {size} bytes, at most {limit} fit: {instead}"


class TooMany(TooLarge):
    """More things would change than fit into one transaction."""

    code, sentence = "operation.too_many", "this changes {count} resources, at most {limit} change at once: {instead}"


class Invalid(Refusal):
    """The request does not match its contract; `errors` lists each mistake with its place."""

    code, status, sentence = "request.invalid", 422, "the request does not match its contract: {summary}"


class InvalidPosition(Invalid):
    """There is no such position in this container."""

    code, sentence = "position.invalid", "{position} is not a position of {container}: {reason}"


class InvalidQuantity(Invalid):
    """An amount that cannot be."""

    code, sentence = "quantity.invalid", "{name} cannot have a quantity of {quantity}: {reason}"


class MissingOverrides(Invalid):
    """What the template leaves to its user was not given."""

    code, sentence = "template.missing_overrides", "Missing required fields: {fields}"


class OtherPayload(Invalid):
    """The operation id was used before, for something else."""

    code = "operation.other_payload"
    sentence = "operation {op_id} was used before with another request: make a new id for a new intent"


class TooSlow(Refusal):
    """The query would have kept the database busy for too long."""

    code, status, sentence = "query.too_slow", 422, "the query took longer than {limit_s} s: narrow it"


class Internal(Refusal):
    """A mistake of ours; the log has it under the operation id."""

    code, status, sentence = "internal", 500, "an internal error, logged under operation {op_id}"


class Unavailable(Refusal):
    """Nothing was done; the same request may be sent again."""

    status = 503


class NoWorker(Unavailable):
    """Nobody serves this subject."""

    code, sentence = "worker.none", "no worker serves {subject}"


class Busy(Unavailable):
    """The worker's queue is full."""

    code, sentence = "worker.busy", "the queue is full, try again in {retry_after_s} s"


class Contended(Unavailable):
    """The things asked for changed hands too often."""

    code, sentence = "worker.contended", "could not be decided in {tries} tries, try again"


class StorageUnavailable(Unavailable):
    """The database is away."""

    code, sentence = "storage.unavailable", "the database is not available, try again"


class Late(Refusal):
    """No answer in time."""

    status = 504


class DeadlinePassed(Late):
    """The deadline of the request had passed before its turn came; it was not executed."""

    code, sentence = (
        "deadline.passed",
        "the deadline passed before the turn of this request came; it was not executed: "
        "it was {late_s} s late by the worker's clock",
    )


class OutcomeUnknown(Late):
    """It may have been executed; ask again with the same operation id to learn."""

    code = "outcome.unknown"
    sentence = "no answer to {subject} in time: send operation {op_id} again to learn its outcome"
