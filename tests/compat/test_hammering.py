"""MADSci's published client sends a request again when it learns no outcome: what it asked for is done once."""

import json
import os
import signal
import subprocess
from pathlib import Path

import httpx
import pytest

from tests.compat.conftest import HERE, ROOT
from tests.conftest import running_gateway, running_lab
from tests.servers import fresh_nats

pytestmark = [pytest.mark.compat, pytest.mark.system, pytest.mark.timeout(120)]


def test_a_worker_that_sleeps_takes_nothing_twice(madsci_python: Path, postgres_url: str, tmp_path: Path) -> None:
    """I33. Seen to fail with each repetition taken for a request of its own: what it had answered to nobody was done,
    and done again.
    """
    with fresh_nats() as nats, running_lab(nats.url, postgres_url) as lab, running_gateway(lab) as gateway:
        script = subprocess.Popen(
            [madsci_python, HERE / "hammering.py", gateway.url],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=tmp_path,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
        )
        with script as running:
            assert running.stdin is not None
            assert running.stdout is not None
            told = iter(running.stdout.readline, "")
            assert "taken" in (line.strip() for line in told)
            (worker,) = lab.processes
            os.kill(worker.pid, signal.SIGSTOP)
            try:
                running.stdin.write("\n")
                running.stdin.flush()
                asleep = httpx.get(f"{gateway.url}resource/01M7ZQPJ4RNK3G1KAYMQFFSG2C", timeout=30)
            finally:
                os.kill(worker.pid, signal.SIGCONT)
            steps = {step["step"]: step["got"] for step in map(json.loads, told)}
    assert asleep.status_code == 504
    assert steps["left"]["quantity"] == 1000 - steps["taken"]
