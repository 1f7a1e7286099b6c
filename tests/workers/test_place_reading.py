"""Reading places, as they are and as they were; and not taking a database that is away for an empty laboratory."""

from datetime import datetime, timedelta
from typing import Any, Final

from labstow.contracts.capabilities import Capabilities
from labstow.contracts.lab_file import ExportLab
from labstow.contracts.location import (
    AddLocation,
    Attach,
    Detach,
    GetContents,
    GetLocation,
    ListLocations,
    RemoveLocation,
    Represent,
    UpdateLocation,
)
from labstow.contracts.message import Request
from labstow.contracts.pattern import (
    CreateLocationTemplate,
    CreateRepresentationTemplate,
    GetLocationTemplate,
    GetRepresentationTemplate,
    ListLocationTemplates,
    ListRepresentationTemplates,
    RemoveRepresentationTemplate,
)
from labstow.contracts.placing import Move
from labstow.contracts.queries import Where
from labstow.contracts.resource import Add, NewResource
from labstow.contracts.transfer import (
    Configure,
    GetConfiguration,
    GetGraph,
    GetGraphPicture,
    GetTransfer,
    ListTransfers,
    PlanTransfer,
)
from labstow.contracts.ulids import derived_ulid, new_ulid
from tests.conftest import refusal, until
from tests.servers import Servers
from tests.workers import desk as readers
from tests.workers.calls import sql
from tests.workers.lease_desk import Json
from tests.workers.place_desk import Desk, PlaceWorker, beginning, place_worker


async def now(desk: Desk) -> datetime:
    """The clock of the database."""
    with sql(desk.url) as db:
        ((moment,),) = db.execute("select clock_timestamp()").fetchall()
    assert isinstance(moment, datetime)
    return moment


async def names(worker: PlaceWorker, **fields: Any) -> list[str]:
    told = await worker.ask(ListLocations.model_validate(fields))
    return [each["name"] for each in told["locations"]]


async def test_a_location_is_found_by_its_id_and_by_its_name(desk: Desk, worker: PlaceWorker) -> None:
    """Or by that one only which was meant; the sentences name what was looked for."""
    key = await desk.place("nest", description="of the arm", owner={"lab": "a"})
    found = await worker.ask(GetLocation(location="nest"))
    assert found["location_id"] == key
    for query in (
        GetLocation(location=key),
        GetLocation(location=key, by="id"),
        GetLocation(location="nest", by="name"),
    ):
        assert await worker.ask(query) == found
    moment = await now(desk)
    other = new_ulid()
    for query, sentence in (
        (GetLocation(location="moon"), "Location with name 'moon' not found"),
        (GetLocation(location=other), f"Location with ID '{other}' not found"),
        (GetLocation(location=key, by="name"), f"Location with name '{key}' not found"),
        (GetLocation(location="nest", by="id"), "Location with ID 'nest' not found"),
    ):
        for at in (None, moment):
            no = await refusal(worker.ask(query.model_copy(update={"as_of": at})))
            assert (no.code, no.detail) == ("location.not_found", sentence)


async def test_locations_are_listed_page_by_page_by_name(desk: Desk, worker: PlaceWorker) -> None:
    """Filters add up; now and at a moment in the same order, capitals first."""
    expected = sorted(["b", "B", "a.1", "a-2", "a_3", "Z", "c"])
    for name in expected:
        node: Json = {"representations": {"arm": None}} if name in "bBZ" else {}
        await desk.place(name, managed_by="node" if name in "BZ" else "lab", **node)
    moment = await now(desk)
    for at in (None, moment):
        assert await names(worker, as_of=at) == expected
        assert await names(worker, node="arm", as_of=at) == ["B", "Z", "b"]
        assert await names(worker, node="arm", managed_by="lab", as_of=at) == ["b"]
        assert await names(worker, node="rail", as_of=at) == []
        seen: list[str] = []
        page: Json = {"next": None}
        while page["next"] is not None or not seen:
            page = await worker.ask(ListLocations(limit=3, after=page["next"], as_of=at))
            seen += [each["name"] for each in page["locations"]]
        assert seen == expected


