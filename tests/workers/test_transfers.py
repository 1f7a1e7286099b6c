"""Transfers on a real Postgres, with a worker that serves: leases, who waits for them, what time brings, and plans."""

from collections.abc import AsyncIterator
from typing import Any

import psycopg
import pytest

from labstow.contracts.capabilities import Capabilities
from labstow.contracts.location import GetLocation, Represent
from labstow.contracts.lock import Acquire, Await, Break, Release, Renew
from labstow.contracts.placing import Move
from labstow.contracts.resource import Remove
from labstow.contracts.transfer import (
    CheckTransfer,
    CompleteTransfer,
    Configure,
    GetGraphPicture,
    GetTransfer,
    ListTransfers,
    PlanTransfer,
)
from labstow.contracts.ulids import new_ulid
from labstow.workers.lock.policy import Policy
from tests.conftest import refusal, until
from tests.locks.auditor_locks import audit_locks
from tests.servers import Servers
from tests.workers.auditor import audit
from tests.workers.calls import sql
from tests.workers.errand_order import audit_errands
from tests.workers.lease_desk import Json, lock_worker
from tests.workers.place_desk import Desk, PlaceWorker, beginning, place_worker


@pytest.fixture
async def desk(postgres_url: str) -> AsyncIterator[Desk]:
    """A desk; in the end all is in order."""
    one = Desk(postgres_url)
    yield one
    await one.close()
    with psycopg.connect(postgres_url) as connection:
        assert [*audit(connection), *audit_locks(connection), *audit_errands(connection)] == []


class Scene:
    """A plate in a rack at home, a nest on deck, a bench with nothing."""

    def __init__(self, rack: str, plate: str, nest: str) -> None:
        self.rack, self.plate, self.nest = rack, plate, nest


@pytest.fixture
async def at(desk: Desk) -> Scene:
    rack = await desk.nest("home", "container")
    plate = await desk.add("grid", into=rack, name="plate", position="x")
    nest = await desk.nest("deck")
    await desk.place("bench")
    return Scene(rack, plate, nest)


async def test_a_transfer_is_kept_from_its_beginning_to_its_end(desk: Desk, at: Scene, postgres_url: str) -> None:
    """I16, I35: what is answered is what is read, but for the lease; and each step is an entry and an event."""
    begun = await desk.begin(at.plate, "deck", purpose="reading", due_s=60)
    async with place_worker(postgres_url) as worker:
        shown = await worker.ask(GetTransfer(transfer_id=begun["transfer_id"]))
        assert shown == {name: value for name, value in begun.items() if name not in ("lease_id", "tokens")}
        for name in ("home", "deck"):
            place = await worker.ask(GetLocation(location=name))
            assert place["reservation"] == {
                "transfer_id": begun["transfer_id"],
                "owned_by": "ada",
                "created": begun["begun_at"],
                "expires": begun["due_at"],
            }
        done = await desk.complete(begun)
        assert await worker.ask(GetTransfer(transfer_id=begun["transfer_id"])) == done
        assert (await worker.ask(GetLocation(location="deck")))["reservation"] is None
        assert await worker.code(GetTransfer(transfer_id=new_ulid())) == "transfer.not_found"
    with sql(postgres_url) as db:
        entries = db.execute(
            "select noun, what, actor, token from journal"
            " where op_id = (select op_id from journal where what = 'begun') order by seq"
        ).fetchall()
        unpublished = db.execute("select count(*) from journal where seq not in (select seq from outbox)").fetchone()
    assert entries == [
        ("lock", "granted", "ada", 1),
        ("lock", "granted", "ada", 1),
        ("resource", "added", "ada", None),
        ("resource", "contents_changed", "ada", None),
        ("resource", "moved", "ada", 1),
        ("transfer", "begun", "ada", None),
    ]
    assert unpublished == (0,)


