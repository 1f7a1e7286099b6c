"""Transfers: what stands in the way of one, and where a thing is from its beginning to its end."""

from collections.abc import Callable
from typing import Any, Final

import pytest

from labstow.contracts.errors import Refusal
from labstow.contracts.location import RemoveLocation
from labstow.contracts.lock import MAX_LEASES, Break
from labstow.contracts.place_errors import Hindered, PresenceUnknown
from labstow.contracts.placing import Move
from labstow.contracts.resource import Remove
from labstow.workers.lock.policy import Policy
from labstow.workers.transfer.resolve import NoteOverdue
from labstow.workers.transfer.transfer import gripper_of
from tests.rules import errand_room
from tests.rules.errand_room import ARM, RAIL, ErrandRoom, beginning
from tests.rules.lock_room import BOB
from tests.rules.room import Json


class Scene:
    """A plate in a rack, which is at home; a slot, which is on deck; a bench with nothing."""

    def __init__(self, lab: ErrandRoom) -> None:
        self.lab = lab
        self.rack = lab.add("container", name="rack")
        self.plate = lab.add("grid", self.rack, name="plate", position="x")
        self.slot = lab.add("slot", name="nest")
        lab.place("home", self.rack)
        lab.place("deck", self.slot)
        lab.place("bench")

    def thing(self, kind: str = "resource", at: str | None = None, **fields: Any) -> str:
        """One more thing, at a location of its own."""
        made = self.lab.add(kind, **fields)
        if at is not None:
            self.lab.place(at, made)
        return made

    def carried(self, target: str, **how: Any) -> Json:
        """Something else, on its way to a target."""
        count = len(self.lab.lab.locations)
        return self.lab.begin(self.thing(at=f"spot-{count}"), target, **{"node": RAIL, "by": BOB, **how})


@pytest.fixture
def scene(errands: ErrandRoom) -> Scene:
    return Scene(errands)


def refused(asked: Callable[..., Any], *args: Any, **how: Any) -> str:
    """The code of the refusal that it ends in; "" if it is done."""
    try:
        asked(*args, **how)
    except Refusal as refusal:
        return refusal.code
    return ""


Wish = tuple[str, str, Json]
"""What is to go where, and how."""


def nowhere(at: Scene) -> Wish:
    return at.lab.add(), "deck", {}


def from_where_nothing_goes(at: Scene) -> Wish:
    at.lab.place("vault", vault := at.lab.add("container"), allow_transfers=False)
    return at.lab.add(into=vault), "deck", {}


def to_where_nothing_goes(at: Scene) -> Wish:
    at.lab.place("vault", at.lab.add("slot"), allow_transfers=False)
    return at.plate, "vault", {}


def from_where_the_node_is_not_taught(at: Scene) -> Wish:
    at.lab.place("tray", tray := at.lab.add("container"), representations={RAIL: None})
    return at.lab.add(into=tray), "deck", {}


def to_where_the_node_is_not_taught(at: Scene) -> Wish:
    at.lab.place("tray", at.lab.add("slot"), representations={RAIL: None})
    return at.plate, "tray", {}


def with_an_absent_node(at: Scene) -> Wish:
    at.lab.lab.there = frozenset({RAIL})
    return at.plate, "deck", {"present": True}


def with_a_full_gripper(at: Scene) -> Wish:
    at.lab.abort(at.carried("deck", node=ARM, by=BOB), "gripper", by=BOB)
    return at.plate, "deck", {}


def with_a_node_whose_thing_was_taken(at: Scene) -> Wish:
    """Its gripper is empty, but nobody said yet what became of what was in it."""
    begun = at.carried("bench", node=ARM, due_s=1)
    at.lab.later(2)
    at.lab.ask(Move(resource_id=begun["resource_id"], container_id=None))
    return at.plate, "deck", {}


def what_is_under_way(at: Scene) -> Wish:
    at.lab.begin(at.plate, "deck", node=RAIL, due_s=1)
    at.lab.later(2)
    return at.plate, "bench", {}


def into_a_zone(at: Scene) -> Wish:
    at.lab.configure(exclusive=[["home", "bench"]])
    at.carried("bench")
    return at.plate, "deck", {}


