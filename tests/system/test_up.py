"""`labstow up`, from the outside: it starts, survives, refuses and stops as one expects of it."""

import os
import signal
import socket
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import psycopg
import pytest

from labstow.infra import ports
from labstow.workers.kit.database import upgrade
from tests.infra.running import eventually, labstow_up
from tests.servers import Servers, fresh_nats, short_folder

pytestmark = [pytest.mark.system, pytest.mark.timeout(120)]


@pytest.fixture(scope="module")
def data() -> Iterator[Path]:
    """A data directory on which labstow runs again and again."""
    with short_folder() as folder:
        yield folder / "data"


def test_it_says_what_it_did_and_where_everything_is(data: Path) -> None:
    with labstow_up(data) as up:
        up.wait_until_ready()
        assert up.run["pid"] == up.process.pid
        urls = up.run["urls"]
        assert httpx.get(f"{up.url}/settings").json()["port"] == urlsplit(up.url).port
        with psycopg.connect(urls["Postgres"]) as connection:
            assert connection.execute("select 1").fetchone() == (1,)
        assert up.stop(signal.SIGINT) == 0
        assert not (data / "run.json").exists()

        said = up.output()
        assert all(url in said for url in urls.values())
        assert "labstow is ready" in said
        assert up.left_over() == []


def test_killed_it_leaves_no_process_and_starts_again_at_once(data: Path) -> None:
    port = ports.any_free()
    with labstow_up(data, port=port) as killed:
        killed.wait_until_ready()
        killed.kill()
        with labstow_up(data, port=port) as again:
            again.wait_until_ready()
            eventually(lambda: not killed.left_over(), "every child of the killed one ends", 10)
            assert again.stop() == 0


def test_killed_and_left_alone_it_leaves_no_process(data: Path) -> None:
    with labstow_up(data) as killed:
        killed.wait_until_ready()
        assert len(killed.pids) == 5
        killed.kill()
        eventually(lambda: not killed.left_over(), "every child of the killed one ends")


def test_each_of_its_processes_is_started_again_when_it_is_killed(data: Path) -> None:
    with labstow_up(data) as up:
        up.wait_until_ready()
        for name, pid in up.pids.items():
            os.kill(pid, signal.SIGKILL)
            eventually(lambda name=name, pid=pid: up.pids[name] != pid, f"{name} is started again")  # type: ignore[misc]
            eventually(up.is_ready, f"it serves after {name} was killed")
        assert up.stop() == 0
        assert "worker-1 ended (SIGKILL) and is started again" in up.output()


def test_two_run_side_by_side_without_being_told_how(data: Path) -> None:
    with short_folder() as folder, labstow_up(data) as one, labstow_up(folder / "data") as other:
        one.wait_until_ready()
        other.wait_until_ready()
        assert set(one.run["urls"].values()).isdisjoint(other.run["urls"].values())
        assert one.stop() == 0
        assert other.is_ready()


def test_replicas_are_gateways_on_consecutive_ports_and_as_many_workers(data: Path) -> None:
    port = ports.any_free()
    with labstow_up(data, "--replicas", "2", port=port) as up:
        up.wait_until_ready()
        eventually(lambda: up.is_ready(f"http://127.0.0.1:{port + 1}"), "the second gateway is ready")
        assert {"worker-1", "worker-2", "gateway-1", "gateway-2"} < set(up.pids)
        assert up.stop() == 0


def test_it_uses_the_servers_it_is_given(servers: Servers) -> None:
    with fresh_nats() as server:  # not the one the shared labstow serves
        given = {
            "LABSTOW_NATS_URL": server.url,
            "LABSTOW_POSTGRES_URL": servers.postgres.url,
            "LABSTOW_REDIS_URL": servers.redis.url,
        }
        with short_folder() as folder, labstow_up(folder, environ=given) as up:
            up.wait_until_ready()
            assert set(up.pids) == {"worker-1", "gateway-1"}
            assert up.stop() == 0
        assert server.answers()


