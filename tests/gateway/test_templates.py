"""Templates over REST."""

import pytest

from labstow.contracts.errors import MissingOverrides, NoTemplate
from labstow.contracts.ulids import is_ulid
from tests.gateway.conftest import Connect
from tests.gateway.lab import ID, PLATE, Json, WrittenLab, thing

PLATE_96 = {"resource_name": "Standard", "resource_class": "plate", "base_type": "grid", "rows": 2, "columns": 3}


def template(**fields: object) -> Json:
    """Give a template as a worker answers it."""
    return {
        "template_id": PLATE,
        "name": "plate 96",
        "description": "flat",
        "label": "1.1.0",
        "tags": ["plate"],
        "required_overrides": ["name", "attributes.lot"],
        "created_by": "ada",
        "resource": {"name": "Standard", "base_type": "asset"},
        "created_at": "2026-11-21T19:00:32.028410Z",
        "updated_at": "2026-11-21T19:00:32.028410Z",
        "removed_at": None,
        "version": 4,
        **fields,
    }


async def test_a_template_is_created_with_our_names_and_replaces_one_of_its_name(http: Connect) -> None:
    lab = WrittenLab(template_create=lambda _: template())
    body: Json = {"resource": PLATE_96 | {"version": 3, "is_one_indexed": False}, "template_name": "plate 96"}
    body |= {"description": "flat", "version": "1.1.0", "tags": None, "created_by": None}
    body |= {"required_overrides": ["resource_name", "attributes.lot", "resource_description"]}
    answer = await http(lab).post("/template/create", json=body)
    resource = {"name": "Standard", "resource_class": "plate", "base_type": "grid", "rows": 2, "columns": 3}
    assert lab.asked == [
        (
            "template.create",
            {
                "name": "plate 96",
                "replace": True,
                "label": "1.1.0",
                "resource": resource | {"one_indexed": False},
                "description": "flat",
                "required_overrides": ["name", "attributes.lot", "description"],
            },
        )
    ]
    assert (answer.status_code, answer.headers["etag"]) == (200, '"4"')


async def test_a_template_is_shown_as_its_resource_and_about_the_template(http: Connect) -> None:
    lab = WrittenLab(template_get=lambda _: template())
    shown = (await http(lab).get("/template/plate 96")).json()
    assert (shown["resource_id"], shown["resource_name"], shown["base_type"]) == (PLATE, "Standard", "asset")
    assert (shown["template_name"], shown["version"], shown["template_version"]) == ("plate 96", "1.1.0", 4)
    assert shown["required_overrides"] == ["resource_name", "attributes.lot"]
    assert (shown["description"], shown["tags"], shown["created_by"]) == ("flat", ["plate"], "ada")
    unnamed = WrittenLab(template_get=lambda _: template(label=None))
    assert (await http(unnamed).get("/template/plate 96")).json()["version"] == "1.0.0"


async def test_a_template_of_a_plate_shows_what_is_made_in_its_wells(http: Connect) -> None:
    inside = [{"name": "Control", "position": "A2"}, {"name": "Blank", "position": [1, 2], "base_type": "consumable"}]
    resource = {"base_type": "grid", "rows": 2, "columns": 3, "children": inside}
    lab = WrittenLab(template_get=lambda _: template(resource=resource))
    shown = (await http(lab).get("/template/plate 96")).json()
    assert (shown["resource_name"], shown["quantity"]) == ("plate 96", 2)
    control, blank = shown["children"][0]["children"][1], shown["children"][1]["children"][2]
    assert (control["resource_name"], blank["resource_name"], blank["quantity"]) == ("Control", "Blank", 0.0)
    assert is_ulid(control["resource_id"])
    assert control["resource_id"] != blank["resource_id"]


async def test_what_is_told_about_a_template_has_its_defaults_and_its_resource(http: Connect) -> None:
    resource = {"name": "PBS", "base_type": "consumable", "quantity": "1000.5", "description": "salt"}
    lab = WrittenLab(template_get=lambda _: template(resource=resource))
    info = (await http(lab).get("/template/pbs/info")).json()
    defaults = {"resource_name": "PBS", "base_type": "consumable", "quantity": 1000.5, "resource_description": "salt"}
    assert info["default_values"] == defaults
    assert info["resource"]["resource_name"] == "PBS"
    assert (info["description"], info["version"], info["created_at"]) == (
        "flat",
        "1.1.0",
        "2026-11-21T19:00:32.028410Z",
    )