def into_a_zone_by_another_name(at: Scene) -> Wish:
    at.lab.place("bench.too")
    at.lab.configure(exclusive=[["home", "bench"]], linked=[["bench.too", "bench"]])
    at.carried("bench.too")
    return at.plate, "deck", {}


def to_a_bare_place_that_is_reserved(at: Scene) -> Wish:
    at.carried("bench")
    return at.plate, "bench", {}


def to_a_slot_that_is_reserved(at: Scene) -> Wish:
    at.carried("deck", due_s=1)
    at.lab.later(2)
    return at.plate, "deck", {}


def into_a_container_at_no_place_that_is_reserved(at: Scene) -> Wish:
    """Who has a lease on it may bring one thing at a time, too: both would be given the same position."""
    box = at.lab.add("grid")
    lease = at.lab.have(box, ttl_s=3600)
    at.carried(box, by="ada", leases=[lease])
    return at.plate, box, {"leases": [lease]}


def what_somebody_has(at: Scene) -> Wish:
    at.lab.have(at.plate, by=BOB)
    return at.plate, "deck", {}


def out_of_what_somebody_has(at: Scene) -> Wish:
    at.lab.have(at.rack, by=BOB)
    return at.plate, "deck", {}


def into_what_somebody_has(at: Scene) -> Wish:
    at.lab.have(at.slot, by=BOB)
    return at.plate, "deck", {}


def out_of_what_somebody_has_whole(at: Scene) -> Wish:
    at.lab.have(at.rack, by=BOB, scope="subtree")
    return at.plate, "deck", {}


def what_others_wait_for(at: Scene) -> Wish:
    lease = at.lab.have(at.plate)
    at.lab.queue(at.plate, by=BOB)
    at.lab.release(lease)
    return at.plate, "deck", {}


def what_cools(at: Scene) -> Wish:
    at.lab.lab.policies = {"hot": Policy(lock_delay_s=60)}
    pan = at.lab.add(into=at.rack, resource_class="hot")
    at.lab.have(pan)
    at.lab.ask(Break(resource_id=pan, reason="it burns"), by=BOB)
    return pan, "deck", {}


def to_where_it_is(at: Scene) -> Wish:
    return at.plate, "home", {}


def to_where_it_is_in_other_words(at: Scene) -> Wish:
    at.lab.place("grid", grid := at.lab.add("grid"))
    return at.lab.add(into=grid, position="B1"), "grid", {"position": [1, 0]}


def to_where_it_is_whatever_is_free(at: Scene) -> Wish:
    at.lab.place("grid", grid := at.lab.add("grid"))
    return at.lab.add(into=grid, position="A1"), "grid", {}


def to_itself(at: Scene) -> Wish:
    return at.rack, "home", {}


def to_itself_by_another_name(at: Scene) -> Wish:
    at.lab.place("home.too")
    at.lab.configure(linked=[["home", "home.too"]])
    return at.rack, "home.too", {}


def to_a_place_with_what_holds_nothing(at: Scene) -> Wish:
    at.thing(at="shelf")
    return at.plate, "shelf", {}


def to_a_position_that_is_taken(at: Scene) -> Wish:
    at.lab.add(into=at.slot)
    return at.plate, "deck", {}


def into_what_is_full(at: Scene) -> Wish:
    stack = at.thing("stack", at="hotel", capacity=2)
    at.lab.add(into=stack), at.lab.add(into=stack)
    return at.plate, "hotel", {}


def into_a_row_without_a_free_position(at: Scene) -> Wish:
    row = at.thing("row", at="strip", columns=2)
    at.lab.add(into=row, position=0), at.lab.add(into=row, position=1)
    return at.plate, "strip", {}


def to_a_position_there_is_not(at: Scene) -> Wish:
    at.thing("grid", at="block")
    return at.lab.add(into=at.rack), "block", {"position": "Z99"}


def into_what_it_contains(at: Scene) -> Wish:
    return at.rack, at.plate, {}


def into_itself(at: Scene) -> Wish:
    return at.rack, at.rack, {}


def into_what_holds_nothing(at: Scene) -> Wish:
    return at.plate, at.lab.add(), {}


def what_does_not_mix(at: Scene) -> Wish:
    return at.plate, at.lab.add("pool"), {"position": "p"}


