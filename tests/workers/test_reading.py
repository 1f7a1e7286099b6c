"""Questions about resources as they are now, on a real Postgres."""

import asyncio
import random
from base64 import urlsafe_b64encode
from collections.abc import AsyncIterator
from datetime import timedelta
from itertools import product
from typing import Any

import orjson
import psycopg
import pytest

from labstow.contracts.errors import Invalid
from labstow.contracts.message import Query
from labstow.contracts.placing import Push, Take
from labstow.contracts.quantities import SetQuantity
from labstow.contracts.queries import Find, FindFree, Get, GetHierarchy, GetTree, Sort, Where
from labstow.contracts.resource import Add, NewResource, Patch, Remove, Update
from labstow.contracts.ulids import new_ulid
from labstow.workers.kit.database import connect
from labstow.workers.kit.intake import parse
from labstow.workers.kit.kept import Kept
from labstow.workers.kit.pipeline import Pipeline
from labstow.workers.resource.reading.get import get
from labstow.workers.resource.reading.known import Known
from tests.conftest import refusal
from tests.workers.desk import Desk, open_desk

GRID: dict[str, Any] = {"base_type": "grid", "rows": 2, "columns": 3}


@pytest.fixture
async def desk(postgres_url: str) -> AsyncIterator[Desk]:
    async with open_desk(postgres_url) as opened:
        yield opened


async def add(desk: Desk, name: str = "thing", parent_id: str | None = None, **fields: Any) -> str:
    resource = NewResource(resource_id=new_ulid(), name=name, **fields)
    return str((await desk.do(Add(resource=resource, parent_id=parent_id)))["resource_id"])


async def names(desk: Desk, **filters: Any) -> list[str]:
    return [each["name"] for each in (await desk.ask(Find(**filters)))["resources"]]


async def test_what_a_command_answers_is_what_is_read(desk: Desk) -> None:
    """I22. Of a thing that nobody has read before, of one that is known, and of one that was changed meanwhile."""
    fields = {"attributes": {"big": 1e22, "µ": [1, 2.5, None, 1e-7]}, "owner": {"project": "p53"}, "capacity": "12.5"}
    written = await desk.do(
        Add(resource=NewResource(name='a "b"\\\n', base_type="consumable", quantity="0.1", **fields))
    )
    for _ in range(2):
        read = await desk.ask(Get(resource_id=written["resource_id"]))
        assert read == written | {"index": None}
        assert (await desk.ask(Find(resource_id=written["resource_id"])))["resources"] == [written]
    changed = await desk.do(SetQuantity(resource_id=written["resource_id"], quantity="12.5"))
    assert await desk.ask(Get(resource_id=written["resource_id"])) == changed | {"index": None}


async def test_what_somebody_changed_by_hand_is_read_as_it_is(desk: Desk) -> None:
    """What is known is known by its row: whoever writes that, it is read again."""
    thing = await add(desk, "before")
    await desk.ask(Get(resource_id=thing))
    with psycopg.connect(desk.url) as db:
        db.execute("update labstow.resource set name = 'after' where id = %s", [thing])
    assert (await desk.ask(Get(resource_id=thing)))["name"] == "after"


async def test_what_does_not_fit_is_read_each_time(desk: Desk) -> None:
    """A worker without room to know anything answers the same."""
    plate = await add(desk, "plate", **GRID)
    for well in ("A1", "A2", "B1"):
        await add(desk, well, plate, position=well)
    query = Get(resource_id=plate)
    db = Pipeline(await connect(desk.url))
    for room in (0, 5_000, 50_000, 5_000_000):
        known = Known(room)
        for _ in range(3):
            (read,) = await get(known, db, [query])
            assert isinstance(read, bytes)
            assert orjson.loads(read) == await desk.ask(query)
    await db.close()


def test_what_was_kept_longest_goes_first() -> None:
    kept: Kept[int, str] = Kept(160)
    for number in range(20):
        kept.put(number, str(number), 10)
        kept.put(number, "another", 10)
    assert [kept.get(number) for number in range(20)] == [None] * 4 + [str(number) for number in range(4, 20)]
    kept.put(20, "large", 11)
    assert (kept.get(20), kept.get(4)) == (None, "4")
    kept.clear()
    assert kept.get(19) is None
    kept.put(19, "19", 10)
    assert kept.get(19) == "19"