async def test_a_repetition_is_answered_as_the_first_time(desk: Desk, at: Scene) -> None:
    """I32, I33: with the lease, which nobody else is told."""
    op_id = new_ulid()
    first = await desk.ask(beginning(at.plate, "deck"), op_id=op_id)
    assert await desk.ask(beginning(at.plate, "deck"), op_id=op_id) == first
    assert (await refusal(desk.ask(beginning(at.plate, "bench"), op_id=op_id))).code == "operation.other_payload"
    done, complete = new_ulid(), CompleteTransfer(transfer_id=first["transfer_id"])
    over = await desk.ask(complete, op_id=done)
    assert await desk.ask(complete, op_id=done) == over
    assert await desk.told(complete) == "transfer.over"


async def test_the_leases_of_a_transfer_bind_and_are_given_back(desk: Desk, at: Scene) -> None:
    """I2: nobody touches what is carried, nor where it goes; who has the lease may, and may make it longer."""
    begun = await desk.begin(at.plate, "deck", due_s=60)
    assert begun["tokens"] == {at.plate: 1, at.nest: 1}
    out, into = Move(resource_id=at.plate, container_id=None), Move(resource_id=await desk.add(), container_id=at.nest)
    for command in (out, into, Remove(resource_id=at.plate)):
        assert await desk.told(command, "bob") == "resource.locked"
    assert await desk.told(Acquire(resource_ids=(at.plate,)), "bob") == "lock.held"
    renewed = await desk.ask(Renew(lease_id=begun["lease_id"], ttl_s=3600))
    assert renewed["tokens"] == begun["tokens"]
    await desk.complete(begun)
    assert await desk.told(Acquire(resource_ids=(at.plate, at.nest)), "bob") == ""


async def test_a_lease_that_was_broken_hinders_nobody(desk: Desk, at: Scene) -> None:
    """An operator breaks it; then whoever was told to look may put the thing elsewhere, and the transfer is aborted."""
    begun = await desk.begin(at.plate, "deck")
    await desk.ask(Break(resource_id=at.plate, reason="the arm is stuck"), "operator")
    await desk.ask(Move(resource_id=at.plate, container_id=at.nest), "operator")
    assert (await refusal(desk.complete(begun))).code == "transfer.not_in_gripper"
    over = await desk.abort(begun, "gripper", "operator", reason="taken out by hand")
    assert over["left_at"]["container_id"] == at.nest
    await desk.complete(await desk.begin(at.plate, at.rack))


async def test_a_lease_lasts_as_long_as_its_transfer_is_due(desk: Desk, at: Scene) -> None:
    """I2: for a day, if need be. Nobody renews it; who does says for how long from then, as with any lease."""
    begun = await desk.begin(at.plate, "deck", due_s=86_400)
    held = (await refusal(desk.ask(Acquire(resource_ids=(at.nest,)), "bob"))).facts
    assert 86_000_000 < held["expires_in_ms"] <= 86_400_000
    assert (await desk.ask(Renew(lease_id=begun["lease_id"])))["expires_in_ms"] > 86_000_000
    assert (await desk.ask(Renew(lease_id=begun["lease_id"], ttl_s=60)))["expires_in_ms"] <= 60_000
    await desk.complete(begun)


async def test_a_gripper_that_was_removed_comes_back(desk: Desk, at: Scene, postgres_url: str) -> None:
    """In the transaction that needs it, and as restored."""
    await desk.complete(begun := await desk.begin(at.plate, "deck"))
    gripper = begun["gripper_id"]
    await desk.ask(Remove(resource_id=gripper))
    await desk.complete(await desk.begin(at.plate, "bench"))
    with sql(postgres_url) as db:
        told = "select what from journal where entity_id = %s and noun = 'resource' order by version desc limit 3"
        whats = [what for (what,) in db.execute(told, [gripper])]
    assert whats == ["contents_changed", "restored", "removed"]


