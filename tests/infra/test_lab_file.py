"""Lab files: what is wrong with one is told with its line; what it would change is shown before it is done."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final, TypeVar, cast

import httpx
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner, Result

from labstow.contracts.capabilities import Capabilities
from labstow.contracts.errors import OutcomeUnknown, Unavailable
from labstow.contracts.lab_file import Applied, ApplyLab, Exported, ExportLab, Places
from labstow.contracts.message import Answer, Request
from labstow.contracts.template import CreateTemplate, ListTemplates, Template, Templates
from labstow.contracts.ulids import derived_ulid, new_ulid
from labstow.infra.cli import app
from labstow.infra.lab import commands
from labstow.infra.lab.checking import check
from labstow.infra.lab.door import Door, Rest
from labstow.infra.lab.reading import read
from labstow.infra.refusal import CannotStart
from labstow.workers.template.overriding import stored
from tests.docs.pages import ROOT, blocks
from tests.rules.bench import NOW, Bench

A = TypeVar("A", bound=Answer)

EXAMPLES: Final = sorted((ROOT / "examples" / "labs").glob("*.yaml"))
FRAGMENTS: Final = sorted((ROOT / "tests" / "infra" / "labs").glob("*.yaml"))
COMPLETE: Final = ROOT / "examples" / "labs" / "madsci_complete.yaml"
SMALL: Final = ROOT / "examples" / "labs" / "small_lab.yaml"
NOT_A_ULID: Final = (
    'locations[2].location_id (line 24): "01K5HDZZCF27YHD2WDGSXFPPU" is not a ULID: it has 25 characters'
)


def mistakes(text: str | bytes) -> list[str]:
    """What is wrong with it."""
    return [str(one) for one in check(text.encode() if isinstance(text, str) else text).mistakes]


def run(*arguments: str, typed: str | None = None) -> Result:
    """What `labstow lab` says."""
    return CliRunner().invoke(app, ["lab", *arguments], input=typed)


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
        "should be greater than or equal to 0, found -1",
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
        "transfer_capabilities.exclusive[0] (line 6): List should have at least 2 items",
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


@pytest.mark.parametrize(
    ("arguments", "status", "part"),
    [
        (["check", str(SMALL)], 0, "6 locations, 2 resource templates, 1 representation template, 1 location template"),
        (["check", str(COMPLETE)], 0, NOT_A_ULID),
        (["check", "--strict", str(COMPLETE)], 1, NOT_A_ULID),
        (["check", "nowhere.yaml"], 2, "nowhere.yaml"),
        (["diff", str(FRAGMENTS[2]), "--url", "http://127.0.0.1:1"], 1, "cannot be used: 1 mistake."),
        (["diff", str(SMALL), "--url", "http://127.0.0.1:1"], 1, "No labstow answers at http://127.0.0.1:1"),
        (["export", "--url", "nats://127.0.0.1:1"], 1, "no NATS server answers"),
        (["export", "--url", "nowhere"], 1, "No labstow answers at nowhere"),
    ],
)
def test_the_exit_status_tells_whether_it_went_well(arguments: list[str], status: int, part: str) -> None:
    said = run(*arguments)
    assert said.exit_code == status
    assert part in " ".join(said.output.split())


class StandIn:
    """A labstow in memory, to be asked about lab files."""

    def __init__(self) -> None:
        self.bench = Bench()
        self.templates: dict[str, Template] = {}
        self.meanwhile: Callable[[], object] = lambda: None
        """What somebody else does between a dry run and what follows."""

    async def ask(self, request: Request[A], *, budget: float = 0) -> A:
        """The answer."""
        match request:
            case ApplyLab():
                places = request.places.model_dump(mode="json", exclude_unset=True)
                how = {"absent_only": request.absent_only, "dry_run": request.dry_run}
                differences = self.bench.apply(places, **how)
                if request.dry_run:
                    self.meanwhile()
                return cast("A", Applied(differences=tuple(differences), changed=0, lab_version=1))
            case ExportLab():
                known = Capabilities.model_validate(self.bench.capabilities or {})
                places = {"transfer_capabilities": known.model_dump(mode="json", exclude_defaults=True)}
                places["locations"] = [
                    {
                        "location_name": name,
                        "representations": one.representations,
                        "allow_transfers": one.allow_transfers,
                    }
                    for name, one in self.bench.locations.items()
                ]
                return cast("A", Exported(places=places, lab_version=7))
            case CreateTemplate():
                self.templates[request.name] = self.template(request)
                return cast("A", self.templates[request.name])
            case ListTemplates():
                return cast("A", Templates(templates=tuple(self.templates.values()), next=None))
        raise Unavailable

    def template(self, command: CreateTemplate) -> Template:
        """A template as it is kept."""
        about = command.model_dump(include={"name", "description", "label", "tags", "required_overrides", "created_by"})
        version = 1 + (self.templates[command.name].version if command.name in self.templates else 0)
        moments = {"created_at": NOW, "updated_at": NOW, "removed_at": None, "version": version}
        return Template(template_id=new_ulid(), resource=stored(command.resource), **about, **moments)


@pytest.fixture
def stand_in(monkeypatch: pytest.MonkeyPatch) -> StandIn:
    """What every address leads to."""
    there = StandIn()

    @asynccontextmanager
    async def reach(url: str) -> AsyncIterator[Door]:
        yield there

    monkeypatch.setattr(commands, "reach", reach)
    return there


def test_what_would_change_is_shown_and_nothing_is_done_until_somebody_says_so(stand_in: StandIn) -> None:
    said = run("apply", str(COMPLETE), typed="n\n")
    assert said.exit_code == 1
    assert "+ sample_storage" in said.output
    assert "4 to add, 0 to change, 0 kept as they are. Apply? [y/N]" in said.output
    assert stand_in.bench.locations == {}

    assert run("apply", str(COMPLETE), typed="").exit_code == 1  # nobody is there to answer
    assert stand_in.bench.locations == {}

    said = run("apply", str(COMPLETE), typed="y\n")
    assert said.exit_code == 0
    assert "4 added, 0 changed, 0 kept as they are." in said.output
    assert len(stand_in.bench.locations) == 3


def test_what_was_taught_is_shown_beside_what_the_file_says(stand_in: StandIn) -> None:
    run("apply", "--yes", str(COMPLETE))
    stand_in.bench.teach("safety_zone", representations={"sensor_array": {"zone": "taught"}})
    assert run("diff", str(COMPLETE)).output.endswith(
        "Locations\n"
        '  = safety_zone.representations.sensor_array  {"zone": "taught"}, not {"zone": "restricted"}: '
        "was changed since a lab file said otherwise, and stays\n"
        "0 to add, 0 to change, 1 kept as they are.\n"
    )
    assert "0 added, 0 changed, 1 kept" in run("apply", str(COMPLETE)).output  # nothing to ask about


def test_what_somebody_changed_before_it_was_applied_is_told(stand_in: StandIn) -> None:
    stand_in.meanwhile = lambda: stand_in.bench.teach("safety_zone", representations={"sensor_array": "taught"})
    said = run("apply", "--yes", str(COMPLETE))
    before, after = said.output.split("Meanwhile the laboratory changed. This is what was done:\n")
    assert "+ safety_zone  " in before
    assert "= safety_zone.representations.sensor_array" in after
    assert after.endswith("4 added, 1 changed, 1 kept as they are.\n")


def test_resource_templates_are_made_where_they_are_absent(stand_in: StandIn) -> None:
    run("apply", "--yes", str(SMALL))
    assert {name: one.version for name, one in stand_in.templates.items()} == {"nest": 1, "hotel": 1}
    assert "The laboratory is as the file says." in run("diff", str(SMALL)).output


def test_a_resource_template_that_differs_is_kept_unless_one_asks(stand_in: StandIn, tmp_path: Path) -> None:
    run("apply", "--yes", str(SMALL))
    other = tmp_path / "other.yaml"
    other.write_text("resource_templates:\n  - {name: NEST, resource: {name: nest, base_type: stack}}\n")
    said = run("apply", "--yes", str(other)).output
    assert "= NEST  " in said
    assert "is there already, and stays" in said
    assert stand_in.templates["nest"].version == 1
    assert "~ NEST  " in run("apply", "--yes", "--replace-templates", str(other)).output


def test_what_is_exported_can_be_applied_and_changes_nothing(stand_in: StandIn, tmp_path: Path) -> None:
    for file in (SMALL, COMPLETE):
        run("apply", "--yes", str(file))
    exported = tmp_path / "lab.yaml"
    exported.write_text(run("export").output)
    assert exported.read_text().startswith("# The laboratory at its version 7, as `labstow lab export` wrote it.\n")
    assert run("check", "--strict", str(exported)).exit_code == 0
    assert run("diff", str(exported)).output == "The laboratory is as the file says.\n"
    assert yaml.safe_load(exported.read_text())["transfer_capabilities"]["capacity_cost_config"] == {
        "enabled": True, "high_capacity_threshold": 0.75, "full_capacity_multiplier": 5,
    }  # fmt: skip


@pytest.mark.parametrize("status", [200, 404, 500])
def test_whatever_else_answers_at_an_address_is_told_from_a_labstow(status: int) -> None:
    answers = httpx.MockTransport(lambda _: httpx.Response(status, text="<html>It works!</html>"))

    async def asked() -> None:
        async with httpx.AsyncClient(transport=answers, base_url="http://me:secret@web") as client:
            await Rest(client).ask(ExportLab())

    with pytest.raises(CannotStart, match=r"What answers at http://me:\*\*\*@web is no labstow"):
        asyncio.run(asked())


def test_what_takes_longer_than_a_gateway_waits_is_asked_for_again() -> None:
    asked: list[str] = []

    def answered(request: httpx.Request) -> httpx.Response:
        asked.append(request.headers["Idempotency-Key"])
        if len(asked) < 3:
            return httpx.Response(504, json=OutcomeUnknown(subject="location.apply", op_id=asked[0]).problem())
        return httpx.Response(200, json={"differences": [], "changed": 1, "lab_version": 2})

    async def applied() -> Applied:
        async with httpx.AsyncClient(transport=httpx.MockTransport(answered), base_url="http://lab") as client:
            return await Rest(client).ask(ApplyLab(places=Places()))

    assert asyncio.run(applied()).changed == 1
    assert len(set(asked)) == 1
