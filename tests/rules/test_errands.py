"""Transfers: where a thing is from the beginning of one to its end."""

from datetime import timedelta
from itertools import pairwise

import pytest

from labstow.contracts.location import RemoveLocation
from labstow.contracts.placing import Move, Pop
from labstow.contracts.resource import Add, Remove
from labstow.contracts.ulids import derived_ulid
from labstow.workers.lock.policy import Policy
from labstow.workers.transfer.resolve import NoteOverdue
from labstow.workers.transfer.transfer import gripper_of
from tests.rules.errand_room import ARM, RAIL, ErrandRoom
from tests.rules.errand_scene import Scene, refused
from tests.rules.lock_room import BOB
from tests.rules.room import Json, new


@pytest.fixture
def scene(errands: ErrandRoom) -> Scene:
    return Scene(errands)


def test_a_thing_is_where_it_was_then_in_the_gripper_then_where_it_was_to_go(scene: Scene) -> None:
    """I16: and nowhere else meanwhile; the lease is given back in the end."""
    lab, plate = scene.lab, scene.plate
    begun = lab.begin(plate, "deck", purpose="reading")
    assert lab.where(plate) == (gripper_of(ARM), "0", None)
    assert (lab.inside(scene.rack), lab.gripper()) == ({}, [plate])
    assert begun["tokens"] == {plate: 1, scene.slot: 1}
    assert {lab.lease(each).purpose for each in (plate, scene.slot)} == {"reading"}
    assert begun["source"] == {"container_id": scene.rack, "position": "x", "location_id": lab.location("home").id}
    assert lab.complete(begun)["left_at"] == begun["target"]
    assert (lab.where(plate), lab.gripper()) == ((scene.slot, "0", None), [])
    assert not [each for each in (plate, scene.slot) if lab.lease(each).held]
    whats = [(entry["noun"], entry["what"], entry.get("token")) for entry in lab.history(plate)]
    assert whats[1:] == [
        ("lock", "granted", 1),
        ("resource", "moved", 1),
        ("resource", "moved", 1),
        ("lock", "released", 1),
    ]


def test_a_place_with_nothing_takes_the_thing_itself(scene: Scene) -> None:
    """I46: it is attached there, and no longer where it was; a bare place is empty while its thing is carried."""
    lab, plate = scene.lab, scene.plate
    assert lab.complete(lab.begin(plate, "bench"))["left_at"]["location_id"] == lab.location("bench").id
    assert lab.where(plate) == (None, None, "bench")
    lab.place("shelf")
    begun = lab.begin(plate, "shelf")
    assert begun["source"] == {"container_id": None, "position": None, "location_id": lab.location("bench").id}
    assert lab.where(plate) == (gripper_of(ARM), "0", None)
    lab.complete(begun)
    assert lab.where(plate) == (None, None, "shelf")
    lab.complete(lab.begin(plate, scene.rack))
    assert (lab.where(plate)[0], lab.location("shelf").resource_id) == (scene.rack, None)


def test_the_first_free_position_is_taken(scene: Scene) -> None:
    """By rows, then columns, then layers; where all are taken there is none."""
    lab = scene.lab
    sizes = {
        "row": {"columns": 3},
        "grid": {"rows": 2, "columns": 2},
        "voxel_grid": {"rows": 1, "columns": 2, "layers": 2},
    }
    order = {"row": ["1", "2", "3"], "grid": ["A1", "A2", "B1", "B2"], "voxel_grid": ["A1:1", "A2:1", "A1:2", "A2:2"]}
    for kind, size in sizes.items():
        box = scene.thing(kind, at=kind, **size)
        second = order[kind][1]
        lab.add(into=box, position=second)
        for expected in (each for each in order[kind] if each != second):
            begun = lab.begin(lab.add(into=scene.rack), kind)
            assert begun["target"]["position"] == expected
            lab.complete(begun)
        assert lab.check(lab.add(into=scene.rack), kind) == ["target.container.full"]


def test_where_it_really_is_can_be_another_position_in_the_target(scene: Scene) -> None:
    lab, tube = scene.lab, scene.lab.add(into=scene.rack)
    scene.thing("grid", at="block")
    begun = lab.begin(tube, "block", position="A1")
    assert lab.complete(begun, position=[2, 2])["left_at"]["position"] == "C3"
    begun = lab.begin(tube, "block", position="A1")  # within one thing, too
    assert lab.complete(begun)["left_at"]["position"] == "A1"


