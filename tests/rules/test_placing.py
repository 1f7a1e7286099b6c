"""Who may be where."""

from itertools import pairwise
from typing import Any

import pytest

from labstow.contracts.base_types import CONTAINERS, BaseType
from labstow.contracts.errors import (
    ConsumablesOnly,
    Cycle,
    Elsewhere,
    Full,
    Invalid,
    InvalidPosition,
    NotAContainer,
    NotFound,
    Occupied,
    OverCapacity,
    Removed,
    TooDeep,
)
from labstow.contracts.resource import MAX_DEPTH, Add, Replace, Update, Upsert
from labstow.contracts.ulids import new_ulid
from tests.rules.loading import decision
from tests.rules.room import PLACES, SIZES, Room, new

CONTENT = {kind: "consumable" if kind is BaseType.POOL else "asset" for kind in CONTAINERS}
UNIQUE = sorted(CONTAINERS - {BaseType.STACK, BaseType.QUEUE})


@pytest.mark.parametrize("kind", sorted(CONTAINERS))
def test_a_container_counts_what_is_put_into_it_and_taken_from_it(room: Room, kind: BaseType) -> None:
    """I17; seen to fail without `take`."""
    container = room.add(kind)
    for place in PLACES[kind]:
        room.add(CONTENT[kind], into=container, position=place)
    children = list(room.inside(container))

    assert room.thing(container).quantity == (0 if kind is BaseType.POOL else len(PLACES[kind]))
    assert len(children) == len(PLACES[kind])
    for child in children:
        room.remove(child)
    assert room.thing(container).quantity == 0
    assert not room.inside(container)


@pytest.mark.parametrize("kind", sorted(CONTAINERS))
@pytest.mark.parametrize("verb", ["add", "upsert", "replace"])
def test_a_container_is_filled_by_one_command_too(room: Room, kind: BaseType, verb: str) -> None:
    """I16, I17: one command, one version more."""
    children = [new(CONTENT[kind], position=place) for place in PLACES[kind]]
    if verb == "add":
        container = room.add(kind, children=children)
    else:
        container = room.add(kind)
        command = Upsert if verb == "upsert" else Replace
        room.ask(command(resource=new(kind, resource_id=container, children=children)))

    assert len(room.inside(container)) == len(children)
    assert room.thing(container).version == (1 if verb == "add" else 2)


@pytest.mark.parametrize("kind", UNIQUE)
@pytest.mark.parametrize("known", [False, True])
def test_an_occupied_position_is_refused_with_the_name_of_its_occupant(room: Room, kind: BaseType, known: bool) -> None:
    """I15; seen to fail without `refuse_occupied`."""
    place = PLACES[kind][0]
    container = room.add(kind)
    occupant = room.add(CONTENT[kind], into=container, position=place)
    other = room.add(CONTENT[kind]) if known else None
    intruder = new(CONTENT[kind], resource_id=other, position=place)

    refusals = [
        room.refused(Upsert(resource=intruder, parent_id=container)),
        room.refused(Replace(resource=new(kind, resource_id=container, children=[intruder]))),
    ]

    if not known:
        refusals.append(room.refused(Add(resource=intruder, parent_id=container)))
    for refusal in refusals:
        assert isinstance(refusal, Occupied)
        assert refusal.facts["occupant_id"] == occupant
        assert refusal.facts["position"] == room.thing(occupant).position
    assert list(room.inside(container)) == [occupant]


@pytest.mark.parametrize("kind", UNIQUE)
def test_two_children_of_one_command_never_share_a_position(room: Room, kind: BaseType) -> None:
    """I15; seen to fail without `occupy`."""
    children = [new(CONTENT[kind], position=PLACES[kind][0]) for _ in range(2)]
    container = room.add(kind)

    assert isinstance(room.refused(Add(resource=new(kind, children=children))), Occupied)
    assert isinstance(room.refused(Replace(resource=new(kind, resource_id=container, children=children))), Occupied)


