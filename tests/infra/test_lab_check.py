"""What a lab file says, and what is wrong with it: every mistake is told with its line, in words."""

import re
from pathlib import Path
from typing import Any, Final

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from labstow.contracts.lab_file import LabFile
from labstow.contracts.ulids import derived_ulid
from labstow.infra.lab.checking import check
from labstow.infra.lab.reading import read
from tests.docs.pages import ROOT, blocks

EXAMPLES: Final = sorted((ROOT / "examples" / "labs").glob("*.yaml"))
FRAGMENTS: Final = sorted((ROOT / "tests" / "infra" / "labs").glob("*.yaml"))
COMPLETE: Final = ROOT / "examples" / "labs" / "madsci_complete.yaml"
NOT_A_ULID: Final = (
    'locations[2].location_id (line 24): "01K5HDZZCF27YHD2WDGSXFPPU" is not a ULID: it has 25 characters'
)


def mistakes(text: str | bytes) -> list[str]:
    """What is wrong with it."""
    return [str(one) for one in check(text.encode() if isinstance(text, str) else text).mistakes]


@pytest.mark.parametrize("file", [*EXAMPLES, *FRAGMENTS], ids=lambda file: file.stem)
def test_the_example_files_work_as_they_stand(file: Path) -> None:
    """All examples of MADSci's page on locations; two of them are only the list of templates in a file."""
    content = file.read_bytes()
    if file.stem.startswith("list_"):
        (only,) = mistakes(content)
        assert only.endswith("a list of templates: they belong under transfer_capabilities, transfer_templates")
        inside = content.replace(b"\n", b"\n    ")
        content = b"transfer_capabilities:\n  transfer_templates:\n    " + inside
    found = check(content)
    assert found.lab is not None
    assert not found.wrong
    said = yaml.safe_load(content)
    assert len(found.lab.locations) == len(said.get("locations", ()))
    assert (found.lab.transfer_capabilities is None) is ("transfer_capabilities" not in said)


def test_the_page_shows_what_is_right_and_what_is_told_of_what_is_wrong() -> None:
    right, wrong = blocks(ROOT / "docs" / "lab-file.md", "yaml")
    assert mistakes(right.text) == []
    found = check(wrong.text.encode()).mistakes
    (told,) = [block.text for block in blocks(right.page, "text") if block.claim == ("mistakes",)]
    assert told.splitlines() == [f"{'warning' if one.warning else 'mistake'}  {one}" for one in found]


def test_an_id_that_is_none_is_told_and_another_one_made() -> None:
    found = check(COMPLETE.read_bytes())
    (only,) = found.mistakes
    assert str(only).startswith(NOT_A_ULID)
    assert found.lab is not None
    assert found.lab.locations[2].location_id == derived_ulid("location", "safety_zone")
    assert derived_ulid("location", "safety_zone") in str(only)

    strictly = check(COMPLETE.read_bytes(), strict=True)
    assert strictly.wrong
    (lower,) = mistakes("locations: [{location_name: a, location_id: 01k5hdzzcf27yhd2wdgsxfppkq}]")
    assert "It is taken for 01K5HDZZCF27YHD2WDGSXFPPKQ" in lower


