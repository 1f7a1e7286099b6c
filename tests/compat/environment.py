"""A virtual environment with the published MADSci client: it needs an older pydantic than we have.

It is made by a process of its own, which begins when the tests are collected: installing takes most of a minute, and
tests run meanwhile.

A plugin of pytest: what wants the client asks for the fixture `madsci_python`.
"""

import os
import signal
import subprocess
import sys
from pathlib import Path
from subprocess import PIPE
from typing import Final

import pytest

ROOT: Final = Path(__file__).parents[2]
CACHE: Final = ROOT / ".cache" / "madsci-venv"
PYTHON: Final = CACHE / "bin" / "python"
COMPLETE: Final = CACHE / "complete"
PACKAGES: Final = ["madsci.client==0.8.1", "pydantic<2.14", "packaging"]

# Out of the environment at once: what we start would refuse to start with a setting that it does not know.
NAMED: Final = os.environ.pop("LABSTOW_MADSCI_PYTHON", None)


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


MAKING: Final = pytest.StashKey[Making]()


def wants_it(item: pytest.Item) -> bool:
    """Whether a test needs the environment."""
    return "madsci_python" in getattr(item, "fixturenames", ())


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What wants the environment comes last, so that others run while it is made."""
    items.sort(key=wants_it)


def pytest_collection_finish(session: pytest.Session) -> None:
    """Begin to make it, if a test that will be run wants it."""
    if any(map(wants_it, session.items)) and not NAMED and not session.config.option.collectonly:
        session.config.stash[MAKING] = Making()


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Nothing is left running."""
    if MAKING in session.config.stash:
        session.config.stash[MAKING].stop()


@pytest.fixture(scope="session")
def madsci_python(pytestconfig: pytest.Config) -> Path:
    """A Python that has the client: made once and kept, unless LABSTOW_MADSCI_PYTHON names one."""
    return Path(NAMED) if NAMED else pytestconfig.stash[MAKING].python()


if __name__ == "__main__":
    make()
