"""Who is there: heartbeats in Redis, which may be away, empty, silent, or full of what others wrote."""

import json
import os
import signal
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, Final

import pytest
import redis

from labstow.contracts.capabilities import Capabilities
from labstow.contracts.errors import Refusal
from labstow.contracts.location import GetLocation, Represent
from labstow.contracts.message import Request
from labstow.contracts.node import HeartBeat, ListNodes
from labstow.contracts.transfer import BeginTransfer, CheckTransfer, Configure, PlanTransfer
from labstow.infra.embedded.valkey import ValkeyServer
from labstow.workers.kit.intake import parse
from labstow.workers.transfer.presence import KEY
from tests.conftest import refusal, until
from tests.workers.place_desk import Desk, PlaceWorker, beginning, place_worker
from tests.workers.test_wake import Talk, admin, consent, impostor, noise, valkey

__all__ = ["admin", "valkey"]

UNKNOWN: Final = "node.presence_unknown"


class Scene:
    """A plate at home that can be brought to the deck by the arm; and the worker that is asked."""

    def __init__(self, worker: PlaceWorker, plate: str) -> None:
        self.worker, self.plate = worker, plate

    def begin(self, **fields: Any) -> BeginTransfer:
        return beginning(self.plate, "deck", **fields)

    def asking(self) -> list[Request[Any]]:
        """All that asks who is there."""
        check = CheckTransfer(errand=self.begin().errand, present=True)
        plan = PlanTransfer(resource_id=self.plate, target="deck", present=True)
        return [ListNodes(), HeartBeat(node="arm"), check, plan, self.begin(present=True)]

    async def there(self) -> list[str]:
        return [each["node"] for each in (await self.worker.ask(ListNodes()))["nodes"]]

    async def works(self) -> None:
        """Whoever does not ask who is there is not hindered."""
        await self.worker.ask(GetLocation(location="deck"))
        await self.worker.ask(Represent(location="deck", node="arm", representation=time.time()))
        assert (await self.worker.ask(CheckTransfer(errand=self.begin().errand)))["ok"]
        await self.worker.ask(PlanTransfer(resource_id=self.plate, target="deck"))


async def furnished(url: str) -> str:
    """The plate."""
    desk = Desk(url)
    rack = await desk.nest("home", "container")
    plate = await desk.add(into=rack, name="plate")
    await desk.nest("deck")
    for name in ("home", "deck"):
        await desk.ask(Represent(location=name, node="arm", representation=None))
    arm = {"node_name": "arm", "action": "transfer"}
    await desk.ask(Configure(capabilities=Capabilities.model_validate({"transfer_templates": [arm]})))
    await desk.close()
    return plate


@pytest.fixture
async def at(postgres_url: str, valkey: ValkeyServer) -> AsyncIterator[Scene]:
    plate = await furnished(postgres_url)
    async with place_worker(postgres_url, valkey.url) as worker:
        yield Scene(worker, plate)


async def test_a_node_is_there_as_long_as_it_is_heard(at: Scene) -> None:
    about = {"battery": 0.93, "firmware": None}
    beat = await at.worker.ask(HeartBeat(node="arm", for_s=60, about=about))
    await at.worker.ask(HeartBeat(node="Wagen µ", for_s=1))
    (arm, cart) = (await at.worker.ask(ListNodes()))["nodes"][::-1]
    assert arm == {"node": "arm", "until": beat["until"], "about": about}
    left = datetime.fromisoformat(arm["until"]) - datetime.now(UTC)
    assert timedelta(seconds=50) < left <= timedelta(seconds=61)
    assert cart["node"] == "Wagen µ"

    async def only_one() -> bool:
        return await at.there() == ["arm"]

    await until(only_one)
    await at.worker.ask(HeartBeat(node="arm", for_s=1, about={}))  # the last one counts

    async def nobody() -> bool:
        return await at.there() == []

    await until(nobody)


async def test_who_must_be_there_and_is_not_is_named(at: Scene) -> None:
    check = CheckTransfer(errand=at.begin().errand, present=True)
    found = await at.worker.ask(check)
    assert [each["code"] for each in found["findings"]] == ["node.absent"]
    hindered = await refusal(at.worker.ask(at.begin(present=True)))
    assert [each["code"] for each in hindered.facts["findings"]] == ["node.absent"]
    plan = PlanTransfer(resource_id=at.plate, target="deck", present=True)
    no_path = await refusal(at.worker.ask(plan))
    assert [each["code"] for each in no_path.facts["why_not"]] == ["node.absent"]
    await at.worker.ask(HeartBeat(node="arm"))
    assert (await at.worker.ask(check))["ok"]
    assert len((await at.worker.ask(plan))["ways"]) == 1
    await at.worker.ask(at.begin(present=True))


