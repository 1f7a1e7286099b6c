"""The typed client says what it was told, no more, and understands every answer."""

import orjson
import pytest
from nats.aio.msg import Msg

from labstow.client import AsyncLabstow, Reply
from labstow.contracts import headers
from labstow.contracts.errors import NoWorker, Occupied, Refusal
from labstow.contracts.queries import Find, Page
from labstow.contracts.resource import Patch, Update
from labstow.contracts.ulids import new_ulid
from labstow.infra.embedded.nats import NatsServer
from tests.client.conftest import Serve

PLATE = "01M7ZQPSHVEFGKGX3AXV289NGE"


async def test_only_what_was_named_is_sent_and_the_answer_is_typed(quiet_nats: NatsServer, serve: Serve) -> None:
    seen: list[Msg] = []

    def find(message: Msg) -> Reply:
        seen.append(message)
        return Reply(200, b'{"resources": [], "next": null}')

    await serve("resource.find", find)
    async with AsyncLabstow(quiet_nats.url, actor="robot 7") as lab:
        assert await lab.ask(Find(name="P1")) == Page(resources=(), next=None, count=None)
    assert orjson.loads(seen[0].data) == {"name": "P1"}
    assert seen[0].headers
    assert seen[0].headers[headers.ACTOR] == "robot 7"


async def test_a_refusal_is_raised_as_what_it_is(quiet_nats: NatsServer, serve: Serve) -> None:
    problem = Occupied(name="P1", position="A1", occupant_id=PLATE).problem()
    await serve("resource.update", lambda _: Reply(409, orjson.dumps(problem), problem["code"]))
    request = Update(resource_id=PLATE, changes=Patch(description=None))
    async with AsyncLabstow(quiet_nats.url) as lab:
        with pytest.raises(Occupied, match="position A1 of P1 is occupied") as refusal:
            await lab.ask(request, op_id=new_ulid())
    assert refusal.value.facts["occupant_id"] == PLATE


async def test_a_refusal_of_a_later_version_is_still_a_refusal(quiet_nats: NatsServer, serve: Serve) -> None:
    problem = b'{"type": "urn:labstow:new", "code": "new", "status": 409, "detail": "no", "hint": 1}'
    await serve("resource.find", lambda _: Reply(409, problem, "new"))
    async with AsyncLabstow(quiet_nats.url) as lab:
        with pytest.raises(Refusal, match="no") as refusal:
            await lab.ask(Find())
    assert (refusal.value.code, refusal.value.status, refusal.value.facts) == ("new", 409, {"hint": 1})


async def test_a_wrong_address_is_said_at_once() -> None:
    with pytest.raises(NoWorker, match="no NATS server"):
        async with AsyncLabstow("nats://127.0.0.1:1"):
            pass
