"""What is written down, and how often."""

from collections.abc import Callable
from typing import Any

import orjson
import pytest

from labstow.contracts.base_types import SHAPED, BaseType
from labstow.contracts.errors import Ambiguous, IdTaken, Invalid, NotFound, OtherPayload, Removed, StaleVersion
from labstow.contracts.resource import EVENTS, Add, Init, Patch, Remove, Replace, Update, Upsert
from labstow.contracts.ulids import new_ulid
from labstow.workers.kit.journal import verify
from tests.rules.room import SIZES, Room, new

FULL: dict[str, Any] = {"resource_class": "glass", "description": "blue", "owner": {"p": 1}, "attributes": {"a": [1]}}


@pytest.mark.parametrize("kind", BaseType)
def test_a_thing_of_each_type_lives_its_life(room: Room, kind: BaseType) -> None:
    """I22, I30, I35: added, found again, changed, replaced and removed, one entry each."""
    thing = str(room.ask(Add(resource=new(kind, name="it", unit="mL", **FULL)))["resource_id"])
    assert room.init(kind, name="it", **FULL)["resource_id"] == thing
    assert room.upsert(thing, kind, name="it")["version"] == 1
    assert room.update(thing, description="red", attributes={"b": 2, "a": None})["version"] == 2
    assert room.replace(thing, kind, name="still it")["version"] == 3
    assert room.upsert(thing, kind, name="again it")["version"] == 4
    gone = room.remove(thing, reason="used up")

    history = room.history(thing)
    assert [entry["what"] for entry in history] == ["added", "updated", "updated", "updated", "removed"]
    assert {entry["what"] for entry in history} <= EVENTS.keys()
    assert (gone["version"], gone["removed_at"] is not None) == (5, True)
    assert history[-1]["reason"] == "used up"
    assert history[1]["changes"] == {
        "description": {"before": "blue", "after": "red"},
        "attributes": {"before": {"a": [1]}, "after": {"b": 2}},
    }
    assert {name: history[0]["state"][name] for name in SHAPED.get(kind, ())} == SIZES.get(kind, {})
    assert isinstance(room.refused(Update(resource_id=thing, changes=Patch(name="ghost"))), Removed)
    assert isinstance(room.refused(Remove(resource_id=thing)), Removed)


@pytest.mark.parametrize("kind", ["asset", "pool"])
def test_what_was_so_already_is_no_change(room: Room, kind: str) -> None:
    """I30: a version is a change; seen to fail when `amend` writes what is the same."""
    thing = room.add(kind, name="it", **FULL)
    same = {"name": "it", **FULL}

    room.update(thing)
    room.update(thing, **same)
    room.upsert(thing, kind, **same)
    room.replace(thing, kind, **same)
    room.add(kind, resource_id=thing, **same)
    room.init(kind, **same)

    assert room.thing(thing).version == len(room.unit.entries) == 1


def test_a_refusal_is_no_change(room: Room) -> None:
    """I30: not even where part of what was asked could be done (`ask` looks at everything)."""
    plate = room.add("grid", children=[new(position="A1"), new(position="A2")])
    before = room.versions()

    many = [new(position="A3"), new(position="A4"), new(position="A1")]
    room.refused(Replace(resource=new("grid", resource_id=plate, name="new name", children=many)))

    assert room.versions() == before


def test_a_thing_that_is_touched_several_times_by_a_command_changes_once(room: Room) -> None:
    """I30, I35; seen to fail when each touch raises the version."""
    plate = room.add("grid")
    sample = room.add("consumable")
    children = [new(position=[0, column]) for column in range(5)]
    known = new("consumable", resource_id=sample, name="new name", quantity=2, position="H12")

    room.replace(plate, "grid", name="new name", children=[*children, known])

    assert room.thing(plate).version == room.thing(sample).version == 2
    assert len(room.history(plate)) == 2
    assert set(room.history(plate)[1]["changes"]) == {"name", "quantity"}
    assert set(room.history(sample)[1]["changes"]) == {"name", "quantity", "parent_id", "position"}


