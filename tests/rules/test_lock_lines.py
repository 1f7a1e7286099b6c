"""Standing in line for things: who is next, who gave up, and who would wait for ever."""

from typing import Any

import pytest

from labstow.contracts.lock import MAX_TICKETS, POLL_WITHIN_S, Acquire, Await, Cancel
from labstow.contracts.placing import Move
from labstow.contracts.ulids import new_ulid
from labstow.workers.lock.own import LookAgain
from labstow.workers.lock.policy import Policy
from tests.rules.lock_room import ADA, BOB, CYD, LockRoom, audit

DAN = "dan"


def place(lab: LockRoom, ticket: str, by: str = BOB) -> int:
    """Somebody's place in line; 0 for who has the lease."""
    return int(lab.wait(ticket, by).get("position") or 0)


def wish(*ids: str, **fields: Any) -> Acquire:
    return Acquire(resource_ids=ids, **{"wait_s": 300} | fields)


def test_who_waits_gets_it_when_it_is_free(lab: LockRoom) -> None:
    """The ticket is the secret of the lease; to ask again is answered the same."""
    one, other = sorted((lab.add(), lab.add()))
    lease = lab.have(one)
    queued = lab.lock(other, one, by=BOB, wait_s=30, ttl_s=20, purpose="shaking")
    told = {"state": "queued", "resource_ids": [one, other], "position": 1, "poll_within_s": POLL_WITHIN_S}
    assert told.items() <= queued.items()
    assert not lab.lease(other).held
    ticket = queued["ticket"]
    assert lab.wait(ticket)["state"] == "queued"
    lab.release(lease)
    granted = lab.wait(ticket)
    assert (granted["state"], granted["lease_id"], granted["expires_in_ms"]) == ("granted", ticket, 20_000)
    assert granted["tokens"] == {one: 2, other: 1}
    assert lab.wait(ticket) == granted
    assert (lab.lease(one).purpose, lab.lease(one).holder) == ("shaking", BOB)
    assert lab.renew(ticket, by=BOB)["tokens"] == granted["tokens"]


def test_a_line_is_shown_to_everybody(lab: LockRoom) -> None:
    """In the journal, as it changes, with names and purposes only."""
    thing = lab.add()
    lab.have(thing)
    first, second = lab.queue(thing, purpose="a", session="s"), lab.queue(thing, by=CYD)
    lab.cancel(first)
    lines = [entry["state"]["line"] for entry in lab.entries(thing)]
    assert [[one["holder"] for one in line] for line in lines] == [[], [BOB], [BOB, CYD], [CYD]]
    assert [entry["what"] for entry in lab.entries(thing)] == ["granted", "queued", "queued", "left"]
    assert {"holder": BOB, "session": "s", "purpose": "a"}.items() <= lines[1][0].items()
    assert lab.refused(Acquire(resource_ids=(thing,)), by=DAN).facts["waiters"] == 1
    lab.force(thing)
    lab.wait(second, by=CYD)
    assert lab.entries(thing)[-1]["state"]["line"] == []


def test_nobody_jumps_the_line(lab: LockRoom) -> None:
    """I9: neither who comes when it is free for a moment, nor who wants it with something else that is free."""
    thing, free = sorted((lab.add(), lab.add()))
    lease = lab.have(thing)
    ticket = lab.queue(thing)
    lab.release(lease)
    for ids in ((thing,), (free, thing)):
        refusal = lab.refused(Acquire(resource_ids=ids), by=CYD)
        assert (refusal.code, refusal.status, refusal.facts["resource_id"]) == ("lock.in_line", 409, thing)
        assert (refusal.facts["holder"], refusal.facts["waiters"]) == (BOB, 1)
    assert lab.lock(thing, by=CYD, wait_s=10)["position"] == 2
    assert lab.wait(ticket)["state"] == "granted"


