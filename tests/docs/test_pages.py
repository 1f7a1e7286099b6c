"""Pages hang together: links lead somewhere, decisions are listed, and what is named exists."""

import ast
import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer.main

import labstow.gateway
from labstow.contracts import capabilities, errors, location, lock, pattern, place_errors, resource, template, transfer
from labstow.contracts.base_types import BaseType
from labstow.contracts.errors import Refusal
from labstow.contracts.subjects import EVENT_STREAM, request
from labstow.gateway.app import create_app
from labstow.infra.cli import app
from labstow.infra.environment import CLASSES, names
from labstow.workers.main import KINDS
from tests.docs.pages import PAGES, README, REQUESTS, ROOT, blocks, commands, name, prose, spans, tables

DOCS = ROOT / "docs"
EVENTS = {
    "resource": resource.EVENTS,
    "template": template.EVENTS,
    "lock": lock.EVENTS,
    "location": location.EVENTS,
    "pattern": pattern.EVENTS,
    "capabilities": capabilities.EVENTS,
    "transfer": transfer.EVENTS,
}
FINDING = re.compile(r'finding\(\s*f?"([^"]+)"|Finding\(code="([^"]+)"')
LINK = re.compile(r"\]\(([^)\s]+)\)")


def anchors(page: Path) -> set[str]:
    """What a link to a heading of the page may say."""
    headings = re.findall(r"^#+ (.+)$", prose(page), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_link_leads_somewhere(page: Path) -> None:
    for link in LINK.findall(prose(page)):
        if link.startswith("https://"):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), link
        assert target.is_relative_to(ROOT), link
        assert not anchor or anchor in anchors(target), link


def test_every_page_is_reached_from_the_readme() -> None:
    reached, waiting = {README}, [README]
    while waiting:
        page = waiting.pop()
        for link in LINK.findall(prose(page)):
            target = (page.parent / link.partition("#")[0]).resolve()
            if target.suffix == ".md" and target not in reached:
                reached.add(target)
                waiting.append(target)
    assert reached == set(PAGES)


def test_every_decision_has_a_number_and_is_listed() -> None:
    records = sorted(page for page in (DOCS / "decisions").glob("*.md") if page.name != "README.md")
    listed = LINK.findall((DOCS / "decisions" / "README.md").read_text())
    assert listed == [record.name for record in records]
    for number, record in enumerate(records, 1):
        assert record.name.startswith(f"{number:04}-")
        assert record.read_text().startswith(f"# {number}. ")


@pytest.mark.parametrize("file", sorted(DOCS.glob("*.svg")), ids=lambda file: file.name)
def test_a_picture_is_one(file: Path) -> None:
    picture = ET.parse(file).getroot()
    assert picture.tag == "{http://www.w3.org/2000/svg}svg"
    assert picture.find("{http://www.w3.org/2000/svg}title") is not None


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_command_is_one_that_labstow_knows(page: Path) -> None:
    for words in commands(page):
        known = typer.main.get_command(app)
        path = ["labstow"]
        while (among := getattr(known, "commands", None)) is not None and words:
            assert words[0] in among, f"labstow has no command {words[0]}"
            path.append(words[0])
            known = among[words.pop(0)]
        with known.make_context(" ".join(path), words) as context:
            assert set(context.params.get("kinds") or ()) <= set(KINDS)


def test_the_readme_starts_and_tests_with_one_line_each() -> None:
    lines = [block.text.strip() for block in blocks(README, "sh")]
    start, test = (next(line for line in lines if end in line) for end in ("labstow up", "pytest"))
    for line in (start, test):
        assert "\n" not in line
        assert line.startswith("python3 -m venv .venv && .venv/bin/pip install -q -c constraints.txt -e ")


def test_ci_runs_the_readmes_test_command() -> None:
    (line,) = [block.text.strip() for block in blocks(README, "sh") if "pytest" in block.text]
    script = (ROOT / ".ci" / "run").read_text().replace('"', "").replace("$venv", ".venv")
    for part in line.split(" && "):
        assert part in script


def test_every_setting_is_documented_and_every_documented_one_exists() -> None:
    known = {setting for settings in CLASSES for setting in names(settings)}
    documented = {span for span in spans(DOCS / "operations.md") if re.fullmatch("LABSTOW_[A-Z_]+", span)}
    assert known == documented
    for page in PAGES:
        named = set(re.findall(r"\bLABSTOW_[A-Z_]*[A-Z]\b", page.read_text()))
        assert named <= known | {EVENT_STREAM}, page