async def test_a_location_is_shown_as_it_was(desk: Desk, worker: PlaceWorker) -> None:
    """I36: under the name it had then, with what was attached and taught then; before that and afterwards, not at all.
    Who was about to bring something there is not told.
    """
    before = await now(desk)
    thing, key = await desk.add(), await desk.place("nest", representations={"arm": [1, None]})
    moments: list[tuple[datetime, Json]] = []
    for command in (
        Represent(location=key, node="arm", representation={"x": 1e22, "y": "µ"}),
        Attach(location=key, resource_id=thing),
        UpdateLocation.model_validate({"location": key, "changes": {"name": "tray", "allow_transfers": False}}),
        Detach(location=key),
        RemoveLocation(location=key),
    ):
        shown = await worker.ask(GetLocation(location=key))
        del shown["reservation"]
        moments.append((await now(desk), shown))
        await desk.ask(command)
    await desk.place("nest")  # another one, by the same name
    for moment, shown in moments:
        assert await worker.ask(GetLocation(location=key, as_of=moment)) == shown
        assert await worker.ask(GetLocation(location=shown["name"], as_of=moment)) == shown
        assert (await worker.ask(ListLocations(as_of=moment)))["locations"] == [shown]
        contents = await worker.ask(GetContents(location=shown["name"], as_of=moment))
        assert contents["resource_id"] == shown["resource_id"]
    for moment in (before, before - timedelta(days=400)):
        assert await worker.code(GetLocation(location=key, as_of=moment)) == "location.not_found"
        assert await names(worker, as_of=moment) == []
    assert await worker.code(GetLocation(location=key, as_of=await now(desk))) == "location.not_found"
    assert await worker.code(GetLocation(location=key)) == "location.not_found"
    assert await names(worker, as_of=await now(desk)) == ["nest"]


async def test_what_is_at_a_location_is_everything_in_what_is_attached(desk: Desk, worker: PlaceWorker) -> None:
    """With what that is in; as it is and as it was."""
    room = await desk.add("container", name="room")
    rack = await desk.add("container", into=room, name="rack")
    plate = await desk.add("grid", into=rack, name="plate")
    await desk.place("nest", rack)
    await desk.place("bench")
    first = await worker.ask(GetContents(location="nest"))
    assert (first["resource_id"], first["ancestor_ids"]) == (rack, [room])
    assert first["descendant_ids"] == {rack: [plate]}
    moment = await now(desk)
    tube = await desk.add(into=plate, position="A1")
    await desk.ask(Move(resource_id=rack, container_id=None))
    found = await worker.ask(GetContents(location="nest"))
    assert (found["ancestor_ids"], found["descendant_ids"]) == ([], {rack: [plate], plate: [tube]})
    assert await worker.ask(GetContents(location="nest", as_of=moment)) == first
    nothing = await worker.ask(GetContents(location="bench"))
    assert (nothing["resource_id"], nothing["ancestor_ids"], nothing["descendant_ids"]) == (None, [], {})
    assert await worker.code(GetContents(location="moon")) == "location.not_found"
    assert await worker.code(GetContents(location="nest", as_of=moment - timedelta(days=1))) == "location.not_found"


async def test_where_a_thing_is_names_the_nearest_location(desk: Desk, worker: PlaceWorker) -> None:
    """Of itself, or of what it is in; while it is carried there is none. The same as it was."""
    rack = await desk.nest("home", "container")
    plate = await desk.add("grid", into=rack, name="plate")
    tube = await desk.add(into=plate, position="A1")
    await desk.place("bench")
    async with readers.open_desk(desk.url) as asked:

        async def places(at: datetime | None = None) -> list[str | None]:
            told = [await asked.ask(Where(resource_id=each, as_of=at)) for each in (rack, plate, tube)]
            return [each["location"] for each in told]

        moments = [(await places(), await now(desk))]
        begun = await desk.begin(plate, "bench")
        moments.append((await places(), await now(desk)))
        await desk.complete(begun)
        moments.append((await places(), await now(desk)))
        await desk.ask(Detach(location="home"))
        moments.append((await places(), await now(desk)))
        assert [found for found, _ in moments] == [
            ["home", "home", "home"],
            ["home", None, None],
            ["home", "bench", "bench"],
            [None, "bench", "bench"],
        ]
        for found, moment in moments:
            assert await places(moment) == found


