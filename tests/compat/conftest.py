"""The published MADSci client, beside a running labstow."""

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Gateway

HERE = Path(__file__).parent
ROOT = HERE.parent.parent

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
