"""How a client comes to hold things: it stands in line, insists on an answer, and leaves nothing behind."""

import asyncio

import pytest

from labstow.client import AsyncLabstow
from labstow.client import claim as claim_module
from labstow.client.lock import Guard
from labstow.contracts import headers
from labstow.contracts.errors import (
    DeadlinePassed,
    Deadlock,
    Held,
    LeaseLost,
    LockLimit,
    NotFound,
    NoTicket,
    OutcomeUnknown,
    Refusal,
    StorageUnavailable,
    TicketGone,
    WaitTimeout,
)
from tests.client.desk import LEASE, NEST, PLATE, TICKET, Desk, granted, queued
from tests.client.until import until


async def hold(guard: Guard) -> str:
    """Hold something for no time, and tell by which lease."""
    async with guard as held:
        return held.lease_id


async def test_what_is_asked_for_is_what_was_named(desk: Desk, arm: AsyncLabstow) -> None:
    async with arm.lock(PLATE, NEST, ttl_s=30, wait_s=5, purpose="transfer", scope="subtree") as held:
        assert held.lease_id == LEASE
        assert held.tokens == {PLATE: 7}
        assert desk.verbs == ["acquire"]
    wanted = {"resource_ids": [PLATE, NEST], "ttl_s": 30, "wait_s": 5, "purpose": "transfer", "scope": "subtree"}
    assert [(asked.verb, asked.body) for asked in desk.asked] == [
        ("lock.acquire", wanted | {"session": arm.session}),
        ("lock.release", {"lease_id": LEASE}),
    ]


async def test_a_task_is_one_session_and_two_are_two(desk: Desk, arm: AsyncLabstow) -> None:
    async def twice() -> None:
        await hold(arm.lock(PLATE))
        await hold(arm.lock(NEST))

    await asyncio.create_task(twice())
    await asyncio.create_task(twice())
    one, again, other, once_more = [asked.body["session"] for asked in desk.heard("lock.acquire")]
    assert (one, other) == (again, once_more)
    assert one != other


async def test_a_guard_that_is_entered_again_acquires_anew(desk: Desk, arm: AsyncLabstow) -> None:
    guard = arm.lock(PLATE)
    await hold(guard)
    await hold(guard)
    assert desk.verbs == ["acquire", "release"] * 2
    assert len({asked.heads[headers.OP_ID] for asked in desk.asked}) == 4


async def test_in_line_it_asks_until_its_turn_comes(desk: Desk, arm: AsyncLabstow) -> None:
    desk.says("lock.acquire", queued(3))
    desk.says("lock.await", queued(2), queued(1), granted(30))
    async with arm.lock(PLATE, wait_s=30) as held:
        assert held.lease_id == LEASE
        assert held.tokens == {PLATE: 7}
    polls = desk.heard("lock.await")
    assert [asked.body for asked in polls] == [{"ticket": TICKET}] * 3
    assert len({asked.heads[headers.OP_ID] for asked in polls}) == 3
    assert desk.verbs == ["acquire", "await", "await", "await", "release"]


async def test_a_lease_that_was_asked_for_long_ago_is_renewed_before_it_is_used(desk: Desk, arm: AsyncLabstow) -> None:
    """When the answer to a poll comes after 8 s, the lease may have been granted then, or 8 s ago."""
    desk.says("lock.acquire", queued())
    desk.says("lock.await", None, granted(0.8))
    desk.says("lock.renew", granted(20))
    async with arm.lock(PLATE, wait_s=30) as held:
        assert desk.verbs == ["acquire", "await", "await", "renew"]
        assert 17 < held.left < 18


async def test_a_lease_that_was_over_before_it_could_be_used_is_lost(desk: Desk, arm: AsyncLabstow) -> None:
    desk.says("lock.acquire", None, granted(0.8))
    desk.says("lock.renew", LeaseLost(how="expired"))
    with pytest.raises(LeaseLost, match="expired"):
        await hold(arm.lock(PLATE))
    assert desk.verbs == ["acquire"] * 2 + ["renew"]


async def test_without_an_answer_it_asks_again_for_the_same(desk: Desk, arm: AsyncLabstow) -> None:
    desk.says("lock.acquire", None, None, granted())
    assert await hold(arm.lock(PLATE)) == LEASE
    asked = desk.heard("lock.acquire")
    assert len(asked) == 3
    assert len({one.heads[headers.OP_ID] for one in asked}) == 1


async def test_while_the_database_is_away_it_asks_again_for_the_same(desk: Desk, arm: AsyncLabstow) -> None:
    away = StorageUnavailable()
    desk.says("lock.acquire", away, away, queued())
    desk.says("lock.await", away, queued(), away, granted())
    desk.says("lock.release", away, away, {"resource_ids": [PLATE], "at": "2026-11-21T09:30:00Z"})
    assert await hold(arm.lock(PLATE)) == LEASE
    assert desk.verbs == ["acquire"] * 3 + ["await"] * 4 + ["release"] * 3
    for verb in ("lock.acquire", "lock.release"):
        assert len({asked.heads[headers.OP_ID] for asked in desk.heard(verb)}) == 1


@pytest.mark.parametrize("no", [Held, Deadlock, DeadlinePassed])
async def test_what_is_refused_is_not_held(desk: Desk, arm: AsyncLabstow, no: type[Refusal]) -> None:
    desk.says("lock.acquire", no("no"))
    with pytest.raises(no):
        await hold(arm.lock(PLATE))
    assert desk.verbs == ["acquire"]


