"""What a caller can rely on when asking, and what becomes of a request that nobody answers."""

import asyncio
import time
from types import SimpleNamespace

import pytest
from nats.aio.msg import Msg
from nats.errors import NoRespondersError

from labstow.client import bus as bus_module
from labstow.client.bus import NOT_THIS_TRY, Bus, Reply
from labstow.contracts import headers
from labstow.contracts.errors import DeadlinePassed, NoWorker, OutcomeUnknown, RequestTooLarge
from labstow.contracts.ulids import new_ulid
from labstow.infra.embedded.nats import NatsServer
from tests.client.conftest import Serve
from tests.client.desk import Clock
from tests.client.until import until
from tests.servers import fresh_nats


async def test_an_answer_comes_back_as_it_is(quiet_nats: NatsServer, serve: Serve) -> None:
    await serve("test.echo", lambda message: Reply(200, message.data[::-1]))
    async with Bus(quiet_nats.url) as bus:
        assert await bus.ask("test.echo", b"abc") == Reply(200, b"cba")


async def test_a_refusal_is_an_answer_with_its_status_and_code(quiet_nats: NatsServer, serve: Serve) -> None:
    await serve("test.no", lambda _: Reply(409, b"{}", "position.occupied"))
    async with Bus(quiet_nats.url) as bus:
        assert await bus.ask("test.no", b"") == Reply(409, b"{}", "position.occupied")


async def test_nobody_there_is_said_soon(quiet_nats: NatsServer) -> None:
    async with Bus(quiet_nats.url) as bus:
        started = time.monotonic()
        with pytest.raises(NoWorker):
            await bus.ask("test.nobody", b"", patience=0.2)
        assert time.monotonic() - started < 1
        with pytest.raises(NoWorker):
            await bus.ask("test.nobody", b"", patience=0)


async def test_a_request_that_fits_into_no_message_is_refused(quiet_nats: NatsServer) -> None:
    async with Bus(quiet_nats.url) as bus:
        with pytest.raises(RequestTooLarge, match="9000000 bytes"):
            await bus.ask("test.large", b"x" * 9_000_000)


async def test_a_worker_that_appears_within_the_patience_is_asked(quiet_nats: NatsServer, serve: Serve) -> None:
    async with Bus(quiet_nats.url) as bus:
        asked = asyncio.create_task(bus.ask("test.late", b"", patience=5))
        await asyncio.sleep(0)
        await serve("test.late", lambda _: Reply(200, b"here"))
        assert (await asked).body == b"here"


async def test_what_is_not_answered_is_sent_again_as_the_same_operation_with_the_same_deadline(
    quiet_nats: NatsServer, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bus_module, "TRY", 0.1)
    tries: list[dict[str, str]] = []

    def deaf_at_first(message: Msg) -> Reply | None:
        tries.append(message.headers or {})
        return Reply(200, b"at last") if len(tries) == 3 else None

    await serve("test.deaf", deaf_at_first)
    async with Bus(quiet_nats.url) as bus:
        assert (await bus.ask("test.deaf", b"", {headers.ACTOR: "me"})).body == b"at last"
    assert len({tried[headers.OP_ID] for tried in tries}) == 1
    assert len({tried[headers.DEADLINE] for tried in tries}) == 1
    assert 0 < float(tries[0][headers.DEADLINE]) - time.time() <= 5
    assert tries[0][headers.ACTOR] == "me"


async def test_without_any_answer_the_outcome_is_unknown_and_the_operation_is_named(
    quiet_nats: NatsServer, serve: Serve
) -> None:
    await serve("test.silent", lambda _: None)
    op_id = new_ulid()
    async with Bus(quiet_nats.url) as bus:
        with pytest.raises(OutcomeUnknown, match=op_id) as refusal:
            await bus.ask("test.silent", b"", {headers.OP_ID: op_id}, budget=0.3)
    assert refusal.value.facts["op_id"] == op_id


@pytest.mark.parametrize("code", NOT_THIS_TRY)
async def test_a_refusal_of_this_try_alone_is_no_outcome_once_another_is_under_way(
    quiet_nats: NatsServer, serve: Serve, monkeypatch: pytest.MonkeyPatch, code: str
) -> None:
    monkeypatch.setattr(bus_module, "TRY", 0.1)
    replies: list[Reply | None] = [None, Reply(503, b"{}", code), Reply(503, b"{}", code), Reply(200, b"done")]
    verb = f"test.{code}"
    await serve(verb, lambda _: replies.pop(0))
    async with Bus(quiet_nats.url) as bus:
        assert await bus.ask(verb, b"") == Reply(200, b"done")
    assert replies == []