def test_one_well_has_one_name_however_it_is_said(room: Room) -> None:
    """I15, I18."""
    plate = room.add("grid", children=[new(position=[0, 1])])

    for same in ("A2", "a02", ["A", "2"], ["1", "2"], [0, 1]):
        assert isinstance(room.refused(Add(resource=new(position=same), parent_id=plate)), Occupied)


def test_a_position_that_was_left_is_free(room: Room) -> None:
    """I15."""
    plate = room.add("grid")
    first = room.add(into=plate, position="A1")
    room.replace(plate, "grid", children=[new(resource_id=first, position="A2")])
    second = room.add(into=plate, position="A1")
    room.remove(second)
    third = room.add(into=plate, position="A1")

    assert room.inside(plate) == {first: "A2", third: "A1"}


def test_a_position_left_and_taken_by_one_command_is_free_too(room: Room) -> None:
    plate = room.add("grid")
    first = room.add(into=plate, position="A1")
    second = room.add(into=plate, position="B1")

    moved = [new(resource_id=first, position="A2"), new(resource_id=second, position="A1"), new(position="B1")]
    room.replace(plate, "grid", children=moved)

    assert room.inside(plate)[first] == "A2"
    assert room.inside(plate)[second] == "A1"
    assert room.thing(plate).quantity == 3


@pytest.mark.parametrize(("kind", "bad"), [
    ("grid", "I1"), ("grid", "A0"), ("grid", [0, -1]), ("grid", [-5, 0]), ("grid", None), ("row", 24), ("row", "0"),
    ("voxel_grid", "A1"), ("slot", 1), ("pool", None), ("collection", None), ("container", 0),
])  # fmt: skip
def test_what_is_no_position_is_refused(room: Room, kind: str, bad: object) -> None:
    """I18, bad input 9."""
    child = new("consumable", position=bad)
    container = room.add(kind)

    for refusal in (
        room.refused(Add(resource=child, parent_id=container)),
        room.refused(Add(resource=new(kind, children=[child]))),
        room.refused(Replace(resource=new(kind, resource_id=container, children=[child]))),
    ):
        assert isinstance(refusal, InvalidPosition)


@pytest.mark.parametrize("kind", sorted(CONTAINERS - {BaseType.POOL, BaseType.SLOT}))
@pytest.mark.parametrize("capacity", [0, 1, 2])
def test_a_container_never_holds_more_than_its_capacity(room: Room, kind: BaseType, capacity: int) -> None:
    """I17, I25: a capacity of 0 means 0; seen to fail without the check of the capacity in `put`."""
    container = room.add(kind, capacity=capacity)
    for place in PLACES[kind][:capacity]:
        room.add(into=container, position=place)
    one_more = new(position=PLACES[kind][capacity])

    for refusal in (
        room.refused(Add(resource=one_more, parent_id=container)),
        room.refused(Upsert(resource=one_more, parent_id=container)),
        room.refused(Replace(resource=new(kind, resource_id=container, children=[one_more]))),
    ):
        assert isinstance(refusal, Full)
        assert "capacity" in refusal.detail
    assert len(room.inside(container)) == capacity


def test_a_slot_holds_one_thing(room: Room) -> None:
    """I17; seen to fail without `refuse_occupied`."""
    slot = room.add("slot", children=[new()])

    assert room.thing(slot).capacity == 1
    assert isinstance(room.refused(Add(resource=new(), parent_id=slot)), Occupied | Full)
    assert room.update(slot, capacity=None)["capacity"] == "1"
    assert isinstance(room.refused(Replace(resource=new("slot", resource_id=slot, children=[new()]))), Occupied | Full)


def test_a_capacity_never_sinks_below_what_is_there(room: Room) -> None:
    """I17, I25; seen to fail without `refuse_amount`."""
    rack = room.add("row", children=[new(position=0), new(position=1)])

    room.update(rack, capacity=2)
    assert isinstance(
        room.refused(Update.model_validate({"resource_id": rack, "changes": {"capacity": 1}})), OverCapacity
    )