@pytest.mark.parametrize("no", [WaitTimeout, TicketGone])
async def test_what_was_waited_for_in_vain_is_not_held(desk: Desk, arm: AsyncLabstow, no: type[Refusal]) -> None:
    desk.says("lock.acquire", queued())
    desk.says("lock.await", queued(), no("no"))
    with pytest.raises(no):
        await hold(arm.lock(PLATE, wait_s=10))
    assert desk.verbs == ["acquire", "await", "await"]


@pytest.mark.parametrize("no", [NotFound, LockLimit])
async def test_who_is_refused_in_line_gives_his_place_up(desk: Desk, arm: AsyncLabstow, no: type[Refusal]) -> None:
    """A thing was removed, or he has too much by now: others need not wait for him. Seen to fail."""
    desk.says("lock.acquire", queued())
    desk.says("lock.await", queued(), no("no"))
    with pytest.raises(no):
        await hold(arm.lock(PLATE, wait_s=10))
    assert desk.verbs == ["acquire", "await", "await", "cancel"]


async def test_a_place_that_was_cleared_away_when_the_time_was_up_was_waited_in_for_in_vain(
    desk: Desk, arm: AsyncLabstow
) -> None:
    desk.says("lock.acquire", queued())
    desk.says("lock.await", None, TicketGone())
    with pytest.raises(WaitTimeout, match="in vain"):
        await hold(arm.lock(PLATE, wait_s=0.2))


async def test_it_never_waits_much_longer_than_it_wants_to(
    desk: Desk, arm: AsyncLabstow, monkeypatch: pytest.MonkeyPatch
) -> None:
    """I8, I10, from this side: whatever became of the workers. What may have been granted meanwhile is given back."""
    monkeypatch.setattr(claim_module, "BUDGET", 0.3)
    monkeypatch.setattr(claim_module, "GIVE_BACK", 0.3)
    desk.says("lock.acquire", StorageUnavailable())
    with pytest.raises((StorageUnavailable, OutcomeUnknown)):
        await hold(arm.lock(PLATE))
    assert set(desk.verbs) == {"acquire"}

    desk.says("lock.acquire", queued())
    desk.says("lock.await", StorageUnavailable())
    with pytest.raises((StorageUnavailable, OutcomeUnknown)):
        await hold(arm.lock(PLATE, wait_s=0.1))
    assert desk.verbs[-1] == "cancel"

    desk.says("lock.acquire", None)
    with pytest.raises(OutcomeUnknown):
        await hold(arm.lock(PLATE))


async def cancelled_when(desk: Desk, guard: Guard, verb: str) -> None:
    """Cancel whoever enters a guard when he has asked this."""
    entering = asyncio.create_task(hold(guard))
    await until(lambda: verb in desk.verbs)
    entering.cancel()
    await asyncio.wait({entering})
    assert entering.cancelled()


async def test_who_is_cancelled_in_line_gives_his_place_up(desk: Desk, arm: AsyncLabstow) -> None:
    desk.says("lock.acquire", queued())
    desk.says("lock.await", None)
    await cancelled_when(desk, arm.lock(PLATE, wait_s=30), "await")
    assert desk.verbs[-1] == "cancel"
    assert desk.asked[-1].body == {"ticket": TICKET}


async def test_what_was_granted_to_somebody_who_is_cancelled_is_given_back(desk: Desk, arm: AsyncLabstow) -> None:
    desk.says("lock.acquire", queued())
    desk.says("lock.await", None)
    desk.says("lock.cancel", {"state": "granted", "lease": granted()})
    await cancelled_when(desk, arm.lock(PLATE, wait_s=30), "await")
    assert desk.verbs[-2:] == ["cancel", "release"]
    assert desk.asked[-1].body == {"lease_id": LEASE}


async def test_who_is_cancelled_while_his_lease_is_renewed_gives_it_back(desk: Desk, arm: AsyncLabstow) -> None:
    desk.says("lock.acquire", None, granted(1.4))
    desk.says("lock.renew", None)
    await cancelled_when(desk, arm.lock(PLATE), "renew")
    assert desk.verbs[-1] == "release"


@pytest.mark.parametrize(
    ("outcome", "then"), [(granted(), ["release"]), (queued(), ["cancel"]), (Held("somebody has it"), [])]
)
async def test_who_is_cancelled_before_he_has_an_answer_asks_for_it_to_undo_it(
    desk: Desk, arm: AsyncLabstow, outcome: dict[str, object] | Refusal, then: list[str]
) -> None:
    desk.says("lock.acquire", None, outcome)
    await cancelled_when(desk, arm.lock(PLATE), "acquire")
    assert desk.verbs == ["acquire", "acquire", *then]
    assert desk.asked[0].heads[headers.OP_ID] == desk.asked[1].heads[headers.OP_ID]


async def test_a_place_that_is_gone_already_needs_not_be_given_up(
    desk: Desk, arm: AsyncLabstow, caplog: pytest.LogCaptureFixture
) -> None:
    desk.says("lock.acquire", queued())
    desk.says("lock.await", None)
    desk.says("lock.cancel", NoTicket())
    await cancelled_when(desk, arm.lock(PLATE, wait_s=30), "await")
    assert not caplog.records


async def test_who_is_cancelled_while_nobody_answers_is_not_held_up_for_long(
    desk: Desk, arm: AsyncLabstow, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """And the log tells what may be left, without what would prove it."""
    monkeypatch.setattr(claim_module, "GIVE_BACK", 0.2)
    desk.says("lock.acquire", queued())
    desk.says("lock.await", None)
    desk.says("lock.cancel", None)
    await cancelled_when(desk, arm.lock(PLATE, wait_s=30), "await")
    assert f"{PLATE}: the lock could not be given back, and is left to expire" in caplog.text
    assert TICKET not in caplog.text
