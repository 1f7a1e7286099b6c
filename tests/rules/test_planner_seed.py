"""What the README of MADSci's Location Manager says of transfers, example by example."""

from decimal import Decimal
from typing import Any

import pytest

from labstow.contracts.capabilities import Capabilities, CapacityCosts
from labstow.workers.transfer.planning.levels import Place
from labstow.workers.transfer.planning.plan import Wish, multiplier, plan
from labstow.workers.transfer.planning.why_not import why_not
from tests.lab_files import written
from tests.rules.planner_lab import Lab, place, told, ways


def lab_of(name: str) -> Lab:
    """The laboratory of a file."""
    given = written(name)
    places = tuple(
        Place(
            each["location_id"],
            each["location_name"],
            each.get("allow_transfers", True),
            frozenset(each["representations"]),
        )
        for each in given["locations"]
    )
    return Lab(places, capabilities(name))


def capabilities(name: str) -> Capabilities:
    """What robots can do by a file."""
    return Capabilities.model_validate(written(name)["transfer_capabilities"])


def step(lab: Lab, source: str, target: str) -> Any:
    """The only step of the best way."""
    (route,) = plan(lab.graph(), Wish(lab.named(source).id, (lab.named(target).id,)), lab.multipliers)
    (only,) = route.way.steps
    return only


def test_the_minimal_configuration_has_one_way_each() -> None:
    lab = lab_of("madsci_minimal")
    there = step(lab, "input_tray", "output_tray")

    assert (there.node, there.action, there.cost) == ("robot_arm", "move", 1)
    assert there.locations == {"from_slot": "input_tray", "to_slot": "output_tray"}
    assert ways(lab, "output_tray", "input_tray") == ["robot_arm move: output_tray > input_tray; 1"]


def test_in_the_complete_example_the_source_comes_before_the_target() -> None:
    there = step(lab_of("madsci_complete"), "sample_storage", "analysis_station")

    assert (there.action, there.cost, there.level) == ("heavy_transfer", Decimal("0.9"), "source")
    assert there.args == {"safety_check": True, "grip_force": "strong"}
    assert there.locations == {"pickup_location": "sample_storage", "dropoff_location": "analysis_station"}
    assert there.reason == "only robotarm_1 heavy_transfer (0.9) can; source override"


def test_in_the_complete_example_the_way_back_is_by_default() -> None:
    assert ways(lab_of("madsci_complete"), "analysis_station", "sample_storage") == [
        "robotarm_1 transfer_sample: analysis_station > sample_storage; 1"
    ]


def test_a_location_without_transfers_is_in_no_way() -> None:
    """I49."""
    lab = lab_of("madsci_complete")
    assert ways(lab, "sample_storage", "safety_zone") == []
    asked = Wish(lab.named("sample_storage").id, (lab.named("safety_zone").id,))
    assert why_not(lab.graph(), asked)


def test_of_several_nodes_the_cheapest_is_chosen_that_knows_both_places() -> None:
    every = ("kuka_robot", "main_conveyor", "liquid_handler")
    waste = place("liquid_waste_container", allow=False)
    lab = Lab(
        (place("a", *every), place("b", *every), place("c", *every[:2]), place("d", every[0]), waste),
        capabilities("multi_node"),
    )
    assert ways(lab, "a", "b") == ["liquid_handler aspirate_dispense: a > b; 0.3"]
    assert ways(lab, "a", "c") == ["main_conveyor belt_transfer: a > c; 0.8"]
    assert ways(lab, "a", "d") == ["kuka_robot transfer_sample: a > d; 2"]
    assert step(lab, "a", "b").locations == {
        "source_well": "a",
        "target_well": "b",
        "waste_location": "liquid_waste_container",
    }


def test_a_further_location_is_given_by_its_name_and_what_is_none_as_it_is() -> None:
    staging = place("staging")
    more = {"staging_area": staging.id, "tool_rack": "gripper_storage", "source": "elsewhere"}
    dual = {"node_name": "dual", "action": "go", "source_argument_name": "source", "additional_location_args": more}
    lab = Lab(
        (place("a", "dual"), place("b", "dual"), staging), Capabilities.model_validate({"transfer_templates": [dual]})
    )
    assert step(lab, "a", "b").locations == {
        "source": "a",
        "target_location": "b",
        "staging_area": "staging",
        "tool_rack": "gripper_storage",
    }