async def test_what_changes_under_a_lease_only_is_carried_to_its_end_when_it_is_late(
    postgres_url: str, desk: Desk, at: Scene
) -> None:
    """I4: the transfer stands for what it carries and for where that goes; an operator puts back what was begun with
    the lease of a source that needs one, with a lease of his own on that.
    """
    strict = Desk(postgres_url, {"gold": Policy(require_lease=True)})
    box = await desk.nest("vault", "container", resource_class="gold")
    nest = await desk.nest("safe", resource_class="gold")
    bar = await desk.add(into=box, resource_class="gold")
    put = await strict.have(box, bar)
    for end in ("abort", "complete"):
        begun = await strict.begin(bar, "safe", leases=[put], due_s=1)
        await strict.ask(Release(lease_id=put))
        await late(postgres_url)
        if end == "complete":
            await strict.complete(begun)
        else:
            stuck = {"by": "operator", "reason": "late"}
            assert (await refusal(strict.abort(begun, **stuck))).code == "resource.lease_required"
            own = await strict.have(box, by="operator")
            await strict.abort(begun, **stuck, leases=[own])
            await strict.ask(Release(lease_id=own), "operator")
            put = await strict.have(box, bar)
    await strict.close()
    with sql(postgres_url) as db:
        assert db.execute("select parent_id from resource where id = %s", [bar]).fetchone() == (nest,)


async def late(url: str) -> None:
    """Wait until every lease is over."""

    async def it_is() -> bool:
        with sql(url) as db:
            live = "select from lease where lease is not null and ended is null and expires_at > clock_timestamp()"
            return db.execute(live).fetchone() is None

    await until(it_is)


async def test_who_waits_for_the_target_is_woken_when_the_transfer_is_over(
    desk: Desk, at: Scene, postgres_url: str, servers: Servers
) -> None:
    """At once, over Redis: the transfer worker rings for what it gives back."""
    url = servers.redis.url
    async with lock_worker(postgres_url, url) as locks, place_worker(postgres_url, url) as places:
        await places.rings()
        begun = await places.ask(beginning(at.plate, "deck"))
        standing = await locks.put(Acquire(resource_ids=(at.nest,), wait_s=60), "bob")
        turn = locks.put(Await(ticket=standing["ticket"]), "bob", budget=8)
        await locks.kept(1)
        await places.ask(CompleteTransfer(transfer_id=begun["transfer_id"]))
        assert (await turn)["state"] == "granted"


async def test_what_is_overdue_can_be_completed_unless_somebody_has_the_target(
    desk: Desk, at: Scene, postgres_url: str
) -> None:
    """I4: that it is overdue is told once, by the sweepers, of which there are two."""
    async with place_worker(postgres_url) as worker, place_worker(postgres_url):
        begun = await worker.ask(beginning(at.plate, "deck", due_s=1))

        async def is_overdue() -> bool:
            return bool((await worker.ask(GetTransfer(transfer_id=begun["transfer_id"])))["overdue"])

        await until(is_overdue)
        lease = await desk.have(at.nest, by="bob")
        complete = CompleteTransfer(transfer_id=begun["transfer_id"])
        assert await worker.code(complete) == "resource.locked"
        await desk.ask(Release(lease_id=lease), "bob")
        assert (await worker.ask(complete))["overdue"]
    with sql(postgres_url) as db:
        told = db.execute("select what from journal where noun = 'transfer' order by seq").fetchall()
    assert told == [("begun",), ("overdue",), ("completed",)]


