"""The command line says what it can do, quickly, and what is missing."""

import importlib.metadata
import subprocess
import sys

import pytest
from typer.testing import CliRunner

from labstow.infra.cli import app
from tests.servers import Servers

HEAVY = ("faststream", "sqlalchemy", "fastapi", "alembic", "nats", "pydantic")


def python(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)


def test_help_names_every_command() -> None:
    said = CliRunner().invoke(app, ["--help"])
    assert said.exit_code == 0
    assert all(command in said.output for command in ("up", "worker", "gateway", "db", "lab"))


def test_the_version_is_that_of_the_package() -> None:
    said = CliRunner().invoke(app, ["--version"])
    assert said.output == f"labstow {importlib.metadata.version('labstow')}\n"


def test_help_imports_nothing_slow() -> None:
    done = python(f"""
import sys, labstow.infra.cli
print([name for name in {HEAVY} if name in sys.modules])
""")
    assert done.stdout == "[]\n"


def test_the_schema_of_a_database_is_shown_and_made(servers: Servers, monkeypatch: pytest.MonkeyPatch) -> None:
    with servers.database() as url:
        monkeypatch.setenv("LABSTOW_POSTGRES_URL", url)
        assert CliRunner().invoke(app, ["db", "current"]).output == "none\n"
        assert CliRunner().invoke(app, ["db", "upgrade"]).exit_code == 0
        assert CliRunner().invoke(app, ["db", "current"]).output != "none\n"


def test_an_unknown_kind_of_worker_is_refused_in_one_sentence() -> None:
    said = CliRunner().invoke(app, ["worker", "coffee"])
    assert said.exit_code == 1
    assert "There is no worker 'coffee'; there are resource, history" in said.output


def test_without_the_server_extra_the_command_says_which_extra() -> None:
    done = python("import sys; sys.modules['typer'] = None; import labstow.infra.cli")
    assert done.returncode == 1
    assert done.stderr == "The command labstow needs more than a node does: pip install 'labstow[server]'\n"


def test_a_missing_package_is_named_with_its_extra() -> None:
    done = python(
        "import sys; sys.modules['uvicorn'] = None; sys.argv = ['labstow', 'gateway']\n"
        "from labstow.infra.cli import app; app()"
    )
    assert done.returncode == 1
    assert done.stderr == "labstow: uvicorn is not installed: pip install 'labstow[server]'\n"
