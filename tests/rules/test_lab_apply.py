"""What a lab file makes of a laboratory: it adds, it changes what it said itself, and it keeps what was taught."""

from typing import Any, Final

from hypothesis import given
from hypothesis import strategies as st

from labstow.contracts.capabilities import Capabilities
from labstow.contracts.lab_file import Difference
from labstow.contracts.pattern import NewRepresentationTemplate
from labstow.contracts.ulids import new_ulid
from labstow.workers.transfer.applying import merged_template
from labstow.workers.transfer.comparing import Json, same
from tests.rules.bench import Bench

ARM: Final = {"node_name": "arm", "action": "transfer"}


def nest(**fields: Any) -> Json:
    """A lab file with one location."""
    return {"locations": [{"location_name": "nest", **fields}]}


def skills(**fields: Any) -> Json:
    """A lab file with capabilities only."""
    return {"transfer_capabilities": fields}


def told(differences: list[Difference]) -> list[tuple[str, str]]:
    """What was said, in short."""
    return [(difference.action, difference.path) for difference in differences]


def test_what_is_not_there_is_added() -> None:
    bench = Bench()
    entry = {"location_name": "nest", "representations": {"arm": [1, 2]}}
    (difference,) = bench.apply({"locations": [entry]})
    assert (difference.action, difference.path, difference.live) == ("add", "locations.nest", None)
    assert difference.file == entry
    assert bench.locations["nest"].representations == {"arm": [1, 2]}


def test_a_node_is_added_to_a_location_that_is_there() -> None:
    bench = Bench()
    bench.teach("nest", representations={"arm": 1})
    assert told(bench.apply(nest(representations={"belt": None}))) == [("add", "locations.nest.representations.belt")]
    assert bench.locations["nest"].representations == {"arm": 1, "belt": None}


def test_what_a_file_said_changes_with_the_file() -> None:
    bench = Bench()
    bench.apply(nest(description="old", allow_transfers=False, representations={"arm": {"x": 1}}))
    assert told(bench.apply(nest(description="new", allow_transfers=True, representations={"arm": {"y": 1}}))) == [
        ("change", "locations.nest.description"),
        ("change", "locations.nest.allow_transfers"),
        ("change", "locations.nest.representations.arm"),
    ]
    live = bench.locations["nest"]
    assert (live.description, live.allow_transfers, live.representations) == ("new", True, {"arm": {"y": 1}})


def test_what_was_taught_since_is_kept_and_told() -> None:
    bench = Bench()
    bench.apply(nest(representations={"arm": 1, "belt": 1}))
    bench.teach("nest", representations={"arm": "taught", "belt": 1})
    first, second = bench.apply(nest(representations={"arm": 2, "belt": 2}))
    assert (first.action, first.live, first.file) == ("keep", "taught", 2)
    assert first.sentence == "was changed since a lab file said otherwise, and stays"
    assert second.action == "change"
    assert bench.locations["nest"].representations == {"arm": "taught", "belt": 2}


def test_what_no_file_ever_said_is_kept() -> None:
    bench = Bench()
    bench.teach("nest", representations={"arm": 1}, description="by hand")
    findings = bench.apply(nest(description="by file", representations={"arm": 2}))
    assert {(one.action, one.sentence) for one in findings} == {("keep", "was not set by a lab file, and stays")}
    assert bench.locations["nest"].description == "by hand"


def test_what_nobody_touches_is_told_in_the_same_words_again() -> None:
    """What was never as a lab file said it did not change since one said otherwise."""
    bench = Bench()
    bench.teach("nest", representations={"arm": 1}, description="by hand")
    bench.capabilities = Capabilities.model_validate({"transfer_templates": [ARM]}).model_dump(mode="json")
    file = {**nest(description="by file", representations={"arm": 2}), **skills(transfer_templates=[])}
    first = bench.apply(file)
    assert {(one.action, one.sentence) for one in first} == {("keep", "was not set by a lab file, and stays")}
    assert bench.apply(file) == first
    bench.teach("nest", representations={"arm": 2})
    assert told(bench.apply(file)) == [("keep", "locations.nest.description"), told(first)[2]]
    bench.teach("nest", representations={"arm": 3})
    (_, arm, _) = bench.apply(file)
    assert arm.sentence == "was changed since a lab file said otherwise, and stays"


def test_what_nobody_ever_set_is_set() -> None:
    bench = Bench()
    bench.teach("nest", representations={"arm": 1})
    assert told(bench.apply(nest(allow_transfers=False))) == [("change", "locations.nest.allow_transfers")]
    assert not bench.locations["nest"].allow_transfers


def test_what_was_allowed_again_by_hand_stays_allowed() -> None:
    bench = Bench()
    bench.apply(nest(allow_transfers=False))
    bench.teach("nest", allow_transfers=True)
    assert told(bench.apply(nest(allow_transfers=False))) == [("keep", "locations.nest.allow_transfers")]
    assert bench.locations["nest"].allow_transfers