async def test_a_plate_is_read_in_the_order_of_its_wells(desk: Desk) -> None:
    plate = await add(desk, "plate", **GRID)
    for well in ("B3", "A2", "B1", "A1"):
        await add(desk, well, plate, position=well)
    read = await desk.ask(Get(resource_id=plate))
    assert [(each["position"], each["index"]) for each in read["children"]] == [
        ("A1", [0, 0]), ("A2", [0, 1]), ("B1", [1, 0]), ("B3", [1, 2]),
    ]  # fmt: skip
    assert "children" not in await desk.ask(Get(resource_id=plate, children=False))
    well = await desk.ask(Get(resource_id=read["children"][0]["resource_id"]))
    assert (well["position"], well["index"]) == ("A1", None)


async def test_many_who_ask_at_once_are_all_answered(desk: Desk) -> None:
    """Gathered: known and unknown things, containers and what is in them, what does not exist, all in one batch."""
    hotel = await add(desk, "hotel", base_type="stack")
    plate = await add(desk, "plate", hotel, **GRID)
    well = await add(desk, "well", plate, position="A1")
    gone = await add(desk, "gone")
    await desk.do(Remove(resource_id=gone))
    asked: list[Query[Any]] = [Get(resource_id=each) for each in (well, plate, hotel, well)]
    trees: list[Query[Any]] = [GetTree(resource_id=each) for each in (hotel, plate)]
    found = await asyncio.gather(*(desk.ask(query) for query in (*asked, *trees)))
    assert found[2]["children"][0]["children"][0]["resource_id"] == well
    assert found[2]["children"][0] == found[1] | {"index": [0]}
    assert found[1]["children"][0] == found[0] | {"index": [0, 0]} == found[3] | {"index": [0, 0]}
    assert [each["name"] for each in (found[4], found[4]["children"][0], *found[5]["children"])] == [
        "hotel", "plate", "well",
    ]  # fmt: skip
    missing = await asyncio.gather(*(refusal(desk.ask(Get(resource_id=each))) for each in (gone, new_ulid())))
    assert [each.code for each in missing] == ["resource.removed", "resource.not_found"]
    assert (await desk.ask(Get(resource_id=gone, removed=True)))["removed_at"] == missing[0].facts["removed_at"]


async def test_a_tree_tells_names_and_quantities(desk: Desk) -> None:
    pool = await add(desk, "buffer", base_type="pool", unit="mL")
    await add(desk, "water", pool, position="a", base_type="consumable", quantity="1.5", unit="mL")
    tree = await desk.ask(GetTree(resource_id=pool))
    (water,) = tree.pop("children")
    assert tree == {
        "resource_id": pool, "name": "buffer", "resource_class": "", "base_type": "pool", "position": None,
        "index": None, "quantity": "1.5", "capacity": None, "unit": "mL",
    }  # fmt: skip
    assert (water["name"], water["position"], water["quantity"], water["children"]) == ("water", "a", "1.5", [])


async def test_a_hierarchy_goes_up_and_down(desk: Desk) -> None:
    room = await add(desk, "room", base_type="container")
    hotel = await add(desk, "hotel", room, base_type="stack")
    plates = [await add(desk, f"plate {n}", hotel, **GRID) for n in range(3)]
    well = await add(desk, "well", plates[2], position="A1")
    shown = await desk.ask(GetHierarchy(resource_id=hotel))
    assert shown["ancestor_ids"] == [room]
    assert shown["descendant_ids"] == {hotel: plates, plates[2]: [well]}
    assert (await desk.ask(GetHierarchy(resource_id=well)))["ancestor_ids"] == [plates[2], hotel, room]
    assert (await desk.ask(GetHierarchy(resource_id=well)))["descendant_ids"] == {}


async def test_where_something_is_is_said_in_words(desk: Desk) -> None:
    incubator = await add(desk, "Incubator 2", base_type="collection")
    stack = await add(desk, "stack A", incubator, position="left", base_type="stack")
    plates = [await add(desk, f"plate {n}", stack, **GRID) for n in range(3)]
    well = await add(desk, "well", plates[2], position="B1")
    slot = await add(desk, "nest", base_type="slot")
    lid = await add(desk, "lid", slot)
    shown = await desk.ask(Where(resource_id=well))
    assert shown["words"] == "Incubator 2 / position left / stack A / position 3 / plate 2 / position B1"
    assert [(each["name"], each["position"]) for each in shown["path"]] == [
        ("Incubator 2", None), ("stack A", "left"), ("plate 2", "3"), ("well", "B1"),
    ]  # fmt: skip
    assert (await desk.ask(Where(resource_id=lid)))["words"] == "nest / position 0"
    assert (await desk.ask(Where(resource_id=incubator)))["words"] == ""
    await desk.do(Take(container_id=stack, resource_id=plates[0]))
    assert (await desk.ask(Where(resource_id=plates[2])))["path"][-1]["position"] == "2"
    assert (await refusal(desk.ask(Where(resource_id=new_ulid())))).code == "resource.not_found"


