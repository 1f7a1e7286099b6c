"""What a MADSci client reads and sends back is what was there."""

import re
from typing import Any

import pytest
from hypothesis import given as forall
from hypothesis import settings

from labstow.contracts.base_types import CONSUMABLES, CONTAINERS, SHAPED, BaseType
from labstow.contracts.errors import Invalid, TooDeep
from labstow.contracts.positions import Geometry, canonical
from labstow.contracts.resource import NewResource, Resource
from labstow.contracts.ulids import is_ulid
from labstow.gateway.madsci.given import given
from tests.gateway.lab import PLATE
from tests.gateway.things import answered, things

Json = dict[str, Any]

OP = "01M7ZQPJ4RNK3G1KAYMQFFSG2D"


@forall(thing=things())
@settings(max_examples=150, deadline=None)
def test_a_resource_of_any_type_comes_back_as_it_went(thing: Json) -> None:
    resource = Resource.model_validate(thing)
    back = NewResource.model_validate(given(answered(thing), OP))
    assert_same(resource, back)


def assert_same(was: Resource, back: NewResource) -> None:
    kept = ("resource_id", "name", "resource_class", "base_type", "description", "owner", "attributes", "unit")
    assert {name: getattr(back, name) for name in kept} == {name: getattr(was, name) for name in kept}
    if was.base_type in SHAPED:
        size = ("rows", "columns", "layers", "one_indexed")
        assert [getattr(back, name) for name in size] == [getattr(was, name) for name in size]
    if was.base_type in CONSUMABLES:
        assert float(back.quantity or 0) == float(was.quantity or 0)
    if was.base_type is not BaseType.SLOT:
        assert back.capacity == was.capacity
    assert "parent_id" not in back.model_fields_set
    at = Geometry(was.base_type, was.rows, was.columns, was.layers, was.one_indexed)
    children = was.children or ()
    if was.base_type in SHAPED:
        children = tuple(sorted(children, key=lambda child: place(was, child)))
    assert len(back.children) == len(children)
    for child, again in zip(children, back.children, strict=True):
        assert canonical(at, again.position) == child.position
        assert_same(child, again)


def place(plate: Resource, child: Resource) -> tuple[int, ...]:
    index = child.index or ()
    return (index[2], *index[:2]) if plate.base_type is BaseType.VOXEL_GRID else index


@forall(thing=things([BaseType.GRID], depth=1))
@settings(deadline=None)
def test_a_plate_is_a_list_of_rows_padded_to_its_columns(thing: Json) -> None:
    theirs = answered(thing)
    rows, padding = theirs["children"][: thing["rows"]], theirs["children"][thing["rows"] :]

    assert len(theirs["children"]) == max(thing["rows"], thing["columns"])
    assert not any(padding)
    assert all(is_ulid(row["resource_id"]) and len(row["children"]) == thing["columns"] for row in rows)
    assert [row["resource_name"] for row in rows] == [f"{thing['name']}_row_{i}" for i in range(thing["rows"])]
    assert [row["key"] for row in rows] == [str(i) for i in range(thing["rows"])]
    assert rows == answered(thing)["children"][: thing["rows"]]
    assert sum(row["quantity"] for row in rows) == theirs["quantity"]


@forall(thing=things([BaseType.DISCRETE_CONSUMABLE, BaseType.CONTINUOUS_CONSUMABLE, *CONTAINERS - {BaseType.POOL}]))
@settings(deadline=None)
def test_what_is_counted_is_whole_and_what_is_measured_is_not(thing: Json) -> None:
    measured = thing["base_type"] == BaseType.CONTINUOUS_CONSUMABLE
    assert type(answered(thing)["quantity"]) is (float if measured else int)


def test_a_well_keeps_the_plate_as_parent_and_its_column_as_key(plate: Json) -> None:
    well = answered(plate)["children"][1]["children"][2]
    assert (well["resource_name"], well["parent_id"], well["key"]) == ("B3", plate["resource_id"], "2")