def test_a_full_plate_is_carried_with_all_that_is_in_it(scene: Scene) -> None:
    """I13, I14: into a stack and out again; not with more levels than there may be."""
    lab = scene.lab
    tube = lab.add(into=scene.plate, position="A1")
    scene.thing("stack", at="hotel")
    lab.complete(lab.begin(scene.plate, "hotel"))
    assert lab.where(tube)[0] == scene.plate
    inner = deep = lab.add("container", name="top")
    for _ in range(31):
        inner = lab.add("container", inner)
    lab.place("tower", deep)
    assert lab.check(deep, "bench") == ["begin.container.too_deep"]


@pytest.mark.parametrize("left", ["source", "gripper", "nowhere", "elsewhere"])
def test_where_it_was_left_is_where_it_is(scene: Scene, left: str) -> None:
    """I16: back at its place in its container, in the gripper, out of everything, or in something else."""
    lab, plate = scene.lab, scene.plate
    begun = lab.begin(plate, "deck")
    where: Json = {"left": left} if left != "elsewhere" else {"left": None, "container_id": scene.slot}
    over = lab.abort(begun, **where)
    home, deck = lab.location("home").id, lab.location("deck").id
    there, location = {
        "source": ((scene.rack, "x", None), home),
        "gripper": ((gripper_of(ARM), "0", None), None),
        "nowhere": ((None, None, None), None),
        "elsewhere": ((scene.slot, "0", None), deck),
    }[left]
    assert lab.where(plate) == there
    assert over["left_at"] == {"container_id": there[0], "position": there[1], "location_id": location}
    assert not [each for each in (plate, scene.slot) if lab.lease(each).held]
    if left == "gripper":  # it can go on from there
        lab.complete(lab.begin(plate, "deck"))
        assert lab.where(plate)[0] == scene.slot


@pytest.mark.parametrize("kind", ["stack", "queue"])
def test_what_is_put_back_into_a_line_has_its_old_place_in_it(scene: Scene, kind: str) -> None:
    """I19: before what stood behind it, and before what came meanwhile."""
    lab, line = scene.lab, scene.thing(kind, at="hotel")
    things = [lab.add(into=line) for _ in range(3)]
    for thing in (things[1], things[0], things[2]):
        begun = lab.begin(thing, "deck", node=RAIL)
        things.append(lab.add(into=line))
        assert begun["source"]["order"] == lab.lab.transfers[begun["transfer_id"]].source["order"]
        lab.abort(begun)
        assert sorted(things, key=lambda each: lab.thing(each).order_seq or 0) == things
    for thing in things if kind == "queue" else reversed(things):
        assert lab.ask(Pop(container_id=line))["resource"]["resource_id"] == thing


def test_what_was_attached_is_attached_again(scene: Scene) -> None:
    """To a bare place; and where it was in something besides, both. What had the place meanwhile keeps it."""
    lab, rack = scene.lab, scene.rack
    lab.abort(lab.begin(rack, "bench"))
    assert lab.where(rack) == (None, None, "home")
    lab.detach("home")
    lab.ask(Move(resource_id=rack, container_id=(room := lab.add("container", name="room"))))
    lab.attach("home", rack)
    begun = lab.begin(rack, "bench")
    assert begun["source"]["attached"]
    assert lab.where(rack) == (gripper_of(ARM), "0", None)
    assert lab.abort(begun)["left_at"] == {
        "container_id": room,
        "position": None,
        "location_id": lab.location("home").id,
    }
    assert lab.where(rack) == (room, None, "home")
    begun = lab.begin(rack, "bench")
    lab.attach("home", lab.add())
    assert refused(lab.abort, begun) == "location.occupied"
    lab.abort(begun, "nowhere")


def test_only_who_began_it_completes_it_and_others_abort_it_with_a_reason(scene: Scene) -> None:
    lab = scene.lab
    begun = lab.begin(scene.plate, "deck")
    assert refused(lab.complete, begun, by=BOB) == refused(lab.abort, begun, by=BOB) == "lock.not_yours"
    assert refused(lab.abort, begun, by=BOB, reason=" ") == "lock.not_yours"
    over = lab.abort(begun, by=BOB, reason="the arm is stuck")
    assert (over["holder"], over["reason"]) == ("ada", "the arm is stuck")
    assert [entry["actor"] for entry in lab.history(scene.plate)][-1] == BOB
    assert lab.history(over["transfer_id"])[-1]["reason"] == "the arm is stuck"


