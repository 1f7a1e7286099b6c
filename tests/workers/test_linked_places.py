"""Names of one physical place, as a worker of transfers keeps and reads them."""

from datetime import datetime
from itertools import pairwise
from typing import Any

from labstow.contracts.capabilities import Capabilities
from labstow.contracts.lab_file import ApplyLab, ExportLab
from labstow.contracts.location import Detach, GetContents, GetLocation, ListLocations
from labstow.contracts.transfer import CheckTransfer, Configure, Errand
from tests.workers.calls import sql
from tests.workers.place_desk import Desk, PlaceWorker


def linking(*linked: list[str], **fields: Any) -> Configure:
    return Configure(capabilities=Capabilities.model_validate({"linked": linked, **fields}))


async def check(desk: Desk, thing: str, target: str) -> list[str]:
    """The codes of what stands in the way."""
    told = await desk.ask(CheckTransfer(errand=Errand(resource_id=thing, node="rail", target=target)))
    return [each["code"] for each in told["findings"]]


async def test_sixty_names_in_zones_are_no_contention(desk: Desk) -> None:
    """A chain of sixty names, each in a group by its name and by its id, and zones of sixty places with two names each.
    Seen to fail, `worker.contended`, where links are looked up one by one.
    """
    chain = [f"n{number}" for number in range(60)]
    zone = [f"z{number}" for number in range(60)]
    ids = {name: await desk.place(name) for name in (*chain, *zone, *(f"{name}.too" for name in zone))}
    linked = [[ids[one], other] for one, other in pairwise(chain)] + [[name, f"{name}.too"] for name in zone]
    await desk.ask(linking(*linked, exclusive=[["n7", *zone[:40]], [ids["n9"], *zone[40:]]]))
    await desk.place("home", thing := await desk.add())
    await desk.place("far", other := await desk.add())
    await desk.begin(thing, "n30")
    assert await check(desk, other, "n59") == ["target.reserved"]
    assert await check(desk, other, "z3.too") == await check(desk, other, "z59") == ["zone.busy"]


async def test_all_names_of_a_place_tell_the_same(desk: Desk, worker: PlaceWorker) -> None:
    """What is there, and what is under way there; what is there, as it was, by what was linked then."""
    nest = await desk.nest("a", "container")
    plate = await desk.add("grid", into=nest)
    for name in "bcd":
        await desk.place(name)
    await desk.place("far", other := await desk.add())

    async def contents(at: datetime | None = None) -> dict[str, str | None]:
        asked = {name: GetContents(location=name, as_of=at) for name in "abcd"}
        return {name: (await worker.ask(query))["resource_id"] for name, query in asked.items()}

    def clock() -> datetime:
        with sql(desk.url) as db:
            ((moment,),) = db.execute("select clock_timestamp()").fetchall()
        assert isinstance(moment, datetime)
        return moment

    moments = [(await contents(), clock())]
    await desk.ask(linking(["a", "b"], ["b", "c"], ["far", "d"], ["c", "nobody"], ["nobody", "d"]))
    moments.append((await contents(), clock()))
    begun = await desk.begin(other, nest)
    moments.append((await contents(), clock()))
    listed = (await worker.ask(ListLocations()))["locations"]
    for name in ("a", "b", "c", "d", "far"):
        found = await worker.ask(GetLocation(location=name))
        assert found["reservation"]["transfer_id"] == begun["transfer_id"]
        assert [each for each in listed if each["name"] == name] == [found]
    await desk.abort(begun)
    assert (await worker.ask(GetLocation(location="b")))["reservation"] is None
    await desk.ask(Detach(location="a"))
    moments.append((await contents(), clock()))
    nowhere = dict.fromkeys("abcd")
    assert [found for found, _ in moments] == [
        nowhere | {"a": nest},
        {"a": nest, "b": nest, "c": nest, "d": other},
        {"a": nest, "b": nest, "c": nest, "d": None},
        nowhere | {"d": other},
    ]
    for found, moment in moments:
        assert await contents(moment) == found
    assert (await worker.ask(GetContents(location="c", as_of=moments[1][1])))["descendant_ids"] == {nest: [plate]}


async def test_a_lab_file_tells_the_version_that_is_read_afterwards(desk: Desk, worker: PlaceWorker) -> None:
    """Whatever it brings: places, capabilities, templates of places; and where it only notes what it says."""
    place, skills = {"location_name": "a"}, {"transfer_capabilities": {"linked": [["a", "b"]]}}
    for places in (
        {"representation_templates": [{"name": "reach"}], "location_templates": [{"name": "slot"}]},
        {"locations": [place]},
        {"locations": [{**place, "description": "here"}]},
        {"locations": [{**place, "description": "here", "managed_by": "lab"}]},
        skills,
        skills,
        {"location_templates": [{"name": "shelf"}], **skills},
        {},
    ):
        for dry_run in (True, False):
            told = await desk.ask(ApplyLab.model_validate({"places": places, "dry_run": dry_run}))
            assert told["lab_version"] == (await worker.ask(ExportLab()))["lab_version"], (places, dry_run)