async def test_a_template_is_read_at_one_of_its_versions(http: Connect) -> None:
    client = http(lab := WrittenLab(template_get=lambda _: template()))
    for path in ("", "/info"):
        assert (await client.get(f"/template/plate 96{path}?version=2")).status_code == 200
    assert [query for _, query in lab.asked] == [{"name": "plate 96", "version": 2}] * 2


async def test_an_update_changes_the_template_and_its_resource(http: Connect) -> None:
    lab = WrittenLab(template_update=lambda _: template())
    updates: Json = {"description": "new", "tags": ["v2"], "version": "1.2.0", "attributes": {"volume": 250}}
    updates |= {"resource_name": "Better", "required_overrides": ["resource_name"]}
    assert (await http(lab).put("/template/plate 96", json={"updates": updates})).status_code == 200
    changes: Json = {"description": "new", "tags": ["v2"], "label": "1.2.0", "required_overrides": ["name"]}
    changes["resource"] = {"name": "Better", "attributes": {"volume": 250}}
    assert lab.asked == [("template.update", {"name": "plate 96", "changes": changes})]


async def test_an_update_with_a_whole_resource_writes_what_its_type_has(http: Connect) -> None:
    """This is how MADSci's client brings a template to another version."""
    stored = template(resource={"base_type": "stack"})
    lab = WrittenLab(template_get=lambda _: stored, template_update=lambda _: stored)
    whole: Json = {
        "resource_name": "Rack",
        "resource_name_prefix": None,
        "resource_class": "rack",
        "base_type": "stack",
    }
    whole |= {"resource_description": None, "owner": {}, "custom_attributes": None, "attributes": {}, "quantity": 2}
    whole |= {"capacity": 20, "rows": None, "columns": None, "layers": None, "unit": None, "locked_by": None}
    updates = {"description": "", "required_overrides": None, "tags": None, "version": 7} | whole
    client = http(lab)
    assert (await client.put("/template/rack", json={"updates": updates})).status_code == 200
    resource: Json = {"name": "Rack", "resource_class": "rack", "description": None, "owner": {}, "attributes": {}}
    changes = {"description": "", "resource": resource | {"capacity": 20}}
    assert lab.asked[-1] == ("template.update", {"name": "rack", "changes": changes})
    other = await client.put("/template/rack", json={"updates": {"base_type": "queue"}})
    assert (other.status_code, other.json()["code"]) == (409, "resource.other_shape")


async def test_templates_that_have_any_of_some_tags_are_found_however_many_pages_they_fill(http: Connect) -> None:
    pages = {None: ([template(tags=["a"]), template(tags=["b"])], "b"), "b": ([template(tags=["c", "a"])], None)}

    def find(query: Json) -> Json:
        templates, following = pages[query["after"]]
        return {"templates": templates, "next": following}

    client = http(lab := WrittenLab(template_list=find))
    assert len((await client.get("/templates/query_all")).json()) == 3
    query = {"base_type": "container", "tags": ["a", "z"], "created_by": None}
    assert len((await client.post("/templates/query", json=query)).json()) == 2
    assert lab.asked[-1][1] == {"base_type": "container", "after": "b", "limit": 1000}


async def test_categories_are_names_of_templates_by_type(http: Connect) -> None:
    lab = WrittenLab(template_categories=lambda _: {"categories": {"container": ["plate 96"]}})
    assert (await http(lab).get("/templates/categories")).json() == {"container": ["plate 96"]}


async def test_a_removed_template_is_gone(http: Connect) -> None:
    lab = WrittenLab(template_remove=lambda _: template(), template_get=NoTemplate(name="plate 96"))
    answer = await http(lab).delete("/template/plate 96")
    assert (answer.status_code, "plate 96" in answer.json()["message"]) == (200, True)
    gone = WrittenLab(template_remove=NoTemplate(name="plate 96"))
    assert (await http(gone).delete("/template/plate 96")).status_code == 404
    for path in ("", "/info"):
        assert (await http(lab).get(f"/template/plate 96{path}")).status_code == 404


async def test_a_resource_is_made_with_overrides_by_our_names_and_the_same_again_is_the_same(http: Connect) -> None:
    lab = WrittenLab(template_instantiate=lambda _: {"resources": [thing(name="Plate 8")]})
    overrides = {"attributes": {"lot": "L-1"}, "attributes.from.shop": "a", "resource_description": "d", "length": 3}
    overrides |= {"is_one_indexed": False, "quantity": 0.1 + 0.2}
    body = {"resource_name": "Plate 8", "overrides": overrides, "add_to_database": True}
    answer = await http(lab).post("/template/plate 96/create_resource", json=body)
    assert (answer.json()["resource_name"], answer.headers["etag"]) == ("Plate 8", '"3"')
    ours = {"attributes": {"lot": "L-1", "from": {"shop": "a"}}, "description": "d", "columns": 3}
    ours |= {"one_indexed": False, "quantity": 0.3}
    command = {"template": "plate 96", "instances": [{"name": "Plate 8", "overrides": ours}]}
    assert lab.asked == [("template.instantiate", command | {"attach_by_name": True, "add": True})]


