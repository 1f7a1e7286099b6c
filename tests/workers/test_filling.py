"""Answers to commands that come with everything in the things they show, for those who ask for it."""

from typing import Any

import orjson

from labstow.client import AsyncLabstow
from labstow.contracts import headers
from labstow.contracts.message import Command
from labstow.contracts.placing import Place, Pop, Push, Take
from labstow.contracts.quantities import SetQuantity
from labstow.contracts.queries import Get
from labstow.contracts.resource import Add, NewResource, Update

SAMPLE = NewResource(name="S", base_type="continuous_consumable", quantity=1)


async def told(client: AsyncLabstow, command: Command[Any], fill: str) -> Any:
    """The answer to a command, filled."""
    body = command.model_dump_json(exclude_unset=True).encode()
    reply = await client.bus.ask(command.subject, body, {headers.FILL: fill})
    return orjson.loads(reply.body)


async def read(client: AsyncLabstow, resource_id: str) -> Any:
    """A resource as `get` answers it."""
    return orjson.loads((await client.bus.ask(Get.subject, orjson.dumps({"resource_id": resource_id}))).body)


async def test_an_answer_comes_with_what_is_in_it_as_get_would_show_it(client: AsyncLabstow) -> None:
    plate = await client.ask(Add(resource=NewResource(name="P", base_type="grid", rows=2, columns=2)))
    for position in ("A1", "B2"):
        into = Place(container_id=plate.resource_id, resource=SAMPLE.model_copy(update={"position": position}))
        placement = await told(client, into, "container")
        assert placement["resource"]["position"] == position
        assert placement["container"] == await read(client, plate.resource_id)
    named = await told(client, Update(resource_id=plate.resource_id, changes={"description": "full"}), ".")
    assert named["description"] == "full"
    assert [child["position"] for child in named["children"]] == ["A1", "B2"]
    taken = await told(client, Take(container_id=plate.resource_id, position="A1"), "source")
    assert [child["position"] for child in taken["source"]["children"]] == ["B2"]


async def test_several_parts_may_be_filled(client: AsyncLabstow) -> None:
    box = NewResource(name="B", base_type="container", children=[SAMPLE])
    stack = await client.ask(Add(resource=NewResource(name="T", base_type="stack", children=[box, box])))
    popped = await told(client, Pop(container_id=stack.resource_id), "resource,source")
    assert [child["name"] for child in popped["resource"]["children"]] == ["S"]
    assert [child["children"][0]["name"] for child in popped["source"]["children"]] == ["S"]


async def test_what_holds_nothing_and_what_is_no_part_is_left_as_it_was(client: AsyncLabstow) -> None:
    sample = await client.ask(Add(resource=SAMPLE))
    assert "children" not in await told(client, SetQuantity(resource_id=sample.resource_id, quantity=2), ".")
    stack = await client.ask(Add(resource=NewResource(name="T", base_type="stack")))
    await told(client, Push(container_id=stack.resource_id, resource=SAMPLE), "container,nonsense,")
    popped = await told(client, Pop(container_id=stack.resource_id), "resource,source")
    assert "children" not in popped["source"]


async def test_a_repetition_is_answered_filled_too(client: AsyncLabstow) -> None:
    """The kept answer has no children: they are read anew, as they are by now."""
    stack = await client.ask(Add(resource=NewResource(name="T", base_type="stack")))
    command = Push(container_id=stack.resource_id, resource=SAMPLE).model_dump_json(exclude_unset=True).encode()
    heads = {headers.FILL: "container", headers.OP_ID: "only once"}
    replies = [(await client.bus.ask(Push.subject, command, heads)).body for _ in range(2)]
    assert len(orjson.loads(replies[0])["container"]["children"]) == 1
    assert replies[0] == replies[1]