async def test_each_filter_finds_what_it_says(desk: Desk) -> None:
    plate = await add(desk, "Plate 7", resource_class="plate", description="for Größe-tests", **GRID)
    before = await desk.now()
    await add(
        desk, "p53 serum", plate, position="A1", resource_class="serum", attributes={"lot": 12, "tags": ["a", "b"]}
    )
    await add(desk, "dry", base_type="consumable", owner={"project": "p53", "user": "ann"})
    await add(desk, "wet", base_type="continuous_consumable", quantity=2)
    await add(desk, "box", base_type="container")
    gone = await add(desk, "gone")
    await desk.do(Remove(resource_id=gone))
    last = await desk.now()
    await desk.do(Update(resource_id=plate, changes=Patch(description="for größe tests")))
    cases: list[tuple[dict[str, Any], list[str]]] = [
        ({}, ["Plate 7", "p53 serum", "dry", "wet", "box"]),
        ({"removed": True}, ["gone"]),
        ({"removed": None, "offset": 4}, ["box", "gone"]),
        ({"name": "dry"}, ["dry"]),
        ({"resource_class": "plate"}, ["Plate 7"]),
        ({"description": "for größe tests"}, ["Plate 7"]),
        ({"parent_id": plate}, ["p53 serum"]),
        ({"base_type": "container"}, ["Plate 7", "box"]),
        ({"base_type": "consumable"}, ["dry", "wet"]),
        ({"base_type": "continuous_consumable"}, ["wet"]),
        ({"owner": {"project": "p53"}}, ["dry"]),
        ({"owner": {"project": "p53", "user": "bob"}}, []),
        ({"owner": {}, "name": "wet"}, ["wet"]),
        ({"attributes": {"tags": ["b"]}}, ["p53 serum"]),
        ({"attributes": {"lot": "12"}}, []),
        ({"is_empty": True}, ["dry", "box"]),
        ({"is_empty": False}, ["Plate 7", "wet"]),
        ({"created_after": before}, ["p53 serum", "dry", "wet", "box"]),
        ({"created_before": before}, ["Plate 7"]),
        ({"updated_after": last}, ["Plate 7"]),
        ({"updated_before": last}, ["p53 serum", "dry", "wet", "box"]),
        ({"updated_before": before, "removed": None}, []),
        ({"text": "pla"}, ["Plate 7"]),
        ({"text": "P53"}, ["p53 serum"]),
        ({"text": "serum p5"}, ["p53 serum"]),
        ({"text": "rum"}, []),
        ({"text": "grö tests"}, ["Plate 7"]),
        ({"text": "größe-te"}, ["Plate 7"]),
        ({"template_name": "none"}, []),
    ]  # fmt: skip
    for filters, expected in cases:
        assert await names(desk, **filters) == expected, filters
        assert (await desk.ask(Find(**filters, count=True)))["count"] == len(expected) + filters.get("offset", 0)


async def test_one_is_found_or_the_only_one(desk: Desk) -> None:
    for _ in range(2):
        await add(desk, "twin")
    assert len(await names(desk, name="twin", multiple=False)) == 1
    assert (await desk.ask(Find(name="twin", multiple=False)))["next"] is None
    assert (await refusal(desk.ask(Find(name="twin", unique=True)))).code == "resource.ambiguous"
    assert (await refusal(desk.ask(Find(name="nobody", multiple=False)))).code == "resource.no_match"
    assert await names(desk, name="nobody", unique=True) == []


async def test_pages_are_in_order_and_whole(desk: Desk) -> None:
    """Every order, with values that are equal and values that are not there; by cursor, and by offset."""
    chance = random.Random(7)
    for _ in range(23):
        kind: dict[str, Any] = {"base_type": "consumable", "quantity": chance.choice(("0", "1", "1.5"))}
        fields = kind if chance.random() < 0.6 else {"base_type": "asset"}
        await add(desk, f"n{chance.randint(1, 3)}", resource_class=f"c{chance.randint(1, 3)}", **fields)
    for sort, descending in product(Sort, (False, True)):
        everything = (await desk.ask(Find(sort=sort, descending=descending)))["resources"]
        assert len({each["resource_id"] for each in everything}) == 23
        refuse_disorder(everything, sort, descending)
        for limit in (1, 7, 23, 24):
            found, after = [], None
            while True:
                page = await desk.ask(Find(sort=sort, descending=descending, limit=limit, after=after))
                found += page["resources"]
                if (after := page["next"]) is None:
                    break
                assert len(page["resources"]) == limit
            assert found == everything
            skipped = await desk.ask(Find(sort=sort, descending=descending, limit=limit, offset=5, count=True))
            assert (skipped["resources"], skipped["count"]) == (everything[5 : 5 + limit], 23)


