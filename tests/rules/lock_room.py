"""A laboratory in memory where things are locked: its locks, its things, and one journal of both."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

import orjson
import pytest

from labstow.contracts.errors import Refusal
from labstow.contracts.lock import Acquire, Await, Break, Cancel, Release, Renew
from labstow.contracts.message import Command
from labstow.contracts.resource import Patch, Update
from labstow.contracts.ulids import new_ulid
from labstow.workers.kit.call import Call
from labstow.workers.kit.journal import dumps, verify
from labstow.workers.kit.leases import ANY, hashed
from labstow.workers.kit.memory import MemoryUnit
from labstow.workers.kit.noun import By
from labstow.workers.lock.lab import Lab
from labstow.workers.lock.lease import Lease, free, state
from labstow.workers.lock.noun import LOCK
from labstow.workers.lock.own import Sweep
from labstow.workers.lock.policy import Policy
from tests.rules import room
from tests.rules.lock_loading import at_once, decision
from tests.rules.room import Json, settled

ADA, BOB, CYD = "ada", "bob", "cyd"
RISES: Final = ("granted", "broken")
ENDS: Final = ("released", "expired", "broken")


class LockRoom(room.Room):
    """Where a test works: `acquire`, `rename` and so on ask as a client would, `lease` looks inside. Time stands still
    until `later`.
    """

    def __init__(self, policies: Mapping[str, Policy] | None = None, *, strict: bool = False) -> None:
        super().__init__()
        self.lab.policies, self.lab.strict = policies or {}, strict
        self.locks = Lab()
        vars(self.locks).update(vars(self.lab))  # the same things, and the same leases
        self.rules: MemoryUnit[Any] = MemoryUnit(LOCK, self.locks, lambda: self.now)
        self.rules.entries = self.unit.entries
        self.secrets: set[str] = set()
        """Told to their owners, and to nobody else."""

    def later(self, seconds: float) -> datetime:
        """Let some time pass."""
        self.now += timedelta(seconds=seconds)
        return self.now

    def ask(
        self,
        command: Command[Any],
        *,
        op_id: str | None = None,
        by: str = ADA,
        leases: Iterable[str] = (),
        via: str = "rest",
    ) -> Json:
        """The answer; a refusal leaves no trace.

        A worker that loads only what it needs would have decided the same.
        """
        self._count()
        proofs = tuple(each if each == ANY else hashed(each) for each in leases)
        asks = By(by, via, op_id or new_ulid(), None, proofs)
        unit = self._unit_of(command)
        loaded, whole = self._decided(command, asks)
        assert loaded == whole
        before, length = self._picture(), len(self.unit.entries)
        digest = command.model_dump_json() if op_id else None
        (answered,) = settled(unit.run([Call(command, asks, _nobody, digest)])).answers
        body: Json = orjson.loads(answered.body)
        if answered.status != 200:
            assert (self._picture(), len(self.unit.entries)) == (before, length)
            raise Refusal.from_problem(body)
        command.answer.model_validate(body)
        self.secrets.update(body[each] for each in ("lease_id", "ticket") if body.get(each))
        return body

    def refused(self, command: Command[Any], **how: Any) -> Refusal:
        """The refusal that a command ends in."""
        with pytest.raises(Refusal) as refused:
            self.ask(command, **how)
        return refused.value

    def lock(self, *ids: str, by: str = ADA, leases: Iterable[str] = (), **fields: Any) -> Json:
        """Where an acquire stands."""
        return self.ask(Acquire(resource_ids=ids, **fields), by=by, leases=leases)

    def have(self, *ids: str, by: str = ADA, **fields: Any) -> str:
        """A lease on things that are free."""
        standing = self.lock(*ids, by=by, **fields)
        assert standing["state"] == "granted"
        return str(standing["lease_id"])

    def queue(self, *ids: str, by: str = BOB, **fields: Any) -> str:
        """A ticket for things that are not."""
        standing = self.lock(*ids, by=by, **{"wait_s": 300} | fields)
        assert standing["state"] == "queued"
        return str(standing["ticket"])

    def wait(self, ticket: str, by: str = BOB) -> Json:
        return self.ask(Await(ticket=ticket), by=by)

    def cancel(self, ticket: str, by: str = BOB) -> Json:
        return self.ask(Cancel(ticket=ticket), by=by)

    def renew(self, lease: str, ttl_s: float | None = None, by: str = ADA) -> Json:
        return self.ask(Renew(lease_id=lease, ttl_s=ttl_s), by=by)

    def release(self, lease: str, *ids: str, by: str = ADA) -> Json:
        return self.ask(Release(lease_id=lease, resource_ids=ids or None), by=by)

    def force(self, resource_id: str, by: str = CYD) -> Json:
        """Break what somebody has."""
        return self.ask(Break(resource_id=resource_id, reason="it is stuck"), by=by)

    def sweep(self, *ids: str, tickets: Iterable[str] = ()) -> Json:
        return self.ask(Sweep(resource_ids=ids, tickets=tuple(hashed(each) for each in tickets)), by="labstow")

    def rename(self, resource_id: str, *leases: str, by: str = ADA) -> Json:
        """A change of a thing, with what is presented as proof."""
        changes = Patch(name=f"a name {len(self.unit.entries)}")
        return self.ask(Update(resource_id=resource_id, changes=changes), by=by, leases=leases)

    def code(self, *asked: Any, by: str = ADA, leases: Iterable[str] = ()) -> str:
        """The code of a refusal of the last of some commands; "" if it is carried out."""
        try:
            for each in asked:
                self.ask(each, by=by, leases=leases)
        except Refusal as refusal:
            return refusal.code
        return ""

    def lease(self, resource_id: str) -> Lease:
        return self.lab.leases.get(resource_id) or free(resource_id)

    def entries(self, resource_id: str) -> list[Json]:
        """Journal entries of a lock, oldest first."""
        return [entry for entry in self.history(resource_id) if entry["noun"] == "lock"]

    def _unit_of(self, command: Command[Any]) -> MemoryUnit[Any]:
        """Who decides it."""
        return self.rules if type(command) in LOCK.rules else self.unit

    def _decided(self, command: Command[Any], by: By) -> tuple[object, object]:
        """What a command comes to where only parts of the laboratory are loaded, and where all of it is."""
        lab = self.locks if type(command) in LOCK.rules else self.lab
        return decision(self.locks, command, self.now, by).comes_to, at_once(lab, command, self.now, by)

    def _picture(self) -> tuple[Any, ...]:
        return dict(self.lab.things), dict(self.lab.leases), dict(self.locks.tickets)

    def _count(self) -> None:
        """How many leases and tickets everybody has, as a database would say."""
        held = {(lease.holder, lease.lease) for lease in self.lab.leases.values() if lease.held}
        self.locks.held_by.clear()
        self.locks.queued_by.clear()
        self.locks.held_by.update(str(holder) for holder, _ in held)
        self.locks.queued_by.update(one.principal for one in self.locks.tickets.values())


async def _nobody(status: int, body: bytes) -> None:
    """Answers are read from the result."""


def audit(used: LockRoom) -> None:
    """What holds after every command, whatever was asked (I1, I3, I5, I12, I35, I36)."""
    room.stand(used)
    whole(used.lab.leases.values())
    for lease in used.lab.leases.values():
        journal(lease, used.entries(lease.id))
    said = dumps(used.unit.entries).decode()
    assert not [secret for secret in used.secrets if secret in said or hashed(secret) in said]


def whole(leases: Iterable[Lease]) -> None:
    """A lease is one thing: of one holder, and over at one time."""
    held = defaultdict(set)
    for lease in leases:
        if lease.held:
            held[lease.lease].add((lease.holder, lease.session, lease.scope, lease.grant_id, lease.expires_at))
    assert all(len(alike) == 1 for alike in held.values())


def journal(lease: Lease, entries: list[Json]) -> None:
    """One entry a version, chained; tokens only rise; nothing is granted that somebody has."""
    assert [entry["version"] for entry in entries] == [*range(1, lease.version + 1)]
    told: Json = orjson.loads(dumps(state(free(lease.id))))
    hashes = [""]
    for entry in entries:
        after = entry["state"]
        assert verify(entry, orjson.dumps(entry["changes"]).decode(), orjson.dumps(after).decode())
        assert entry["prev_hash"] == hashes[-1]
        assert after["token"] == told["token"] + (entry["what"] in RISES)
        assert entry["what"] != "granted" or told["state"] != "held"
        assert entry["what"] not in ENDS or (told["state"], after["state"] == "held") == ("held", False)
        told = after
        hashes.append(entry["hash"])
    now = orjson.loads(dumps(state(lease)))
    assert hashes[-1] == lease.head
    assert {**now, "expires_at": None} == {**told, "expires_at": None}