async def test_a_location_awaits_its_template(desk: Desk, postgres_url: str) -> None:
    """The sweeper makes the resource as soon as it is there. What cannot be made keeps nobody out: with more of those
    than are looked at together, the others are made all the same.
    """
    for number in range(70):
        await desk.place(f"bad-{number}", resource_template_name="Nest", resource_template_overrides={"rows": -1})
    await desk.place("deck", resource_template_name="nest", resource_template_overrides={"tip": "1 mL"})
    async with place_worker(postgres_url) as worker:
        assert (await worker.ask(GetLocation(location="deck")))["awaits_template"]
        await desk.template("Nest", resource={"base_type": "grid", "rows": 2, "columns": 2})

        async def is_there() -> bool:
            return (await worker.ask(GetLocation(location="deck")))["resource_id"] is not None

        await until(is_there, 20)
        found = await worker.ask(GetLocation(location="deck"))
        assert (found["awaits_template"], found["version"]) == (False, 2)
        assert (await worker.ask(GetLocation(location="bad-7")))["awaits_template"]
    with sql(postgres_url) as db:
        ((name, attributes),) = db.execute("select name, attributes from resource").fetchall()
    assert (name, attributes) == ("deck", {"tip": "1 mL"})


async def test_transfers_are_listed_newest_first(desk: Desk, at: Scene, postgres_url: str) -> None:
    """Filters add up, and pages leave out nothing."""
    begun = []
    for number in range(5):
        tube, slot = await desk.add(into=at.rack), await desk.add("slot")
        begun.append(await desk.begin(tube, slot, node=f"n{number}"))
    await desk.complete(begun[0])
    await desk.abort(begun[1])
    async with place_worker(postgres_url) as worker:

        async def listed(**fields: Any) -> list[str]:
            told = await worker.ask(ListTransfers.model_validate(fields))
            return [each["transfer_id"] for each in told["transfers"]]

        ids = sorted((each["transfer_id"] for each in begun), reverse=True)
        assert await listed() == ids
        assert sorted(await listed(state="begun")) == sorted(each["transfer_id"] for each in begun[2:])
        assert await listed(state="aborted") == [begun[1]["transfer_id"]]
        assert await listed(node="n0", state="completed") == [begun[0]["transfer_id"]]
        assert await listed(resource_id=begun[3]["resource_id"]) == [begun[3]["transfer_id"]]
        seen: list[str] = []
        page: Json = {"next": None}
        while page["next"] is not None or not seen:
            page = await worker.ask(ListTransfers(limit=2, before=page["next"]))
            seen += [each["transfer_id"] for each in page["transfers"]]
        assert seen == ids


@pytest.fixture
async def worker(desk: Desk, at: Scene, postgres_url: str) -> AsyncIterator[PlaceWorker]:
    """A worker who knows that the arm goes from home to deck and back."""
    can = {"transfer_templates": [{"node_name": "arm", "action": "transfer"}]}
    await desk.ask(Configure.model_validate({"capabilities": can}))
    for name in ("home", "deck"):
        await desk.ask(Represent(location=name, node="arm", representation=None))
    async with place_worker(postgres_url) as one:
        yield one


async def test_a_plan_is_for_what_is_where_it_says(desk: Desk, at: Scene, worker: PlaceWorker) -> None:
    """Bad input 16: at another name of the place, at any place that it is in, or at none at all."""
    await desk.place("home.too")
    await desk.ask(Configure(capabilities=Capabilities(linked=(("home", "home.too"),))))
    await desk.place("shelf", at.plate)
    tube = await desk.add(into=at.plate, position="A1", name="tube")
    for source in ("home", "home.too", "shelf"):
        assert await worker.code(PlanTransfer(source=source, resource_id=tube, target=source)) == ""
    loose = await desk.add()
    assert await worker.code(PlanTransfer(source="deck", resource_id=loose, target="deck")) == ""
    no = await refusal(worker.ask(PlanTransfer(source="deck", resource_id=tube, target="home")))
    assert (no.code, no.detail) == ("resource.not_at_source", "tube is at location 'shelf', not at 'deck'")
    assert await worker.code(PlanTransfer(source="deck", resource_id=new_ulid(), target="deck")) == "resource.not_found"
    await desk.ask(Remove(resource_id=loose))
    assert await worker.code(PlanTransfer(source="deck", resource_id=loose, target="deck")) == "resource.removed"