@pytest.mark.parametrize(("told", "add"), [(False, False), (None, True), (True, True)])
async def test_what_would_be_made_can_be_shown_only(http: Connect, told: bool | None, add: bool) -> None:
    lab = WrittenLab(template_instantiate=lambda _: {"resources": [thing()]})
    body = {"resource_name": "Plate 8", "overrides": None, "add_to_database": told}
    await http(lab).post("/template/plate 96/create_resource", json=body)
    assert (lab.asked[0][1]["add"], lab.asked[0][1]["instances"]) == (add, [{"name": "Plate 8"}])


async def test_many_are_made_at_once_where_they_belong(http: Connect) -> None:
    lab = WrittenLab(template_instantiate=lambda query: {"resources": [thing() for _ in query["instances"]]})
    well = {"resource_id": ID, "resource_name": "a", "parent_id": PLATE, "key": [0, 1], "overrides": {"quantity": 5}}
    same = {"resource_name": "b", "overrides": {"resource_id": PLATE, "parent_id": PLATE, "key": "A2", "quantity": 5}}
    url = "/template/sample/instantiate?version=2"
    answer = await http(lab).post(url, json={"instances": [well, same]})
    assert len(answer.json()["resources"]) == 2
    assert lab.asked[0][1] == {
        "template": "sample",
        "version": 2,
        "instances": [
            {"resource_id": ID, "name": "a", "parent_id": PLATE, "position": [0, 1], "overrides": {"quantity": 5}},
            {"resource_id": PLATE, "name": "b", "parent_id": PLATE, "position": "A2", "overrides": {"quantity": 5}},
        ],
    }


async def test_a_required_override_that_lacks_is_named(http: Connect) -> None:
    lab = WrittenLab(template_instantiate=MissingOverrides(fields=["attributes.lot"]))
    answer = await http(lab).post("/template/plate 96/create_resource", json={"resource_name": "Plate 8"})
    assert (answer.status_code, answer.json()["detail"]) == (422, "Missing required fields: ['attributes.lot']")


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/template/create", {"template_name": "a/b", "resource": PLATE_96}),
        ("POST", "/template/create", {"template_name": " a", "resource": PLATE_96}),
        ("POST", "/template/create", {"template_name": "x" * 300, "resource": PLATE_96}),
        ("POST", "/template/create", {"template_name": "a", "resource": ID}),
        ("POST", "/template/create", {"template_name": "a"}),
        ("POST", "/template/create", {"template_name": "a", "resource": PLATE_96, "tags": "plate"}),
        ("POST", "/template/create", {"template_name": "a", "resource": PLATE_96, "required_overrides": [7]}),
        ("POST", "/template/create", {"resource": PLATE_96}),
        ("PUT", "/template/a", {}),
        ("PUT", "/template/a", {"updates": []}),
        ("PUT", "/template/a", {"updates": {"version": ""}}),
        ("POST", "/templates/query", {"colour": "red"}),
        ("POST", "/templates/query", {"tags": "plate"}),
        ("POST", "/templates/query", {"base_type": "plates"}),
        ("POST", "/template/a/create_resource", {"resource_name": 7}),
        ("POST", "/template/a/create_resource", {"resource_name": "x", "overrides": ["lot"]}),
        ("POST", "/template/a/create_resource", {"resource_name": "x", "add_to_database": "maybe"}),
        ("POST", "/template/a/instantiate", {"instances": []}),
        ("POST", "/template/a/instantiate", {"instances": ["x"]}),
        ("POST", "/template/a/instantiate", {}),
        ("POST", "/template/a/instantiate", {"instances": [{"resource_name": "x", "override": {}}]}),
        ("POST", "/template/a/create_resource", {"resource_name": "x", "override": {}}),
        ("GET", "/template/a?version=first", None),
        ("GET", "/template/a?version=0", None),
    ],
)
async def test_what_is_no_template_or_none_can_be_made_of_is_422(
    http: Connect, method: str, path: str, body: Json | None
) -> None:
    """Bad input 15."""
    verbs = ("create", "get", "update", "list", "instantiate")
    lab = WrittenLab(**{f"template_{verb}": lambda _: template() for verb in verbs})
    answer = await http(lab).request(method, path, json=body)
    assert answer.status_code == 422
    assert isinstance(answer.json()["detail"], str)
