"""A thing is in one place: what is attached to a location is brought elsewhere only when it is detached."""

from collections.abc import AsyncIterator

import orjson
import psycopg
import pytest

from labstow.contracts.capabilities import Capabilities
from labstow.contracts.errors import Refusal
from labstow.contracts.history import QueryHistory
from labstow.contracts.location import Attach, Detach, GetContents, RemoveLocation
from labstow.contracts.pattern import CreateLocationTemplate, GetLocationTemplate
from labstow.contracts.placing import Move, Place, Push, Swap
from labstow.contracts.resource import Add, NewResource, Replace, Upsert
from labstow.contracts.transfer import Configure, PlanTransfer
from labstow.contracts.ulids import new_ulid
from labstow.workers.history import queries
from labstow.workers.history.entries import KnownEntries
from labstow.workers.kit.database import connect
from labstow.workers.kit.pipeline import Pipeline
from labstow.workers.lock.noun import LOCK
from labstow.workers.resource.noun import RESOURCE
from labstow.workers.template.noun import TEMPLATE
from labstow.workers.transfer.noun import TRANSFER
from tests.workers.auditor import audit
from tests.workers.place_desk import Desk, place_worker


@pytest.fixture
async def desk(postgres_url: str) -> AsyncIterator[Desk]:
    """A worker that is asked directly; in the end all is in order."""
    asked = Desk(postgres_url)
    yield asked
    await asked.close()
    with psycopg.connect(postgres_url) as connection:
        assert audit(connection) == []


async def test_what_is_attached_is_not_put_into_something_else(desk: Desk) -> None:
    """It would be at two places. Seen to fail, with all ways to put it there, without `refuse_attached`."""
    nest, box = await desk.add("slot"), await desk.add("container")
    plate, other = await desk.add("grid"), await desk.add("grid", into=await desk.add("stack"))
    await desk.place("bench", plate)
    node = NewResource(resource_id=plate)
    filled = {"resource_id": box, "base_type": "container", "children": [node]}
    for command in (
        Move(resource_id=plate, container_id=nest),
        Push(container_id=nest, resource=node),
        Place(container_id=box, resource=NewResource(resource_id=plate, position="a")),
        Swap(resource_id=plate, other_id=other),
        Swap(resource_id=other, other_id=plate),
        Upsert(resource=node, parent_id=box),
        Replace(resource=NewResource.model_validate(filled)),
        Add(resource=NewResource.model_validate({"name": "new", "base_type": "container", "children": [node]})),
    ):
        with pytest.raises(Refusal) as refused:
            await desk.ask(command)
        assert (refused.value.code, refused.value.facts["location"]) == ("resource.attached", "bench"), command
    await desk.ask(Detach(location="bench"))
    await desk.ask(Move(resource_id=plate, container_id=nest))


async def test_what_a_transfer_leads_to_stays_where_it_is(desk: Desk) -> None:
    """Seen to fail: the target was detached under way, and it arrived nowhere."""
    source, target = await desk.nest("source"), await desk.nest("target")
    plate = await desk.add("grid", into=source)
    begun = await desk.begin(plate, "target")
    for place in ("source", "target"):
        assert await desk.told(Detach(location=place), leases=[begun["lease_id"]]) == "location.reserved"
    await desk.complete(begun)
    await desk.ask(Detach(location="target"))
    assert await desk.told(Attach(location="source", resource_id=target)) == "location.occupied"


async def test_refusals_name_things_as_people_do(desk: Desk) -> None:
    await desk.place("deck", await desk.add("slot", name="nest 1"))
    for command in (RemoveLocation(location="deck"), Attach(location="deck", resource_id=await desk.add("slot"))):
        with pytest.raises(Refusal, match="location 'deck' has nest 1 attached: detach it first"):
            await desk.ask(command)


async def test_what_is_at_one_name_of_a_place_is_at_all_of_them(desk: Desk, postgres_url: str) -> None:
    linked = [["a", "b"], ["b", "c"]]
    nest = await desk.nest("a")
    plate = await desk.add("grid", into=nest)
    for name in ("b", "c", "d"):
        await desk.place(name)
    await desk.ask(Configure(capabilities=Capabilities.model_validate({"linked": linked})))
    async with place_worker(postgres_url) as worker:
        told = {name: await worker.ask(GetContents(location=name)) for name in "abcd"}
    assert [told[name]["descendant_ids"] for name in "abc"] == [{nest: [plate]}] * 3
    assert told["d"]["resource_id"] is None


async def test_a_plan_for_what_is_at_no_location_says_so(desk: Desk, postgres_url: str) -> None:
    plate = await desk.add("grid")
    await desk.place("deck")
    async with place_worker(postgres_url) as worker:
        assert await worker.code(PlanTransfer(resource_id=plate, target="deck")) == "resource.at_no_location"
        assert await worker.code(PlanTransfer(resource_id=new_ulid(), target="deck")) == "resource.not_found"


async def test_a_template_of_another_version_takes_the_place_of_the_one_that_is_there(
    desk: Desk, postgres_url: str
) -> None:
    """As nodes register them when they start: the same version changes nothing, another one is the next."""

    def init(label: str, description: str) -> CreateLocationTemplate:
        template = {"name": "slot", "label": label, "description": description}
        return CreateLocationTemplate.model_validate({"template": template, "init": True})

    first = await desk.ask(init("1.0.0", "first"))
    assert (await desk.ask(init("1.0.0", "again")))["description"] == "first"
    second = await desk.ask(init("1.1.0", "second"))
    assert (second["template_id"], second["version"]) == (first["template_id"], 2)
    async with place_worker(postgres_url) as worker:
        assert (await worker.ask(GetLocationTemplate(name="slot")))["description"] == "second"


async def test_the_history_of_a_place_is_found_by_its_id_alone(desk: Desk, postgres_url: str) -> None:
    """Seen to fail: nouns that came later were not looked through."""
    place = await desk.place("deck")
    database = Pipeline(await connect(postgres_url))
    told = orjson.loads(await queries.query(KnownEntries(), database, QueryHistory(entity_id=place)))
    await database.close()
    assert [(entry["noun"], entry["what"]) for entry in told["entries"]] == [("location", "added")]
    kinds = {kind.name for noun in (RESOURCE, LOCK, TEMPLATE, TRANSFER) for kind in noun.kinds.values()}
    assert kinds == set(queries.NOUNS)