@pytest.mark.parametrize("late", [False, True])
def test_who_aborts_what_another_began_may_present_leases_of_his_own(scene: Scene, late: bool) -> None:
    """I2, I4: they must be in force, and his, wherever it was left; they count besides the lease of the transfer, which
    is not his to present.
    """
    lab = scene.lab
    begun = lab.begin(scene.plate, "deck", due_s=30)
    own = lab.have(scene.rack, by=BOB, ttl_s=3600)
    over, others = lab.have(lab.add(), by=BOB, ttl_s=1), lab.have(lab.add(), ttl_s=3600)
    lab.later(31 if late else 2)
    stuck: Json = {"by": BOB, "reason": "the arm is stuck"}
    for left in ("source", "gripper", "nowhere"):
        assert refused(lab.abort, begun, left, **stuck, leases=[own, over]) == "lock.lost"
        assert refused(lab.abort, begun, left, **stuck, leases=[own, others]) == "lock.not_yours"
    assert refused(lab.abort, begun, **stuck, leases=[begun["lease_id"]]) == "lock.not_yours"
    assert refused(lab.abort, begun, **stuck) == "resource.locked"
    lab.abort(begun, **stuck, leases=[own])
    assert lab.where(scene.plate) == (scene.rack, "x", None)
    assert (lab.lease(scene.rack).held, lab.lease(scene.slot).held) == (True, late)  # nobody noted yet that it is over


def test_what_the_holder_gave_back_early_hinders_no_end(scene: Scene) -> None:
    """Of the lease of a transfer: what is left of it counts, and the rest is as good as if it were over."""
    lab = scene.lab
    for end in (lab.complete, lab.abort):
        begun = lab.begin(scene.plate, "deck" if end == lab.complete else "home")
        lab.release(begun["lease_id"], begun["target"]["container_id"])
        end(begun)


def test_what_is_over_is_over(scene: Scene) -> None:
    lab = scene.lab
    done, given_up = lab.begin(scene.plate, "deck"), lab.begin(scene.rack, "bench", node=RAIL)
    lab.complete(done)
    lab.abort(given_up)
    lost = [done["lease_id"]]
    assert refused(lab.complete, done, leases=lost) == refused(lab.abort, done, leases=lost) == "transfer.over"
    for transfer in (done, given_up):
        assert refused(lab.complete, transfer) == refused(lab.abort, transfer) == "transfer.over"
    assert refused(lab.complete, {"transfer_id": scene.plate}) == "transfer.not_found"


def test_others_cannot_touch_what_is_carried_nor_where_it_goes(scene: Scene) -> None:
    """I2: as long as the lease is in force."""
    lab, plate = scene.lab, scene.plate
    begun = lab.begin(plate, "deck", due_s=60)
    out, into = Move(resource_id=plate, container_id=None), Move(resource_id=lab.add(), container_id=scene.slot)
    assert [lab.code(each, by=BOB) for each in (out, into)] == ["resource.locked"] * 2
    assert lab.code(Remove(resource_id=plate), by=BOB) == "resource.locked"
    assert lab.code(out, leases=[begun["lease_id"]]) == ""  # who has it may
    assert refused(lab.complete, begun) == "transfer.not_in_gripper"
    over = lab.abort(begun, "source")
    assert lab.where(plate) == (None, None, None)  # it is where it was put
    assert over["left_at"] == {"container_id": None, "position": None, "location_id": None}


def test_a_late_complete_is_fine_while_nobody_else_took_it(scene: Scene) -> None:
    """I4: the lease is over, and proves nothing; what somebody else holds does not change."""
    lab = scene.lab
    begun = lab.begin(scene.plate, "deck", due_s=1)
    lab.later(2)
    lab.complete(begun)
    assert lab.where(scene.plate)[0] == scene.slot
    for taken in ("thing", "target"):
        tube = lab.add(into=scene.plate, position="A1")
        begun = lab.begin(tube, scene.rack, due_s=1)
        lab.later(2)
        lease = lab.have(tube if taken == "thing" else scene.rack, by=BOB)
        assert refused(lab.complete, begun) == "resource.locked"
        assert lab.lab.transfers[begun["transfer_id"]].open
        lab.release(lease, by=BOB)
        lab.complete(begun)


