"""Any commands about locks in any order: it is always as a much simpler laboratory says."""

from datetime import timedelta
from typing import Any, Final, TypeVar

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from labstow.contracts.batch import Batch
from labstow.contracts.errors import Refusal
from labstow.contracts.lock import Acquire, Await, Break, Cancel, Release, Renew
from labstow.contracts.message import Command
from labstow.contracts.placing import Move
from labstow.contracts.resource import Add, Patch, Update
from labstow.contracts.ulids import derived_ulid, new_ulid
from labstow.workers.kit.leases import hashed
from labstow.workers.lock.own import Sweep
from labstow.workers.lock.policy import Policy
from tests.rules.lock_model import Grant, Model, No, Ticket, above, below
from tests.rules.lock_room import LockRoom, audit, whole
from tests.rules.room import Json, new

T = TypeVar("T")

PEOPLE: Final = ("ada", "bob", "cyd")
DELAY: Final = 6
POLICIES: Final = {"slow": Policy(lock_delay_s=DELAY)}
THINGS: Final = {
    derived_ulid(name): (name, kind, kind_of)
    for name, kind, kind_of in (
        ("shelf", "container", ""),
        ("box", "container", "slow"),
        ("tube", "resource", ""),
        ("crate", "container", ""),
        ("lid", "resource", "slow"),
    )
}
SHELF, BOX, TUBE, CRATE, LID = THINGS
CONTAINERS: Final = (SHELF, BOX, CRATE)

people = st.sampled_from(PEOPLE)
things = st.sampled_from(list(THINGS))
ids = st.sets(things, min_size=1, max_size=2).map(sorted)
ttls = st.sampled_from([2, 5, 12, 60])
waits = st.sampled_from([0, 0, 10, 10, 60])
wholes = st.booleans()