async def test_a_plan_for_what_is_in_a_gripper_says_what_to_do(desk: Desk, at: Scene, worker: PlaceWorker) -> None:
    """With what is in that, and whatever source is named."""
    tube = await desk.add(into=at.plate, position="A1")
    begun = await desk.begin(at.plate, "deck")
    ends: tuple[Json, ...] = ({"resource_id": tube}, {"resource_id": at.plate, "source": "home"})
    plans = [PlanTransfer.model_validate({**each, "target": "deck"}) for each in ends]
    for plan in (*plans, PlanTransfer(source="home", container_id=at.plate)):
        no = await refusal(worker.ask(plan))
        assert no.code == "resource.under_way"
        assert f"plate is in the gripper of arm: ada completes or aborts transfer {begun['transfer_id']}" in no.detail
    await desk.abort(begun, "gripper")
    for plan in plans:
        no = await refusal(worker.ask(plan))
        told = "plate is in the gripper of arm: begin a transfer with arm, or put it somewhere"
        assert (no.code, no.detail) == ("resource.in_gripper", told)
    await desk.complete(await desk.begin(at.plate, "deck"))
    assert await worker.code(plans[0].model_copy(update={"target": "home"})) == ""


async def test_why_nothing_of_a_class_takes_it_is_told(desk: Desk, at: Scene, worker: PlaceWorker) -> None:
    """That there is none, that all are full, or that nothing is brought there."""

    async def why() -> Json:
        no = await refusal(worker.ask(PlanTransfer(source="home", free_in_class="tray")))
        assert (no.code, no.facts["target"]) == ("transfer.no_path", "any tray with room")
        return {each["code"]: each["facts"] for each in no.facts["why_not"]}

    assert await why() == {"target.none": {"resource_class": "tray"}}
    await desk.place("vault", await desk.add("slot", resource_class="tray"), allow_transfers=False)
    assert await why() == {"target.no_transfers": {"resource_class": "tray", "locations": ["vault"]}}
    trays = [await desk.nest(f"tray-{number}", resource_class="tray") for number in range(2)]
    await desk.add(into=trays[0])
    await desk.begin(at.plate, "tray-1")
    full = {"resource_class": "tray", "locations": ["tray-0", "tray-1"]}
    assert await why() == {
        "target.full": full,
        "target.no_transfers": {"resource_class": "tray", "locations": ["vault"]},
    }


async def test_a_picture_says_that_there_is_no_way(worker: PlaceWorker) -> None:
    way = (await worker.ask(GetGraphPicture(source="home", target="deck")))["svg"]
    assert "no way" not in way
    none = (await worker.ask(GetGraphPicture(source="home", target="bench")))["svg"]
    assert "There is no way from home to bench." in none
    assert "target bench has no representations" in none


async def test_a_check_changes_nothing(desk: Desk, at: Scene, postgres_url: str) -> None:
    with sql(postgres_url) as db:
        before = db.execute("select count(*), max(seq) from journal").fetchone()
        for target in ("deck", "bench", at.rack, "home"):
            await desk.ask(CheckTransfer(errand=beginning(at.plate, target).errand))
        assert db.execute("select count(*), max(seq) from journal").fetchone() == before
        assert db.execute("select count(*) from operation").fetchone() == (0,)


async def test_zones_and_links_are_as_they_are_set(desk: Desk, at: Scene) -> None:
    await desk.place("deck.too")
    await desk.place("bench.too")
    await desk.ask(Configure(capabilities=Capabilities(linked=(("deck", "deck.too"),), exclusive=(("bench", "deck"),))))
    begun = await desk.begin(at.plate, "deck.too")
    assert begun["target"]["container_id"] == at.nest
    tube = await desk.add(into=at.rack)
    found = await refusal(desk.begin(tube, "bench", node="rail"))
    assert [each["code"] for each in found.facts["findings"]] == ["zone.busy"]
    await desk.begin(tube, "bench.too", node="rail")
    await desk.complete(begun)