def test_what_is_overdue_is_told_once(scene: Scene) -> None:
    lab = scene.lab
    begun = lab.begin(scene.plate, "deck", due_s=60)
    note = NoteOverdue(transfer_ids=(begun["transfer_id"],))
    lab.ask(note)
    lab.later(61)
    for _ in range(2):
        lab.ask(note)
    over = lab.complete(begun)
    assert [entry["what"] for entry in lab.history(over["transfer_id"])] == ["begun", "overdue", "completed"]
    lab.ask(note)
    assert over["overdue"]


def test_a_lease_that_is_presented_is_used_as_it_is(scene: Scene) -> None:
    """I2: on both, on one of them, or on the whole of what it is in; it stays after the transfer, and must be shown.

    The tokens are those of both, whichever lease is on them.
    """
    lab, plate = scene.lab, scene.plate
    both = lab.have(plate, scene.slot, ttl_s=3600)
    begun = lab.begin(plate, "deck", leases=[both])
    tokens = {each: lab.lease(each).token for each in (plate, scene.slot)}
    assert (begun["lease_id"], begun["tokens"]) == (None, tokens)
    assert refused(lab.complete, begun) == "resource.locked"
    lab.complete(begun, leases=[both])
    assert lab.lease(plate).held
    begun = lab.begin(plate, scene.rack, leases=[both])
    assert begun["tokens"] == {plate: tokens[plate], scene.rack: lab.lease(scene.rack).token}
    lab.complete(begun, leases=[both])
    assert (lab.lease(plate).held, lab.lease(scene.rack).held) == (True, False)
    lab.release(both)
    whole = lab.have(scene.rack, ttl_s=3600, scope="subtree")
    begun = lab.begin(plate, "deck", leases=[whole])
    assert begun["tokens"].keys() == {plate, scene.slot}
    lab.complete(begun, leases=[whole])


def test_a_lease_that_is_lost_proves_nothing(scene: Scene) -> None:
    """I4: refused also where everything is free, and where the thing is in the gripper already."""
    lab = scene.lab
    over, others = lab.have(lab.add(), ttl_s=1), lab.have(lab.add(), by=BOB)
    lab.later(2)
    for lease, code in ((over, "lock.lost"), (others, "lock.not_yours")):
        assert refused(lab.begin, scene.plate, "deck", leases=[lease]) == code
        assert lab.check(scene.plate, "deck", leases=[lease]) == [f"begin.{code}"]
    lab.abort(lab.begin(scene.plate, "deck"), "gripper")
    assert refused(lab.begin, scene.plate, "deck", leases=[over]) == "lock.lost"


def test_what_is_changed_under_a_lease_only_is_carried_under_that_of_the_transfer(scene: Scene) -> None:
    lab = scene.lab
    tube = lab.add(resource_class="plate")
    lab.place("shelf", tube)
    lab.lab.policies = {"plate": Policy(require_lease=True)}
    assert lab.check(tube, "deck") == []
    lab.complete(lab.begin(tube, "deck"))
    assert lab.where(tube)[0] == scene.slot


@pytest.mark.parametrize("own", [False, True])
@pytest.mark.parametrize("end", ["complete", "source", "gripper", "nowhere", "elsewhere"])
def test_what_is_changed_under_a_lease_only_is_carried_to_its_end_however_late(
    errands: ErrandRoom, end: str, own: bool
) -> None:
    """I4: what it goes into as well, whosever lease it was begun under, unless somebody else has them; nothing else is
    changed without a lease.
    """
    lab = errands
    dish, nest, other = (lab.add("slot", resource_class="plate") for _ in range(3))
    lab.place("shelf", dish)
    lab.lab.policies = {"plate": Policy(require_lease=True)}
    leases = [lab.have(dish, nest, ttl_s=1)] if own else []
    begun = lab.begin(dish, nest, due_s=1, leases=leases)
    lab.later(2)
    assert refused(lab.abort, begun, None, container_id=other) == "resource.lease_required"
    if end == "complete":
        lease = lab.have(nest, by=BOB)
        assert refused(lab.complete, begun) == "resource.locked"
        lab.release(lease, by=BOB)
        lab.complete(begun)
    elif end == "elsewhere":
        lab.abort(begun, None, by=BOB, reason="late", container_id=other, leases=[lab.have(other, by=BOB)])
    else:
        lab.abort(begun, end, by=BOB, reason="late")
    there = {"complete": nest, "gripper": gripper_of(ARM), "elsewhere": other}
    assert lab.where(dish)[0] == there.get(end)
    assert lab.open() == []