def a_gripper_by_itself(at: Scene) -> Wish:
    at.lab.complete(at.lab.begin(at.plate, "deck"))
    at.lab.place("dock", gripper_of(ARM))
    return gripper_of(ARM), "bench", {}


def what_the_gripper_is_in(at: Scene) -> Wish:
    at.lab.complete(at.lab.begin(at.plate, "deck"))
    at.lab.ask(Move(resource_id=gripper_of(ARM), container_id=at.rack))
    return at.rack, "bench", {}


def with_a_gripper_that_is_gone(at: Scene) -> Wish:
    at.lab.complete(at.lab.begin(at.plate, "deck"))
    at.lab.remove(gripper_of(ARM))
    return at.plate, "bench", {}


def with_a_gripper_that_is_none(at: Scene) -> Wish:
    at.lab.add(resource_id=gripper_of(ARM))
    return at.plate, "bench", {}


def out_of_what_needs_a_lease(at: Scene) -> Wish:
    at.lab.place("vault", vault := at.lab.add("container", resource_class="vault"))
    gold = at.lab.add(into=vault)
    at.lab.lab.policies = {"vault": Policy(require_lease=True)}
    return gold, "deck", {}


def by_whom_has_too_much(at: Scene) -> Wish:
    for _ in range(MAX_LEASES):
        at.lab.have(at.lab.add())
    return at.plate, "deck", {}


FINDINGS: Final[dict[Callable[[Scene], Wish], list[str]]] = {
    nowhere: ["source.nowhere"],
    from_where_nothing_goes: ["source.no_transfers"],
    to_where_nothing_goes: ["target.no_transfers"],
    from_where_the_node_is_not_taught: ["source.not_taught"],
    to_where_the_node_is_not_taught: ["target.not_taught"],
    with_an_absent_node: ["node.absent"],
    with_a_full_gripper: ["node.busy"],
    with_a_node_whose_thing_was_taken: ["node.busy"],
    what_is_under_way: ["thing.under_way"],
    into_a_zone: ["zone.busy"],
    into_a_zone_by_another_name: ["zone.busy"],
    to_a_bare_place_that_is_reserved: ["target.reserved"],
    to_a_slot_that_is_reserved: ["target.reserved"],
    into_a_container_at_no_place_that_is_reserved: ["target.reserved"],
    what_somebody_has: ["thing.lock.held"],
    out_of_what_somebody_has: ["source.lock.held"],
    into_what_somebody_has: ["target.lock.held"],
    out_of_what_somebody_has_whole: ["thing.lock.held", "source.lock.held"],
    what_others_wait_for: ["thing.lock.in_line"],
    what_cools: ["thing.lock.cooling"],
    to_where_it_is: ["target.is_source"],
    to_where_it_is_in_other_words: ["target.is_source"],
    to_where_it_is_whatever_is_free: ["target.is_source"],
    to_itself: ["target.is_source"],
    to_itself_by_another_name: ["target.is_source"],
    to_a_place_with_what_holds_nothing: ["target.occupied"],
    to_a_position_that_is_taken: ["target.position.occupied"],
    into_what_is_full: ["target.container.full"],
    into_a_row_without_a_free_position: ["target.container.full"],
    to_a_position_there_is_not: ["target.position.invalid"],
    into_what_it_contains: ["target.container.cycle"],
    into_itself: ["target.container.cycle"],
    into_what_holds_nothing: ["target.container.expected"],
    what_does_not_mix: ["target.pool.consumables_only"],
    a_gripper_by_itself: ["begin.container.cycle"],
    what_the_gripper_is_in: ["begin.container.cycle"],
    with_a_gripper_that_is_gone: ["begin.resource.removed"],
    with_a_gripper_that_is_none: ["begin.container.expected"],
    out_of_what_needs_a_lease: ["begin.resource.lease_required"],
    by_whom_has_too_much: ["begin.lock.limit"],
}


