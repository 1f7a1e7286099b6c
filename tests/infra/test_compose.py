"""compose.yaml is one that compose takes, and names commands, files and settings that exist."""

from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from check_jsonschema.builtin_schemas import get_builtin_schema
from typer.testing import CliRunner

from labstow.infra import environment
from labstow.infra.cli import app
from labstow.infra.embedded.postgres import LOCALE
from labstow.workers.main import KINDS

ROOT = Path(__file__).parents[2]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = {name: service for name, service in SERVICES.items() if service["image"].startswith("labstow:")}


def test_it_follows_the_schema_of_compose_files() -> None:
    jsonschema.validate(COMPOSE, get_builtin_schema("vendor.compose-spec"))


def test_it_has_the_servers_and_all_of_labstow() -> None:
    assert set(SERVICES) == {"nats", "postgres", "valkey", "migrate", "workers", "gateway"}
    assert set(OURS) == {"migrate", "workers", "gateway"}


@pytest.mark.parametrize("name", OURS)
def test_its_commands_are_commands_of_labstow(name: str) -> None:
    program, *arguments = OURS[name]["command"]
    assert program == "labstow"
    said = CliRunner().invoke(app, [*arguments, "--help"])
    assert said.exit_code == 0, said.output


def test_its_workers_are_of_every_kind() -> None:
    assert OURS["workers"]["command"] == ["labstow", "worker", *KINDS]


def test_its_settings_are_settings_of_labstow() -> None:
    for service in OURS.values():
        environment.check(service["environment"])


def test_every_service_waits_for_services_that_exist_and_for_health_where_there_is_a_check() -> None:
    for service in SERVICES.values():
        for other, how in service.get("depends_on", {}).items():
            assert how["condition"] != "service_healthy" or "healthcheck" in SERVICES[other]


def test_nothing_is_reachable_from_elsewhere_unless_it_is_asked_for() -> None:
    for service in SERVICES.values():
        assert all(port.startswith("${BIND:-127.0.0.1}:") for port in service.get("ports", []))


def test_its_files_exist() -> None:
    mounted = [volume for service in SERVICES.values() for volume in service.get("volumes", [])]
    assert all((ROOT / volume.split(":")[0]).is_file() for volume in mounted if volume.startswith("."))
    for service in OURS.values():
        assert (ROOT / service["build"]["dockerfile"]).is_file()


def test_its_database_sorts_as_the_embedded_one_does() -> None:
    assert SERVICES["postgres"]["environment"]["POSTGRES_INITDB_ARGS"].split() == LOCALE
