"""Who holds something holds it as long as he works, is told when he does not any more, and then changes nothing."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from labstow.client import AsyncLabstow
from labstow.client import claim as claim_module
from labstow.client import lock as lock_module
from labstow.client.lock import Guard
from labstow.contracts import headers
from labstow.contracts.errors import LeaseLost, OutcomeUnknown, Refusal, StorageUnavailable
from labstow.contracts.lock import Release
from labstow.contracts.queries import Find
from tests.client.desk import LEASE, NEST, PLATE, Clock, Desk, granted
from tests.client.until import until

AWAY = StorageUnavailable()
BROKEN = LeaseLost(how="broken")


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The clock that holders go by."""
    clock = Clock()
    monkeypatch.setattr(claim_module, "time", clock)
    monkeypatch.setattr(lock_module, "time", clock)
    return clock


async def forever(_: object = None) -> None:
    """Work that only a cancellation ends."""
    await asyncio.get_running_loop().create_future()


async def work(guard: Guard, body: Callable[[Guard], Awaitable[object]] = forever) -> None:
    """Hold something while working."""
    async with guard as held:
        await body(held)


async def lost(guard: Guard) -> LeaseLost:
    """How somebody loses what he would hold for ever."""
    with pytest.raises(LeaseLost) as loss:
        async with asyncio.timeout(10):
            await work(guard)
    assert guard.lost
    return loss.value


async def test_the_lease_is_presented_with_what_the_holder_asks(desk: Desk, arm: AsyncLabstow) -> None:
    async with arm.lock(PLATE) as held:
        await held.ask(Find())
        await arm.ask(Find(), leases=[held.lease_id, NEST])
        await arm.ask(Find())
    shown = [asked.heads.get(headers.LEASE) for asked in desk.asked]
    assert shown == [None, LEASE, f"{LEASE},{NEST}", None, None]


async def test_a_lease_is_renewed_as_long_as_its_holder_works(desk: Desk, arm: AsyncLabstow) -> None:
    desk.says("lock.acquire", granted(1))
    desk.says("lock.renew", granted(1), granted(0.6))
    async with arm.lock(PLATE, ttl_s=1) as held:
        taken = time.monotonic()
        await until(lambda: bool(desk.heard("lock.renew")))
        assert 0.3 < time.monotonic() - taken < 0.9
        await until(lambda: len(desk.heard("lock.renew")) == 5)
        assert not held.lost
        await held.ask(Find())
    assert desk.verbs[-2:] == ["find", "release"]
    assert len({asked.heads[headers.OP_ID] for asked in desk.heard("lock.renew")}) == 5


async def test_after_the_end_nobody_renews(desk: Desk, arm: AsyncLabstow) -> None:
    desk.says("lock.acquire", granted(0.5))
    desk.says("lock.renew", None)
    async with arm.lock(PLATE):
        await until(lambda: bool(desk.heard("lock.renew")))
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    assert not [task for task in tasks if "_keep" in repr(task.get_coro()) and not task.cancelling()]


async def test_a_renewal_that_does_not_work_is_tried_again(
    desk: Desk, arm: AsyncLabstow, caplog: pytest.LogCaptureFixture
) -> None:
    desk.says("lock.acquire", granted(2))
    desk.says("lock.renew", AWAY, AWAY, None, AWAY, granted())
    async with arm.lock(PLATE) as held:
        await until(lambda: held.left > 10)
        assert not held.lost
    assert len(desk.heard("lock.renew")) >= 5
    (told,) = [record.message for record in caplog.records if "renewed" in record.message]
    assert told.startswith(f"{PLATE}: the lock could not be renewed yet: ")
    assert LEASE not in caplog.text


async def test_a_holder_whose_lease_was_broken_is_interrupted(desk: Desk, arm: AsyncLabstow) -> None:
    desk.says("lock.acquire", granted(0.6))
    desk.says("lock.renew", BROKEN)
    assert (await lost(arm.lock(PLATE))).facts == {"how": "broken"}
    assert desk.verbs.count("renew") == 1


@pytest.mark.parametrize("said", [AWAY, None])
async def test_a_holder_whose_lease_cannot_be_renewed_is_interrupted_before_it_is_over(
    desk: Desk, arm: AsyncLabstow, monkeypatch: pytest.MonkeyPatch, said: Refusal | None
) -> None:
    """Seen to fail without the cancellation in `_keep`: it worked on for ever."""
    desk.says("lock.acquire", granted(2))
    desk.says("lock.renew", said)
    monkeypatch.setattr(claim_module, "GIVE_BACK", 0)
    sent = time.monotonic()
    loss = await lost(arm.lock(PLATE))
    assert 1.8 <= time.monotonic() - sent < 2
    assert loss.facts == {"how": "not renewed in time"}
    assert isinstance(loss.__cause__, OutcomeUnknown if said is None else StorageUnavailable)


