"""Transfers: what stands in the way of one."""

from collections.abc import Callable
from typing import Final

import pytest

from labstow.contracts.lock import MAX_LEASES, Break
from labstow.contracts.place_errors import Hindered, PresenceUnknown
from labstow.contracts.placing import Move
from labstow.workers.lock.policy import Policy
from labstow.workers.transfer.transfer import gripper_of
from tests.rules.errand_room import ARM, RAIL, ErrandRoom, beginning
from tests.rules.errand_scene import Scene, refused
from tests.rules.lock_room import BOB
from tests.rules.room import Json


@pytest.fixture
def scene(errands: ErrandRoom) -> Scene:
    return Scene(errands)


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


def what_was_left_in_another_gripper(at: Scene) -> Wish:
    at.lab.abort(at.lab.begin(at.plate, "deck"), "gripper")
    return at.plate, "bench", {"node": RAIL}


def what_is_in_a_thing_that_was_left_in_another_gripper(at: Scene) -> Wish:
    tube = at.lab.add(into=at.lab.add("container", at.plate, position="A1"))
    at.lab.abort(at.lab.begin(at.plate, "deck"), "gripper")
    return tube, "bench", {"node": RAIL}


def what_is_in_a_thing_that_another_carries(at: Scene) -> Wish:
    """However late."""
    tube = at.lab.add(into=at.plate, position="A1")
    at.lab.begin(at.plate, "deck", due_s=1)
    at.lab.later(2)
    return tube, "bench", {"node": RAIL}


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


def with_a_gripper_that_is_gone_with_what_it_held(at: Scene) -> Wish:
    at.lab.abort(at.carried("deck", node=ARM), "gripper", by=BOB)
    at.lab.remove(gripper_of(ARM))
    return at.plate, "bench", {}


def with_a_gripper_that_somebody_has(at: Scene) -> Wish:
    at.lab.complete(at.lab.begin(at.plate, "deck"))
    at.lab.have(gripper_of(ARM), by=BOB)
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
    what_was_left_in_another_gripper: ["source.other_gripper"],
    what_is_in_a_thing_that_was_left_in_another_gripper: ["source.other_gripper"],
    what_is_in_a_thing_that_another_carries: ["source.other_gripper"],
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
    with_a_gripper_that_is_gone_with_what_it_held: ["begin.resource.removed"],
    with_a_gripper_that_somebody_has: ["begin.resource.locked"],
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