PLACE: Final = "locations:\n  - location_name: nest\n"
ABILITIES: Final = f"{PLACE}    representations: {{arm: 1}}\ntransfer_capabilities:\n"
WRONG: Final = {
    "": ["the file: is empty"],
    "# nothing": ["the file: is empty"],
    "---\n": ["the file (line 2): expected locations and others by name, found nothing"],
    "just words": ['the file (line 1): expected locations and others by name, found "just words"'],
    "- location_name: a\n": [
        "the file (line 1): expected locations and others by name, found a list of locations: "
        "they belong under locations"
    ],
    "locations:\n\t- location_name: a": ["the file (line 2): is not YAML: there is a tab; indent with spaces"],
    "locations: {a: [}": ["the file (line 1): is not YAML: "],
    "a: 'x\nb: 2\n": ["the file (line 3): is not YAML: found unexpected end of stream (for what begins in line 1)"],
    "name: a: b": ["the file (line 1): is not YAML: mapping values are not allowed"],
    "name: \x07": ["the file: is not YAML: unacceptable character #x0007"],
    "name: a\n---\nname: b\n": ["the file (line 2): begins a second document: a lab file is one"],
    "name: lab\nnmae: lab\nname: lub\n": [
        "nmae (line 2): there is no such key. Did you mean name?",
        "name (line 3): is there twice, first in line 1",
    ],
    "locations:": ["locations (line 1): expected a list, found null"],
    "locations: [a, {}]": [
        'locations[0] (line 1): expected a mapping, found "a"',
        "locations[1].location_name (line 1): is missing",
    ],
    f"{PLACE}    allow_transfer: no\n    location_id: 12\n    descripton: x\n": [
        "locations[0].allow_transfer (line 3): there is no such key. Did you mean allow_transfers?",
        "locations[0].location_id (line 4): expected a text, found 12: put it in quotes",
        "locations[0].descripton (line 5): there is no such key. Did you mean description?",
    ],
    "locations: [{name: nest}]": [
        "locations[0].location_name (line 1): is missing",
        "locations[0].name (line 1): there is no such key. Did you mean location_name?",
    ],
    "locations: [{location_name: Deck 1}]": [
        "locations[0].location_name (line 1): a name of a location has letters, digits, `_`, `.` and `-` only"
    ],
    f"{PLACE}{PLACE.partition(chr(10))[2]}": [
        'locations[1].location_name (line 3): "nest" is there twice, first in line 2'
    ],
    f"{PLACE}    representations:\n      1: x\n      on: y\n      a/b: z\n": [
        "locations[0].representations.1 (line 4): as a key, YAML reads this as 1: put it in quotes",
        "locations[0].representations.on (line 5): as a key, YAML reads this as true: put it in quotes",
        'locations[0].representations["a/b"] (line 6): must not contain a slash, found "a/b"',
    ],
    f"{PLACE}    representations: {{arm: {{made: 2024-01-01, at: 12:30, in: 010, x: .nan, y: !!set {{}}}}}}\n": [
        "locations[0].representations.arm.made (line 3): 2024-01-01 is a date to YAML: put it in quotes",
        "locations[0].representations.arm.at (line 3): YAML reads 12:30 as the number 750: put it in quotes",
        "locations[0].representations.arm.in (line 3): YAML reads 010 as the number 8: put it in quotes",
        "locations[0].representations.arm.x (line 3): .nan is no number that can be kept",
        "locations[0].representations.arm.y (line 3): there is no type tag:yaml.org,2002:set in a lab file",
    ],
    "{{ jinja }}: 1": ["the file (line 1): a key is a mapping", "the file (line 1): a key is a mapping", "["],
    f"{ABILITIES}  transfer_templates: [{{node_name: amr, action: go, cost_weight: -1}}]\n": [
        "transfer_capabilities.transfer_templates[0].cost_weight (line 5): "
        "must be at least 0, found -1",
    ],
    f"{ABILITIES}  transfer_templates: [{{node_name: amr, action: go}}]\n": [
        'transfer_capabilities.transfer_templates[0].node_name (line 5): no location of this file has a representation '
        'for "amr". Did you mean arm?'
    ],
    f"{ABILITIES}  override_transfer_templates:\n    pair_overrides:\n      net: {{nest: [], hotel: []}}\n": [
        'transfer_capabilities.override_transfer_templates.pair_overrides.net (line 7): '
        'no location of this file is called "net". Did you mean nest?',
        'transfer_capabilities.override_transfer_templates.pair_overrides.net.hotel (line 7): '
        'no location of this file is called "hotel"',
    ],
    f"{ABILITIES}  linked: [[nest, hotel]]\n  exclusive: [[nest]]\n": [
        "transfer_capabilities.exclusive[0] (line 6): must have at least 2 entries, not 1, found [\"nest\"]",
    ],
    f"{PLACE}    resource_template_name: nesst\n  - {{location_name: b, resource_template_name: NEST}}\n"
    "  - {location_name: c, resource_template_name: hotel}\nresource_templates: [{name: nest, resource: {name: n}}]\n"
    "location_templates:\n  - {name: deck, resource_template_name: nets, representation_templates: {arm: arm_slot}}\n"
    "representation_templates: [{name: slot}]\n": [
        'locations[0].resource_template_name (line 3): no resource template of this file is called "nesst". '
        "Did you mean nest?",
        'location_templates[0].resource_template_name (line 8): no resource template of this file is called "nets". '
        "Did you mean nest?",
        "location_templates[0].representation_templates.arm (line 8): no representation template of this file is "
        'called "arm_slot". Did you mean slot?',
    ],
    "resource_templates:\n  - template_name: rack\n    resource: {resource_name: x}\n": [
        "resource_templates[0].name (line 2): is missing",
        "resource_templates[0].template_name (line 2): there is no such key. Did you mean name?",
        "resource_templates[0].resource.resource_name (line 3): there is no such key. Did you mean name?",
    ],
    "resource_templates:\n  - name: rack\n    required_overrides: [nam]\n"
    "    resource: {base_type: row, columns: 2, children: [{nam: x}]}\n"
    "  - {name: RACK, resource: {base_type: row}}\n": [
        "resource_templates[0].required_overrides (line 3): nam: a resource has no such field",
        "resource_templates[0].resource.children[0].nam (line 4): there is no such key. Did you mean name?",
        'resource_templates[1].name (line 5): "RACK" is there twice, first in line 2',
        "resource_templates[1].resource (line 5): a row needs columns",
    ],
    "name: *lab": ["name (line 1): *lab stands for nothing: no &lab ends before it"],
    "locations: &all [*all]": ["locations[0] (line 1): *all stands for nothing"],
}  # fmt: skip


