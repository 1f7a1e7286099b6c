"""What is where, over REST."""

import pytest

from labstow.contracts import headers
from labstow.contracts.errors import NothingInIt, Occupied
from tests.gateway.conftest import Connect
from tests.gateway.lab import ID, PLATE, Json, WrittenLab, thing

STACK = thing(resource_id=PLATE, name="Stack", base_type="stack", quantity="1")
SAMPLE: Json = {
    "resource_id": ID,
    "resource_name": "S1",
    "base_type": "asset",
    "version": 3,
    "parent_id": PLATE,
    "key": "2",
}


def placed(**fields: Json | None) -> Json:
    return {"resource": thing(), "container": None, "source": None, "evicted": None} | fields


def lab_with_a_stack(**workers: Json) -> WrittenLab:
    """The stack holds a sample whenever it is read."""
    answers = {verb: (lambda _, told=told: told) for verb, told in workers.items()}
    inside = thing(parent_id=PLATE, index=[0])
    return WrittenLab(**answers, resource_get=lambda _: STACK | {"children": [inside]})


@pytest.mark.parametrize("key", ["A1", 5, [0, 1], [0, 1, 2]])
async def test_a_child_is_set_from_wherever_it_is_instead_of_whatever_is_there(http: Connect, key: object) -> None:
    lab = lab_with_a_stack(resource_place=placed(container=STACK))
    answer = await http(lab).post(f"/resource/{PLATE}/child/set", json={"key": key, "child": SAMPLE})
    child = {"resource_id": ID, "name": "S1", "base_type": "asset", "version": 3, "position": key}
    how = {"replace": True, "move": True}
    assert ("resource.place", {"container_id": PLATE, "resource": child, **how}) in lab.asked
    assert answer.json()["children"][0]["resource_name"] == "S1"


async def test_a_child_may_be_set_by_its_id(http: Connect) -> None:
    lab = lab_with_a_stack(resource_place=placed(container=STACK))
    await http(lab).post(f"/resource/{PLATE}/child/set", json={"key": "A1", "child": ID})
    assert lab.asked[0][1]["resource"] == {"resource_id": ID, "position": "A1"}


async def test_a_child_is_removed_by_its_key_and_the_container_answered(http: Connect) -> None:
    lab = lab_with_a_stack(resource_take=placed(source=STACK | {"quantity": "0"}))
    answer = await http(lab).post(f"/resource/{PLATE}/child/remove", json={"key": "A1"})
    assert lab.asked == [("resource.take", {"container_id": PLATE, "position": "A1"})]
    assert (answer.json()["resource_id"], answer.json()["children"]) == (PLATE, [])


async def test_what_a_worker_answers_with_its_contents_is_not_read_again(http: Connect) -> None:
    """One request to the workers, not two: the worker is told which part of its answer to fill."""
    inside = thing(parent_id=PLATE, index=[0])
    lab = lab_with_a_stack(resource_push=placed(container=STACK | {"children": [inside]}))
    answer = await http(lab).post(f"/resource/{PLATE}/push", json={"child_id": ID})
    assert [verb for verb, _ in lab.asked] == ["resource.push"]
    assert lab.heads[0][headers.FILL] == "container"
    assert answer.json()["children"][0]["resource_id"] == ID


@pytest.mark.parametrize("body", [{"child_id": ID, "child": SAMPLE}, {"child_id": ID, "child": None}, {"child": ID}])
async def test_what_is_pushed_is_a_resource_or_an_id(http: Connect, body: Json) -> None:
    lab = lab_with_a_stack(resource_push=placed(container=STACK))
    answer = await http(lab).post(f"/resource/{PLATE}/push", json=body)
    child: Json = {"resource_id": ID}
    if isinstance(body["child"], dict):
        child |= {"name": "S1", "base_type": "asset", "version": 3}
    assert lab.asked[0] == ("resource.push", {"container_id": PLATE, "resource": child, "move": True})
    assert answer.json()["children"][0]["key"] == "0"


