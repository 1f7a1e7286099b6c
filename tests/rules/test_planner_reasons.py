"""Why a step is as it is, and why there is no way."""

from collections import Counter
from collections.abc import Iterable
from decimal import Decimal
from random import Random
from typing import Any

import pytest

from labstow.contracts.capabilities import Capabilities
from labstow.contracts.transfer import Finding
from labstow.workers.transfer.planning.levels import Place
from labstow.workers.transfer.planning.plan import Wish, named, plan
from labstow.workers.transfer.planning.why_not import why_not
from tests.rules.planner_lab import Brute, Lab, place, random_lab, random_wish, template

ARM_OR_BELT = [template("arm", cost="1"), template("belt", cost="1.5")]


def lab(*places: Place, templates: list[dict[str, Any]] = ARM_OR_BELT, **given: Any) -> Lab:
    overrides = {name: given.pop(name) for name in [*given] if name.endswith("_overrides")}
    every = {"transfer_templates": templates, "override_transfer_templates": overrides, **given}
    return Lab(places, Capabilities.model_validate(every))


def wish(of: Lab, source: str, *targets: str, **conditions: Any) -> Wish:
    return Wish(of.named(source).id, tuple(of.named(each).id for each in targets), **conditions)


def reasons(of: Lab, source: str, target: str, **conditions: Any) -> list[str]:
    """Of the steps of the best way."""
    (route,) = plan(of.graph(), wish(of, source, target, **conditions), of.multipliers)
    return [step.reason for step in route.way.steps]


def hindrances(of: Lab, source: str, *targets: str, **conditions: Any) -> list[str]:
    """Codes and sentences of why there is no way."""
    asked = wish(of, source, *targets, **conditions)
    assert not plan(of.graph(), asked, {})
    return [f"{each.code}: {each.sentence}" for each in why_not(of.graph(), asked)]


A, B, C = place("a", "arm", "belt"), place("b", "arm", "belt"), place("c", "arm", "belt")


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({}, "cheapest of 2 that can: arm move (1) before belt move (1.5); default"),
        ({"templates": [template("arm")]}, "only arm move (1) can; default"),
        (
            {"templates": [template("belt"), template("arm"), template("arm", "lift"), template("cart")]},
            "first by name of the cheapest of 3 that can: arm lift (1) before arm move (1) and 1 more; default",
        ),
        ({"target_overrides": {"b": [template("arm", "gentle", "9")]}}, "only arm gentle (9) can; target override"),
        (
            {"pair_overrides": {"a": {"b": [template("cart")]}}, "source_overrides": {"a": [template("belt")]}},
            "only belt move (1) can; source override; the pair override cannot serve here",
        ),
    ],
)
def test_a_step_says_why_it_is_as_it_is(given: dict[str, Any], reason: str) -> None:
    assert reasons(lab(A, B, **given), "a", "b") == [reason]


def test_a_step_says_what_could_but_may_not_be_used_and_what_is_full() -> None:
    full = lab(A, B)._replace(multipliers={B.id: Decimal(10)})
    assert reasons(full, "a", "b", absent=frozenset({"arm"})) == [
        "only belt move (1.5) can; arm could, but may not be used; default; "
        "10 times the cost, as b is nearly full, or full"
    ]


ROOM, DOOR, YARD = place("room", "arm"), place("door", "arm", "cart"), place("yard", "cart")
HOUSE = lab(ROOM, DOOR, YARD, templates=[template("arm"), template("cart")])
LOCKED = lab(ROOM, DOOR._replace(allow_transfers=False), YARD, templates=[template("arm"), template("cart")])


@pytest.mark.parametrize(
    ("house", "conditions", "told"),
    [
        (HOUSE, {"avoid": frozenset({DOOR.id})}, ["location.avoided: it would take passing door, to be avoided"]),
        (
            HOUSE,
            {"nodes": frozenset({"arm"})},
            ["node.not_chosen: it would take cart, not among the nodes that may be used"],
        ),
        (HOUSE, {"absent": frozenset({"cart"})}, ["node.absent: it would take cart, not there right now"]),
        (LOCKED, {}, ["location.no_transfers: it would take passing door, where transfers are not allowed"]),
        (
            LOCKED,
            {"absent": frozenset({"arm", "cart"}), "avoid": frozenset({DOOR.id})},
            [
                "location.avoided: among other things it would take passing door, to be avoided",
                "location.no_transfers: among other things it would take passing door, where transfers are not allowed",
                "node.absent: among other things it would take arm and cart, not there right now",
            ],
        ),
    ],
)
def test_what_would_open_a_way_is_told(house: Lab, conditions: dict[str, Any], told: list[str]) -> None:
    assert hindrances(house, "room", "yard", **conditions) == told