@pytest.mark.parametrize("code", NOT_THIS_TRY)
async def test_refused_to_the_end_after_a_try_without_an_answer_the_outcome_is_unknown(
    quiet_nats: NatsServer, serve: Serve, monkeypatch: pytest.MonkeyPatch, code: str
) -> None:
    monkeypatch.setattr(bus_module, "TRY", 0.1)
    tries: list[Msg] = []

    def refuse_later(message: Msg) -> Reply | None:
        tries.append(message)
        return Reply(503, b"{}", code) if len(tries) > 1 else None

    await serve(f"test.end.{code}", refuse_later)
    async with Bus(quiet_nats.url) as bus:
        with pytest.raises(OutcomeUnknown):
            await bus.ask(f"test.end.{code}", b"", budget=0.6)
    assert 2 < len(tries) < 12


@pytest.mark.parametrize("code", NOT_THIS_TRY - {DeadlinePassed.code})
async def test_what_is_away_for_a_moment_is_asked_again(quiet_nats: NatsServer, serve: Serve, code: str) -> None:
    """For as long as the caller is patient; then he is told what there is. Seen to fail: told at once."""
    away, verb = Reply(503, b"{}", code), f"test.away.{code}"
    replies = [away, away, Reply(200, b"back")]
    await serve(verb, lambda _: replies.pop(0) if replies else away)
    async with Bus(quiet_nats.url) as bus:
        assert await bus.ask(verb, b"") == Reply(200, b"back")
        assert await bus.ask(verb, b"", budget=0.5) == away
        replies += [away, Reply(200, b"back")]
        assert await bus.ask(verb, b"", patience=0) == away


async def test_any_other_refusal_is_the_outcome_and_so_is_one_of_the_first_try(
    quiet_nats: NatsServer, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bus_module, "TRY", 0.1)
    late, taken = Reply(504, b"{}", "deadline.passed"), Reply(409, b"{}", "resource.id_taken")
    later: list[Reply | None] = [None, taken]
    await serve("test.at_once", lambda _: late)
    await serve("test.taken", lambda _: later.pop(0))
    async with Bus(quiet_nats.url) as bus:
        assert await bus.ask("test.at_once", b"") == late
        assert await bus.ask("test.taken", b"") == taken


async def test_a_request_is_not_kept_for_a_server_that_is_away_and_the_connection_mends_itself() -> None:
    executed: list[bytes] = []
    with fresh_nats() as server:
        async with Bus(server.url) as bus, Bus(server.url) as worker:

            async def work(message: Msg) -> None:
                executed.append(message.data)
                await message.respond(b"done")

            await worker.nats.subscribe("labstow.v1.test.work", cb=work)
            assert (await bus.ask("test.work", b"before")).body == b"done"
            server.kill()
            await until(lambda: not bus.connected)
            with pytest.raises(NoWorker):
                await bus.ask("test.work", b"meanwhile", patience=0.1)
            await asyncio.to_thread(server.start)
            assert (await bus.ask("test.work", b"after", budget=10, patience=10)).body == b"done"
    assert executed == [b"before", b"after"]


async def test_a_bus_opens_before_its_server_is_there() -> None:
    with fresh_nats() as server:
        server.stop()
        bus = Bus(server.url)
        assert not await bus.open(patience=0.1)
        server.start()
        await until(lambda: bus.connected)
        await bus.close()


async def test_a_process_that_was_stopped_for_longer_than_its_budget_sends_nothing_more(
    quiet_nats: NatsServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Seen to fail with the time taken before the pause instead of behind it."""
    clock, sent = Clock(), 0

    async def nobody(*_: object) -> Msg:
        nonlocal sent
        sent += 1
        raise NoRespondersError

    async def stopped(_: float) -> None:
        clock.ahead += 10

    async with Bus(quiet_nats.url) as bus:
        with monkeypatch.context() as patch:
            patch.setattr(bus, "_send", nobody)
            patch.setattr(bus_module, "time", clock)
            patch.setattr(bus_module, "asyncio", SimpleNamespace(sleep=stopped))
            with pytest.raises(NoWorker):
                await bus.ask("test.work", b"", budget=5)
    assert sent == 1
