"""A worker waits for what may come by itself, and for nothing else."""

import psycopg
import pytest
from typer.testing import CliRunner

from labstow.infra import work
from labstow.infra.cli import app
from labstow.workers.kit.database import upgrade
from tests.servers import Servers


def test_a_database_from_a_newer_version_is_not_waited_for(servers: Servers, monkeypatch: pytest.MonkeyPatch) -> None:
    with servers.database() as url:
        upgrade(url)
        with psycopg.connect(url) as connection:
            connection.execute("update labstow.alembic_version set version_num = '0099'")
        monkeypatch.setenv("LABSTOW_POSTGRES_URL", url)
        said = CliRunner().invoke(app, ["worker", "--wait"])
    assert said.exit_code == 1
    assert "at schema 0099, which this version of labstow does not know" in said.output
    assert "waiting" not in said.output


def test_a_schema_that_is_not_there_yet_is_waited_for(servers: Servers, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(work, "PATIENCE", 0)
    with servers.database() as url:
        monkeypatch.setenv("LABSTOW_POSTGRES_URL", url)
        said = CliRunner().invoke(app, ["worker", "--wait"])
    assert said.exit_code == 1
    assert said.output.count("labstow worker: waiting: the database is at schema none, not at 0") == 1


def test_a_database_that_does_not_answer_yet_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(work, "PATIENCE", 0)
    monkeypatch.setenv("LABSTOW_POSTGRES_URL", "postgresql://127.0.0.1:1/labstow")
    said = CliRunner().invoke(app, ["worker", "--wait"])
    assert said.exit_code == 1
    assert "waiting: the database does not answer: " in said.output
    assert "failed: Connection refused\n" in said.output