def test_the_rule_that_took_an_edge_away_is_told() -> None:
    overridden = lab(A, B, pair_overrides={"a": {"b": [template("arm", "gentle")]}})
    assert hindrances(overridden, "a", "b", absent=frozenset({"arm"})) == [
        "node.absent: it would take arm, not there right now",
        "edge.overridden: it would take belt move from a to b, but the pair override counts there, and needs arm",
    ]


def test_places_that_nothing_connects_are_told_apart() -> None:
    many = [place(f"shelf_{index:02}", "arm") for index in range(30)]
    island = lab(
        A, *many, place("island", "boat"), place("port", "boat"), templates=[template("arm"), template("boat")]
    )
    assert hindrances(island, "a", "island") == [
        "places.apart: from a one gets to shelf_00, shelf_01, shelf_02 and 27 more, by arm; "
        "to island from port, by boat; no place is in both"
    ]
    (finding,) = why_not(island.graph(), wish(island, "a", "island"))
    assert finding.facts["from_source_count"] == 30
    assert finding.facts["from_source"] == [each.name for each in many[:20]]


@pytest.mark.parametrize(
    ("house", "ends", "told"),
    [
        (
            lab(A, B, templates=[]),
            "ab",
            "templates.none: there are no transfer templates: nothing says how things are moved",
        ),
        (
            lab(A, place("x", "hand"), place("y")),
            "ax",
            "target.no_node: there are transfer templates for arm and belt; target x has representations only for hand",
        ),
        (
            lab(A, place("x", "hand"), place("y")),
            "ya",
            "source.no_node: there are transfer templates for arm and belt; source y has no representations",
        ),
        (
            lab(A, B, C, templates=[], source_overrides={"c": [template("arm")]}),
            "ab",
            "places.apart: nothing leads on from a; to b from c, by arm; no place is in both",
        ),
    ],
)
def test_what_a_laboratory_lacks_is_told(house: Lab, ends: str, told: str) -> None:
    """Bad input 16: unreachable."""
    assert hindrances(house, *ends) == [told]


def test_of_a_way_over_given_places_the_leg_that_breaks_off_is_told() -> None:
    assert hindrances(lab(A, B, place("y")), "a", "b", via=(place("y").id,)) == [
        "target.no_node: there are transfer templates for arm and belt; target y has no representations"
    ]


def test_every_missing_way_has_a_reason_and_what_is_told_to_open_one_does() -> None:
    chance = Random(9)
    codes: Counter[str] = Counter()
    for _ in range(2_000):
        some = random_lab(chance, 6)
        asked = random_wish(chance, some)
        found = why_not(some.graph(), asked)
        codes.update(each.code for each in found)
        assert bool(found) == (not plan(some.graph(), asked, {}))
        for together in [found] if found and found[0].sentence.startswith("among") else [[each] for each in found]:
            if "would take" in together[0].sentence and together[0].code != "edge.overridden":
                assert Brute(some).ways(asked) == []
                other, wish_there = eased(some, asked, together)
                assert Brute(other).ways(wish_there)
    assert len(codes) == 9, "all that can be told was told"
    assert min(codes.values()) > 1


def eased(some: Lab, asked: Wish, findings: Iterable[Finding]) -> tuple[Lab, Wish]:
    """A laboratory and a wish in which what some findings name is otherwise."""
    for finding in findings:
        facts: dict[str, Any] = finding.facts
        match finding.code:
            case "location.avoided":
                ids = {each.id for each in some.places if each.name in facts["locations"]}
                asked = asked._replace(avoid=asked.avoid - ids)
            case "location.no_transfers":
                opened = (
                    each._replace(allow_transfers=each.allow_transfers or each.name in facts["locations"])
                    for each in some.places
                )
                some = some._replace(places=tuple(opened))
            case "node.not_chosen":
                asked = asked._replace(nodes=frozenset(asked.nodes or ()).union(facts["nodes"]))
            case "node.absent":
                asked = asked._replace(absent=asked.absent.difference(facts["nodes"]))
    return some, asked


def test_ways_over_given_places_have_reasons_too() -> None:
    chance = Random(10)
    for _ in range(500):
        some = random_lab(chance, 6)
        asked = random_wish(chance, some, 2)
        assert bool(why_not(some.graph(), asked)) == (not plan(some.graph(), asked, {}))


def test_names_are_said_as_people_say_them() -> None:
    assert [named(list("abcdefghijkl"[:count])) for count in (1, 2, 3, 4, 12)] == [
        "a",
        "a and b",
        "a, b and c",
        "a, b, c and 1 more",
        "a, b, c and 9 more",
    ]