def test_a_change_that_has_not_seen_the_newest_state_alters_nothing(room: Room) -> None:
    """I31; seen to fail without `refuse_stale`."""
    flask = room.add("consumable", quantity=1)
    room.update(flask, expected_version=1, quantity=2)

    for command in (
        Update(resource_id=flask, changes=Patch(name="late"), expected_version=1),
        Update(resource_id=flask, changes=Patch(), expected_version=3),
        Remove(resource_id=flask, expected_version=1),
    ):
        refusal = room.refused(command)
        assert isinstance(refusal, StaleVersion)
        assert refusal.facts["version"] == 2
    room.remove(flask, expected_version=2)


def test_an_update_removes_nothing_by_omission(room: Room) -> None:
    """I23: neither fields nor children."""
    plate = room.add("grid", capacity=5, children=[new(position="A1"), new(position="A2")], **FULL)
    before = room.thing(plate)
    children = room.inside(plate)

    room.replace(plate, "grid", name="other name")
    room.upsert(plate, "grid", children=[new(position="A3")], name="other name")
    room.update(plate, description=None)

    after = room.thing(plate)
    assert children.items() < room.inside(plate).items()
    assert (after.name, str(after.quantity), after.description) == ("other name", "3", None)
    changed = {"name", "quantity", "description", "version", "updated_at", "head"}
    assert {name for name, value in after._asdict().items() if getattr(before, name) != value} == changed


def test_children_that_are_named_change_and_their_siblings_do_not(room: Room) -> None:
    """I20, I23."""
    plate = room.add("grid")
    wells = [room.add("consumable", into=plate, position=[0, column]) for column in range(12)]
    before = room.versions()

    room.replace(plate, "grid", children=[new("consumable", resource_id=wells[3], quantity=5)])

    assert room.versions() == before | {wells[3]: before[wells[3]] + 1}


def test_true_is_not_one(room: Room) -> None:
    """I23: equal for Python, not for whoever wrote it; seen to fail when values are compared with `==` alone."""
    thing = room.add(attributes={"flag": 1, "list": [0]})

    assert room.update(thing, attributes={"flag": True})["attributes"]["flag"] is True
    assert room.update(thing, attributes={"list": [False]})["attributes"] == {"flag": True, "list": [False]}
    assert room.replace(thing, "resource", attributes={"list": [0]})["attributes"]["list"][0] is not False
    assert room.thing(thing).version == 4


def test_attributes_do_not_grow_without_end(room: Room) -> None:
    """Bad input 7: also not bit by bit."""
    thing = room.add(attributes={"a": "x" * 40_000})

    refusal = room.refused(Update(resource_id=thing, changes=Patch(attributes={"b": "x" * 40_000})))

    assert isinstance(refusal, Invalid)
    room.update(thing, attributes={"a": None, "b": "x" * 40_000})


def test_an_id_is_never_used_again(room: Room) -> None:
    """I34, I41: not for something else, not after its removal; seen to fail without `refuse_other`."""
    here = room.add("asset", name="balance")
    gone = room.add("asset", name="balance", children=())
    room.remove(gone)
    commands: list[Callable[..., Any]] = [Add, Init]

    for command in commands:
        for other in ({"name": "scale"}, {"resource_class": "x"}):
            body = new("asset", resource_id=here, **{"name": "balance", **other})
            assert isinstance(room.refused(command(resource=body)), IdTaken)
        assert isinstance(room.refused(command(resource=new(resource_id=here, name="balance"))), IdTaken)
        assert isinstance(room.refused(command(resource=new("asset", resource_id=gone, name="balance"))), IdTaken)
        again = room.ask(command(resource=new("asset", resource_id=here, name="balance")))
        assert again["version"] == 1
    body = new("asset", resource_id=gone, name="balance")
    for refusal in (
        room.refused(Upsert(resource=body)),
        room.refused(Replace(resource=body)),
        room.refused(Add(resource=new("container", children=[body]))),
    ):
        assert isinstance(refusal, Removed)


def test_one_thing_is_named_once_in_a_command(room: Room) -> None:
    """I14, I16; seen to fail without `refuse_tree`."""
    twice = new_ulid()
    tree = new("container", children=[new(resource_id=twice), new("container", children=[new(resource_id=twice)])])

    for command in (Add, Init, Upsert):
        assert isinstance(room.refused(command(resource=tree)), Invalid)
    itself = new("container", resource_id=twice, children=[new("container", resource_id=twice)])
    assert isinstance(room.refused(Add(resource=itself)), Invalid)