def test_what_file_and_laboratory_once_agreed_on_is_the_files_from_then_on() -> None:
    """So that what was taught can be exported, and edited in the file later."""
    bench = Bench()
    bench.teach("nest", representations={"arm": "taught"})
    assert bench.apply(nest(representations={"arm": "taught"})) == []
    assert told(bench.apply(nest(representations={"arm": "edited"}))) == [
        ("change", "locations.nest.representations.arm")
    ]


def test_what_a_file_does_not_name_any_more_stays() -> None:
    bench = Bench()
    bench.apply({"locations": [*nest(description="here", representations={"arm": 1})["locations"]]})
    assert bench.apply(nest()) == []
    assert bench.apply(nest(description=None, representations={}, owner=None)) == []
    assert bench.apply({}) == []
    live = bench.locations["nest"]
    assert (live.description, live.representations) == ("here", {"arm": 1})


def test_a_location_keeps_its_id_whatever_a_file_says() -> None:
    bench = Bench()
    bench.teach("nest")
    known = bench.locations["nest"].id
    assert bench.apply(nest(location_id=new_ulid())) == []
    assert bench.locations["nest"].id == known


def test_true_is_not_one_but_1_is_the_same_as_1_0() -> None:
    bench = Bench()
    bench.apply(nest(representations={"arm": {"x": [1, 2.5]}, "belt": 1}))
    assert bench.apply(nest(representations={"arm": {"x": [1.0, 2.5]}})) == []
    assert told(bench.apply(nest(representations={"belt": True}))) == [
        ("change", "locations.nest.representations.belt")
    ]


def test_capabilities_are_compared_special_case_by_special_case() -> None:
    bench = Bench()
    overrides = {"source_overrides": {"nest": [ARM]}, "pair_overrides": {"nest": {"hotel": [ARM]}}}
    file = skills(transfer_templates=[ARM], override_transfer_templates=overrides)
    assert told(bench.apply(file)) == [("add", "transfer_capabilities")]
    assert bench.apply(file) == []

    slow = {**ARM, "cost_weight": 3}
    overrides = {"source_overrides": {"hotel": [slow]}, "pair_overrides": {"nest": {"hotel": [slow]}}}
    assert told(bench.apply(skills(override_transfer_templates=overrides))) == [
        ("add", "transfer_capabilities.override_transfer_templates.source_overrides.hotel"),
        ("change", "transfer_capabilities.override_transfer_templates.pair_overrides.nest.hotel"),
    ]
    assert bench.capabilities is not None
    known = Capabilities.model_validate(bench.capabilities).override_transfer_templates
    assert known is not None
    assert known.source_overrides is not None
    assert known.source_overrides.keys() == {"nest", "hotel"}


def test_a_default_that_is_written_out_is_no_difference() -> None:
    bench = Bench()
    bench.apply(skills(transfer_templates=[{**ARM, "cost_weight": 1.0}]))
    written = {**ARM, "cost_weight": "1.00", "source_argument_name": "source_location", "additional_args": {}}
    assert bench.apply(skills(transfer_templates=[written], override_transfer_templates=None, linked=[])) == []


def test_capabilities_set_by_hand_are_kept() -> None:
    bench = Bench()
    bench.apply(skills(transfer_templates=[ARM], capacity_cost_config={"enabled": True}))
    by_hand = Capabilities.model_validate({"transfer_templates": [ARM], "capacity_cost_config": {"enabled": False}})
    bench.capabilities = by_hand.model_dump(mode="json")
    file = skills(transfer_templates=[ARM, ARM], capacity_cost_config={"enabled": True, "high_capacity_threshold": 0.7})
    assert told(bench.apply(file)) == [
        ("change", "transfer_capabilities.transfer_templates"),
        ("keep", "transfer_capabilities.capacity_cost_config.enabled"),
        ("change", "transfer_capabilities.capacity_cost_config.high_capacity_threshold"),
    ]


def test_only_what_is_absent_leaves_all_else_alone() -> None:
    bench = Bench()
    bench.apply({**nest(representations={"arm": 1}), **skills(transfer_templates=[ARM])})
    before = bench.shown()
    more = nest(description="more", representations={"arm": 2, "belt": 1})
    more["locations"].append({"location_name": "hotel"})
    findings = bench.apply({**more, **skills(transfer_templates=[])}, absent_only=True)
    assert told(findings) == [
        ("keep", "locations.nest.description"),
        ("keep", "locations.nest.representations.arm"),
        ("keep", "locations.nest.representations.belt"),
        ("add", "locations.hotel"),
        ("keep", "transfer_capabilities.transfer_templates"),
    ]
    assert bench.locations.pop("hotel")
    assert bench.shown() == before
    assert told(bench.apply(nest(representations={"arm": 2}))) == [("change", "locations.nest.representations.arm")]


def test_a_template_that_is_there_stays_as_it_is() -> None:
    entry = NewRepresentationTemplate(name="slot", default_values={"x": 1}, tags=("arm",))
    path = "representation_templates.slot"
    new = merged_template(path, None, entry)
    assert told([*new.differences]) == [("add", path)]
    live = {"name": "slot", "default_values": {"x": 2}, "tags": ["arm"], "label": "1.0.0"}
    known = merged_template(path, live, entry)
    assert told([*known.differences]) == [("keep", f"{path}.default_values")]
    assert known.fields == {}