def test_the_lease_lasts_as_long_as_the_transfer_is_due(scene: Scene) -> None:
    """I2: nobody renews it, however long that is."""
    lab = scene.lab
    begun = lab.begin(scene.plate, "deck", due_s=86_400)
    assert {lab.lease(each).expires_at for each in begun["tokens"]} == {lab.now + timedelta(days=1)}
    lab.later(86_399)
    out = Move(resource_id=scene.plate, container_id=None)
    assert lab.code(out, by=BOB) == "resource.locked"
    lab.complete(begun)


def test_linked_names_are_one_place(scene: Scene) -> None:
    """What is at one is at all of them: taken from there, and brought there, by who knows any of the names."""
    lab, plate = scene.lab, scene.plate
    lab.place("stop.1", representations={RAIL: 1})
    lab.place("deck.1", lab.add("slot"), representations={ARM: [0, 1]})
    lab.place("far", lab.add("slot"), representations={RAIL: 2})
    assert lab.check(plate, "stop.1") == ["target.not_taught"]
    lab.configure(linked=[["deck.1", "stop.1"]])
    begun = lab.begin(plate, "stop.1")
    assert begun["target"]["container_id"] == lab.location("deck.1").resource_id
    lab.complete(begun)
    assert lab.check(plate, "deck.1") == lab.check(plate, "stop.1") == ["target.is_source"]
    lab.complete(lab.begin(plate, "far", node=RAIL))
    assert lab.check(plate, "stop.1", node="cart") == ["source.not_taught", "target.not_taught"]


def test_a_location_at_which_a_transfer_is_under_way_stays(scene: Scene) -> None:
    lab = scene.lab
    begun = lab.begin(scene.rack, "bench")
    for name in ("home", "bench"):
        assert lab.code(RemoveLocation(location=name)) == "location.reserved"
    lab.complete(begun)
    assert lab.code(RemoveLocation(location="home")) == ""


def test_what_is_on_its_way_is_attached_nowhere_and_its_target_is_kept_for_it(scene: Scene) -> None:
    """I16, I46: by nobody, whatever leases are over; but by its transfer."""
    lab = scene.lab
    begun = lab.begin(scene.plate, "bench", due_s=1)
    lab.later(2)
    lab.place("shelf")
    assert refused(lab.attach, "shelf", scene.plate) == "resource.under_way"
    assert refused(lab.place, "new", scene.plate) == "resource.under_way"
    assert refused(lab.attach, "bench", lab.add()) == "location.reserved"
    lab.complete(begun)
    assert lab.where(scene.plate) == (None, None, "bench")


def test_what_was_attached_besides_is_not_attached_again_where_its_box_is_carried(scene: Scene) -> None:
    """I16: its box was taken away since."""
    lab = scene.lab
    lab.attach("bench", scene.plate)
    begun = lab.begin(scene.plate, "deck")
    lab.begin(scene.rack, scene.thing("container", at="cart"), node=RAIL, due_s=1)
    lab.later(2)
    assert refused(lab.abort, begun) == "resource.under_way"
    lab.abort(begun, "nowhere")


def test_what_is_deep_and_has_many_names_is_looked_up_in_few_rounds(scene: Scene) -> None:
    """A thing under thirty boxes, places of sixty names, and as many that exclude each other: a worker does not give up
    (see `errand_loading.MORE`). A name that no location has links nothing.
    """
    lab = scene.lab
    names = [f"n{number}" for number in range(60)]
    zone = [f"z{number}" for number in range(60)]
    for name in (*names, *zone):
        lab.place(name)
    chain = [*map(list, pairwise(names)), ["bench", "ghost"], ["ghost", "n0"]]
    lab.configure(linked=chain, exclusive=[["n7", *zone[:40]], ["n9", *zone[40:]]])
    tree = new(resource_id=(tube := derived_ulid("tube")))
    for _ in range(28):
        tree = new("container", children=(tree,))
    lab.ask(Add(resource=tree, parent_id=scene.rack))
    lab.attach("z3", tube)
    lab.detach("z3")
    begun = lab.begin(tube, "n30")
    assert lab.check(scene.plate, "n59", node=RAIL) == ["target.reserved"]
    assert lab.check(scene.plate, "z3", node=RAIL) == ["zone.busy"]
    assert lab.check(scene.plate, "bench", node=RAIL) == []
    assert refused(lab.attach, "n0", lab.add()) == "location.reserved"
    lab.complete(begun)
    assert lab.check(tube, "n59") == ["target.is_source"]