PATTERN: Final[dict[str, Any]] = {"name": "slot"}
TRANSFER: Final[dict[str, Any]] = {"node_name": "arm", "action": "go"}
PLATE: Final[dict[str, Any]] = {"name": "plate", "base_type": "row", "columns": 2}


@pytest.mark.parametrize(
    ("lab", "sentence"),
    [
        ({"locations": [{"location_name": ""}]}, 'location_name: must not be empty, found ""'),
        ({"locations": [{"location_name": "x" * 256}]}, "location_name: must have at most 255 characters, found"),
        ({"locations": [{"location_name": "a", "managed_by": "me"}]}, "managed_by: expected 'lab' or 'node', found"),
        ({"locations": [{"location_name": "a", "location_id": {}}]}, "location_id: expected a text, found {}"),
        ({"locations": {}}, "locations: expected a list, found {}"),
        (
            {"representation_templates": [{**PATTERN, "template_id": "1"}]},
            "template_id: must be a ULID: 26 digits and capital letters, without I, L, O and U, found",
        ),
        ({"representation_templates": [{**PATTERN, "tags": "arm"}]}, "tags: expected a list, found"),
        (
            {"location_templates": [{**PATTERN, "default_allow_transfers": 3}]},
            "default_allow_transfers: expected true or false, found 3",
        ),
        ({"transfer_templates": [{**TRANSFER, "cost_weight": True}]}, "cost_weight: expected a number, found true"),
        (
            {"transfer_templates": [{**TRANSFER, "cost_weight": 0.1234567890123}]},
            "must have at most 12 decimal places, f",
        ),
        (
            {"transfer_templates": [{**TRANSFER, "cost_weight": "1" * 39}]},
            "cost_weight: must have at most 38 digits, f",
        ),
        (
            {"transfer_templates": [{**TRANSFER, "cost_weight": 1e30}]},
            "cost_weight: must have at most 26 digits before the point, found 1e+30",
        ),
        ({"capacity_cost_config": {"high_capacity_threshold": 2}}, "high_capacity_threshold: must be at most 1, found"),
        ({"linked": [["a"] * 65]}, "linked[0]: must have at most 64 entries, not 65, found"),
        ({"resource_templates": [{**PATTERN, "resource": {**PLATE, "columns": 1.5}}]}, "expected a whole number, f"),
        (
            {"resource_templates": [{**PATTERN, "resource": {**PLATE, "base_type": "plate"}}]},
            "base_type: expected 'res",
        ),
        ({"resource_templates": [{**PATTERN, "resource": {**PLATE, "rows": 10**9}}]}, "rows: must be at most 10000, f"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_mistake_is_told_in_words(lab: dict[str, Any], sentence: str) -> None:
    """Bad input 16; none as it is said to programmers."""
    if not lab.keys() & LabFile.model_fields.keys():
        lab = {"transfer_capabilities": lab}
    (told,) = (re.sub(r" \(line \d+\)", "", one) for one in mistakes(yaml.safe_dump(lab)))
    assert sentence in told


@pytest.mark.parametrize("text", WRONG)
def test_every_mistake_is_told_with_its_line(text: str) -> None:
    """Bad input 16: ids, costs, keys and forms that are none."""
    said = mistakes(text)
    assert len(said) >= len(WRONG[text])
    for one, start in zip(said, WRONG[text], strict=False):
        assert one.startswith(start)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"name: \xff", "the file (line 1): is not UTF-8 (byte 0xff): save it as UTF-8"),
        ("name: lab".encode("utf-16"), "the file (line 1): is not UTF-8 (byte 0xff): save it as UTF-8"),
        (b"x" * 8_000_001, "the file: has 8,000,001 bytes, at most 8,000,000 are read: is this a lab file?"),
        (b"[" * 100_000, "[0][0][0] (line 1): is nested deeper than 40 levels"),
        (b"a: " * 100_000, "the file (line 1): is not YAML: mapping values are not allowed"),
        (
            b"\n".join(b"a%d: &a%d [%b]" % (n, n, b",".join([b"*a%d" % (n - 1) if n else b"1"] * 9)) for n in range(9)),
            "the file (line 7): has more than 1,000,000 values, with all that aliases stand for",
        ),
    ],
    ids=["bytes", "utf-16", "huge", "brackets", "colons", "bomb"],
)
def test_a_file_that_is_no_lab_file_is_told_at_once(content: bytes, sentence: str) -> None:
    """One of brackets would crash the parser if it were to make its own tree of it."""
    (first, *_) = mistakes(content)
    assert first.startswith(sentence)


def test_a_file_may_begin_with_a_mark_and_use_anchors() -> None:
    document = read("\ufeffarm: &arm {speed: 1, grip: a}\nother: {<<: *arm, speed: 2}\nthird: *arm".encode())
    assert document.mistakes == []
    assert document.value["other"] == {"speed": 2, "grip": "a"}
    assert document.value["third"] == {"speed": 1, "grip": "a"}


texts = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")), max_size=8)
leaves = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | texts
documents = st.dictionaries(
    texts, st.recursive(leaves, lambda inner: st.lists(inner) | st.dictionaries(texts, inner)), min_size=1
)


@given(documents, st.sampled_from([True, False, None]))
def test_a_file_says_to_us_what_it_says_to_others(value: dict[str, Any], style: bool | None) -> None:
    """Whatever YAML's own writer makes of it is read as its own reader reads it, and each value has a line."""
    text = yaml.safe_dump(value, allow_unicode=True, default_flow_style=style)
    document = read(text.encode())
    assert [one for one in document.mistakes if not one.warning] == []
    assert repr(document.value) == repr(yaml.safe_load(text))
    count = len(text.splitlines())
    assert all(1 <= document.lines[(key,)] <= count for key in value)