async def test_a_lease_is_used_for_nine_tenths_of_its_time_and_then_nothing_is_sent(
    desk: Desk, arm: AsyncLabstow, clock: Clock
) -> None:
    """I4, from this side: a process that was stopped finds its lease lost before it sends anything."""

    async def stopped(held: Guard) -> None:
        clock.ahead = 53.5
        assert 0 < held.left < 0.5
        await held.ask(Find())
        clock.ahead = 54.1
        assert held.lost
        with pytest.raises(LeaseLost):
            await held.ask(Find())
        clock.ahead = 0  # lost stays lost
        await held.ask(Find())

    with pytest.raises(LeaseLost):
        await work(arm.lock(PLATE, renew=False), stopped)
    assert desk.verbs == ["acquire", "find", "release"]


async def test_what_the_holder_asks_is_not_repeated_beyond_the_end_of_the_lease(
    desk: Desk, arm: AsyncLabstow, clock: Clock
) -> None:
    desk.says("resource.find", None)

    async def late(held: Guard) -> None:
        clock.ahead = 52.9
        await held.ask(Find())

    with pytest.raises(OutcomeUnknown):
        await work(arm.lock(PLATE, renew=False), late)
    assert 1 < len(desk.heard("resource.find")) < 4
    deadlines = {float(asked.heads[headers.DEADLINE]) for asked in desk.heard("resource.find")}
    assert len(deadlines) == 1
    assert max(deadlines) < time.time() + 0.1


async def test_a_renewal_that_comes_too_late_is_none(desk: Desk, arm: AsyncLabstow, clock: Clock) -> None:
    """A process that was stopped while it asked: it may have been told that it lost the lease, so it has."""
    desk.says("lock.acquire", granted(1))

    def late() -> dict[str, Any]:
        clock.ahead = 1
        return granted()

    desk.says("lock.renew", late)
    assert (await lost(arm.lock(PLATE))).facts == {"how": "not renewed in time"}


async def test_who_is_told_that_the_lease_is_over_knows_it_from_then_on(desk: Desk, arm: AsyncLabstow) -> None:
    desk.says("resource.find", BROKEN)

    async def told(held: Guard) -> None:
        with pytest.raises(LeaseLost):
            await held.ask(Find())
        assert held.lost

    with pytest.raises(LeaseLost, match="broken"):
        await work(arm.lock(PLATE), told)
    assert desk.verbs == ["acquire", "find", "release"]


async def test_outside_nothing_is_held(desk: Desk, arm: AsyncLabstow) -> None:
    guard = arm.lock(PLATE)
    with pytest.raises(LeaseLost):
        await guard.ask(Find())
    await work(guard, lambda held: held.ask(Find()))
    assert guard.lost
    with pytest.raises(LeaseLost, match="released"):
        await guard.ask(Find())
    assert desk.verbs == ["acquire", "find", "release"]


async def test_without_renewal_nobody_is_interrupted_but_told_at_the_end(desk: Desk, arm: AsyncLabstow) -> None:
    desk.says("lock.acquire", granted(1))
    done: list[str] = []

    async def slow(held: Guard) -> None:
        await until(lambda: held.lost)
        done.append("to the end")

    with pytest.raises(LeaseLost):
        await work(arm.lock(PLATE, renew=False), slow)
    assert done
    assert desk.verbs == ["acquire", "release"]


async def test_who_learns_at_the_end_that_the_lease_was_lost_is_told(desk: Desk, arm: AsyncLabstow) -> None:
    """Others may have changed things between what he did: he cannot go on as if he had been alone."""
    desk.says("lock.release", BROKEN)
    with pytest.raises(LeaseLost, match="broken"):
        async with arm.lock(PLATE):
            pass


async def test_what_the_holder_raises_goes_before(desk: Desk, arm: AsyncLabstow) -> None:
    desk.says("lock.release", BROKEN)
    with pytest.raises(ZeroDivisionError):
        async with arm.lock(PLATE):
            raise ZeroDivisionError
    assert desk.verbs == ["acquire", "release"]


async def test_who_does_not_let_himself_be_interrupted_is_told_at_the_end(desk: Desk, arm: AsyncLabstow) -> None:
    desk.says("lock.acquire", granted(0.6))
    desk.says("lock.renew", BROKEN)

    async def stubborn(_: Guard) -> None:
        try:
            await forever()
        except asyncio.CancelledError:
            await asyncio.sleep(0)

    with pytest.raises(LeaseLost, match="broken"):
        await work(arm.lock(PLATE), stubborn)
    task = asyncio.current_task()
    assert task
    assert not task.cancelling()
    await asyncio.sleep(0)  # it can be waited again


