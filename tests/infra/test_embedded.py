"""The embedded servers keep what they must over a crash, wherever their directory is."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
import redis

from labstow.infra import ports
from labstow.infra.embedded import binaries, sockets
from labstow.infra.embedded.nats import NatsServer
from labstow.infra.embedded.postgres import PostgresServer
from labstow.infra.embedded.valkey import ValkeyServer
from labstow.infra.refusal import CannotStart
from tests.infra.running import eventually
from tests.servers import short_folder

pytestmark = pytest.mark.system


@pytest.fixture(scope="module")
def postgres() -> Iterator[PostgresServer]:
    with short_folder() as folder:
        server = PostgresServer(folder / "postgres", folder / "postgres.log")
        yield server
        server.stop()


def test_a_killed_postgres_comes_back_with_what_was_committed(postgres: PostgresServer) -> None:
    if not postgres.running():
        postgres.start()
    with psycopg.connect(postgres.url) as connection:
        connection.execute("create table plate as select 96 as wells")
    postgres.kill()
    postgres.start()
    with psycopg.connect(postgres.url) as connection:
        assert connection.execute("table plate").fetchone() == (96,)
        connection.execute("drop table plate")


def test_a_number_in_an_old_pid_file_that_is_somebody_elses_by_now_is_no_obstacle(
    postgres: PostgresServer,
) -> None:
    if postgres.running():
        postgres.kill()
    if not postgres.folder.exists():
        postgres.start()
        postgres.kill()
    lines = (postgres.folder / "postmaster.pid").read_text().splitlines()
    with subprocess.Popen(["/bin/sleep", "100"], user=postgres.runs_as() and postgres.runs_as()[0]) as other:  # type: ignore[index]
        (postgres.folder / "postmaster.pid").write_text("\n".join([str(other.pid), *lines[1:]]))
        postgres.start()
        assert postgres.answers()
        other.kill()


def test_half_a_database_is_made_again() -> None:
    with short_folder() as folder:
        (folder / "postgres.new").mkdir()
        (folder / "postgres.new" / "PG_VERSION").write_text("18\n")
        server = PostgresServer(folder / "postgres", folder / "postgres.log")
        try:
            server.start()
            with psycopg.connect(server.url) as connection:
                assert connection.execute("select lower('ÄRZTE')").fetchone() == ("ärzte",)
        finally:
            server.stop()


def test_a_long_path_has_its_socket_somewhere_shorter() -> None:
    with short_folder() as folder:
        deep = folder / ("deep" * 25)
        server = ValkeyServer(deep, folder / "valkey.log")
        try:
            server.start()
            with redis.Redis.from_url(server.url) as client:
                assert client.ping()
            assert not server.socket.is_relative_to(deep)
        finally:
            server.stop()
            server.socket.parent.rmdir()


def test_a_socket_folder_that_somebody_else_made_is_not_trusted(tmp_path: Path) -> None:
    deep = tmp_path / ("deep" * 25)
    folder = sockets.folder_for(deep, "s")
    folder.chmod(0o777)
    try:
        with pytest.raises(CannotStart, match="belongs to somebody else"):
            sockets.folder_for(deep, "s")
    finally:
        folder.rmdir()


def test_the_configuration_for_production_is_one_that_nats_takes() -> None:
    path = Path(__file__).parents[2] / "infra" / "nats" / "nats.conf"
    subprocess.run([binaries.nats_server(), "-t", "-c", path], check=True, capture_output=True)


def test_nats_answers_only_with_jetstream(tmp_path: Path) -> None:
    server = NatsServer(tmp_path / "nats", tmp_path / "nats.log")
    try:
        server.start()
        assert "sync_interval: always" in server.configuration.read_text()
    finally:
        server.stop()
    assert not server.answers()


def test_another_server_that_was_quicker_to_take_the_port_is_not_taken_for_ours(tmp_path: Path) -> None:
    quick = NatsServer(tmp_path / "quick", tmp_path / "quick.log")
    choices = iter([0, 0, ports.any_free()])
    late = NatsServer(tmp_path / "late", tmp_path / "late.log", lambda: next(choices) or quick.port)
    try:
        quick.start()
        late.spawn()
        eventually(lambda: late.answers() or not late.running(), "the late one fails")
        assert not late.answers()
        late.start()
        assert late.port != quick.port
        late.kill()
        late.start()  # once it has answered, it keeps its port
    finally:
        late.stop()
        quick.stop()


@pytest.mark.parametrize(
    ("server", "setting"),
    [
        (binaries.nats_server, "LABSTOW_NATS_URL"),
        (binaries.postgres, "LABSTOW_POSTGRES_URL"),
        (binaries.valkey_server, "LABSTOW_REDIS_URL"),
    ],
)
def test_a_server_that_is_not_installed_is_named_with_both_ways_out(
    server: object, setting: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    monkeypatch.setattr("sysconfig.get_path", lambda _name: str(tmp_path))
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    monkeypatch.setitem(os.environ, "PATH", str(tmp_path))
    with pytest.raises(CannotStart, match=rf"pip install 'labstow\[embedded\]', or set {setting}"):
        server()  # type: ignore[operator]
