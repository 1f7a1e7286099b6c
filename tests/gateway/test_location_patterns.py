"""What locations are made from, over REST."""

import pytest

from labstow.contracts import pattern
from labstow.contracts.place_errors import NoPattern, PatternExists, Unbound
from tests.gateway.conftest import Connect
from tests.gateway.lab import PLACE, PLATE, Json, WrittenLab, place

ABOUT: Json = {
    "template_id": PLATE,
    "name": "deck",
    "description": None,
    "tags": ["robot"],
    "created_by": None,
    "label": "1.1.0",
    "created_at": "2026-11-21T19:00:32.028410Z",
    "updated_at": "2026-11-21T19:00:32.028410Z",
    "removed_at": None,
    "version": 2,
}
DECK = ABOUT | {"default_values": {"payload": 2.0}, "schema_def": None, "required_overrides": ["position"]}
SLOT = ABOUT | {
    "representation_templates": {"controller": "deck"},
    "resource_template_name": "nest",
    "resource_template_overrides": {"name": "N"},
    "default_allow_transfers": True,
}
KINDS = [("representation", DECK), ("location", SLOT)]


def subject(kind: str, verb: str) -> str:
    """The subject of a kind of template."""
    create, get, listed, remove = (
        (
            pattern.CreateRepresentationTemplate,
            pattern.GetRepresentationTemplate,
            pattern.ListRepresentationTemplates,
            pattern.RemoveRepresentationTemplate,
        )
        if kind == "representation"
        else (
            pattern.CreateLocationTemplate,
            pattern.GetLocationTemplate,
            pattern.ListLocationTemplates,
            pattern.RemoveLocationTemplate,
        )
    )
    return {"create": create, "get": get, "list": listed, "remove": remove}[verb].subject


def theirs(template: Json) -> Json:
    """A template as their client reads it."""
    told = {key: value for key, value in template.items() if key not in ("name", "label", "removed_at")}
    told |= {"template_name": template["name"], "version": template["label"], "template_version": template["version"]}
    if "resource_template_overrides" in told:
        told["resource_template_overrides"] = {"resource_name": "N"}
    return told


@pytest.mark.parametrize(("kind", "template"), KINDS)
async def test_a_template_is_read_alone_and_among_all(http: Connect, kind: str, template: Json) -> None:
    told = {subject(kind, "get"): lambda _: template, subject(kind, "list"): lambda _: {"templates": [template]}}
    client = http(lab := WrittenLab(**told))
    one = await client.get(f"/{kind}_template/deck")
    assert (one.json(), one.headers["etag"]) == (theirs(template), '"2"')
    assert (await client.get(f"/{kind}_templates")).json() == [theirs(template)]
    assert lab.asked == [(subject(kind, "get"), {"name": "deck"}), (subject(kind, "list"), {})]


@pytest.mark.parametrize("init", [False, True])
@pytest.mark.parametrize(("kind", "template"), KINDS)
async def test_what_was_read_makes_the_same_template(http: Connect, kind: str, template: Json, init: bool) -> None:
    lab = WrittenLab(**{subject(kind, "create"): lambda _: template})
    answer = await http(lab).post(f"/{kind}_template{'/init' * init}", json=theirs(template))
    assert answer.json() == theirs(template)
    computed = ("created_at", "updated_at", "removed_at", "version")
    ours = {key: value for key, value in template.items() if value is not None and key not in computed}
    assert lab.asked == [(subject(kind, "create"), {"template": ours} | ({"init": True} if init else {}))]


@pytest.mark.parametrize(("kind", "template"), KINDS)
async def test_a_template_is_removed(http: Connect, kind: str, template: Json) -> None:
    answer = await http(WrittenLab(**{subject(kind, "remove"): lambda _: template})).delete(f"/{kind}_template/deck")
    assert answer.json() == {"message": f"{kind.capitalize()} template 'deck' deleted successfully"}


async def test_refusals_of_templates_are_those_their_clients_know(http: Connect) -> None:
    gone, there = NoPattern(kind="Location template", name="x"), PatternExists(kind="Location template", name="x")
    lab = WrittenLab(**{subject("location", "get"): gone, subject("location", "create"): there})
    client = http(lab)
    assert (await client.get("/location_template/x")).status_code == 404
    made = await client.post("/location_template", json={"template_name": "x"})
    assert (made.status_code, made.json()["detail"]) == (409, "Location template 'x' already exists")
    wrong = await client.post("/location_template", json={"template_name": "x", "default_values": {}})
    assert wrong.status_code == 422


async def test_a_schema_may_be_called_either_way(http: Connect) -> None:
    lab = WrittenLab(**{subject("representation", "create"): lambda _: DECK})
    for key in ("schema", "schema_def"):
        await http(lab).post("/representation_template", json={"template_name": "deck", key: {"type": "object"}})
    assert [asked["template"]["schema_def"] for _, asked in lab.asked] == [{"type": "object"}] * 2


async def test_a_location_is_made_from_a_template_with_a_node_for_each_role(http: Connect) -> None:
    body: Json = {"location_name": "lh1.deck_1", "template_name": "deck", "node_bindings": {"controller": "lh1"}}
    body |= {"representation_overrides": {"controller": {"position": 1}}, "description": None, "allow_transfers": None}
    lab = WrittenLab(**{pattern.AddFromTemplate.subject: lambda _: place(location_template_name="deck")})
    answer = await http(lab).post("/location/from_template", json=body)
    assert (answer.json()["location_id"], answer.json()["location_template_name"]) == (PLACE, "deck")
    command = {"name": "lh1.deck_1", "template": "deck", "node_bindings": {"controller": "lh1"}}
    command["representation_overrides"] = {"controller": {"position": 1}}
    assert lab.asked == [(pattern.AddFromTemplate.subject, command)]

    unbound = WrittenLab(**{pattern.AddFromTemplate.subject: Unbound(summary="no node for the role controller")})
    assert (await http(unbound).post("/location/from_template", json=body)).status_code == 422
    assert (await http(lab).post("/location/from_template", json=body | {"roles": {}})).status_code == 422