async def test_somebody_elses_cancellation_stays_one(desk: Desk, arm: AsyncLabstow) -> None:
    worker = asyncio.create_task(work(arm.lock(PLATE)))
    await until(lambda: bool(desk.asked))
    worker.cancel()
    await asyncio.wait({worker})
    assert worker.cancelled()
    assert desk.verbs == ["acquire", "release"]


async def test_somebody_elses_cancellation_goes_before_the_loss(desk: Desk, arm: AsyncLabstow) -> None:
    """Both at once: whoever cancels a task wants it to end."""
    desk.says("lock.acquire", granted(0.6))
    desk.says("lock.renew", BROKEN)
    interrupted = asyncio.Event()

    async def slow_to_end(_: Guard) -> None:
        try:
            await forever()
        finally:
            interrupted.set()
            await forever()

    worker = asyncio.create_task(work(arm.lock(PLATE), slow_to_end))
    await interrupted.wait()
    worker.cancel()
    await asyncio.wait({worker})
    assert worker.cancelled()


async def limited(guard: Guard, seconds: float, *, inside: bool) -> None:
    """Work for ever with a time limit, inside or outside of a guard."""
    if inside:
        async with guard, asyncio.timeout(seconds):
            await forever()
    async with asyncio.timeout(seconds), guard:
        await forever()


@pytest.mark.parametrize("inside", [False, True])
async def test_a_time_limit_is_one_inside_and_outside(desk: Desk, arm: AsyncLabstow, inside: bool) -> None:
    with pytest.raises(TimeoutError):
        await limited(arm.lock(PLATE), 0.1, inside=inside)
    assert desk.verbs == ["acquire", "release"]


@pytest.mark.parametrize("inside", [False, True])
async def test_a_loss_is_one_within_a_time_limit_and_around_one(desk: Desk, arm: AsyncLabstow, inside: bool) -> None:
    desk.says("lock.acquire", granted(0.6))
    desk.says("lock.renew", BROKEN)
    with pytest.raises(LeaseLost):
        await limited(arm.lock(PLATE), 5, inside=inside)


async def test_the_tasks_of_a_holder_are_interrupted_with_it(desk: Desk, arm: AsyncLabstow) -> None:
    desk.says("lock.acquire", granted(0.6))
    desk.says("lock.renew", BROKEN)
    ended: list[int] = []

    async def one(number: int) -> None:
        try:
            await forever()
        finally:
            ended.append(number)

    async def many(_: Guard) -> None:
        async with asyncio.TaskGroup() as group:
            for number in range(3):
                group.create_task(one(number))

    with pytest.raises(LeaseLost):
        await work(arm.lock(PLATE), many)
    assert sorted(ended) == [0, 1, 2]


async def test_a_guard_within_a_guard_is_left_when_the_outer_one_is_lost(desk: Desk, arm: AsyncLabstow) -> None:
    """And the loss of both is one loss, told by the outer one."""
    task = asyncio.current_task()
    assert task
    for renewed in (granted(), BROKEN):
        desk.says("lock.acquire", granted(0.6))
        desk.says("lock.renew", BROKEN, renewed)
        desk.asked.clear()
        outer, inner = arm.lock(NEST), arm.lock(PLATE)
        with pytest.raises(LeaseLost, match="broken"):
            async with outer:
                await work(inner)
        assert outer.lost
        assert desk.verbs.count("release") == 2
        assert not task.cancelling()


async def test_while_the_database_is_away_a_lease_is_left_to_expire(
    desk: Desk, arm: AsyncLabstow, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(claim_module, "GIVE_BACK", 0.2)
    desk.says("lock.release", AWAY)
    started = time.monotonic()
    async with arm.lock(PLATE):
        pass
    assert time.monotonic() - started < 1
    assert len(desk.heard("lock.release")) > 2
    (told,) = [record for record in caplog.records if record.levelno >= logging.WARNING]
    assert told.message.startswith(f"{PLATE}: the lock could not be given back, and is left to expire: ")


async def test_what_is_given_back_by_hand_is_lost(desk: Desk, arm: AsyncLabstow) -> None:
    desk.says("lock.acquire", granted(0.6))
    desk.says("lock.renew", LeaseLost(how="released"))

    async def impatient(held: Guard) -> None:
        await held.ask(Release(lease_id=held.lease_id))
        await forever()

    with pytest.raises(LeaseLost, match="released"):
        await work(arm.lock(PLATE), impatient)