def test_init_gets_what_matches_and_creates_what_does_not(room: Room) -> None:
    """I34."""
    deck = room.init("container", name="deck", owner={"node": "ot2"}, attributes={"slots": 11, "tags": ["a", "b"]})
    assert deck["version"] == 1

    for same in ({}, {"owner": {"node": "ot2"}}, {"attributes": {"tags": ["b"]}}, {"attributes": {"slots": 11.0}}):
        assert room.init("container", name="deck", **same)["resource_id"] == deck["resource_id"]
    for other in ({"owner": {"node": "hamilton"}}, {"attributes": {"slots": True}}, {"resource_class": "x"}):
        assert room.init("container", name="deck", **other)["resource_id"] != deck["resource_id"]
    assert isinstance(room.refused(Init(resource=new("container", name="deck"))), Ambiguous)
    room.remove(deck["resource_id"])
    again = room.init("container", name="deck", owner={"node": "ot2"})
    assert again["resource_id"] != deck["resource_id"]


def test_what_is_not_there_is_not_replaced(room: Room) -> None:
    assert type(room.refused(Replace(resource=new(resource_id=new_ulid())))) is NotFound
    assert isinstance(room.refused(Replace(resource=new())), Invalid)
    assert type(room.refused(Update(resource_id=new_ulid(), changes=Patch()))) is NotFound
    assert type(room.refused(Remove(resource_id=new_ulid()))) is NotFound


def test_a_subtree_is_removed_as_one(room: Room) -> None:
    """I41: one id for all of it, and nothing else is touched but the container it was in.

    Seen to fail without the group id, without the contents, and without `take`.
    """
    freezer = room.add("container", children=[new(position="other")])
    rack = room.add("row", into=freezer, position="shelf")
    plate = room.add("grid", into=rack, position=0)
    pool = room.add("pool", into=plate, position="A1")
    drop = room.add("consumable", into=pool, position="x", quantity=1)
    before = room.versions()

    gone = room.remove(rack)

    after = room.versions()
    assert {each for each in after if after[each] != before[each]} == {freezer, rack, plate, pool, drop}
    assert all(after[each] - before[each] <= 1 for each in after)
    removal = {room.thing(each).removal_id for each in (rack, plate, pool, drop)}
    assert removal == {gone["removal_id"]}
    assert {entry["group_id"] for entry in room.unit.entries[-5:]} == removal
    assert {entry["what"] for entry in room.unit.entries[-5:]} == {"removed", "contents_changed"}
    assert room.thing(freezer).quantity == 1
    assert [room.thing(each).parent_id for each in (rack, plate, pool, drop)] == [None, rack, plate, pool]
    for each in (rack, plate, pool, drop):
        assert isinstance(room.refused(Upsert(resource=new(resource_id=each))), Removed)
    room.add(into=freezer, position="shelf")


def test_what_was_removed_before_is_not_removed_again(room: Room) -> None:
    """I41: each removal has its own id."""
    plate = room.add("grid")
    first = room.add(into=plate, position="A1")
    second = room.add(into=plate, position="A2")

    room.remove(first)
    room.remove(plate)

    assert room.thing(first).removal_id != room.thing(plate).removal_id == room.thing(second).removal_id
    assert room.thing(first).version == 2


def test_the_same_operation_is_done_once(room: Room) -> None:
    """I32."""
    rack = room.add("row")
    command = Add(resource=new(position=0), parent_id=rack)

    first = room.ask(command, op_id="an intent")

    assert room.ask(command, op_id="an intent") == first
    assert len(room.inside(rack)) == 1
    with pytest.raises(OtherPayload):
        room.ask(Add(resource=new(position=1), parent_id=rack), op_id="an intent")


@pytest.mark.parametrize("column", ["at", "actor", "what", "version", "state", "changes", "prev_hash", "op_id"])
def test_an_entry_that_was_altered_is_known(room: Room, column: str) -> None:
    """I38: the hash is over everything that an entry says."""
    room.update(room.add(name="before"), name="after")
    entry = room.unit.entries[-1]
    texts = {name: orjson.dumps(entry[name]).decode() for name in ("changes", "state")}
    assert verify(entry, changed=texts["changes"], state=texts["state"])

    forged = texts | {column: texts.get(column, "")[:-1] + ' "forged": 1}'}

    assert not verify(entry | {column: "forged"}, changed=forged["changes"], state=forged["state"])