def test_every_refusal_is_in_the_table() -> None:
    every = Refusal.by_code.values()
    ours = [one for ours in (errors, place_errors) for one in every if one.__module__ == ours.__name__]
    table = [row[:3] for row in tables(DOCS / "refusals.md")]
    rows = [row for row in table if row[0].startswith("`") and row[1].isdigit()]
    assert rows == [[f"`{one.code}`", str(one.status), (one.__doc__ or "").strip()] for one in ours]


def test_the_gateways_own_refusals_are_named() -> None:
    own = {one.code for one in Refusal.by_code.values() if one.__module__.startswith(labstow.gateway.__name__)}
    assert own | {"not_ready", "http.404", "http.405"} <= set(spans(DOCS / "refusals.md"))


def test_every_refusal_that_a_page_names_exists() -> None:
    families = {code.partition(".")[0] for code in Refusal.by_code if "." in code} - {"resource", "request"}
    for page in PAGES:
        for span in spans(page):
            if re.fullmatch(rf"({'|'.join(families)})\.[a-z_]+", span) and not span.endswith(".py"):
                assert span in Refusal.by_code or span in REQUESTS or span in findings(), f"{name(page)}: {span}"


def test_everything_that_may_be_found_is_in_a_table() -> None:
    """What stands in the way of a transfer, and why there is no way."""
    first = " ".join(row[0] for row in tables(DOCS / "transfers.md"))
    for code in findings():
        assert f"`{code}`" in first, code


def findings() -> set[str]:
    """What a check may find, and what may be told of why there is no way, as far as it has a name of its own."""
    folder = ROOT / "workers/labstow/workers/transfer"
    files = [folder / "rules" / "checking.py", *(folder / "planning").glob("*.py")]
    written = [found for file in files for pair in FINDING.findall(file.read_text()) for found in pair if found]
    ends = [code.replace(each, end) for code in written for each in ("{end}", "{role}") for end in ("source", "target")]
    return {code for code in ends if "{" not in code}


def test_every_request_is_in_the_readme_and_has_an_example() -> None:
    shown = {block.claim[0] for page in PAGES for block in blocks(page, "json") if block.claim}
    assert {request(one) for one in REQUESTS} <= set(spans(README))
    assert REQUESTS.keys() <= shown


def test_every_path_of_the_gateway_is_in_the_readme() -> None:
    named = " ".join(spans(README)).replace("{id}", "{resource_id}").replace("{name}", "{template_name}")
    for path in create_app().openapi()["paths"]:
        assert path in named, path


def test_every_type_is_in_the_table() -> None:
    (first, *kinds) = [row[0] for row in tables(DOCS / "resources.md") if len(row) == 4]
    assert first == "`base_type`"
    assert kinds == [f"`{kind}`" for kind in BaseType]


def test_everything_that_can_happen_is_in_the_table() -> None:
    table = {(row[0].strip("`"), row[1].strip("`")): row[2] for row in tables(DOCS / "events.md") if len(row) == 3}
    assert {noun for noun, _ in table} == {"noun"} | EVENTS.keys()
    for noun, events in EVENTS.items():
        assert {what for of, what in table if of == noun} == events.keys()
        for what, means in events.items():
            assert table[noun, what].startswith(means.partition(",")[0])


def test_what_keeps_and_shows_an_invariant_exists() -> None:
    folders = [ROOT / folder for folder in ("workers/labstow/workers", "gateway/labstow", "tests")]
    for span in spans(DOCS / "invariants.md"):
        assert not span.endswith(".py") or any((folder / span).exists() for folder in folders), span


def test_the_sentences_of_a_start_that_fails_are_documented() -> None:
    documented = {bare(cells[0].strip("` ")) for cells in tables(DOCS / "operations.md")}
    files = [*(ROOT / "infra" / "labstow").rglob("*.py"), ROOT / "workers/labstow/workers/kit/database.py"]
    for file in files:
        for sentence in refused_in(file):
            assert sentence in documented, f"{name(file)}: {sentence}"


def refused_in(file: Path) -> Iterator[str]:
    """The sentences with which a file refuses to start, as far as they are written there."""
    for node in ast.walk(ast.parse(file.read_text())):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name) or not node.args:
            continue
        if node.func.id in ("CannotStart", "SchemaRefused") and (sentence := bare(told(node.args[0]))):
            yield sentence


def told(text: ast.expr) -> str:
    """A text with an ellipsis for everything that is filled in."""
    match text:
        case ast.Constant(value=str() as words):
            return words
        case ast.JoinedStr(values=parts):
            return "".join(told(part) for part in parts)
        case _:
            return "…"


def bare(sentence: str) -> str:
    """A sentence without its end, where both may differ."""
    return re.sub("…+", "…", sentence).rstrip(".…` ")