def test_who_wants_some_of_the_same_is_served_in_the_order_of_coming(lab: LockRoom) -> None:
    """I9: also over things that are free; who wants none of the same passes."""
    a, b, c, d = (lab.add() for _ in range(4))
    lease = lab.have(a)
    ab, bc, cd = lab.queue(a, b), lab.queue(b, c, by=CYD), lab.queue(c, d, by=DAN)
    assert [place(lab, ab), place(lab, bc, CYD), place(lab, cd, DAN)] == [1, 2, 2]
    assert lab.code(Acquire(resource_ids=(d,))) == "lock.in_line"
    assert lab.code(wish(d)) == ""
    lab.cancel(bc, by=CYD)
    assert [place(lab, ab), place(lab, cd, DAN)] == [1, 0]
    assert lab.code(Acquire(resource_ids=(b,))) == "lock.in_line"
    lab.release(lease)
    assert place(lab, ab) == 0


def test_a_place_in_line_moves_on(lab: LockRoom) -> None:
    """I9: fifty in a line get it one after the other, however often anybody else asks."""
    thing = lab.add()
    lease, by = lab.have(thing), ADA
    line = [lab.queue(thing, by=f"robot {number}") for number in range(50)]
    for number, ticket in enumerate(line):
        asking = sorted({each for each in (number, (7 * number) % 50, 49) if each >= number})
        places = [place(lab, line[each], f"robot {each}") for each in asking]
        assert places == [each + 1 - number for each in asking]
        lab.release(lease, by=by)
        lease, by = ticket, f"robot {number}"
        assert all(place(lab, line[each], f"robot {each}") for each in asking if each != number)
        assert place(lab, ticket, by) == 0


def test_who_waited_long_enough_is_told_so(lab: LockRoom) -> None:
    """I10: even if it is free by then; and as often as he asks, until nobody remembers."""
    thing = lab.add()
    lease = lab.have(thing, purpose="weighing")
    ticket = lab.queue(thing, wait_s=10)
    lab.later(9.999)
    assert place(lab, ticket) == 1
    lab.later(0.001)
    for _ in range(2):
        refusal = lab.refused(Await(ticket=ticket), by=BOB)
        assert (refusal.code, refusal.status, refusal.facts["wait_s"]) == ("lock.wait_timeout", 409, 10)
        assert (refusal.facts["holder"], refusal.facts["purpose"]) == (ADA, "weighing")
    lab.release(lease)
    assert lab.code(Await(ticket=ticket), by=BOB) == "lock.wait_timeout"
    assert lab.code(Acquire(resource_ids=(thing,)), by=CYD) == ""
    lab.sweep(tickets=[ticket])
    assert lab.code(Await(ticket=ticket), by=BOB) == "lock.ticket_gone"


def test_who_does_not_ask_for_15_seconds_is_out_of_the_line(lab: LockRoom) -> None:
    """Who asks as often as he is told to stays in it; to ask when it is too late does not help.

    Seen to fail when being asked was noted in the second half of its life only.
    """
    thing = lab.add()
    lab.have(thing, ttl_s=600)
    lazy, busy = lab.queue(thing), lab.queue(thing, by=CYD)
    for pause in (0.5, 6.9, POLL_WITHIN_S, POLL_WITHIN_S, 0.4, POLL_WITHIN_S, 14.999, 2.9, 14.999):
        lab.later(pause)
        assert place(lab, busy, CYD) in (1, 2)
    assert place(lab, busy, CYD) == 1
    assert lab.refused(Await(ticket=lazy), by=BOB).status == 410
    lab.later(20)
    assert lab.code(Await(ticket=busy), by=CYD) == "lock.ticket_gone"
    lab.sweep(tickets=[lazy, busy])
    assert lab.entries(thing)[-1]["state"]["line"] == []
    assert lab.locks.tickets == {}


def test_who_is_dead_does_not_stay_because_we_look_for_him(lab: LockRoom) -> None:
    """Asked once he may wait for the answer, and it is looked again and again whether there is one; that nobody asked
    for 15 s is true all the same. Seen to fail: each look counted as his, and he stayed for up to 28 s.
    """
    thing = lab.add()
    lab.have(thing, ttl_s=600)
    ticket = lab.queue(thing)
    assert place(lab, ticket) == 1
    for _ in range(POLL_WITHIN_S):
        lab.later(1)
        assert lab.ask(LookAgain(ticket=ticket), by=BOB)["position"] == 1
    lab.later(6.1)
    assert lab.code(Acquire(resource_ids=(thing,), wait_s=5), by=CYD) == ""
    assert lab.lock(thing, by=DAN, wait_s=5)["position"] == 2


