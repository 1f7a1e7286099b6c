"""What we rely on of FastStream: a test here fails when a new version changes it."""

import asyncio

import nats
from faststream.nats import NatsRouter
from nats.aio.msg import Msg

from labstow.contracts.queries import Get
from labstow.workers.kit.broker import make_broker, register, withdraw
from labstow.workers.kit.intake import Endpoint, Intake
from labstow.workers.kit.lane import Lane
from tests.servers import Servers


class Taken(Intake):
    """Answers with what came."""

    async def take(self, endpoint: Endpoint, message: Msg) -> None:
        await message.respond(type(message).__name__.encode() + b" " + message.data)


async def test_messages_come_as_nats_delivers_them_and_are_answered_once(servers: Servers) -> None:
    """Seen to fail with `shortcut` removed: FastStream could not parse the body, and nobody was answered."""
    broker, router = make_broker(servers.nats.url, "test"), NatsRouter("labstow.v1.")
    lane = Lane(room=1)
    register(router, Endpoint(Get, "labstow.v1.test.get", "test", lambda _: lane), Taken(await broker.connect()))
    broker.include_router(router)
    await broker.start()
    client = await nats.connect(servers.nats.url)
    inbox = await client.subscribe(client.new_inbox())
    await client.publish("labstow.v1.test.get", b"{not json", reply=inbox.subject)
    assert (await inbox.next_msg(timeout=5)).data == b"Msg {not json"
    async with asyncio.timeout(10):
        await withdraw(broker, await broker.connect())
    await client.publish("labstow.v1.test.get", b"{}", reply=inbox.subject)
    after = await inbox.next_msg(timeout=5)
    assert (after.headers or {}).get("Status") == "503", "nobody serves it any more, and nothing else was answered"
    await client.close()
    await broker.stop()
