"""Setting up the stream of events."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import nats
import pytest
from nats.aio.client import Client
from nats.js import JetStreamContext
from nats.js.api import StoreCompression
from nats.js.errors import ServerError

from labstow.contracts.subjects import EVENT_STREAM
from labstow.contracts.ulids import new_ulid
from labstow.infra.embedded.nats import NatsServer
from labstow.workers.kit import stream
from labstow.workers.kit.outbox import Outgoing


@pytest.fixture
async def client(server: NatsServer) -> AsyncIterator[Client]:
    connected = await nats.connect(server.url)
    yield connected
    if EVENT_STREAM in [info.config.name for info in await connected.jetstream().streams_info()]:
        await connected.jetstream().delete_stream(EVENT_STREAM)
    await connected.close()


@pytest.fixture
def js(client: Client) -> JetStreamContext:
    return client.jetstream()


async def test_however_many_provision_at_once_there_is_one_stream(server: NatsServer, js: JetStreamContext) -> None:
    await asyncio.gather(*(stream.provision(server.url) for _ in range(8)))
    config = (await js.stream_info(EVENT_STREAM)).config
    assert config.subjects == ["labstow.evt.>"]
    assert (config.max_age, config.max_msgs, config.max_bytes) == (0, -1, -1)
    assert (config.duplicate_window, config.num_replicas) == (600, 1)
    assert (config.allow_atomic, config.allow_direct, config.deny_delete) == (True, True, True)
    assert config.compression == StoreCompression.S2


async def test_provisioning_keeps_events_and_corrects_settings(server: NatsServer, js: JetStreamContext) -> None:
    await js.add_stream(name=EVENT_STREAM, subjects=["labstow.evt.resource.>"], max_age=3600)
    await js.publish("labstow.evt.resource.added.X", b"{}")
    await stream.provision(server.url)
    info = await js.stream_info(EVENT_STREAM)
    assert (info.config.subjects, info.config.max_age, info.state.messages) == (["labstow.evt.>"], 0, 1)


def batch(size: int) -> list[Outgoing]:
    at, subject = datetime.now(UTC), "labstow.evt.resource.added.X"
    return [Outgoing(number, new_ulid(), at, subject, b"{}") for number in range(size)]


@pytest.mark.parametrize("size", [1, 2, 500])
async def test_a_batch_is_stored_where_the_stream_ends_and_nowhere_else(
    server: NatsServer, client: Client, js: JetStreamContext, size: int
) -> None:
    """A refusal must never be taken for an acknowledgement: it carries a sequence as well. One of few events is stored
    only behind the one before it: seen to fail with each expecting a sequence, where a late batch got its end in.
    """
    await stream.provision(server.url)
    first = batch(3)
    assert await stream.store(client, first, after=0) == 3
    for wrong in (0, 2, 4):
        with pytest.raises(stream.NotStored, match="wrong last sequence") as refused:
            await stream.store(client, batch(size), after=wrong)
        assert refused.value.code == 10071
    with pytest.raises(stream.NotStored):
        await stream.store(client, [*batch(size - 1), first[0]], after=3)
    beginning = size - 1 if size <= stream.FEW else 0
    assert (await js.stream_info(EVENT_STREAM)).state.last_seq == 3 + beginning
    assert await stream.store(client, batch(size), after=3 + beginning) == 3 + beginning + size


async def test_no_event_can_be_deleted(server: NatsServer, js: JetStreamContext) -> None:
    await stream.provision(server.url)
    await js.publish("labstow.evt.resource.added.X", b"{}")
    with pytest.raises(ServerError, match="delete not permitted"):
        await js.delete_msg(EVENT_STREAM, 1)
