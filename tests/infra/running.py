"""`labstow up` as a process of its own, for tests; whatever happens, nothing of it is left."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import psutil

from labstow.infra import ports
from labstow.infra.process import wait_until

PATIENCE = 60
CLI = ("labstow.infra.cli",)
"""The program; another one may do as it does."""


def eventually(condition: Callable[[], bool], sentence: str, patience: float = PATIENCE) -> None:
    """Wait until the condition is true; fail with the sentence when it does not become true."""
    assert wait_until(condition, patience), f"not within {patience} s: {sentence}"


def alive(pid: int) -> bool:
    """Say whether a process still does something; one that nobody reaped does not."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


class Up:
    """One running (or refused) `labstow up`."""

    def __init__(
        self, data: Path, port: int, arguments: Sequence[str], environ: dict[str, str], program: Sequence[str]
    ) -> None:
        self.data = data
        self.url = f"http://127.0.0.1:{port}"
        self._seen: set[int] = set()
        command = [sys.executable, "-m", *program, "up", "--data", str(data), "--port", str(port)]
        self.process = subprocess.Popen(
            [*command, *arguments],
            env={**os.environ, **environ},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd=data.parent if data.parent.is_dir() else "/",
        )

    @property
    def run(self) -> dict[str, Any]:
        """What it wrote down about itself; empty when it did not."""
        try:
            run: dict[str, Any] = json.loads((self.data / "run.json").read_text())
        except (FileNotFoundError, NotADirectoryError):
            return {}
        self._seen.update(process["pid"] for process in run["processes"])
        return run

    @property
    def pids(self) -> dict[str, int]:
        """Process ids by name."""
        return {process["name"]: process["pid"] for process in self.run.get("processes", [])}

    def is_ready(self, url: str | None = None) -> bool:
        """Ask the gateway."""
        try:
            return httpx.get(f"{url or self.url}/health/ready", timeout=5).status_code == 200
        except httpx.HTTPError:
            return False

    def wait_until_ready(self) -> None:
        """Wait for the gateway, or for the end."""
        eventually(lambda: self.is_ready() or self.process.poll() is not None, "labstow up is ready")
        assert self.process.poll() is None, self.output()
        assert self.pids

    def output(self) -> str:
        """Everything it said; waits for its end."""
        output, _ = self.process.communicate(timeout=PATIENCE)
        return output

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Ask it to stop and give its exit status."""
        assert self.run or self.process.poll() is not None
        self.process.send_signal(number)
        return self.process.wait(PATIENCE)

    def kill(self) -> None:
        """End it as a crash would."""
        assert self.run
        self.process.kill()
        self.process.wait()

    def left_over(self) -> list[int]:
        """Process ids of what it ever started that still run."""
        return [pid for pid in self._seen if alive(pid)]

    def clean_up(self) -> None:
        """End all of it, however the test went."""
        _ = self.run
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.communicate(timeout=30)
            except subprocess.TimeoutExpired:
                self.process.kill()
        self.process.communicate()
        for pid in self.left_over():
            os.kill(pid, signal.SIGKILL)


@contextmanager
def labstow_up(
    data: Path,
    *arguments: str,
    port: int | None = None,
    environ: dict[str, str] | None = None,
    program: Sequence[str] = CLI,
) -> Iterator[Up]:
    """Start `labstow up` on a data directory; end it with everything it started."""
    up = Up(data, port or ports.any_free(), arguments, environ or {}, program)
    try:
        yield up
    finally:
        up.clean_up()