def test_a_row_counts_the_quantities_of_its_children_which_must_not_exceed_what_is_shown_as_capacity(
    plate: Json,
) -> None:
    plate |= {"capacity": "2"}
    theirs = answered(plate)
    assert theirs["capacity"] is None
    assert given(theirs, OP)["capacity"] == 2
    assert given(theirs | {"capacity": 3}, OP)["capacity"] == 3


@pytest.fixture
def plate() -> Json:
    bare: Json = {"resource_class": "", "description": None, "owner": {}, "attributes": {}, "layers": None}
    bare |= {"one_indexed": True, "unit": None, "capacity": None, "template_name": None, "version": 1}
    bare |= {"created_at": "2026-11-21T19:00:32Z", "updated_at": "2026-11-21T19:00:32Z", "removed_at": None}
    whole: Json = {"resource_id": "01M7ZQPSHVEFGKGX3AXV289NGE", "name": "P", "base_type": "grid"}
    whole |= {"rows": 2, "columns": 3}
    tips: Json = {"resource_id": "01M7ZQPJ4RNK3G1KAYMQFFSG2C", "name": "B3", "base_type": "discrete_consumable"}
    tips |= {"rows": None, "columns": None, "quantity": "300", "position": "B3", "index": [1, 2]}
    tips |= {"parent_id": whole["resource_id"]}
    return bare | whole | {"parent_id": None, "position": None, "quantity": "1", "children": [bare | tips]}


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ({}, "resource_name"),
        ({"resource_name": "P", "base_type": "grid", "children": {"A1": {}}}, "are a list"),
        ({"resource_name": "P", "base_type": "grid", "children": [[]]}, "is an object"),
        ({"resource_name": "P", "base_type": "grid", "children": [{"children": [3]}]}, "is an object"),
        ({"resource_name": "P", "base_type": "collection", "children": [{}]}, "are an object"),
        ({"resource_name": "P", "base_type": "grid", "children": ["01M7ZQPJ4RNK3G1KAYMQFFSG2C"]}, "row or layer"),
        ({"resource_name": "P", "base_type": "stack", "children": [7]}, "or the id"),
        ({"resource_name": "P", "base_type": "asset", "children": [{}]}, "cannot have any"),
        ({"resource_name": "P", "base_type": ["grid"], "children": [{}]}, "cannot have any"),
    ],
)
def test_a_body_of_another_form_is_refused_with_a_sentence(body: Json, sentence: str) -> None:
    with pytest.raises(Invalid, match=sentence):
        given(body, OP)


def test_a_body_nested_without_end_is_refused_before_it_is_read_through() -> None:
    body: Json = {"resource_name": "innermost"}
    for _ in range(200):
        body = {"resource_name": "around", "base_type": "stack", "children": [body]}
    with pytest.raises(TooDeep):
        given(body, OP)


def test_a_name_is_made_from_the_prefix_and_the_id_so_that_asking_twice_names_the_same() -> None:
    body = {"resource_name": None, "resource_name_prefix": "tip", "resource_id": "01M7ZQPJ4RNK3G1KAYMQFFSG2C"}
    assert given(body, OP)["name"] == given(body, PLATE)["name"] == "tip_FFSG2C"


def test_without_an_id_the_name_is_made_from_the_operation_and_each_child_has_its_own() -> None:
    tip = {"resource_name_prefix": "tip"}
    inner = {"resource_name_prefix": "rack", "base_type": "stack", "children": [tip, tip]}
    body = {"resource_name_prefix": "rack", "base_type": "stack", "children": [inner, tip]}
    assert given(body, OP) == given(body, OP)
    names = re.findall(r"(?:tip|rack)_[0-9A-Z]{6}", str([given(body, OP), given(body, PLATE)]))
    assert len(set(names)) == len(names) == 10


def test_what_the_server_owns_is_not_taken_from_a_body() -> None:
    body = {"resource_name": "S", "base_type": "asset", "version": 7, "removed": True, "locked_by": "x", "rows": None}
    assert given(body, OP) == {"name": "S", "base_type": "asset"}
