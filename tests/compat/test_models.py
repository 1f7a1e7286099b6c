"""Every answer fits MADSci's own models, and what they make of it comes back as what it was."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest
from hypothesis import HealthCheck, given, settings

from labstow.contracts.resource import NewResource
from labstow.gateway.madsci.given import given as ours
from tests.compat.conftest import HERE
from tests.gateway.things import Json, answered, things

pytestmark = [pytest.mark.compat, pytest.mark.timeout(300)]

OP = "01M7ZQPJ4RNK3G1KAYMQFFSG2D"


class Echo:
    """Their models, in a process of their own."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self.process = process

    def __call__(self, resource: Json) -> Json:
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write(orjson.dumps(resource) + b"\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        assert answer, "their model refused it, see above"
        return dict(orjson.loads(answer))


@pytest.fixture(scope="module")
def echo(madsci_python: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Echo]:
    cwd = tmp_path_factory.mktemp("madsci")
    with subprocess.Popen(
        [madsci_python, HERE / "echo.py"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=cwd
    ) as process:
        yield Echo(process)
        process.kill()


@given(thing=things())
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_their_models_take_every_answer_and_give_it_back_unchanged(echo: Echo, thing: Json) -> None:
    told = answered(thing)
    back, sent = (NewResource.model_validate(ours(one, OP, read=True)) for one in (echo(told), told))
    assert back == sent