def test_a_place_in_line_is_given_up_once(lab: LockRoom) -> None:
    """Or the lease that came of it is told, to be given back (404 for what never was, or is no more)."""
    thing = lab.add()
    lease = lab.have(thing)
    given_up, granted = lab.queue(thing), lab.queue(thing)
    assert lab.cancel(given_up) == {"state": "cancelled", "lease": None}
    assert lab.refused(Cancel(ticket=given_up), by=BOB).status == 404
    assert lab.refused(Await(ticket=given_up), by=BOB).status == 410
    lab.release(lease)
    told = lab.wait(granted)
    assert lab.cancel(granted) == {"state": "granted", "lease": told}
    lab.release(granted, by=BOB)
    assert lab.refused(Cancel(ticket=granted), by=BOB).status == 404
    assert lab.refused(Await(ticket=granted), by=BOB).facts["how"] == "released"
    assert lab.refused(Cancel(ticket=new_ulid()), by=BOB).status == 404
    assert lab.refused(Await(ticket=new_ulid()), by=BOB).status == 410


def test_a_place_in_line_belongs_to_who_took_it(lab: LockRoom) -> None:
    """I12: also when it has become a lease."""
    thing = lab.add()
    lease = lab.have(thing)
    ticket = lab.queue(thing)
    for state in ("queued", "granted"):
        assert lab.wait(ticket)["state"] == state
        assert {lab.refused(each(ticket=ticket)).status for each in (Await, Cancel)} == {403}
        if state == "queued":
            lab.release(lease)


def test_what_is_waited_for_is_removed(lab: LockRoom) -> None:
    thing = lab.add()
    lab.have(thing, by=ADA, ttl_s=1)
    ticket = lab.queue(thing)
    lab.later(1)
    lab.remove(thing)
    assert lab.code(Await(ticket=ticket), by=BOB) == "resource.not_found"
    assert lab.cancel(ticket)["state"] == "cancelled"


def test_who_waits_for_what_cools_gets_it_then() -> None:
    lab = LockRoom({"arm": Policy(lock_delay_s=15)})
    arm = lab.add(resource_class="arm")
    lab.have(arm)
    lab.force(arm)
    ticket = lab.queue(arm)
    lab.later(10)
    assert place(lab, ticket) == 1
    lab.later(5)
    assert place(lab, ticket) == 0
    audit(lab)


def test_nobody_stands_in_more_than_1024_lines(lab: LockRoom) -> None:
    """429; for others there is room (bad input 12)."""
    thing, other = lab.add(), lab.add()
    lab.have(thing, other)
    last = lab.queue(thing)
    (one,) = lab.locks.tickets.values()
    for number in range(2, MAX_TICKETS + 1):
        lab.locks.tickets[f"{number}"] = one._replace(id=f"{number}", number=number)
    refusal = lab.refused(wish(other), by=BOB)
    assert (refusal.code, refusal.status, refusal.facts["limit"]) == ("lock.limit", 429, MAX_TICKETS)
    refusal = lab.refused(Acquire(resource_ids=(thing,)), by=CYD)
    assert (refusal.code, refusal.facts["waiters"]) == ("lock.held", MAX_TICKETS)
    assert lab.code(wish(other), by=CYD) == ""
    lab.cancel(last)
    assert lab.code(wish(other), by=BOB) == ""


def test_to_wait_for_oneself_would_never_end(lab: LockRoom) -> None:
    """As the session that has it, or by presenting another lease of one's own; but who can tell without either."""
    thing, other = lab.add(), lab.add()
    lab.have(thing, session="arm")
    lease = lab.have(other)
    refusal = lab.refused(wish(thing, session="arm"))
    assert (refusal.code, refusal.status) == ("lock.deadlock", 409)
    assert lab.code(wish(thing, session="lid")) == ""
    assert lab.code(wish(other, thing), leases=[lease]) == "lock.deadlock"