@pytest.mark.parametrize("kind", sorted(set(BaseType) - CONTAINERS))
def test_only_containers_contain(room: Room, kind: BaseType) -> None:
    thing = room.add(kind)

    assert isinstance(room.refused(Add(resource=new(), parent_id=thing)), NotAContainer)
    assert isinstance(room.refused(Upsert(resource=new(resource_id=room.add()), parent_id=thing)), NotAContainer)


def test_a_thing_is_in_one_place(room: Room) -> None:
    """I16; seen to fail without the check for `Elsewhere` in `place`."""
    here, there = room.add("collection"), room.add("collection")
    thing = room.add(into=here, position="x")
    again = new(resource_id=thing, position="y")

    for refusal in (
        room.refused(Upsert(resource=again, parent_id=there)),
        room.refused(Replace(resource=new("collection", resource_id=there, children=[again]))),
        room.refused(Add(resource=new("collection", children=[again]))),
    ):
        assert isinstance(refusal, Elsewhere)
        assert refusal.facts["parent_id"] == here


@pytest.mark.parametrize("kind", sorted(CONTAINERS))
def test_a_container_is_in_one_place_too(room: Room, kind: BaseType) -> None:
    """I16; was refused as a cycle, behind the lock of the tree; seen to fail without the check in `place`."""
    here, there = room.add("collection"), room.add("collection")
    box = room.add(kind, into=here, position="x")
    again = new(kind, resource_id=box, position="y")

    for command in (
        Upsert(resource=again, parent_id=there),
        Replace(resource=new("collection", resource_id=there, children=[again])),
        Add(resource=new("collection", children=[again])),
        Add(resource=new("collection", children=[again], position="y"), parent_id=there),
    ):
        assert not decision(room.lab, command, room.now).footprint.tree
        refusal = room.refused(command)
        assert refusal.code == "resource.elsewhere"
        assert refusal.facts["parent_id"] == here


def test_what_is_nowhere_can_be_put_somewhere(room: Room) -> None:
    """I16."""
    rack = room.add("row")
    tube = room.add("container")

    room.upsert(tube, "container", into=rack, position="C")

    assert room.inside(rack) == {tube: "3"}
    assert (room.thing(rack).version, room.thing(tube).version) == (2, 2)


def test_a_thing_can_be_given_another_position_where_it_is(room: Room) -> None:
    plate = room.add("grid")
    sample = room.add(into=plate, position="A1")

    room.upsert(sample, "resource", into=plate, position="B1")

    assert room.inside(plate) == {sample: "B1"}
    assert (room.thing(plate).version, room.thing(sample).version) == (2, 2)


def test_nothing_is_put_into_what_is_not_there(room: Room) -> None:
    gone = room.add("container")
    room.remove(gone)

    assert type(room.refused(Add(resource=new(), parent_id=new_ulid()))) is NotFound
    assert isinstance(room.refused(Add(resource=new(), parent_id=gone)), Removed)
    assert isinstance(
        room.refused(Add(resource=new("container", children=[new(resource_id=room.add())]), parent_id=gone)), Removed
    )


def chain(room: Room, length: int) -> list[str]:
    """Ids of containers, each in the one before it."""
    ids: list[str] = []
    for _ in range(length):
        ids.append(room.add("container", into=ids[-1] if ids else None))
    return ids


def test_nothing_contains_itself(room: Room) -> None:
    """I14, bad input 10: by no command, at no distance; seen to fail without `refuse_cycle`."""
    outer, middle, inner = chain(room, 3)
    tree = new("container", resource_id=outer)

    for container in (outer, middle, inner):
        for refusal in (
            room.refused(Upsert(resource=tree, parent_id=container)),
            room.refused(Add(resource=new("container", children=[tree]), parent_id=container)),
            room.refused(Upsert(resource=new("container", children=[tree]), parent_id=container)),
        ):
            assert isinstance(refusal, Cycle)
    for container in (middle, inner):
        refusal = room.refused(Replace(resource=new("container", resource_id=container, children=[tree])))
        assert isinstance(refusal, Cycle)
        nested = new("container", resource_id=container, children=[new("container", children=[tree])])
        assert isinstance(room.refused(Replace(resource=nested)), Cycle)
        assert isinstance(room.refused(Upsert(resource=nested)), Cycle)
    assert isinstance(room.refused(Replace(resource=new("container", resource_id=outer, children=[tree]))), Invalid)


