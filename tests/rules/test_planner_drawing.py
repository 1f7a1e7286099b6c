"""The picture of the transfer graph."""

from random import Random
from xml.etree import ElementTree as Xml

from labstow.contracts.capabilities import Capabilities
from labstow.contracts.transfer import Way
from labstow.workers.transfer.planning.drawing import svg
from labstow.workers.transfer.planning.plan import Wish, plan
from tests.rules.planner_lab import Lab, place, random_lab, random_wish, shuffled, template

SVG = "{http://www.w3.org/2000/svg}"


def texts(picture: str) -> list[str]:
    """What can be read in a picture."""
    return [each.text or "" for each in Xml.fromstring(picture).iter(f"{SVG}text")]


def shapes(picture: str, look: str) -> int:
    """How many shapes look so."""
    return sum(look in each.get("class", "").split() for each in Xml.fromstring(picture).iter())


def best(lab: Lab, source: str, target: str) -> Way:
    """The best way from place to place."""
    return plan(lab.graph(), Wish(lab.named(source).id, (lab.named(target).id,)), lab.multipliers)[0].way


def test_any_laboratory_can_be_drawn_with_any_way_always_the_same() -> None:
    chance = Random(11)
    for _ in range(300):
        lab = random_lab(chance)
        found = [each.way for each in plan(lab.graph(), random_wish(chance, lab, 1), lab.multipliers)]
        way = found[0] if found else None

        picture = svg(lab.graph(), way)

        assert {each.name for each in lab.places} <= {*texts(picture)}
        assert shapes(picture, "badge") == (len(way.steps) if way else 0)
        assert picture == svg(shuffled(chance, lab).graph(), way)


BENCH = Lab(
    (
        place("rack", "arm"),
        place("reader", "arm", "belt"),
        place("nest", "arm"),
        place("nest_of_belt", "belt"),
        place("outlet", "belt", "arm"),
        place("cabinet"),
        place("safety_zone", "sensor", allow=False),
    ),
    Capabilities.model_validate(
        {
            "transfer_templates": [template("arm", "transfer"), template("belt", cost="0.5")],
            "override_transfer_templates": {
                "source_overrides": {"rack": [template("arm", "heavy", "0.8")], "nest": [template("belt", "never")]},
                "target_overrides": {"reader": [template("arm", "gentle", "1.2")]},
                "pair_overrides": {"reader": {"outlet": [template("arm", "direct", "0.1")]}},
            },
            "linked": [["nest", "nest_of_belt"]],
            "exclusive": [["reader", "outlet"], ["rack", "nowhere"]],
        }
    ),
)


def test_a_picture_shows_nodes_overrides_and_what_belongs_together() -> None:
    picture = svg(BENCH.graph())

    assert {"arm", "transfer · 1", "belt", "move · 0.5"} <= {*texts(picture)}
    assert {"heavy · 0.8", "gentle · 1.2", "direct · 0.1"} <= {*texts(picture)}
    assert not [each for each in texts(picture) if "never" in each], "it can serve nothing"
    assert {"no transfers", "no node with templates knows it"} <= {*texts(picture)}
    assert {"names of one place", "one of them at a time", "override: action · cost"} <= {*texts(picture)}
    assert (shapes(picture, "linked"), shapes(picture, "exclusive"), shapes(picture, "off")) == (2, 2, 1)
    assert shapes(picture, "stop") == 7


def test_a_picture_shows_a_way() -> None:
    picture = svg(BENCH.graph(), best(BENCH, "rack", "nest_of_belt"))

    assert "1. arm heavy: rack to nest, cost 0.8" in texts(picture)
    assert "The way: 1 step, cost 0.8." in texts(picture)
    assert (shapes(picture, "way"), shapes(picture, "on"), shapes(picture, "used")) == (1, 2, 1)
    through = svg(BENCH.graph(), best(BENCH, "nest_of_belt", "rack"))
    assert "1. arm transfer: nest to rack, cost 1" in texts(through)


def test_a_picture_says_what_it_is_told_to_say() -> None:
    """In lines that fit; and to those who hear it."""
    told = ["There is no way.", "it would take a node that is not there, and then another one. " * 3]
    picture = svg(BENCH.graph(), told=told)

    assert shapes(picture, "way") == 0
    first = texts(picture).index("There is no way.")
    assert " ".join(texts(picture)[first:]) == " ".join(told).strip()
    assert 50 < max(map(len, texts(picture))) <= 100
    assert "There is no way. it would" in (Xml.fromstring(picture).findtext(f"{SVG}desc") or "")


def test_a_picture_can_be_heard() -> None:
    root = Xml.fromstring(svg(BENCH.graph(), best(BENCH, "rack", "outlet")))

    assert root.findtext(f"{SVG}title") == "Transfer graph, and the way from rack to outlet"
    assert "belt reaches nest_of_belt, outlet and reader." in (root.findtext(f"{SVG}desc") or "")
    assert "1. arm heavy: rack to outlet, cost 0.8" in (root.findtext(f"{SVG}desc") or "")


def test_names_of_nodes_and_actions_are_text_whatever_they_are() -> None:
    odd = '<script> & "co"'
    lab = Lab(
        (place("a", odd), place("b", odd)), Capabilities.model_validate({"transfer_templates": [template(odd, "<b>")]})
    )

    picture = svg(lab.graph(), best(lab, "a", "b"))

    assert "<script" not in picture
    assert "<b> · 1" in texts(picture)


def test_names_that_are_too_long_are_shortened() -> None:
    long = "liquidhandler_" * 18
    lab = Lab((place(long, "arm"),), Capabilities.model_validate({"transfer_templates": [template("arm")]}))

    assert "liquidhandler_liquidhandler_liqui…" in texts(svg(lab.graph()))
    assert long in svg(lab.graph()), "as the title of its box"


def test_an_empty_laboratory_has_a_picture_too() -> None:
    assert "0 places, 0 nodes" in texts(svg(Lab((), Capabilities()).graph()))


def test_of_more_than_sixty_places_those_that_look_the_same_are_drawn_as_one() -> None:
    places = tuple(place(f"deck_{index:04}", ("arm", "belt", "cart")[index % 3]) for index in range(3_000))
    given = {
        "transfer_templates": [template("arm"), template("belt"), template("cart")],
        "override_transfer_templates": {"source_overrides": {"deck_0006": [template("arm", "heavy")]}},
    }
    lab = Lab(places, Capabilities.model_validate(given))

    picture = texts(svg(lab.graph(), best(lab, "deck_0004", "deck_0007")))

    assert "deck_0000 and 998 more" in picture
    assert "deck_0001 and 997 more" in picture
    assert "deck_0002 and 999 more" in picture
    assert {"deck_0004", "deck_0006", "deck_0007"} <= {*picture}


def test_what_does_not_fit_is_counted() -> None:
    places = tuple(place(f"deck_{index:03}", "arm") for index in range(200))
    overrides = {each.name: [template("arm", "gentle")] for each in places}
    given = {"transfer_templates": [template("arm")], "override_transfer_templates": {"target_overrides": overrides}}
    lab = Lab(places, Capabilities.model_validate(given))

    picture = texts(svg(lab.graph(), best(lab, "deck_150", "deck_199")))

    assert "140 more places not drawn." in picture
    assert {"deck_150", "deck_199"} <= {*picture}