async def test_a_redis_that_is_away_hinders_those_who_ask_and_nobody_else(at: Scene, valkey: ValkeyServer) -> None:
    """I48: 503, never an empty list, nor an absent node; and when it is back, who is heard is there.

    Seen to fail where a Redis that is away counts as one that knows nobody.
    """
    await at.worker.ask(HeartBeat(node="arm"))
    valkey.kill()
    for request in at.asking():
        assert await at.worker.code(request) == UNKNOWN
    await at.works()
    valkey.start()

    async def answers() -> bool:
        return await at.worker.code(ListNodes()) == ""

    await until(answers)
    assert await at.there() == []  # it kept nothing
    for request in (HeartBeat(node="arm"), *at.asking()):
        assert await at.worker.code(request) == ""


async def test_a_redis_that_says_nothing_keeps_nobody_waiting(at: Scene, valkey: ValkeyServer) -> None:
    await at.worker.ask(HeartBeat(node="arm"))
    assert valkey.pid is not None
    os.kill(valkey.pid, signal.SIGSTOP)
    try:
        for request in at.asking()[::2]:
            started = time.monotonic()
            assert await at.worker.code(request) == UNKNOWN
            assert time.monotonic() - started < 5
        await at.works()
    finally:
        os.kill(valkey.pid, signal.SIGCONT)


async def test_emptying_redis_makes_nodes_absent_until_they_are_heard(at: Scene, admin: redis.Redis) -> None:
    await at.worker.ask(HeartBeat(node="arm"))
    admin.flushall()
    assert await at.there() == []
    await at.worker.ask(HeartBeat(node="arm"))
    assert await at.there() == ["arm"]


async def test_what_others_write_is_ignored(at: Scene, admin: redis.Redis) -> None:
    """Values of other types, no JSON, the wrong fields, somebody else's name, more levels than anybody reads."""
    soon = "2036-01-01T00:00:00Z"
    known = {"node": "x", "until": soon, "about": {}}
    texts: list[bytes] = [
        b"", b"null", b"[]", b"7", b"{", b"\xff\xfe\x00", b"[" * 200_000, b'{"a":' * 100_000,
        json.dumps(known | {"node": "another"}).encode(),
        json.dumps(known | {"until": "soon"}).encode(),
        json.dumps(known | {"about": {"a": "b" * 70_000}}).encode(),
        json.dumps(known)[:-1].encode() + b', "about": {"n": NaN}}',
        json.dumps({"node": "x"}).encode(),
        b'{"node": "\\ud800", "until": "2036-01-01T00:00:00Z", "about": {}}',
    ]  # fmt: skip
    for number, text in enumerate(texts):
        admin.set(f"{KEY}{'x' if number == len(texts) - 1 else number}", text)
    admin.set(KEY.encode() + b"\xff\xfe", json.dumps(known).encode())
    admin.set(KEY, json.dumps(known | {"node": ""}))
    admin.lpush(f"{KEY}list", "x")
    admin.hset(f"{KEY}hash", "node", "x")
    admin.sadd(f"{KEY}set", "x")
    await at.worker.ask(HeartBeat(node="arm"))
    assert await at.there() in (["arm"], ["", "arm"])
    for request in at.asking():
        assert await at.worker.code(request) == ""


@pytest.mark.parametrize(
    "talk",
    [
        consent,
        partial(noise, noise=b"HTTP/1.1 400 Bad Request\r\n\r\n"),
        partial(noise, noise=b"\xff\x00" * 5_000),
    ],
    ids=["consent", "http", "binary"],
)
async def test_what_is_not_redis_knows_nobody(postgres_url: str, talk: Talk) -> None:
    """I48: what it says is taken for no answer."""
    plate = await furnished(postgres_url)
    with impostor(talk) as url:
        async with place_worker(postgres_url, url) as worker:
            at = Scene(worker, plate)
            for request in (each for each in at.asking() if not isinstance(each, HeartBeat)):
                assert await at.worker.code(request) == UNKNOWN
            await at.works()


BEATS: Final[dict[str, bytes]] = {
    "no name": b"{}",
    "an empty name": b'{"node": ""}',
    "a path": b'{"node": "a/b"}',
    "a long name": b'{"node": "%b"}' % (b"x" * 256),
    "a name that cannot be shown": b'{"node": "a\\u0000"}',
    "half a character": b'{"node": "\\ud800"}',
    "no time": b'{"node": "a", "for_s": 0}',
    "for ever": b'{"node": "a", "for_s": 1e9}',
    "not a number": b'{"node": "a", "for_s": NaN}',
    "a text": b'{"node": "a", "for_s": "30"}',
    "too much to say": b'{"node": "a", "about": {"a": "%b"}}' % (b"x" * 70_000),
    "too deep": b'{"node": "a", "about": %b1%b}' % (b'{"a":' * 40, b"}" * 40),
    "nothing that can be kept": b'{"node": "a", "about": {"a": Infinity}}',
    "what nobody knows": b'{"node": "a", "battery": 1}',
    "no JSON": b"node",
}


@pytest.mark.parametrize("beat", BEATS)
def test_a_heartbeat_that_says_nothing_is_refused(beat: str) -> None:
    with pytest.raises(Refusal) as refused:
        parse(HeartBeat, BEATS[beat])
    assert refused.value.status in (400, 422)
