"""A virtual environment with the published MADSci client: it needs an older pydantic than we have.

It is made by a process of its own, which begins when the tests are collected: installing takes most of a minute, and
tests run meanwhile.
"""

import os
import signal
import subprocess
import sys
from pathlib import Path
from subprocess import PIPE
from typing import Final

ROOT: Final = Path(__file__).parents[2]
CACHE: Final = ROOT / ".cache" / "madsci-venv"
PYTHON: Final = CACHE / "bin" / "python"
COMPLETE: Final = CACHE / "complete"
PACKAGES: Final = ["madsci.client==0.8.1", "pydantic<2.14", "packaging"]


class Making:
    """An environment that is being made, or was made before."""

    def __init__(self) -> None:
        command = [sys.executable, __file__]
        self._process = (
            None if COMPLETE.exists() else subprocess.Popen(command, stderr=PIPE, text=True, start_new_session=True)
        )

    def python(self) -> Path:
        """Its Python, once it is complete."""
        if self._process is not None:
            _, said = self._process.communicate()
            assert COMPLETE.exists(), f"MADSci's client could not be installed:\n{said}"
        return PYTHON

    def stop(self) -> None:
        """Whoever did not wait for it does not leave it behind."""
        if self._process is not None and self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)  # with the pip that it started
            self._process.communicate()


def make() -> None:
    """Make it, from nothing: what was left half done is thrown away."""
    CACHE.parent.mkdir(exist_ok=True)
    (CACHE.parent / ".gitignore").write_text("*\n")
    subprocess.run([sys.executable, "-m", "venv", "--clear", CACHE], check=True)
    subprocess.run([PYTHON, "-m", "pip", "install", "--quiet", *PACKAGES], check=True)
    COMPLETE.touch()


if __name__ == "__main__":
    make()
