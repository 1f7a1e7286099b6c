"""What pages show as a message is one, and what they show as code runs and says what they say it says."""

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import httpx
import orjson
import pytest

from labstow.client import AsyncLabstow
from labstow.contracts import headers
from labstow.contracts.errors import Refusal
from labstow.contracts.events import Event
from labstow.contracts.resource import Add, NewResource
from labstow.contracts.transfer import GetGraphPicture
from labstow.contracts.ulids import new_ulid
from tests.conftest import Gateway, Lab
from tests.docs.pages import PAGES, PLACES, README, REQUESTS, ROOT, Block, blocks, ulids, without_ulids
from tests.docs.picture import PICTURE, drawn
from tests.infra.running import labstow_up
from tests.servers import short_folder

JSON: Final = [block for page in PAGES for block in blocks(page, "json")]
PYTHON: Final = [block for page in PAGES for block in blocks(page, "python")]
OF_PLACES: Final = [block for block in PYTHON if "contracts.location" in block.text or "LocationClient" in block.text]
OF_THINGS: Final = [block for block in PYTHON if block not in OF_PLACES]
RUN: Final = [page for page in PAGES if len(blocks(page, "json")) > 2]
EACH_TIME: Final = {"seq", "previous", "prev_hash", "hash", "expires_in_ms"}
HEADS: Final = {headers.ACTOR: "as", "X-Owner": "as", headers.LEASE: "with"}
"""How a request is made, as its headers say it, over NATS or over REST."""
MOMENT: Final = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+Z")


def about_places(page: Path) -> bool:
    """Whether a page needs a laboratory of its own."""
    return any(block.claim[0] in PLACES for block in blocks(page, "json"))


def asked_before(block: Block) -> Block:
    """The request that an answer on a page belongs to."""
    return [one for one in JSON if one.page == block.page and one.line < block.line and one.claim[0] in REQUESTS][-1]


def lasting(told: Any) -> Any:
    """What is told, without what is another each time: ids, moments, and what is made of them."""
    if isinstance(told, dict):
        return {without_ulids(key): lasting(value) for key, value in told.items() if key not in EACH_TIME}
    if isinstance(told, list):
        return [lasting(value) for value in told]
    return MOMENT.sub("moment", without_ulids(told)) if isinstance(told, str) else told


@pytest.mark.parametrize("block", JSON, ids=str)
def test_what_is_shown_as_a_message_is_one(block: Block) -> None:
    match block.claim:
        case ("answer",):
            REQUESTS[asked_before(block).claim[0]].answer.model_validate_json(block.text)
        case ("event",):
            assert Event.model_validate_json(block.text).model_dump().keys() == orjson.loads(block.text).keys()
        case ("problem",):
            problem = orjson.loads(block.text)
            refusal = Refusal.from_problem(problem)
            assert refusal.problem() == problem
            assert refusal.detail == refusal.sentence.format(**refusal.facts)
        case ("POST" | "PUT", path, *_):
            assert isinstance(orjson.loads(block.text), dict)
            assert path.startswith("/")
            assert_known(block.terms)
        case (subject, *_):
            REQUESTS[subject].model_validate_json(block.text)
            assert_known(block.terms)
        case _:
            pytest.fail("say behind the language what this is")


def assert_known(terms: dict[str, str]) -> None:
    assert terms.keys() <= {*HEADS.values(), "refused"}
    assert terms.get("refused", "internal") in Refusal.by_code


def named(shown: Any, told: Any) -> Iterator[tuple[str, str]]:
    """What ids are that an answer names for the first time: on the page, and now."""
    if isinstance(shown, dict):
        for key in shown.keys() & told.keys():
            yield from named(shown[key], told[key])
    elif isinstance(shown, list):
        for one, other in zip(shown, told, strict=True):
            yield from named(one, other)
    elif isinstance(shown, str) and isinstance(told, str) and ulids(shown) == {shown}:
        yield shown, told


@pytest.mark.system
@pytest.mark.parametrize("page", [page for page in RUN if not about_places(page)], ids=lambda page: page.name)
async def test_the_requests_of_a_page_do_what_it_says(page: Path, lab: Lab, gateway: Gateway) -> None:
    await run_through(page, lab, gateway)


@pytest.mark.system
@pytest.mark.parametrize("page", [page for page in RUN if about_places(page)], ids=lambda page: page.name)
async def test_the_requests_of_a_page_about_places_do_what_it_says(page: Path, empty: tuple[Lab, Gateway]) -> None:
    await run_through(page, *empty)


async def run_through(page: Path, lab: Lab, gateway: Gateway) -> None:
    """Ask all that a page asks, in its order; compare with what it shows."""
    shown = blocks(page, "json")
    ids = sorted({id for block in shown for id in ulids(block.text + " ".join(block.claim))})
    fresh = dict(zip(ids, sorted(new_ulid() for _ in ids), strict=True))  # in their order, as answers may be in it

    def anew(text: str) -> str:
        return re.sub("|".join(fresh), lambda id: fresh[id.group()], text)

    answer: Any = None
    async with AsyncLabstow(lab.nats_url) as client, httpx.AsyncClient(base_url=gateway.url) as rest:
        for block in shown:
            text = anew(block.text)
            heads = {head: anew(block.terms[term]) for head, term in HEADS.items() if term in block.terms}
            match block.claim:
                case ("answer",):
                    assert lasting(orjson.loads(text)) == lasting(answer), block
                    fresh |= dict(named(orjson.loads(block.text), answer))
                case ("problem",):
                    assert orjson.loads(text) == answer, block
                case ("POST" | "PUT" as method, path, *_):
                    response = await rest.request(method, anew(path), content=text, headers=heads)
                    code = "" if response.status_code == 200 else response.json()["code"]
                    assert code == block.terms.get("refused", ""), f"{block}: {response.text}"
                case (subject, *_):
                    reply = await client.bus.ask(subject, text.encode(), heads)
                    answer = orjson.loads(reply.body)
                    assert reply.code == block.terms.get("refused", ""), f"{block}: {answer}"
                    assert subject != GetGraphPicture.subject or answer["svg"] == PICTURE.read_text()