def test_two_things_put_together_at_once_do_not_contain_each_other(room: Room) -> None:
    """I14, bad input 10: what is put into a thing must not contain where that thing goes; seen to fail without."""
    outer, inner = chain(room, 2)
    bag = room.add("container")
    filled = new("container", resource_id=bag, children=[new("container", resource_id=outer)])

    assert isinstance(room.refused(Upsert(resource=filled, parent_id=inner)), Cycle)


def test_a_cycle_is_found_at_the_depth_limit(room: Room) -> None:
    """I14."""
    ids = chain(room, MAX_DEPTH)

    for container in (ids[1], ids[-1]):
        refusal = room.refused(Upsert(resource=new("container", resource_id=ids[0]), parent_id=container))
        assert isinstance(refusal, Cycle)


def nest(levels: int) -> object:
    """A tree of that many containers."""
    tree = None
    for _ in range(levels):
        tree = new("container", children=[tree] if tree else [new()])
    return tree


@pytest.mark.parametrize("there", [0, 1, 16, 31])
def test_things_are_nested_32_levels_deep_at_most(room: Room, there: int) -> None:
    """Bad input 10: added at once or one into the other; seen to fail without `refuse_depth`."""
    ids = chain(room, there)
    bottom = ids[-1] if ids else None
    room.ask(Add.model_validate({"resource": nest(MAX_DEPTH - there), "parent_id": bottom}))

    assert isinstance(
        room.refused(Add.model_validate({"resource": nest(MAX_DEPTH - there + 1), "parent_id": bottom})), TooDeep
    )


def test_a_tree_written_into_a_thing_may_be_as_deep_as_one_added_to_it(room: Room) -> None:
    """Bad input 10."""
    ids = chain(room, MAX_DEPTH - 1)
    fits, too_deep = nest(1), nest(2)

    room.replace(ids[-1], "container", children=[fits])
    for command in (Replace, Upsert):
        tree = new("container", resource_id=ids[-1], children=[too_deep])
        assert isinstance(room.refused(command(resource=tree)), TooDeep)


def test_what_is_put_somewhere_counts_with_all_that_is_in_it(room: Room) -> None:
    """Bad input 10, I14: deeper than the line is ever walked, a cycle would not be found."""
    upper, lower = chain(room, 20), chain(room, 13)
    tree = new("container", resource_id=lower[0])

    for refusal in (
        room.refused(Upsert(resource=tree, parent_id=upper[-1])),
        room.refused(Replace(resource=new("container", resource_id=upper[-1], children=[tree]))),
        room.refused(Add(resource=new("container", children=[tree]), parent_id=upper[-2])),
    ):
        assert isinstance(refusal, TooDeep)
    room.upsert(lower[0], "container", into=upper[-2])


def test_things_put_one_into_the_other_do_not_get_deeper_either(room: Room) -> None:
    """Bad input 10."""
    ids = [room.add("container") for _ in range(MAX_DEPTH + 1)]
    for above, below in pairwise(ids[:-1]):
        room.upsert(below, "container", into=above)

    refusal = room.refused(Upsert(resource=new("container", resource_id=ids[-1]), parent_id=ids[-2]))

    assert isinstance(refusal, TooDeep)
    room.add("asset", into=ids[-2])


def test_a_stack_and_a_queue_keep_the_order_of_arrival(room: Room) -> None:
    """I19, as far as order goes: the place in line is never given twice; seen to fail when `next_seq` stays."""
    for kind in ("stack", "queue"):
        line = room.add(kind)
        first, second = room.add(into=line), room.add(into=line)
        room.remove(first)
        third = room.add(into=line)

        assert [room.thing(each).order_seq for each in (second, third)] == [1, 2]
        assert room.inside(line) == {second: None, third: None}


def test_a_pool_holds_consumables_only(room: Room) -> None:
    pool = room.add("pool")

    for kind in sorted(set(BaseType) - {"consumable", "discrete_consumable", "continuous_consumable"}):
        refusal = room.refused(Add(resource=new(kind, position="x"), parent_id=pool))
        assert isinstance(refusal, ConsumablesOnly)


