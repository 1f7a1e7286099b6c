"""Lab files on a laboratory: what one would change is shown before it is done, and nothing is done unasked."""

import asyncio
import subprocess
import sys
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
from labstow.contracts.ulids import new_ulid
from labstow.infra.cli import app
from labstow.infra.lab import commands
from labstow.infra.lab.differing import parts
from labstow.infra.lab.door import Door, Rest
from labstow.infra.refusal import CannotStart
from labstow.workers.template.overriding import stored
from labstow.workers.transfer.comparing import same
from tests.docs.pages import ROOT
from tests.rules.bench import NOW, Bench

A = TypeVar("A", bound=Answer)

FRAGMENTS: Final = sorted((ROOT / "tests" / "infra" / "labs").glob("*.yaml"))
COMPLETE: Final = ROOT / "examples" / "labs" / "madsci_complete.yaml"
SMALL: Final = ROOT / "examples" / "labs" / "small_lab.yaml"
NOT_A_ULID: Final = '"01K5HDZZCF27YHD2WDGSXFPPU" is not a ULID'


def run(*arguments: str, typed: str | None = None) -> Result:
    """What `labstow lab` says."""
    return CliRunner().invoke(app, ["lab", *arguments], input=typed)


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


def test_what_does_not_answer_is_told_in_one_sentence() -> None:
    """What the connection itself complains of is left out, and a log that somebody set up still has it."""
    asked = [sys.executable, "-m", "labstow.infra.cli", "lab", "export", "--url", "nats://127.0.0.1:1"]
    said = subprocess.run(asked, capture_output=True, text=True, timeout=30, check=False)
    assert (said.returncode, said.stdout) == (1, "")
    (line,) = said.stderr.splitlines()
    assert line.startswith("labstow: ")


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


leaves = st.none() | st.booleans() | st.integers(0, 2) | st.floats(0, 1) | st.sampled_from("ab")
values = st.recursive(leaves, lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from("ab"), inner))


@given(values, values, st.lists(values, max_size=4))
def test_values_differ_in_some_part_if_they_differ(one: Any, other: Any, more: list[Any]) -> None:
    assert bool([*parts(one, other)]) is not same(one, other)
    assert [*parts(one, one)] == []
    assert len([*parts(more, [one, *more])]) == 1, "what is put into a list is all that differs"


def test_of_a_long_value_what_differs_is_shown_or_all_of_it(stand_in: StandIn, tmp_path: Path) -> None:
    """Not the beginning that both sides have in common."""
    file = tmp_path / "lab.yaml"

    def write(belt: list[float], description: str, *actions: Any) -> None:
        nest = {"location_name": "nest", "description": description}
        templates = [{"node_name": "arm", "cost_weight": number, "action": action} for number, action in actions]
        lab = {"locations": [{**nest, "representations": {"arm": [*range(20)], "belt": belt}}]}
        file.write_text(yaml.safe_dump({**lab, "transfer_capabilities": {"transfer_templates": templates}}))

    write([*range(40)], "Left of the arm, " * 5, (1, "lift"), (1, "push"))
    run("apply", "--yes", str(file))
    stand_in.bench.teach("nest", representations={"arm": [*range(1, 19), {"x": 1}], "belt": [*range(40)]})
    write([*range(39), 0.5], "Left of the arm, " * 4 + "below", (2, "grab"), (1, "lift"), (3, "push"))
    assert run("diff", str(file)).output == (
        "Locations\n"
        '  ~ nest.description  "…of the arm, Left of the arm, " → "…of the arm, below"\n'
        "  = nest.representations.arm  2 differences: was changed since a lab file said otherwise, and stays\n"
        "      [0]  nothing, not 0\n"
        '      [18]  {"x": 1}, not 19\n'
        "  ~ nest.representations.belt  [39]  39 → 0.5\n"
        "Transfer capabilities\n"
        "  ~ transfer_templates  2 differences\n"
        '      [0]  nothing → {"node_name": "arm", "action": "grab", "source_argument_name": "source_location", '
        '"target…\n'
        '      [1].cost_weight  "1" → "3"\n'
        "0 to add, 3 to change, 1 kept as they are.\n"
    )
    whole = f"belt  {[*range(40)]} → {[*range(39), 0.5]}\n"
    for said in (run("diff", "--full", str(file)), run("apply", "--full", str(file), typed="n\n")):
        assert whole in said.output


def test_of_many_differences_in_a_value_the_first_are_shown(stand_in: StandIn, tmp_path: Path) -> None:
    file = tmp_path / "lab.yaml"
    for start in (0, 100):
        known = {"arm": {f"joint_{number}": start + number for number in range(30)}}
        file.write_text(yaml.safe_dump({"locations": [{"location_name": "nest", "representations": known}]}))
        said = run("apply", "--yes", str(file)).output.splitlines()
    assert said[1:3] == ["  ~ nest.representations.arm  30 differences", "      joint_0  0 → 100"]
    assert said[12:] == ["      and 20 more: see --full", "0 added, 1 changed, 0 kept as they are."]


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