GENTLE = Place("01K5HDZZCF27YHD2WDGSXFPPKQ", "balance", True, frozenset({"robotarm_1"}))
DECKS = (
    place("liquidhandler_1.deck_1", "robotarm_1", "liquidhandler_1"),
    place("liquidhandler_2.deck_1", "robotarm_1", "liquidhandler_1", "liquidhandler_2"),
)
FLOOR = Lab(
    (GENTLE, *DECKS, place("storage_rack", "robotarm_1"), place("bench", "robotarm_1")),
    capabilities("overrides"),
)


@pytest.mark.parametrize(
    ("source", "target", "expected"),
    [
        ("liquidhandler_1.deck_1", "liquidhandler_2.deck_1", "liquidhandler_1 direct_liquid_transfer 0.5 pair"),
        ("liquidhandler_2.deck_1", "liquidhandler_1.deck_1", "robotarm_1 transfer 1 default"),
        ("storage_rack", "bench", "robotarm_1 heavy_transfer 0.8 source"),
        ("storage_rack", "balance", "robotarm_1 heavy_transfer 0.8 source"),
        ("bench", "balance", "robotarm_1 gentle_transfer 1.2 target"),
        ("bench", "storage_rack", "robotarm_1 transfer 1 default"),
    ],
)
def test_a_pair_comes_before_its_source_that_before_its_target_and_that_before_the_default(
    source: str, target: str, expected: str
) -> None:
    """By name or by id."""
    there = step(FLOOR, source, target)
    assert f"{there.node} {there.action} {there.cost.normalize():f} {there.level}" == expected


def test_an_override_that_does_not_apply_falls_back() -> None:
    """Here the liquid handler does not know the other deck."""
    deck = place("liquidhandler_2.deck_1", "robotarm_1", "liquidhandler_2")
    lab = FLOOR._replace(places=tuple(deck if each.id == deck.id else each for each in FLOOR.places))
    there = step(lab, "liquidhandler_1.deck_1", "liquidhandler_2.deck_1")
    assert (there.action, there.level) == ("transfer", "default")
    assert there.reason == "only robotarm_1 transfer (1) can; default; the pair override cannot serve here"


CONFIG = CapacityCosts(enabled=True)


@pytest.mark.parametrize(
    ("config", "quantity", "capacity", "expected"),
    [
        (CONFIG, 5, 10, 1),
        (CONFIG, 8, 10, 2),
        (CONFIG, 10, 10, 10),
        (CONFIG, 12, 10, 10),
        (CONFIG, "7.999999999999", 10, 1),
        (CONFIG, 8, None, 1),
        (CONFIG, None, 10, 1),
        (CONFIG, 0, 0, 10),
        (CONFIG, 0, 10, 1),
        (CapacityCosts(), 10, 10, 1),
        (None, 10, 10, 1),
        (
            CapacityCosts(enabled=True, high_capacity_threshold=Decimal(1), full_capacity_threshold=Decimal("0.5")),
            6,
            10,
            10,
        ),
    ],
)
def test_what_is_nearly_full_costs_more_and_what_is_full_much_more(
    config: CapacityCosts | None, quantity: Any, capacity: Any, expected: int
) -> None:
    """Thresholds count from there on; nothing to compare is no penalty; what has room for nothing is full."""
    amounts = (None if each is None else Decimal(each) for each in (quantity, capacity))
    assert multiplier(config, *amounts) == expected


def test_a_way_leads_around_what_is_full() -> None:
    lab = FLOOR._replace(
        places=(place("a", "x"), place("m", "x", "y"), place("n", "x", "y"), place("z", "y")),
        capabilities=Capabilities.model_validate(
            {"transfer_templates": [{"node_name": node, "action": "go"} for node in "xy"]}
        ),
    )
    assert ways(lab, "a", "z") == ["x go: a > m; y go: m > z; 2"]
    full = lab._replace(multipliers={lab.named("m").id: Decimal(10)})
    assert ways(full, "a", "z") == ["x go: a > n; y go: n > z; 2"]
    assert ways(full, "a", "m") == ["x go: a > m; 10"]
    (route,) = plan(full.graph(), Wish(lab.named("a").id, (lab.named("m").id,)), full.multipliers)
    assert told(route.way) == "x go: a > m; 10"
    assert [(step.base_cost, step.multiplier) for step in route.way.steps] == [(Decimal(1), Decimal(10))]