values = st.sampled_from([None, 0, 1, True, "x", {"x": 1}, [1]])
entries = st.fixed_dictionaries(
    {},
    optional={
        "description": st.sampled_from([None, "a", "b"]),
        "allow_transfers": st.booleans(),
        "owner": st.sampled_from([None, {}, {"project": "p"}, {"project": "q"}]),
        "resource_template_name": st.sampled_from([None, "rack", "slot"]),
        "representations": st.dictionaries(st.sampled_from(["arm", "belt"]), values),
    },
)
templates = st.lists(st.sampled_from([ARM, {**ARM, "cost_weight": 1}, {**ARM, "cost_weight": 2}]), max_size=2)
keyed = st.dictionaries(st.sampled_from(["p1", "p2"]), templates)
abilities = st.fixed_dictionaries(
    {},
    optional={
        "transfer_templates": templates,
        "override_transfer_templates": st.fixed_dictionaries(
            {},
            optional={
                "source_overrides": keyed | st.none(),
                "pair_overrides": st.dictionaries(st.sampled_from(["p1", "p2"]), keyed),
            },
        )
        | st.none(),
        "capacity_cost_config": st.fixed_dictionaries(
            {},
            optional={
                "enabled": st.booleans(),
                "high_capacity_threshold": st.sampled_from([0.8, 0.7, "0.70"]),
            },
        ),
        "linked": st.sampled_from([[], [["p1", "p2"]]]),
    },
)
files = st.builds(
    lambda of, skilled: {
        "locations": [{"location_name": name, **entry} for name, entry in of.items()],
        **({} if skilled is None else {"transfer_capabilities": skilled}),
    },
    st.dictionaries(st.sampled_from(["p1", "p2", "p3"]), entries),
    st.none() | abilities,
)
hands = st.lists(st.tuples(st.sampled_from(["p1", "p2"]), st.sampled_from(["arm", "belt"]), values), max_size=3)


def benches() -> st.SearchStrategy[Bench]:
    """Laboratories after some files, with something taught between them."""

    def lived(past: list[tuple[Json, list[tuple[str, str, Any]]]]) -> Bench:
        bench = Bench()
        for file, taught in past:
            bench.apply(file)
            for name, node, value in taught:
                known = bench.locations[name].representations if name in bench.locations else {}
                bench.teach(name, representations={**known, node: value})
        return bench

    return st.builds(lived, st.lists(st.tuples(files, hands), max_size=3))


@given(benches(), files)
def test_applied_twice_it_changes_nothing_the_second_time(bench: Bench, file: Json) -> None:
    bench.apply(file)
    before = bench.shown()
    assert {one.action for one in bench.apply(file)} <= {"keep"}
    assert bench.shown() == before


@given(benches(), files, st.booleans())
def test_a_dry_run_says_exactly_what_is_done(bench: Bench, file: Json, absent_only: bool) -> None:
    before = bench.shown()
    said = bench.apply(file, absent_only=absent_only, dry_run=True)
    assert bench.shown() == before
    assert bench.apply(file, absent_only=absent_only) == said
    if not any(one.action != "keep" for one in said):
        assert bench.shown() == before


@given(benches(), files, st.booleans())
def test_nothing_is_removed(bench: Bench, file: Json, absent_only: bool) -> None:
    """I23."""
    before, _ = bench.shown()
    bench.apply(file, absent_only=absent_only)
    after, _ = bench.shown()
    assert before.keys() <= after.keys()
    for name, one in before.items():
        assert one["representations"].keys() <= after[name]["representations"].keys()
        assert all(after[name][key] is not None for key, value in one.items() if value is not None and key != "applied")


teaching = st.builds(lambda value: nest(representations={"arm": value}), values)


@given(benches(), st.lists(teaching | files, max_size=2), values, st.lists(teaching | files, min_size=1, max_size=3))
def test_what_was_taught_stays_whatever_files_are_applied(
    bench: Bench, before: list[Json], taught: Any, after: list[Json]
) -> None:
    """I47; as long as no file says it, too: from then on it is the file's."""
    for file in before:
        bench.apply(file)
    bench.teach("nest", representations={"arm": taught})
    for file in after:
        base = (bench.locations["nest"].applied or {}).get("representations", {})
        if "arm" in base and same(base["arm"], taught):
            return
        bench.apply(file)
        assert same(bench.locations["nest"].representations["arm"], taught)


@given(files, files)
def test_of_files_applied_in_turns_the_last_one_holds(one: Json, other: Json) -> None:
    """Where nobody teaches anything, nothing is kept from a file, however often they take turns."""
    bench = Bench()
    for file in (one, other, one, other):
        assert "keep" not in {difference.action for difference in bench.apply(file)}
        assert bench.apply(file) == []


@given(benches(), files)
def test_only_what_is_absent_never_touches_what_is_there(bench: Bench, file: Json) -> None:
    before, skilled = bench.shown()
    bench.apply(file, absent_only=True)
    after, then = bench.shown()
    assert {name: after[name] for name in before} == before
    assert skilled is None or then == skilled