@pytest.mark.parametrize("case", FINDINGS, ids=lambda case: case.__name__.replace("_", " "))
def test_what_stands_in_the_way_is_found_and_refused(scene: Scene, case: Callable[[Scene], Wish]) -> None:
    """Each code by itself. A transfer that begins all the same is refused, and nothing happens (bad input 16)."""
    thing, target, how = case(scene)
    lab, expected = scene.lab, FINDINGS[case]
    assert lab.check(thing, target, **how) == expected
    command, how = beginning(thing, target, **how)
    refusal = lab.refused(command, **how)
    if isinstance(refusal, Hindered):
        assert [each["code"] for each in refusal.facts["findings"]] == expected
        assert refusal.detail == "; ".join(each["sentence"] for each in refusal.facts["findings"])
    else:
        assert [f"begin.{refusal.code}"] == expected


def test_whether_a_node_is_there_may_be_unknown(scene: Scene) -> None:
    """I48: then nobody says that it is not, nor that it is; who does not ask is not hindered."""
    assert isinstance(scene.lab.refused(beginning(scene.plate, "deck", present=True)[0]), PresenceUnknown)
    assert scene.lab.check(scene.plate, "deck") == []
    scene.lab.lab.there = frozenset({ARM})
    scene.lab.complete(scene.lab.begin(scene.plate, "deck", present=True))


def test_what_is_named_must_be_there(scene: Scene) -> None:
    lab, gone = scene.lab, scene.lab.add()
    lab.remove(gone)
    for thing, target, code in (
        (gone, "deck", "resource.removed"),
        (gripper_of("nobody"), "deck", "resource.not_found"),
        (scene.plate, "cellar", "location.not_found"),
        (scene.plate, gripper_of("nobody"), "resource.not_found"),
        (scene.plate, gone, "resource.removed"),
    ):
        assert refused(lab.check, thing, target) == refused(lab.begin, thing, target) == code


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
    assert refused(lab.abort, begun, by=BOB, reason="") == "lock.not_yours"
    over = lab.abort(begun, by=BOB, reason="the arm is stuck")
    assert (over["holder"], over["reason"]) == ("ada", "the arm is stuck")
    assert [entry["actor"] for entry in lab.history(scene.plate)][-1] == BOB
    assert lab.history(over["transfer_id"])[-1]["reason"] == "the arm is stuck"


def test_what_is_over_is_over(scene: Scene) -> None:
    lab = scene.lab
    done, given_up = lab.begin(scene.plate, "deck"), lab.begin(scene.rack, "bench", node=RAIL)
    lab.complete(done)
    lab.abort(given_up)
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


def test_what_was_removed_from_a_gripper_is_given_up(scene: Scene) -> None:
    """Nothing that is done to a thing keeps its transfer open for ever."""
    lab = scene.lab
    for left in ("source", "gripper", "nowhere"):
        thing = lab.add(into=scene.rack)
        begun = lab.begin(thing, "deck")
        lab.ask(Remove(resource_id=thing), leases=[begun["lease_id"]])
        assert refused(lab.complete, begun) == "resource.removed"
        assert lab.abort(begun, left)["left_at"] == {"container_id": None, "position": None, "location_id": None}


def test_a_gripper_that_is_removed_with_what_is_in_it_is_given_up(scene: Scene) -> None:
    lab = scene.lab
    begun = lab.begin(scene.plate, "deck")
    lab.ask(Remove(resource_id=gripper_of(ARM)), leases=[begun["lease_id"]])
    lab.abort(begun, "gripper")
    assert lab.open() == []


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
    """I2: on both, on one of them, or on the whole of what it is in; it stays after the transfer, and must be shown."""
    lab, plate = scene.lab, scene.plate
    both = lab.have(plate, scene.slot, ttl_s=3600)
    begun = lab.begin(plate, "deck", leases=[both])
    assert (begun["lease_id"], begun["tokens"]) == (None, {})
    assert refused(lab.complete, begun) == "resource.locked"
    lab.complete(begun, leases=[both])
    assert lab.lease(plate).held
    begun = lab.begin(plate, scene.rack, leases=[both])
    assert begun["tokens"].keys() == {scene.rack}
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


def test_what_is_changed_under_a_lease_only_is_carried_under_that_of_the_transfer() -> None:
    lab = ErrandRoom({"plate": Policy(require_lease=True)})
    scene = Scene(lab)
    tube = lab.add(resource_class="plate")
    lab.place("shelf", tube)
    assert lab.check(tube, "deck") == []
    lab.complete(lab.begin(tube, "deck"))
    assert lab.where(tube)[0] == scene.slot
    errand_room.audit(lab)


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
