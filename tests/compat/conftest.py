"""The published MADSci client, beside a running labstow."""

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.compat.environment import Making
from tests.conftest import MADSCI_PYTHON, Gateway

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
MAKING = pytest.StashKey[Making]()


def pytest_collection_finish(session: pytest.Session) -> None:
    """Begin to make the environment, if a test of this folder will be run."""
    wanted = not MADSCI_PYTHON and not session.config.option.collectonly
    if wanted and any(HERE in item.path.parents for item in session.items):
        session.config.stash[MAKING] = Making()


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Nothing is left running."""
    if MAKING in session.config.stash:
        session.config.stash[MAKING].stop()


@pytest.fixture(scope="session")
def madsci_python(pytestconfig: pytest.Config) -> Path:
    """A Python that has the client: made once and kept, unless LABSTOW_MADSCI_PYTHON names one."""
    return Path(MADSCI_PYTHON) if MADSCI_PYTHON else pytestconfig.stash[MAKING].python()


Tour = dict[str, Any]
"""What the client got, step by step."""


@pytest.fixture(scope="session")
def tour_of(madsci_python: Path, gateway: Gateway, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Tour]:
    """Run a script of this folder beside the client, unchanged and with its own settings, and give what it told."""

    return lambda script: told_by(madsci_python, script, gateway.url, tmp_path_factory.mktemp("tour"))


def told_by(python: Path, script: str, url: str, folder: Path) -> Tour:
    """Run a script of this folder beside the client, with the address of a gateway, and give what it told."""
    done = subprocess.run(
        [python, HERE / script, url],
        capture_output=True,
        text=True,
        cwd=folder,  # it writes logs where it runs
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        check=False,
        timeout=120,
    )
    steps = [json.loads(line) for line in done.stdout.splitlines() if line.startswith('{"step"')]
    assert done.returncode == 0, f"after {str(steps[-1:])[:1000]}:\n{done.stderr[-3000:]}"
    return {step["step"]: step["got"] for step in steps}