def test_who_closes_a_circle_is_refused(lab: LockRoom) -> None:
    """I10: directly, and over as many as there are; those before him go on waiting, and get it."""
    things = [lab.add(name=f"thing {number}") for number in range(4)]
    for length in (2, 3, 4):
        robots = [f"robot {number}" for number in range(length)]
        leases = [lab.have(things[n], by=by, session=by) for n, by in enumerate(robots)]
        tickets = [lab.queue(things[n + 1], by=by, session=by) for n, by in enumerate(robots[:-1])]
        refusal = lab.refused(wish(things[0], session=robots[-1]), by=robots[-1])
        assert refusal.code == "lock.deadlock"
        assert len(refusal.facts["steps"]) == length
        assert all(by in refusal.facts["cycle"] for by in robots[:-1])
        for n in reversed(range(length)):
            lab.release(leases[n], by=robots[n])
            if n:
                lab.wait(tickets[n - 1], by=robots[n - 1])
                lab.release(tickets[n - 1], by=robots[n - 1])


def test_a_circle_over_the_line_is_one(lab: LockRoom) -> None:
    """Who waits behind somebody waits for him: bob wants both, and ada who has one of them would wait behind bob.

    Seen to fail when only who has something is followed, not who came earlier.
    """
    one, other = lab.add(), lab.add()
    lab.have(one, session="arm")
    lab.queue(one, other)
    assert lab.code(Acquire(resource_ids=(other,), session="arm")) == "lock.in_line"
    assert lab.code(wish(other, session="arm")) == "lock.deadlock"
    assert lab.code(wish(other, session="lid")) == ""


def test_a_circle_is_seen_by_what_was_presented_too(lab: LockRoom) -> None:
    """Without sessions: who presented a lease when he came waits with it."""
    one, other = lab.add(), lab.add()
    mine, his = lab.have(one), lab.have(other, by=BOB)
    assert lab.lock(other, leases=[mine], wait_s=10)["state"] == "queued"
    assert lab.code(wish(one), by=BOB, leases=[his]) == "lock.deadlock"
    assert lab.code(wish(one), by=BOB) == ""


def test_those_who_gave_up_close_no_circle(lab: LockRoom) -> None:
    one, other = lab.add(), lab.add()
    lab.have(one, session="a", ttl_s=600)
    lab.have(other, by=BOB, session="b", ttl_s=600)
    lab.queue(other, by=ADA, session="a", wait_s=5)
    assert lab.code(wish(one, session="b"), by=BOB) == "lock.deadlock"
    lab.later(5)
    assert lab.code(wish(one, session="b"), by=BOB) == ""


class Shelf:
    """A shelf with a box with a tube in it; and a table that is in nothing."""

    def __init__(self, lab: LockRoom) -> None:
        self.shelf = lab.add("container", name="shelf")
        self.box = lab.add("container", into=self.shelf, name="box")
        self.tube = lab.add(into=self.box, name="tube")
        self.table = lab.add("container", name="table")


@pytest.fixture
def at(lab: LockRoom) -> Shelf:
    return Shelf(lab)


def test_all_that_is_in_a_thing_is_taken_with_it(lab: LockRoom, at: Shelf) -> None:
    """I13: as long as somebody has it, nobody gets any of it, nor what it is in with all that is in it."""
    granted = lab.lock(at.box, scope="subtree")
    assert granted["tokens"] == {at.box: 1}
    for thing in (at.box, at.tube):
        refusal = lab.refused(Acquire(resource_ids=(thing,)), by=BOB)
        assert (refusal.code, refusal.facts["resource_id"], refusal.facts["holder"]) == ("lock.held", thing, ADA)
    assert "box" in refusal.facts["name"]
    assert lab.code(Acquire(resource_ids=(at.shelf,), scope="subtree"), by=BOB) == "lock.held"
    assert lab.code(Acquire(resource_ids=(at.shelf, at.table)), by=BOB) == ""
    lab.later(60)
    assert lab.code(Acquire(resource_ids=(at.tube,)), by=BOB) == ""


