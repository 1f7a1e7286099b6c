"""Setting up the stream of events."""

import asyncio
from collections.abc import AsyncIterator, Iterator

import nats
import pytest
from nats.js import JetStreamContext
from nats.js.api import StoreCompression
from nats.js.errors import ServerError

from labstow.contracts.subjects import EVENT_STREAM
from labstow.infra.embedded.nats import NatsServer
from labstow.workers.kit import stream
from tests.servers import fresh_nats


@pytest.fixture(scope="module")
def server() -> Iterator[NatsServer]:
    with fresh_nats() as running:
        yield running


@pytest.fixture
async def js(server: NatsServer) -> AsyncIterator[JetStreamContext]:
    client = await nats.connect(server.url)
    yield client.jetstream()
    if EVENT_STREAM in [info.config.name for info in await client.jetstream().streams_info()]:
        await client.jetstream().delete_stream(EVENT_STREAM)
    await client.close()


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


async def test_no_event_can_be_deleted(server: NatsServer, js: JetStreamContext) -> None:
    await stream.provision(server.url)
    await js.publish("labstow.evt.resource.added.X", b"{}")
    with pytest.raises(ServerError, match="delete not permitted"):
        await js.delete_msg(EVENT_STREAM, 1)
