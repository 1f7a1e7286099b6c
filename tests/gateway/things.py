"""Resources of every type as workers answer them, for hypothesis."""

from collections.abc import Sequence
from typing import Any

import orjson
from hypothesis import strategies as st

from labstow.contracts.base_types import CONSUMABLES, CONTAINERS, ORDERED, SHAPED, BaseType
from labstow.contracts.positions import Geometry, canonical
from labstow.contracts.ulids import derived_ulid
from labstow.gateway.madsci.shown import forget, shown
from tests.copies import alike

Json = dict[str, Any]

MOMENT = "2026-11-21T19:00:32.028410Z"
names = st.text("abc XYZ 0189-_", min_size=1, max_size=12)
amounts = st.integers(0, 10**9).map(lambda n: f"{n // 1000}.{n % 1000:03}000000000")
counts = st.integers(0, 500).map(str)
ids = st.integers(0).map(lambda n: derived_ulid("thing", str(n)))
owners = st.dictionaries(st.sampled_from(["user_id", "lab_id", "team"]), ids | st.just("me"), max_size=2)
scalars = st.none() | st.booleans() | st.integers(-9, 9) | names
attributes = st.dictionaries(names, scalars | st.lists(scalars, max_size=2), max_size=3)


@st.composite
def things(draw: st.DrawFn, kinds: Sequence[BaseType] = tuple(BaseType), depth: int = 2) -> Json:
    """Draw a resource, in a container with what is in it."""
    kind = draw(st.sampled_from(kinds))
    size = {name: draw(st.integers(1, 4)) for name in SHAPED.get(kind, ())}
    thing: Json = {
        "resource_id": draw(ids),
        "name": draw(names),
        "resource_class": draw(names | st.just("")),
        "base_type": kind.value,
        "description": draw(st.none() | names),
        "owner": draw(owners),
        "attributes": draw(attributes),
        "parent_id": None,
        "position": None,
        "index": None,
        "rows": size.get("rows"),
        "columns": size.get("columns"),
        "layers": size.get("layers"),
        "one_indexed": draw(st.booleans()),
        "quantity": None,
        "capacity": None,
        "unit": draw(st.none() | st.just("mL")),
        "template_name": None,
        "template_version": None,
        "created_at": MOMENT,
        "updated_at": MOMENT,
        "removed_at": None,
        "removal_id": None,
        "version": draw(st.integers(1, 99)),
        "children": None,
    }
    if kind in CONSUMABLES:
        thing["quantity"] = draw(counts if kind is BaseType.DISCRETE_CONSUMABLE else amounts)
        thing["capacity"] = draw(st.none() | st.just("1000000"))
    if kind in CONTAINERS:
        fill(draw, thing, kind, depth)
    return thing


def fill(draw: st.DrawFn, thing: Json, kind: BaseType, depth: int) -> None:
    """Put children into a container, each at a place of its own."""
    inside = sorted(CONSUMABLES) if kind is BaseType.POOL else tuple(BaseType)
    geometry = Geometry(kind, thing["rows"], thing["columns"], thing["layers"], thing["one_indexed"])
    thing["children"] = []
    for key, index in draw(st.lists(places(geometry), max_size=3 if depth else 0, unique_by=str)):
        child = draw(things(inside, depth - 1))
        child |= {"parent_id": thing["resource_id"], "position": canonical(geometry, key), "index": index}
        thing["children"].append(child)
    name_apart(thing)
    if kind in ORDERED:
        for place, child in enumerate(thing["children"]):
            child["index"] = [place]
    if kind is BaseType.SLOT:
        thing["children"] = thing["children"][:1]
    thing["quantity"] = str(len(thing["children"]))
    if kind is BaseType.POOL:
        thing["quantity"] = str(sum(float(child["quantity"]) for child in thing["children"]))
    elif kind is BaseType.SLOT:
        thing["capacity"] = "1"
    else:
        thing["capacity"] = draw(st.none() | st.just("5"))


def name_apart(thing: Json) -> None:
    """Give everything in a thing an id of its own."""
    for number, child in enumerate(thing["children"] or ()):
        child["resource_id"] = derived_ulid("in", thing["resource_id"], str(number))
        child["parent_id"] = thing["resource_id"]
        name_apart(child)


def places(geometry: Geometry) -> st.SearchStrategy[tuple[Any, Any]]:
    """Keys of a container, each with its index."""
    sizes = [getattr(geometry, name) for name in SHAPED.get(geometry.base_type, ())]
    if sizes:
        indices = st.tuples(*(st.integers(0, size - 1) for size in sizes)).map(list)
        return indices.map(lambda index: (index if len(index) > 1 else index[0], index))
    if geometry.base_type in ORDERED:
        return st.integers().map(lambda _: (None, None))
    if geometry.base_type is BaseType.SLOT:
        return st.just((None, [0]))
    keys = names.filter(str.strip)
    return (st.none() | keys if geometry.base_type is BaseType.CONTAINER else keys).map(lambda key: (key, None))


def answered(thing: dict[str, Any]) -> Any:
    """A thing in their shape, as it is read from an answer. What is made up has versions made up, too."""
    forget()
    return alike(orjson.loads(orjson.dumps(shown(thing))))