def test_what_somebody_has_a_part_of_is_not_taken_whole(lab: LockRoom, at: Shelf) -> None:
    """Rule 4: at any depth; the thing itself is free."""
    lease = lab.have(at.tube, by=BOB)
    for thing in (at.shelf, at.box):
        refusal = lab.refused(Acquire(resource_ids=(thing,), scope="subtree"))
        assert (refusal.code, refusal.facts["holder"]) == ("lock.held", BOB)
        lab.release(lab.have(thing))
    lab.release(lease, by=BOB)
    assert lab.code(Acquire(resource_ids=(at.shelf,), scope="subtree")) == ""


def test_what_is_in_ones_own_is_in_nobodys_way(lab: LockRoom, at: Shelf) -> None:
    """Rule 4: around a thing and in it, only leases of others count. Seen to fail: everybody was in his own way."""
    shelf = lab.have(at.shelf, scope="subtree")
    assert lab.code(Acquire(resource_ids=(at.tube,))) == "lock.held"
    assert lab.code(Acquire(resource_ids=(at.tube,)), leases=[shelf], by=BOB) == "lock.not_yours"
    tube = str(lab.lock(at.tube, leases=[shelf])["lease_id"])
    lab.release(shelf)
    assert lab.code(Acquire(resource_ids=(at.shelf,), scope="subtree")) == "lock.held"
    assert lab.code(Acquire(resource_ids=(at.shelf,), scope="subtree"), leases=[tube]) == ""


def test_who_waits_in_his_own_need_not_say_so_again(lab: LockRoom, at: Shelf) -> None:
    """What he presented when he came is in his way no more when he asks about his place. Seen to fail: he waited for
    himself.
    """
    shelf = lab.have(at.shelf, scope="subtree")
    box = str(lab.lock(at.box, leases=[shelf])["lease_id"])
    ticket = str(lab.lock(at.box, at.tube, leases=[shelf], wait_s=30)["ticket"])
    assert lab.wait(ticket, by=ADA)["position"] == 1
    lab.release(box)
    assert lab.wait(ticket, by=ADA)["state"] == "granted"


def test_lines_of_things_in_each_other_are_one(lab: LockRoom, at: Shelf) -> None:
    """I9: who waits for all that is on the shelf waits for the tube as well, and the other way round.

    Seen to fail: who wanted the shelf saw the line of the tube only if somebody else wanted the shelf, too.
    """
    tube, shelf = lab.have(at.tube), lab.have(at.shelf)
    first = lab.queue(at.tube)
    second = lab.queue(at.shelf, by=CYD, scope="subtree")
    third = lab.queue(at.box, by=DAN)
    assert [place(lab, first), place(lab, second, CYD), place(lab, third, DAN)] == [1, 2, 2]
    lab.release(shelf)
    assert lab.code(Acquire(resource_ids=(at.box,)), by=DAN) == "lock.in_line"
    lab.release(tube)
    assert [place(lab, second, CYD), place(lab, third, DAN)] == [2, 2]
    assert place(lab, first) == 0
    lab.release(first, by=BOB)
    assert [place(lab, third, DAN), place(lab, second, CYD)] == [2, 0]
    lab.release(second, by=CYD)
    assert place(lab, third, DAN) == 0


def test_who_wants_the_whole_of_something_passes_those_beside_it(lab: LockRoom, at: Shelf) -> None:
    lab.have(at.table)
    lab.queue(at.table)
    lab.have(at.box, at.shelf)
    assert lab.lock(at.box, by=CYD, scope="subtree", wait_s=10)["position"] == 1
    assert lab.code(Acquire(resource_ids=(at.table,), scope="subtree"), by=CYD) == "lock.held"


def test_what_moved_is_where_it_is_now(lab: LockRoom, at: Shelf) -> None:
    lease = lab.have(at.shelf, scope="subtree")
    lab.ask(Move(resource_id=at.box, container_id=at.table), leases=[lease])
    assert lab.code(Acquire(resource_ids=(at.tube,)), by=BOB) == ""
    lab.have(at.box, by=BOB)
    assert lab.code(Acquire(resource_ids=(at.table,), scope="subtree")) == "lock.held"
