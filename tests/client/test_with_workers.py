"""The client with real workers: a command, its answer, and what everybody hears of it."""

import asyncio
from contextlib import aclosing
from datetime import UTC, datetime, timedelta

import pytest

from labstow.client import AsyncLabstow
from labstow.contracts.errors import NotFound, OtherPayload
from labstow.contracts.queries import Get
from labstow.contracts.resource import Add, NewResource, Patch, Remove, Update
from labstow.contracts.ulids import new_ulid

pytestmark = pytest.mark.system


async def test_a_life_is_heard_in_order_with_the_state_after_each_change(client: AsyncLabstow) -> None:
    started = datetime.now(UTC) - timedelta(seconds=1)
    added = await client.ask(Add(resource=NewResource(name="S1")))
    changed = await client.ask(Update(resource_id=added.resource_id, changes=Patch(attributes={"lot": 7})))
    await client.ask(Remove(resource_id=added.resource_id, reason="used up"))

    async with aclosing(client.events(entity_id=added.resource_id, since=started)) as heard, asyncio.timeout(20):
        lived = [(await anext(heard))[1] for _ in range(3)]
    assert [event.type for event in lived] == [
        f"labstow.resource.{what}.v1" for what in ("added", "updated", "removed")
    ]
    assert [event.version for event in lived] == [1, 2, 3]
    assert lived[1].data.state["attributes"] == changed.attributes
    assert (lived[2].actor, lived[2].reason) == ("tester", "used up")


async def test_asking_again_with_the_same_operation_id_answers_again_and_does_nothing(client: AsyncLabstow) -> None:
    op_id, request = new_ulid(), Add(resource=NewResource(name="once"))
    first = await client.ask(request, op_id=op_id)
    assert await client.ask(request, op_id=op_id) == first
    with pytest.raises(OtherPayload):
        await client.ask(Add(resource=NewResource(name="twice")), op_id=op_id)


async def test_what_is_not_there_is_a_refusal_with_its_id(client: AsyncLabstow) -> None:
    resource_id = new_ulid()
    with pytest.raises(NotFound) as refusal:
        await client.ask(Get(resource_id=resource_id))
    assert refusal.value.facts["resource_id"] == resource_id
