"""Lab files on a running labstow: a start adds what is absent, all else is done by hand, and nothing taught is lost."""

from pathlib import Path
from typing import Any, Final

import httpx
import pytest
import yaml
from typer.testing import CliRunner

from labstow.infra.cli import app
from tests.docs.pages import ROOT
from tests.infra.running import Up, eventually, labstow_up
from tests.servers import short_folder

pytestmark = [pytest.mark.system, pytest.mark.timeout(120)]

SMALL: Final = ROOT / "examples" / "labs" / "small_lab.yaml"
COMPLETE: Final = ROOT / "examples" / "labs" / "madsci_complete.yaml"
AGREED: Final = "The laboratory is as the file says.\n"


def run(up: Up, *arguments: str, over: str = "REST") -> str:
    """What `labstow lab` says of this labstow."""
    said = CliRunner().invoke(app, ["lab", *arguments, "--url", up.run["urls"][over]])
    assert said.exit_code == 0, said.output
    return said.output


def location(up: Up, name: str) -> dict[str, Any]:
    """A location as MADSci's clients see it."""
    found: dict[str, Any] = httpx.get(f"{up.url}/location", params={"name": name}).raise_for_status().json()
    return found


def teach(up: Up, name: str, node: str, representation: Any) -> None:
    """Have a node know a location otherwise."""
    path = f"{up.url}/location/{name}/set_representation/{node}"
    httpx.post(path, json=representation).raise_for_status()


def said_of_the_lab(up: Up) -> str:
    """The line about the lab file, once it is stopped."""
    assert up.stop() == 0
    (line,) = [line for line in up.output().splitlines() if "lab: " in line]
    return line


def test_a_laboratory_lives_with_its_file() -> None:
    """I47: what was taught survives restarts and lab files."""
    with short_folder() as folder:
        file = folder / "lab.yaml"
        file.write_text(SMALL.read_text())
        with labstow_up(folder / "data", "--lab", str(file)) as up:
            up.wait_until_ready()
            eventually(lambda: run(up, "diff", str(file)) == AGREED, "all of the file is there")
            assert run(up, "diff", str(file), over="NATS") == AGREED
            nest = location(up, "handler.deck_1")
            assert nest["resource_id"]

            teach(up, "hotel", "arm", {"position": [11, 200, 30]})
            assert '= hotel.representations.arm  {"position": [11, 200, 30]}, not ' in run(up, "diff", str(file))
            said = run(up, "apply", "--yes", str(COMPLETE), over="NATS")
            assert "+ sample_storage" in said
            assert "~ transfer_templates" in said
            assert run(up, "diff", str(COMPLETE)).endswith(AGREED)

            exported = folder / "exported.yaml"
            for over in ("REST", "NATS"):
                exported.write_text(run(up, "export", over=over))
                assert run(up, "diff", str(exported), over=over) == AGREED
            edited = exported.read_text().replace("Left of the arm", "Right of the arm")
            exported.write_text(edited)
            removed = location(up, "safety_zone")["location_id"]
            httpx.delete(f"{up.url}/location/safety_zone").raise_for_status()
            assert "1 added, 1 changed, 0 kept" in run(up, "apply", "--yes", str(exported))
            assert location(up, "safety_zone")["location_id"] != removed  # an id is never used twice
            assert run(up, "diff", str(exported)) == AGREED
            assert location(up, "hotel")["description"] == "Right of the arm"
            parts = "2 resource templates, 1 representation template, 1 location template and transfer capabilities"
            assert f"lab: 6 locations, {parts} added, 0 locations kept" in said_of_the_lab(up)

        places = yaml.safe_load(file.read_text())
        places["locations"].append({"location_name": "bench", "representations": {"arm": 1}})
        places["locations"][1]["representations"]["amr"] = "not known yet"
        file.write_text(yaml.safe_dump(places))
        with labstow_up(folder / "data", "--lab", str(file)) as up:
            up.wait_until_ready()
            eventually(lambda: "+ bench" not in run(up, "diff", str(file)), "what is absent is added")
            assert location(up, "hotel")["representations"]["arm"] == {"position": [11, 200, 30]}
            assert location(up, "handler.deck_1") == nest  # what is there is not looked into
            assert "lab: 1 location added, 6 locations kept; some differ: labstow lab diff" in said_of_the_lab(up)


def test_a_file_that_cannot_be_used_is_refused_before_anything_is_started(tmp_path: Path) -> None:
    file = tmp_path / "lab.yaml"
    file.write_text("locations:\n  - location_name: Deck 1\n    nodes: []\n")
    with short_folder() as folder, labstow_up(folder / "data", "--lab", str(file)) as up:
        said = up.output()
        assert up.process.wait() == 1
        assert "locations[0].location_name (line 2): a name of a location has letters" in said
        assert "locations[0].nodes (line 3): there is no such key" in said
        assert f"labstow: {file} cannot be used: 2 mistakes." in said
        assert not (folder / "data").exists()


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with short_folder() as folder, labstow_up(folder / "data", "--lab", str(tmp_path / "none.yaml")) as up:
        assert "none.yaml" in up.output()
        assert up.process.wait() == 2