def refuse_disorder(found: list[dict[str, Any]], sort: Sort, descending: bool) -> None:
    """What is equal is in the order of ids, what has no value comes last."""
    field = "resource_id" if sort is Sort.ID else sort.value
    keys = [
        (float(each[field]) if field == "quantity" else each[field], each["resource_id"])
        for each in found
        if each[field] is not None
    ]
    assert keys == sorted(keys, reverse=descending)
    rest = [each["resource_id"] for each in found if each[field] is None]
    assert rest == sorted(rest, reverse=descending) == [each["resource_id"] for each in found[len(keys) :]]


def forged(*mark: Any) -> str:
    return urlsafe_b64encode(orjson.dumps(mark)).decode()


FORGED: list[Any] = [
    "", "x", "====", "µ", "' or 1=1 --", new_ulid(), forged(), forged("id"), forged("id", False, None, "x"),
    forged("id", False, None, None), forged("name", False, "a", new_ulid()), forged("id", True, None, new_ulid()),
    forged("id", False, "'; drop table resource", new_ulid()), forged("id", False, [[]], new_ulid()),
    urlsafe_b64encode(b'["id", false, null').decode(), urlsafe_b64encode(b"\xff\xfe").decode(),
]  # fmt: skip
VALUES: list[tuple[Sort, Any]] = [
    (Sort.NAME, None), (Sort.NAME, 7), (Sort.NAME, "\0"), (Sort.QUANTITY, "NaN"), (Sort.QUANTITY, "x"),
    (Sort.QUANTITY, "1e99"), (Sort.QUANTITY, True), (Sort.CREATED_AT, "yesterday"), (Sort.UPDATED_AT, []),
    (Sort.CREATED_AT, "0001-01-01T00:00:00+23:00"),
]  # fmt: skip


async def test_a_cursor_that_nobody_gave_is_refused(desk: Desk) -> None:
    """Bad input 8."""
    asked = [Find(after=after) for after in FORGED]
    asked += [Find(sort=sort, after=forged(sort, False, value, new_ulid())) for sort, value in VALUES]
    for query in asked:
        refused = await refusal(desk.ask(query))
        assert (refused.code, refused.status) == ("request.invalid", 422), query


async def test_a_cursor_of_another_order_is_refused(desk: Desk) -> None:
    for number in range(3):
        await add(desk, f"thing {number}")
    after = (await desk.ask(Find(limit=1)))["next"]
    for other in ({"sort": Sort.NAME}, {"descending": True}):
        assert (await refusal(desk.ask(Find(after=after, **other)))).status == 422
    assert await names(desk, after=after) == ["thing 1", "thing 2"]


TEXTS = [
    "' or 1=1 --", "%", "_", "\\", "'; drop table labstow.resource; --", '"', "$1", "%(ids)s", ":*", "& | ! <->",
    "a & !b", "a:*b", "((((", "$.* ? (@ == 1)", "(a+)+$", "١٢٣", "½", "a" * 255, "e\u0301", "-", " ", "",
]  # fmt: skip


async def test_what_means_something_to_a_database_means_nothing_here(desk: Desk) -> None:
    """Bad input 8: SQL, jsonpath, text search and regular expressions, in values and in keys."""
    thing = await add(desk, "thing", description="a b")
    for text in TEXTS:
        for filters in (
            {"name": text}, {"resource_class": text + "x"}, {"description": text}, {"template_name": text},
            {"owner": {text: text}}, {"attributes": {"a": {text: [text]}}},
        ):  # fmt: skip
            assert await names(desk, **filters) == []
        assert await names(desk, text=text) in ([], ["thing"])
        await desk.do(Update(resource_id=thing, changes=Patch(attributes={text: text}, description=text)))
        assert await names(desk, attributes={text: text}) == ["thing"]
        assert await names(desk, description=text) == ["thing"]