async def test_patterns_are_read_by_name_and_by_kind(desk: Desk, worker: PlaceWorker) -> None:
    reach = {"template": {"name": "Reach", "default_values": {"z": 1}, "tags": ["arm"], "label": "2.0"}}
    made = await desk.ask(CreateRepresentationTemplate.model_validate(reach))
    nest = {"template": {"name": "Nest", "representation_templates": {"arm": "Reach"}}}
    other = await desk.ask(CreateLocationTemplate.model_validate(nest))
    assert await worker.ask(GetRepresentationTemplate(name="Reach")) == made
    assert await worker.ask(GetLocationTemplate(name="Nest")) == other
    assert (await worker.ask(ListRepresentationTemplates()))["templates"] == [made]
    assert (await worker.ask(ListLocationTemplates()))["templates"] == [other]
    for missing in (GetRepresentationTemplate(name="Nest"), GetLocationTemplate(name="Reach")):
        assert await worker.code(missing) == "pattern.not_found"
    await desk.ask(RemoveRepresentationTemplate(name="Reach"))
    assert await worker.code(GetRepresentationTemplate(name="Reach")) == "pattern.not_found"
    assert (await worker.ask(ListRepresentationTemplates()))["templates"] == []


async def test_what_is_set_is_what_is_read(desk: Desk, worker: PlaceWorker) -> None:
    """With its version, 0 at first; who has not seen the newest does not change it."""
    assert (await worker.ask(GetConfiguration()))["version"] == 0
    arm = {"node_name": "arm", "action": "transfer", "cost_weight": "0.1"}
    capabilities = Capabilities.model_validate({"transfer_templates": [arm], "linked": [["a", "b"]]})
    set_ = await desk.ask(Configure(capabilities=capabilities, expected_version=0))
    found = await worker.ask(GetConfiguration())
    assert (found["version"], found["capabilities"]) == (1, set_["capabilities"])
    assert Capabilities.model_validate(found["capabilities"]) == capabilities
    assert await desk.told(Configure(capabilities=Capabilities(), expected_version=0)) == "version.stale"
    assert (await desk.ask(Configure(capabilities=capabilities)))["version"] == 1


ASKED: Final[list[Request[Any]]] = [
    GetLocation(location="home"),
    GetLocation(location="home", as_of=datetime.fromisoformat("2026-01-01T00:00:00Z")),
    ListLocations(),
    ListLocations(as_of=datetime.fromisoformat("2026-01-01T00:00:00Z")),
    GetContents(location="home"),
    GetTransfer(transfer_id=derived_ulid("none")),
    ListTransfers(),
    GetConfiguration(),
    ExportLab(),
    ListLocationTemplates(),
    GetRepresentationTemplate(name="Reach"),
    GetGraph(),
    GetGraphPicture(),
    PlanTransfer(source="home", target="home"),
    AddLocation.model_validate({"location": {"name": "new", "resource_template_name": "Nest"}}),
    Represent(location="home", node="arm", representation=1),
    beginning(derived_ulid("plate"), "home"),
]


async def test_a_database_that_is_away_is_no_empty_laboratory(servers: Servers, migrated: str) -> None:
    """I48: everything is answered 503 `storage.unavailable`; nothing is made instead, and all is there afterwards."""
    with servers.database(template=migrated) as url:
        desk = Desk(url)
        await desk.template("Nest")
        rack = await desk.nest("home", "container")
        plate = NewResource(resource_id=derived_ulid("plate"), name="plate")
        await desk.ask(Add(resource=plate, parent_id=rack))
        await desk.close()
        with sql(url) as db:
            before = db.execute("select count(*), max(seq) from journal").fetchone()
        async with place_worker(url) as worker:
            await worker.ask(GetGraph())  # which it keeps
            servers.postgres.kill()
            try:
                for request in ASKED:
                    no = await refusal(worker.ask(request))
                    assert (no.code, no.status) == ("storage.unavailable", 503), request
            finally:
                servers.postgres.start()

            async def answers() -> bool:
                return await worker.code(GetLocation(location="home")) == ""

            await until(answers, 20)
            assert await names(worker) == ["home"]
        with sql(url) as db:
            assert db.execute("select count(*), max(seq) from journal").fetchone() == before
            assert db.execute("select count(*) from resource").fetchone() == (2,)
