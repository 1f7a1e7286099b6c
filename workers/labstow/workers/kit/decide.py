"""DECIDE: run the rules of a batch on the loaded lab, in memory. Each command sees what those before it decided."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Generic, NamedTuple, TypeVar

from orjson import Fragment

from labstow.contracts.errors import Contended, OtherPayload, Refusal
from labstow.contracts.message import Command
from labstow.contracts.ulids import new_ulid
from labstow.workers.kit.call import Answered, Call, refused
from labstow.workers.kit.journal import changes, dumps, entry
from labstow.workers.kit.noun import By, Change, Entity, Kind, Lab, Noun, Outcome, Wanted

MAX_TRIES: Final = 20

T = TypeVar("T", bound=Entity)
Calls = list[Call[Command[Any]]]


class Stored(NamedTuple):
    """The answer to an operation, as it was given the first time."""

    digest: str
    status: int
    reply: str


Done = dict[tuple[str, str], Stored]
"""Stored answers by operation id and principal."""


Key = tuple[str, str]
"""A kind of thing, and the id of one."""


@dataclass
class Decision(Generic[T]):
    """What a batch comes to: what to save, what to answer, and who must be asked again."""

    changed: dict[Key, T] = field(default_factory=dict)
    new: set[Key] = field(default_factory=set)
    notes: list[Any] = field(default_factory=list)
    entries: list[bytes] = field(default_factory=list)
    operations: list[dict[str, Any]] = field(default_factory=list)
    answers: list[Answered] = field(default_factory=list)
    again: Calls = field(default_factory=list)


def decide(noun: Noun[T], calls: Calls, lab: Lab[T], now: datetime, done: Done) -> Decision[T]:
    """Decide a batch. A refusal leaves no trace but its answer."""
    decision: Decision[T] = Decision()
    for call in calls:
        key = (call.by.op_id, call.by.principal)
        if call.digest is not None and (stored := done.get(key)) is not None:
            decision.answers.append(_repeat(call, stored))
            continue
        try:
            outcome = noun.rules[type(call.request)](lab, call.request, now, call.by)
            answer = Answered(call, 200, _carry_out(noun, decision, lab, call, outcome, now))
        except Wanted as wanted:
            call.also = call.also or noun.footprint()
            call.also.add(wanted.footprint)
            call.tries += 1
            if call.tries <= MAX_TRIES:
                decision.again.append(call)
            else:
                decision.answers.append(refused(call, Contended(tries=MAX_TRIES)))
            continue
        except Refusal as refusal:
            answer = refused(call, refusal)
        decision.answers.append(answer)
        if call.digest is not None:
            done[key] = stored = Stored(call.digest, answer.status, answer.body.decode())
            decision.operations.append({"op_id": key[0], "principal": key[1], "at": now} | stored._asdict())
    return decision


def _carry_out(
    noun: Noun[T], decision: Decision[T], lab: Lab[T], call: Call[Command[Any]], outcome: Outcome[T], now: datetime
) -> bytes:
    """Write the entries of an outcome, apply it to the lab, and return its answer."""
    sealed: dict[Key, T] = {}
    new: set[Key] = set()
    states: dict[tuple[Key, int], bytes] = {}
    changed: list[Change[T]] = []
    entries = []
    for change in outcome.changes:
        thing = change.thing
        kind = noun.kinds[type(thing)]
        key = (kind.name, thing.id)
        before = sealed.get(key) or lab.before(thing)
        if before is None:
            new.add(key)
        after = kind.state(thing)
        states[key, thing.version] = state = dumps(after)
        line, digest = entry(
            _columns(kind.name, change, call.by, outcome.group_id, now, before.head if before else ""),
            dumps(changes(kind.state(before) if before else None, after)),
            state,
        )
        entries.append(line)
        sealed[key] = kind.seal(thing, digest)
        changed.append(change._replace(thing=sealed[key]))
    answer = _shown(noun, outcome.shown, states)
    # Nothing above may be half done when it fails: the lab and the decision change together, here.
    decision.new |= new
    decision.changed |= sealed
    decision.notes += outcome.notes
    lab.apply(outcome._replace(changes=tuple(changed)))
    decision.entries += entries
    return answer


def _shown(noun: Noun[T], shown: Any, states: dict[tuple[Key, int], bytes]) -> bytes:
    """An answer as JSON; a thing in it is written as it is now, which is mostly written already."""

    def thing(kind: Kind, value: Any) -> bytes:
        return states.get(((kind.name, value.id), value.version)) or dumps(kind.state(value))

    def written(value: Any) -> Any:
        if kind := noun.kinds.get(type(value)):
            return Fragment(thing(kind, value))
        if isinstance(value, dict):
            return {key: written(part) for key, part in value.items()}
        return [written(part) for part in value] if isinstance(value, list | tuple) else value

    if kind := noun.kinds.get(type(shown)):
        return thing(kind, shown)
    return dumps(written(shown))


def _columns(
    kind: str, change: Change[Any], by: By, group_id: str | None, now: datetime, prev_hash: str
) -> dict[str, Any]:
    thing = change.thing
    return {
        "event_id": new_ulid(),
        "noun": kind,
        "entity_id": thing.id,
        "version": thing.version,
        "what": change.what,
        "at": now,
        "actor": by.principal,
        "via": by.via,
        "op_id": by.op_id,
        "group_id": group_id,
        "reason": change.reason,
        "trace": by.trace,
        "parent_id": thing.parent_id,
        "changes": None,
        "state": None,
        "prev_hash": prev_hash,
        "token": change.token,
    }


def _repeat(call: Call[Command[Any]], stored: Stored) -> Answered:
    if stored.digest != call.digest:
        return refused(call, OtherPayload(op_id=call.by.op_id))
    return Answered(call, stored.status, stored.reply.encode())