async def test_a_pop_answers_what_was_taken_with_what_is_in_it_and_the_container(http: Connect) -> None:
    lab = lab_with_a_stack(resource_pop=placed(resource=STACK, source=STACK | {"quantity": "0"}))
    popped, container = (await http(lab).post(f"/resource/{PLATE}/pop")).json()
    assert lab.asked[0] == ("resource.pop", {"container_id": PLATE})
    assert (len(popped["children"]), container["children"]) == (1, [])


@pytest.mark.parametrize("into", ["container_id", "parent_id"])
async def test_a_move_tells_what_went_where(http: Connect, into: str) -> None:
    lab = lab_with_a_stack(resource_move=placed(resource=thing(version=8), container=STACK, evicted=thing(name="old")))
    body = {into: PLATE, "key": "A1", "replace": True, "source_id": PLATE}
    answer = await http(lab).post(f"/resource/{ID}/move", json=body)
    command = {"resource_id": ID, "container_id": PLATE, "position": "A1", "replace": True, "source_id": PLATE}
    assert lab.asked == [("resource.move", command)]
    told = answer.json()
    assert (told["container"]["resource_id"], told["evicted"]["resource_name"], told["source"]) == (PLATE, "old", None)
    assert answer.headers["etag"] == '"8"'


async def test_a_swap_tells_both(http: Connect) -> None:
    lab = lab_with_a_stack(resource_swap={"resource": thing(name="a"), "other": thing(name="b")})
    told = (await http(lab).post(f"/resource/{ID}/swap", json={"other_id": PLATE})).json()
    assert lab.asked == [("resource.swap", {"resource_id": ID, "other_id": PLATE})]
    assert (told["resource"]["resource_name"], told["other"]["resource_name"]) == ("a", "b")


async def test_what_cannot_be_put_or_taken_is_409_and_says_why(http: Connect) -> None:
    lab = WrittenLab(
        resource_move=Occupied(name="P1", position="A1", occupant_id=PLATE), resource_pop=NothingInIt(name="Stack")
    )
    moved = await http(lab).post(f"/resource/{ID}/move", json={"container_id": PLATE, "key": "A1"})
    popped = await http(lab).post(f"/resource/{PLATE}/pop")
    assert (moved.status_code, moved.json()["occupant_id"]) == (409, PLATE)
    assert (popped.status_code, popped.json()["detail"]) == (409, "there is nothing in Stack")


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("child/set", {"key": "A1"}),
        ("child/set", {"key": 1.5, "child": ID}),
        ("child/set", {"key": "A1", "child": {}}),
        ("child/remove", {"key": {"row": 1}}),
        ("push", {}),
        ("push", {"child_id": 7}),
        ("move", {"container_id": 7}),
        ("move", {"replace": "maybe"}),
        ("move", {"containr_id": PLATE}),
        ("child/set", {"child": ID, "position": "A1"}),
        ("swap", {}),
    ],
)
async def test_what_does_not_say_what_goes_where_is_422(http: Connect, path: str, body: Json) -> None:
    verbs = ("place", "take", "push", "move", "swap")
    client = http(WrittenLab(**{f"resource_{verb}": lambda _: placed() for verb in verbs}))
    answer = await client.post(f"/resource/{PLATE}/{path}", json=body)
    assert answer.status_code == 422
    assert isinstance(answer.json()["detail"], str)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("child/set", {"child": ID, "key": "A1"}),
        ("child/remove", {"key": "A1"}),
        ("push", {"child": ID}),
        ("pop", {}),
        ("move", {"container_id": ID}),
        ("swap", {"other_id": ID}),
    ],
)
async def test_with_what_is_no_id_nothing_is_done(http: Connect, path: str, body: Json) -> None:
    answer = await http(lab := WrittenLab()).post(f"/resource/shelf/{path}", json=body)
    assert (answer.status_code, lab.asked) == (404, [])