def test_a_thing_keeps_its_type_and_its_size(room: Room) -> None:
    """Seen to fail without `refuse_shape`."""
    plate = room.add("grid")

    for body in (new("row", resource_id=plate), new("grid", resource_id=plate, rows=16)):
        refusal = room.refused(Replace(resource=body))
        assert refusal.code == "resource.other_shape"
    assert SIZES[BaseType.GRID]["rows"] == room.thing(plate).rows


@pytest.mark.parametrize("verb", ["add", "upsert", "replace"])
def test_a_whole_plate_is_filled_in_one_go(room: Room, verb: str) -> None:
    """However many wells a command names, a worker needs a few looks at the lab; seen to fail without `foresee`."""
    wells = [new(resource_id=new_ulid(), position=[row, column]) for row in range(8) for column in range(12)]
    plate = new_ulid()
    if verb != "add":
        room.add("grid", resource_id=plate)
    commands: dict[str, Any] = {"add": Add, "upsert": Upsert, "replace": Replace}
    command = commands[verb]

    room.ask(command(resource=new("grid", resource_id=plate, children=wells)))

    assert len(room.inside(plate)) == 96


def test_many_racks_are_put_away_in_one_go(room: Room) -> None:
    """The same for things that are there already, with all that is in them."""
    racks = [room.add("row", children=[new(position=0)]) for _ in range(30)]
    shelf = room.add("container")

    room.replace(shelf, "container", children=[new("row", resource_id=rack) for rack in racks])

    assert set(room.inside(shelf)) == set(racks)


@pytest.mark.parametrize("kind", sorted(UNIQUE))
@pytest.mark.parametrize("verb", ["add", "upsert", "replace"])
def test_what_is_in_many_known_things_is_looked_at_once(room: Room, kind: BaseType, verb: str) -> None:
    """However many plates a command fills; each took a look of its own. Seen to fail without `foresee`."""
    plates = [room.add(kind) for _ in range(25)]
    content = CONTENT[kind]
    filled = [
        new(kind, resource_id=plate, position=at, children=[new(content, position=PLACES[kind][0])])
        for at, plate in enumerate(plates)
    ]
    rack = room.add("row", columns=25) if verb != "add" else None
    body = new("row", resource_id=rack, columns=25, children=filled)
    commands: dict[str, Any] = {"add": Add, "upsert": Upsert, "replace": Replace}
    command = commands[verb](resource=body)

    assert decision(room.lab, command, room.now).rounds <= 5  # spots, way up, what is in them, and their rows

    room.ask(command)
    refilled = [new(kind, resource_id=plate, children=[new(content, position=PLACES[kind][0])]) for plate in plates]
    again = Replace(resource=new("row", resource_id=room.thing(plates[0]).parent_id, columns=25, children=refilled))
    assert decision(room.lab, again, room.now).rounds == 2
    assert isinstance(room.refused(again), Occupied)


def test_what_is_in_many_known_pools_is_looked_at_once(room: Room) -> None:
    """Whether it can be counted in another unit; seen to fail without the pools in `foresee`."""
    content = [new("consumable", position="x")]
    pools = [new("pool", resource_id=new_ulid(), position=at, children=content) for at in range(25)]
    rack = room.add("row", columns=25, children=pools)
    measured = [new("pool", resource_id=pool.resource_id, unit="mL") for pool in pools]

    room.replace(rack, "row", columns=25, children=measured)

    assert {room.thing(pool).unit for pool in room.inside(rack)} == {"mL"}


@pytest.mark.parametrize("wrong", ["Z99", None])
def test_what_is_said_wrong_is_refused_where_it_is_written(room: Room, wrong: object) -> None:
    """Looking ahead decides nothing: another type is refused before a position that this type does not have."""
    plate = room.add("grid")
    body = new("row", resource_id=plate, children=[new(position=wrong)])

    assert room.refused(Replace(resource=body)).code == "resource.other_shape"
