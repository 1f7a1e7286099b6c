"""The published MADSci client, in an environment of its own: it needs an older pydantic than we have."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
CACHE = HERE.parent.parent / ".cache" / "madsci-venv"
PACKAGES = ["madsci.client==0.8.1", "pydantic<2.14", "packaging"]

# Out of the environment at once: what we start would refuse to start with a setting that it does not know.
NAMED = os.environ.pop("LABSTOW_MADSCI_PYTHON", None)


@pytest.fixture(scope="session")
def madsci_python() -> Path:
    """A Python that has the client: made once and kept, unless LABSTOW_MADSCI_PYTHON names one."""
    if NAMED:
        return Path(NAMED)
    python = CACHE / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    complete = CACHE / "complete"
    if not complete.exists():
        CACHE.parent.mkdir(exist_ok=True)
        (CACHE.parent / ".gitignore").write_text("*\n")
        subprocess.run([sys.executable, "-m", "venv", "--clear", CACHE], check=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", *PACKAGES], check=True)
        complete.touch()
    return python
