"""The stream of events: how it is set up, and how a batch gets into it, in order and only where it belongs."""

import asyncio
from typing import Final
from uuid import uuid4

import nats
import orjson
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.js import JetStreamContext, api
from nats.js.errors import BadRequestError, NotFoundError

from labstow.contracts import headers
from labstow.contracts.events import CONTENT_TYPE
from labstow.contracts.subjects import EVENT_STREAM, EVENTS
from labstow.workers.kit.outbox import Outgoing

DUPLICATE_WINDOW_S: Final = 600
ANSWER_S: Final = 5.0
ROOM_FOR_HEADERS: Final = 512

FEW: Final = 8
"""Up to so many events go one by one: the server stages an atomic batch in files of its own, which costs as much as
some single events, whatever the size (`python -m benchmarks.event_batches`)."""

NAME_TAKEN: Final = 10058


class NotStored(RuntimeError):
    """The server refused a batch, or the rest of it. `code` is the server's."""

    def __init__(self, code: int, sentence: str) -> None:
        super().__init__(f"the stream refused a batch: {sentence} ({code})")
        self.code = code


class TooLarge(RuntimeError):
    """The NATS server takes no message of this size; nothing was sent."""


async def provision(nats_url: str, *, replicas: int = 1) -> None:
    """Make the stream of events, or give the one that exists the settings of this version."""
    client = await nats.connect(nats_url.split(","), connect_timeout=5, max_reconnect_attempts=3)
    try:
        await ensure(client, replicas=replicas)
    finally:
        await client.close()


async def ensure(client: Client, *, replicas: int = 1) -> None:
    """Do what `provision` does, on a connection that exists."""
    stream: JetStreamContext = client.jetstream()
    wanted = settings(replicas)
    try:
        await stream.update_stream(wanted)
    except NotFoundError:
        try:
            await stream.add_stream(wanted)
        except BadRequestError as refused:
            if refused.err_code != NAME_TAKEN:
                raise
            await stream.update_stream(wanted)  # somebody was faster, with other settings


def settings(replicas: int = 1) -> api.StreamConfig:
    """Say how events are kept: all of them, for ever, and not one can be taken out."""
    return api.StreamConfig(
        name=EVENT_STREAM,
        description="One event per committed change; refilled from the journal when it is lost.",
        subjects=[f"{EVENTS}>"],
        retention=api.RetentionPolicy.LIMITS,
        storage=api.StorageType.FILE,
        discard=api.DiscardPolicy.OLD,
        max_age=0,
        num_replicas=replicas,
        duplicate_window=DUPLICATE_WINDOW_S,
        allow_atomic=True,
        allow_direct=True,
        deny_delete=True,
        compression=api.StoreCompression.S2,
    )


async def store(client: Client, batch: list[Outgoing], after: int) -> int:
    """Append the batch behind stream sequence `after`; answer the sequence of its last event.

    Whatever is stored of it is its beginning, in its order, right behind `after`; a large batch is stored whole or
    not at all.

    Raises:
        NotStored: the server said no, for example because the stream does not end at `after`.
        TooLarge: an event does not fit into a message.
        nats.errors.Error: no answer in time: it may be stored, may still become so, or never.
    """
    largest = max(batch, key=lambda event: len(event.payload))
    if len(largest.payload) + ROOM_FOR_HEADERS > client.max_payload:  # the server would close the connection
        raise TooLarge(
            f"event {largest.event_id} has {len(largest.payload)} bytes, the NATS server takes"
            f" {client.max_payload}: no event is published until its max_payload is raised to 8MB"
        )
    if len(batch) <= FEW:
        return await _one_by_one(client, batch, after)
    batch_id, size = uuid4().hex, len(batch)
    for number, event in enumerate(batch[:-1], 1):
        await client.publish(event.subject, event.payload, headers=_headers(event, batch_id, number, size, after))
    last = batch[-1]
    answer = await client.request(
        last.subject, last.payload, timeout=ANSWER_S, headers=_headers(last, batch_id, size, size, after)
    )
    _require(answer, after + size)
    return after + size


async def _one_by_one(client: Client, batch: list[Outgoing], after: int) -> int:
    """Store events of which each is accepted only behind the one before it: a refused one takes the rest with it."""
    behind = [{"Nats-Expected-Last-Sequence": str(after)}]
    behind += [{"Nats-Expected-Last-Msg-Id": event.event_id} for event in batch[:-1]]
    sent = [
        asyncio.create_task(
            client.request(event.subject, event.payload, timeout=ANSWER_S, headers=_about(event) | expected)
        )
        for event, expected in zip(batch, behind, strict=True)
    ]
    for number, answer in enumerate(await asyncio.gather(*sent), 1):
        _require(answer, after + number)
    return after + len(batch)


def _require(answer: Msg, sequence: int) -> None:
    outcome = orjson.loads(answer.data or b"{}")
    if error := outcome.get("error"):  # looked at first: a refusal has a sequence too, 0
        raise NotStored(error.get("err_code", 0), error.get("description", "no reason given"))
    if outcome.get("seq") != sequence:  # an event that is there already is acknowledged as a duplicate
        raise NotStored(0, f"it is acknowledged as {outcome}, where {sequence} was next")


def _about(event: Outgoing) -> dict[str, str]:
    return {headers.MESSAGE_ID: event.event_id, "content-type": CONTENT_TYPE}


def _headers(event: Outgoing, batch_id: str, number: int, size: int, after: int) -> dict[str, str]:
    written = _about(event) | {"Nats-Batch-Id": batch_id, "Nats-Batch-Sequence": str(number)}
    if number == 1:
        written["Nats-Expected-Last-Sequence"] = str(after)
    if number == size:
        written["Nats-Batch-Commit"] = "1"
    return written


async def event_ids(client: Client, first: int) -> list[str]:
    """The ids of all events from stream sequence `first` on.

    Raises:
        TimeoutError: they did not all arrive.
    """
    config = api.ConsumerConfig(
        deliver_policy=api.DeliverPolicy.BY_START_SEQUENCE, opt_start_seq=max(first, 1), headers_only=True,
        ack_policy=api.AckPolicy.NONE, mem_storage=True, num_replicas=1, inactive_threshold=30,
    )  # fmt: skip
    found: list[str] = []
    reader = await client.jetstream().pull_subscribe(f"{EVENTS}>", stream=EVENT_STREAM, config=config)
    try:
        waiting = (await reader.consumer_info()).num_pending or 0
        while waiting:
            messages = await reader.fetch(1_000, timeout=ANSWER_S)
            found += [(message.headers or {}).get(headers.MESSAGE_ID, "") for message in messages]
            last = messages[-1].metadata
            if last.sequence.consumer != len(found):  # what is missed here would be published again
                raise TimeoutError("some events got lost on their way here")
            waiting = last.num_pending
    finally:
        await reader.unsubscribe()
    return found