def test_what_keeps_ending_ends_it_and_names_the_log() -> None:
    with short_folder() as folder:
        (folder / "nats").mkdir()
        (folder / "nats" / "streams").write_text("a file where nats-server needs a folder")
        with labstow_up(folder) as up:
            assert up.process.wait(60) == 1
            assert f"nats ended 5 times within 30 s; see {folder / 'log' / 'nats.log'}" in up.output()
            assert up.left_over() == []


def test_a_port_in_use_is_refused(data: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with labstow_up(data, port=port) as up:
            refused(up.output(), up.process.wait(), f"Port {port} on 127.0.0.1 is in use", "--port")
        with labstow_up(data, "--nats-port", str(port)) as up:
            refused(up.output(), up.process.wait(), f"Port {port} on 127.0.0.1 is in use", "--nats-port")


def test_a_directory_that_cannot_be_written_is_refused() -> None:
    with labstow_up(Path("/dev/null/labstow")) as up:
        refused(up.output(), up.process.wait(), "/dev/null/labstow cannot be written", "--data")


def test_a_second_one_on_the_same_directory_is_refused(data: Path) -> None:
    with labstow_up(data) as first:
        eventually(lambda: first.run.get("pid") == first.process.pid, "the first one holds the directory")
        with labstow_up(data) as second:
            refused(second.output(), second.process.wait(), f"is in use (pid {first.process.pid})")
        assert first.stop() == 0  # though it was not ready yet
        assert first.left_over() == []


def test_a_setting_that_nobody_knows_is_refused(data: Path) -> None:
    with labstow_up(data, environ={"LABSTOW_NATS_ULR": "nats://127.0.0.1:4222"}) as up:
        refused(up.output(), up.process.wait(), "LABSTOW_NATS_ULR is not a setting", "LABSTOW_NATS_URL")


def test_a_database_from_a_newer_version_is_refused(data: Path, servers: Servers) -> None:
    with servers.database() as url:
        upgrade(url)
        with psycopg.connect(url) as connection:
            connection.execute("update labstow.alembic_version set version_num = '9999'")
        with labstow_up(data, environ={"LABSTOW_POSTGRES_URL": url}) as up:
            refused(up.output(), up.process.wait(), "9999", "newer")
            assert up.left_over() == []


def test_a_server_that_does_not_answer_is_refused(data: Path) -> None:
    nobody = "postgresql://me:secret@127.0.0.1:1/labstow"
    with labstow_up(data, environ={"LABSTOW_POSTGRES_URL": nobody}) as up:
        said = up.output()
        refused(
            said, up.process.wait(),
            "Postgres at postgresql://me:***@127.0.0.1:1/labstow cannot be used: ", "failed: Connection refused.",
        )  # fmt: skip
        assert "secret" not in said


def test_a_nats_that_does_not_answer_is_refused_before_anything_is_started(data: Path) -> None:
    nobody = "nats://me:secret@127.0.0.1:1"
    with labstow_up(data, environ={"LABSTOW_NATS_URL": nobody}) as up:
        said = up.output()
        refused(said, up.process.wait(), "NATS at nats://me:***@127.0.0.1:1 cannot be used: Connection refused.")
        assert "postgres" not in said


def test_an_embedded_database_that_a_newer_version_got_hold_of_is_refused() -> None:
    with short_folder() as folder:
        with labstow_up(folder) as up:
            up.wait_until_ready()
            with psycopg.connect(up.run["urls"]["Postgres"]) as connection:
                connection.execute("update labstow.alembic_version set version_num = '0099'")
            assert up.stop() == 0
        with labstow_up(folder) as up:
            refused(up.output(), up.process.wait(), "0099", "newer")
            assert up.left_over() == []


def refused(said: str, status: int, *parts: str) -> None:
    """It ended with status 1 after one sentence with these parts in it, and without a traceback."""
    assert status == 1, said
    assert "Traceback" not in said
    (sentence,) = [line for line in said.splitlines() if line.startswith("labstow: ")]
    for part in parts:
        assert part in sentence