class Locks(RuleBasedStateMachine):
    """Asks the laboratory and the model the same.

    Seen to fail when the token does not rise with a break, a lease ends a moment late, a part that was given back
    proves anything, the line is looked at by name only, or what comes into the whole of something is not looked into.
    """

    def __init__(self) -> None:
        super().__init__()
        self.room = LockRoom(POLICIES)
        slow = {each: timedelta(seconds=DELAY) for each, (*_, kind) in THINGS.items() if kind == "slow"}
        self.model = Model(dict.fromkeys(THINGS), slow, self.room.now)

    @initialize()
    def begin(self) -> None:
        """A shelf with a box with a tube in it; a crate and a lid."""
        for each, (name, kind, kind_of) in THINGS.items():
            self.do(Add(resource=new(kind, resource_id=each, name=name, resource_class=kind_of)))
        self.model.parents |= {BOX: SHELF, TUBE: BOX}
        for inside in (BOX, TUBE):
            self.do(Move(resource_id=inside, container_id=self.model.parents[inside]))

    @rule(ids=ids, data=st.data())
    def crowd(self, ids: list[str], data: st.DataObject) -> None:
        """All want the same."""
        for by in PEOPLE:
            self.acquire(by, ids, self.proof(data, by), 12, 60, is_whole=False)

    @rule(by=people, ids=ids, data=st.data(), ttl_s=ttls, wait_s=waits, is_whole=wholes)
    def acquire_one(
        self, by: str, ids: list[str], data: st.DataObject, ttl_s: int, wait_s: int, is_whole: bool
    ) -> None:
        self.acquire(by, ids, self.proof(data, by), ttl_s, wait_s, is_whole=is_whole)

    def acquire(self, by: str, ids: list[str], proof: Grant | None, ttl_s: int, wait_s: int, is_whole: bool) -> None:
        scope = "subtree" if is_whole else "self"
        command = Acquire.model_validate(
            {"resource_ids": ids, "ttl_s": ttl_s, "wait_s": wait_s, "scope": scope, "session": by}
        )
        ttl, wait = timedelta(seconds=ttl_s), timedelta(seconds=wait_s)
        got = self.ask(command, lambda: self.model.acquire(by, ids, proof, ttl, wait, whole=is_whole), by, proof)
        if got is None:
            return
        answer, made = got
        if isinstance(made, Ticket):
            made.secret = answer["ticket"]
            assert answer["position"] == self.model.place(made)
        else:
            made.secret = made.secret or answer["lease_id"]
            self.granted(answer, made)

    @precondition(lambda self: self.model.tickets)
    @rule(data=st.data(), stranger=st.integers(0, 15))
    def wait(self, data: st.DataObject, stranger: int) -> None:
        ticket = self.ticket(data)
        self.look(ticket, ticket.holder if stranger else data.draw(people))

    @precondition(lambda self: self.model.waiting())
    @rule(data=st.data())
    def hand_over(self, data: st.DataObject) -> None:
        """Things that somebody waits for are given back, and all who wait ask, in any order."""
        for thing in data.draw(st.sampled_from(self.model.waiting())).ids:
            if (grant := self.model.holder_of(thing)) is not None:
                self.give_back(grant, grant.holder, None)
        for ticket in data.draw(st.permutations(self.model.waiting())):
            self.look(ticket, ticket.holder)

    def look(self, ticket: Ticket, by: str) -> None:
        got = self.ask(Await(ticket=ticket.secret), lambda: self.model.wait(by, ticket), by)
        if got is None:
            return
        answer, grant = got
        if grant is None:
            assert (answer["state"], answer["position"]) == ("queued", self.model.place(ticket))
        else:
            self.granted(answer, grant)

    @precondition(lambda self: self.model.tickets)
    @rule(data=st.data(), stranger=st.integers(0, 15))
    def cancel(self, data: st.DataObject, stranger: int) -> None:
        ticket = self.ticket(data)
        by = ticket.holder if stranger else data.draw(people)
        if got := self.ask(Cancel(ticket=ticket.secret), lambda: self.model.cancel(by, ticket), by):
            assert got[0]["state"] == got[1]

    @precondition(lambda self: self.model.grants)
    @rule(data=st.data(), ttl_s=ttls)
    def renew(self, data: st.DataObject, ttl_s: int) -> None:
        grant, by = self.grant(data)
        command = Renew(lease_id=grant.secret, ttl_s=ttl_s)
        got = self.ask(command, lambda: self.model.renew(by, grant, timedelta(seconds=ttl_s)), by)
        if got is not None:
            self.granted(got[0], grant)

    @precondition(lambda self: self.model.grants)
    @rule(data=st.data(), some=st.none() | ids)
    def release(self, data: st.DataObject, some: list[str] | None) -> None:
        grant, by = self.grant(data)
        first = sorted(grant.ids)[:1]
        only_one: bool = data.draw(st.booleans())
        self.give_back(grant, by, first if first and only_one else some)

    def give_back(self, grant: Grant, by: str, some: list[str] | None) -> None:
        command = Release.model_validate({"lease_id": grant.secret, "resource_ids": some})
        self.ask(command, lambda: self.model.release(by, grant, set(some) if some else None), by)

    @precondition(lambda self: any(map(self.model.holder_of, THINGS)) or any(map(self.model.cools, THINGS)))
    @rule(by=people, data=st.data())
    def force(self, by: str, data: st.DataObject) -> None:
        thing = data.draw(self.mostly_held())
        got = self.ask(Break(resource_id=thing, reason="stuck"), lambda: self.model.force(thing), by)
        if got is not None:
            assert got[0]["tokens"] == {each: self.model.tokens[each] for each in got[1]}

    @rule(seconds=st.sampled_from([0.5, 1.9999, 2, 3, 4, 7.4, 16, 30]))
    def later(self, seconds: float) -> None:
        self.model.now = self.room.later(seconds)

    @precondition(lambda self: self.live())
    @rule(data=st.data())
    def to_the_end(self, data: st.DataObject) -> None:
        """Of some lease, to the moment."""
        grant = data.draw(st.sampled_from(self.live()))
        self.model.now = self.room.later((grant.until - self.model.now).total_seconds())

    @rule()
    def sweep(self) -> None:
        self.model.sweep()
        self.do(Sweep(resource_ids=tuple(THINGS), tickets=tuple(hashed(one.secret) for one in self.model.tickets)))

    @rule(by=people, data=st.data())
    def rename(self, by: str, data: st.DataObject) -> None:
        self.write(by, self.proof(data, by), data.draw(self.mostly_held()))

    @precondition(lambda self: any(grant.given_back for grant in self.live()))
    @rule(data=st.data())
    def rename_what_was_given_back(self, data: st.DataObject) -> None:
        """With the lease that there is on the rest."""
        proof = data.draw(st.sampled_from([grant for grant in self.live() if grant.given_back]))
        self.write(proof.holder, proof, data.draw(st.sampled_from(sorted(proof.given_back))))

    def write(self, by: str, proof: Grant | None, thing: str) -> None:
        command = Update(resource_id=thing, changes=Patch(name=new_ulid()))
        self.ask(command, lambda: self.model.change(by, proof, [(thing, thing)]), by, proof)

    @precondition(lambda self: self.live())
    @rule(data=st.data(), is_whole=wholes)
    def acquire_near(self, data: st.DataObject, is_whole: bool) -> None:
        """Of what somebody has, something around it or in it, or what it is in."""
        proof = data.draw(st.sampled_from(self.live()))
        near = {
            other
            for each in proof.ids
            for other in (*above(self.model.parents, each), *below(self.model.parents, each))
        }
        thing = data.draw(st.sampled_from(sorted(near or proof.ids)))
        self.acquire(proof.holder, [thing], proof, 12, 0, is_whole=is_whole)

    @precondition(lambda self: not any(one.whole for one in self.model.waiting()) and self.wholes())
    @rule(data=st.data(), thing=st.sampled_from(CONTAINERS), other=people)
    def bring_in(self, data: st.DataObject, thing: str, other: str) -> None:
        """Into what somebody has whole, by him; others may want what is in it."""
        proof = data.draw(st.sampled_from(self.wholes()))
        into = data.draw(st.sampled_from(sorted(proof.ids & {*CONTAINERS})))
        inside = below(self.model.parents, thing)
        if into not in (thing, *inside):
            self.acquire(other, inside[:1] or [thing], None, 12, 0, is_whole=False)
            steps = [(thing, into)]
            command = Move(resource_id=thing, container_id=into)
            self.ask(command, lambda: self.model.change(proof.holder, proof, steps), proof.holder, proof)

    @precondition(lambda self: not any(one.whole for one in self.model.waiting()))
    @rule(by=people, data=st.data(), count=st.integers(1, 3))
    def move(self, by: str, data: st.DataObject, count: int) -> None:
        """One thing, or some in one batch; but while somebody waits for the whole of something, places would change."""
        proof, parents, steps = self.proof(data, by), dict(self.model.parents), []
        for _ in range(count):
            thing = data.draw(things)
            possible = [each for each in CONTAINERS if each not in {thing, *below(parents, thing)}]
            into = data.draw(st.sampled_from([None, *possible]))
            parents[thing] = into
            steps.append((thing, into))
        moves: list[Command[Any]] = [Move(resource_id=thing, container_id=into) for thing, into in steps]
        command = moves[0] if count == 1 else batch(moves)
        self.ask(command, lambda: self.model.change(by, proof, steps), by, proof)

    def live(self) -> list[Grant]:
        return [grant for grant in self.model.grants if any(self.model.holder_of(each) is grant for each in grant.ids)]

    def wholes(self) -> list[Grant]:
        """Of those, what is on everything in some containers."""
        return [grant for grant in self.live() if grant.whole and grant.ids & {*CONTAINERS}]

    def mostly_held(self) -> st.SearchStrategy[str]:
        """Something that somebody has, or that cools, if there is anything, and seldom any thing."""
        found = [each for each in THINGS if self.model.holder_of(each) or self.model.cools(each)]
        return st.integers(0, 4).flatmap(lambda number: st.sampled_from(found) if found and number else things)

    def proof(self, data: st.DataObject, by: str) -> Grant | None:
        """Mostly what somebody has, or nothing."""
        own = [grant for grant in self.model.grants if grant.holder == by and self.model.now < grant.until]
        choice = data.draw(st.integers(0, 9))
        if choice == 0 and self.model.grants:
            return data.draw(st.sampled_from(self.model.grants))
        return data.draw(st.sampled_from(own)) if own and choice < 6 else None

    def grant(self, data: st.DataObject) -> tuple[Grant, str]:
        """Mostly one that is new, and mostly its holder."""
        grant = data.draw(mostly_new(self.model.grants))
        return grant, grant.holder if data.draw(st.integers(0, 15)) else data.draw(people)

    def ticket(self, data: st.DataObject) -> Ticket:
        return data.draw(mostly_new(self.model.tickets))

    def granted(self, answer: dict[str, Any], grant: Grant) -> None:
        """The answer tells of this lease."""
        assert answer["state"] == "granted"
        assert answer["tokens"] == {each: self.model.tokens[each] for each in grant.ids}
        assert answer["expires_in_ms"] == (grant.until - self.model.now) // timedelta(milliseconds=1)

    def ask(self, command: Command[Any], apply: Any, by: str, proof: Grant | None = None) -> tuple[Any, Any] | None:
        """Both say yes, or both say no for the same reason."""
        expected, made = "", None
        try:
            made = apply()
        except No as no:
            expected = no.code
        code, answer = self.do(command, by, proof.secret if proof else None)
        assert code == expected
        return None if code else (answer, made)

    def do(self, command: Command[Any], by: str = PEOPLE[0], lease: str | None = None) -> tuple[str, Json]:
        """The code of the refusal, or none, and what is answered."""
        try:
            return "", self.room.ask(command, by=by, leases=[lease] if lease else [])
        except Refusal as refusal:
            return refusal.code, refusal.facts

    @invariant()
    def somebody_has_what_the_model_says(self) -> None:
        """I1, I3, I4, I5, I9, I13."""
        for thing in THINGS:
            lease, grant = self.room.lease(thing), self.model.holder_of(thing)
            assert lease.token == self.model.tokens.get(thing, 0)
            assert lease.live(self.room.now) == (grant is not None)
            if grant is not None:
                assert (lease.holder, lease.expires_at) == (grant.holder, grant.until)
            line = [one.holder for one in self.model.waiting() if thing in one.ids]
            assert [one.principal for one in self.room.locks.queue(thing, self.room.now)] == line
            if thing in self.room.lab.things:
                assert self.room.thing(thing).parent_id == self.model.parents[thing]
        whole(self.room.lab.leases.values())

    def teardown(self) -> None:
        audit(self.room)


def mostly_new(known: list[T]) -> st.SearchStrategy[T]:
    """One of the last few, and seldom any."""
    return st.integers(0, 4).flatmap(lambda number: st.sampled_from(known[-4:] if number else known))


def batch(moves: list[Command[Any]]) -> Batch:
    steps = [{"verb": "move", "command": each.model_dump(exclude_unset=True)} for each in moves]
    return Batch.model_validate({"steps": steps})


TestLocks = Locks.TestCase
TestLocks.settings = settings(max_examples=100, stateful_step_count=50, deadline=None)