@pytest.mark.parametrize(
    "body",
    [
        b'{"limit": 0}', b'{"limit": -1}', b'{"limit": 1000000000}', b'{"limit": 1.5}', b'{"limit": "10"}',
        b'{"offset": -1}',
        b'{"offset": 1000000000000}', b'{"sort": "password"}', b'{"sort": "id; drop table x"}', b'{"name": "a\\u0000"}',
        b'{"attributes": {"a\\u0000": 1}}', b'{"attributes": [1]}', b'{"attributes": {"a": 1e400}}', b'{"text": 7}',
        b'{"as_of": "yesterday"}', b'{"created_after": "2026-01-01T00:00:00"}', b'{"or": [{}]}', b'{"after": 7}',
    ],
)  # fmt: skip
def test_a_query_that_cannot_be_is_refused_at_the_door(body: bytes) -> None:
    """Bad input 8."""
    with pytest.raises(Invalid):
        parse(Find, body)


async def test_free_places_are_found_in_the_order_of_a_plate(desk: Desk) -> None:
    plate = await add(desk, "plate", resource_class="plate", **GRID)
    for well in ("A2", "B1"):
        await add(desk, well, plate, position=well)
    (space,) = (await desk.ask(FindFree(container_id=plate, count=3)))["spaces"]
    assert (space["free"], space["positions"]) == (4, ["A1", "A3", "B2"])
    short = await desk.ask(FindFree(container_id=plate, count=5))
    assert (short["enough"], short["spaces"][0]["positions"]) == (False, ["A1", "A3", "B2", "B3"])
    assert await desk.ask(FindFree(container_id=plate, count=5, together=True)) == {"spaces": [], "enough": False}


async def test_room_is_what_capacity_and_positions_leave(desk: Desk) -> None:
    room = await add(desk, "room", base_type="container", resource_class="room")
    kinds: list[tuple[str, dict[str, Any], int | None, list[str]]] = [
        ("row", {"base_type": "row", "columns": 4, "capacity": 2}, 2, ["1", "2"]),
        ("voxels", {"base_type": "voxel_grid", "rows": 1, "columns": 1, "layers": 2}, 2, ["A1:1", "A1:2"]),
        ("nest", {"base_type": "slot"}, 1, ["0"]),
        ("hotel", {"base_type": "stack", "capacity": 3}, 3, []),
        ("line", {"base_type": "queue"}, None, []),
    ]
    found = {}
    for name, fields, free, positions in kinds:
        within = await add(desk, name, room, **fields)
        found[name] = {"container_id": within, "name": name, "base_type": fields["base_type"]}
        found[name] |= {"free": free, "positions": positions}
    await add(desk, "pool", room, base_type="pool")
    full = await add(desk, "full", room, base_type="slot")
    await add(desk, "in it", full)
    gone = await add(desk, "gone", room, base_type="slot")
    await desk.do(Remove(resource_id=gone))

    async def asked(**filters: Any) -> list[str]:
        spaces = (await desk.ask(FindFree(**filters)))["spaces"]
        assert [each for each in spaces if each["name"] in found] == [
            found[each["name"]] for each in spaces if each["name"] in found
        ]
        return [each["name"] for each in spaces]

    assert await asked(within_id=room, count=1000) == [*found]
    assert await asked(within_id=room, base_type="queue") == ["line"]
    assert await asked(resource_class="room", count=10) == ["room"]
    assert await asked(within_id=room, count=3, together=True) == ["hotel"]
    await desk.do(Push(container_id=found["hotel"]["container_id"], resource=NewResource(name="plate")))
    found["hotel"]["free"] = 2
    assert await asked(within_id=room, base_type="stack", count=2) == ["hotel"]
    for bad, code in ((new_ulid(), "resource.not_found"), (gone, "resource.removed")):
        assert (await refusal(desk.ask(FindFree(container_id=bad)))).code == code
        assert (await refusal(desk.ask(FindFree(within_id=bad)))).code == code
    thing = await add(desk)
    assert (await refusal(desk.ask(FindFree(container_id=thing)))).code == "container.expected"


async def test_a_moment_to_come_reads_as_now(desk: Desk) -> None:
    thing = await add(desk, "thing")
    later = await desk.now() + timedelta(days=365)
    assert await desk.ask(Get(resource_id=thing, as_of=later)) == await desk.ask(Get(resource_id=thing))


async def test_whoever_searches_holds_up_nobody_who_gets(desk: Desk) -> None:
    """More searches than there are connections for them wait for their turn; what is got by id has its own."""
    thing = await add(desk)
    queries = (Find(), Get(resource_id=thing), GetHierarchy(resource_id=thing), Find(as_of=await desk.now()))
    assert len({id(desk.lane_of(query)) for query in queries}) == 4
    assert desk.lane_of(Get(resource_id=thing, as_of=await desk.now())) is desk.lane_of(queries[-1])