def test_the_picture_of_a_graph_is_what_labstow_draws() -> None:
    """If it draws otherwise now, draw the page anew: `picture.py` says how."""
    assert PICTURE.read_text() == drawn()


def run(python: Path | str, code: Path | str, lab: Lab, gateway: Gateway) -> str:
    """What a program says that finds this laboratory where a reader's would be; what it leaves is thrown away."""
    program = [code] if isinstance(code, Path) else ["-c", here(code, lab, gateway)]
    environment = {"LABSTOW_NATS_URL": lab.nats_url, "RESOURCE_SERVER_URL": gateway.url, "PYTHONUTF8": "1"}
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            [python, *program],
            capture_output=True, encoding="utf-8", env=os.environ | environment, cwd=folder, check=False,
        )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


def here(code: str, lab: Lab, gateway: Gateway) -> str:
    """Code with the usual addresses replaced by those of this laboratory."""
    code = re.sub("http://127.0.0.1:800[36]/", gateway.url, code)
    return code.replace("nats://127.0.0.1:4222", lab.nats_url)


@pytest.mark.system
@pytest.mark.parametrize("block", [block for block in OF_PLACES if not block.claim], ids=str)
def test_code_about_places_runs(block: Block, empty: tuple[Lab, Gateway]) -> None:
    assert run(sys.executable, block.text, *empty)


@pytest.mark.system
@pytest.mark.parametrize("block", [block for block in OF_THINGS if not block.claim], ids=str)
async def test_code_runs(block: Block, lab: Lab, gateway: Gateway, client: AsyncLabstow) -> None:
    something = await client.ask(Add(resource=NewResource(name="something to hear of")))
    async for _ in client.events(entity_id=something.resource_id):
        break
    assert run(sys.executable, block.text, lab, gateway)


@pytest.mark.system
@pytest.mark.compat
@pytest.mark.parametrize("block", [block for block in OF_THINGS if block.claim == ("madsci",)], ids=str)
def test_code_for_madsci_runs(block: Block, lab: Lab, gateway: Gateway, madsci_python: Path) -> None:
    assert "Plate 9" in run(madsci_python, block.text, lab, gateway)


@pytest.mark.system
@pytest.mark.compat
@pytest.mark.parametrize("block", [block for block in OF_PLACES if block.claim == ("madsci",)], ids=str)
def test_code_for_madsci_about_places_runs(
    block: Block,
    empty: tuple[Lab, Gateway],
    madsci_python: Path,
) -> None:
    assert "window" in run(madsci_python, block.text, *empty)


@pytest.mark.system
def test_the_first_plate_says_what_the_readme_says(lab: Lab, gateway: Gateway) -> None:
    said = run(sys.executable, ROOT / "examples" / "first_plate.py", lab, gateway)
    assert without_ulids(said) in [without_ulids(block.text) for block in blocks(README, "text")]


@pytest.mark.system
def test_the_life_of_a_plate_goes_as_its_page_says(lab: Lab, gateway: Gateway) -> None:
    """Twice, as the second time its template is there already."""
    shown = [block.text for block in blocks(ROOT / "docs" / "containers.md", "text")]
    for _ in range(2):
        assert run(sys.executable, ROOT / "examples" / "plate_life.py", lab, gateway) in shown


@pytest.mark.system
def test_the_locked_transfer_goes_as_its_page_says(lab: Lab, gateway: Gateway) -> None:
    shown = [block.text for block in blocks(ROOT / "docs" / "locks.md", "text")]
    assert run(sys.executable, ROOT / "examples" / "locked_transfer.py", lab, gateway) in shown


@pytest.mark.system
def test_the_first_plate_without_a_laboratory_says_what_is_missing() -> None:
    nowhere = {"LABSTOW_NATS_URL": "nats://127.0.0.1:1"}
    done = subprocess.run(
        [sys.executable, ROOT / "examples" / "first_plate.py"],
        capture_output=True, text=True, env=os.environ | nowhere, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert "Is labstow running? `labstow up` starts it." in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.system
@pytest.mark.timeout(120)
def test_the_first_start_says_what_the_readme_says() -> None:
    (shown,) = [block.text for block in blocks(README, "text") if "labstow is ready" in block.text]
    with short_folder() as folder, labstow_up(folder / "data") as up:
        up.wait_until_ready()
        assert up.stop() == 0
        said = up.output()
    assert [re.split("  +", line)[0] for line in shown.splitlines() if line.startswith("✓")] == [
        re.split("  +", line)[0] for line in said.splitlines() if line.startswith("✓")
    ]
    for name in re.findall(r"^  (\w+)  ", shown, re.MULTILINE):
        assert f"\n  {name}  " in said


def test_the_replay_of_the_readme_exists() -> None:
    (line,) = [block.text for block in blocks(README, "sh") if "replay" in block.text]
    assert line.split() == [".venv/bin/python", "examples/replay.py", "--verify"]  # run so by tests of the history
    assert (ROOT / "examples" / "replay.py").exists()
