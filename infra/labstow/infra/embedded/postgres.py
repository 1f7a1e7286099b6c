"""Postgres 18, behind a Unix socket in a folder that only its owner can enter."""

import contextlib
import os
import shutil
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar
from urllib.parse import quote

from labstow.infra.embedded import binaries, sockets, unprivileged
from labstow.infra.process import Process, wait_until
from labstow.infra.refusal import CannotStart

DATABASE = "labstow"
PORT = 5432  # only names the socket; given on both sides, as PGPORT may say something else here
SOCKET = f".s.PGSQL.{PORT}"
# The same order and the same upper and lower case on every machine, whatever locales it has.
LOCALE = ["--encoding=UTF8", "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"]
SETTINGS = {"timezone": "UTC", "log_timezone": "UTC", "max_connections": "200"}
PATIENCE = 30


class PostgresServer(Process):
    """A Postgres server with its data in `folder`, and a database named labstow in it."""

    stop_signal: ClassVar[signal.Signals] = signal.SIGINT  # fast shutdown: does not wait for clients to leave

    def __init__(self, folder: Path, log: Path, settings: Mapping[str, str] | None = None) -> None:
        super().__init__("postgres", log)
        self.folder = folder.absolute()
        self.settings = SETTINGS | dict(settings or {})

    @property
    def url(self) -> str:
        """Address of the database labstow, as libpq takes it."""
        return self.url_of(DATABASE)

    def url_of(self, database: str) -> str:
        """Address of a database of this server."""
        host = quote(str(self._socket_folder()), safe="")
        return f"postgresql://postgres@/{database}?host={host}&port={PORT}"

    def prepare(self) -> None:
        """Make the database at the first start; later, wait until an earlier server has let go of it."""
        if self.runs_as():
            self.folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            unprivileged.let_pass(self.folder)
            unprivileged.let_pass(binaries.postgres())
        if not self.folder.exists():
            self._create()
        self._wait_for_the_one_before()

    def runs_as(self) -> tuple[int, int] | None:
        """User and group to change to when we are root."""
        return unprivileged.user_for(self.folder)

    def command(self) -> Sequence[str | Path]:
        """Program and arguments."""
        settings = {"port": str(PORT), "listen_addresses": ""} | self.settings
        arguments = [f"--{name}={value}" for name, value in settings.items()]
        return [binaries.postgres(), "-D", self.folder, "-k", self._socket_folder(), *arguments]

    def answers(self) -> bool:
        """Say whether it takes connections: its last line in `postmaster.pid` says ready."""
        lines = self._postmaster()
        return self.running() and len(lines) > 7 and lines[0] == str(self.pid) and lines[7] == "ready"

    def _socket_folder(self) -> Path:
        return sockets.folder_for(self.folder, SOCKET, self.runs_as())

    def _postmaster(self) -> list[str]:
        try:
            return [line.strip() for line in (self.folder / "postmaster.pid").read_text().splitlines()]
        except FileNotFoundError:
            return []

    def _create(self) -> None:
        """Make the whole of it aside and rename it, so that there is never half a database."""
        fresh = self.folder.with_name(f"{self.folder.name}.new")
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(mode=0o700, parents=True)
        if user := self.runs_as():
            os.chown(fresh, *user)
        self._run("initdb", "-D", str(fresh), "--username=postgres", "--auth=trust", *LOCALE)
        self._run("postgres", "--single", "-D", str(fresh), "postgres", text=f"create database {DATABASE}\n")
        fresh.rename(self.folder)

    def _run(self, program: str, *arguments: str, text: str = "") -> None:
        user = self.runs_as()
        uid, gid = user or (None, None)
        done = subprocess.run(
            [binaries.postgres(program), *arguments],
            input=text.encode(), capture_output=True, check=False,
            user=uid, group=gid, extra_groups=[] if user else None, cwd=self.folder.parent,
        )  # fmt: skip
        if done.returncode != 0:
            self.log.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with self.log.open("ab") as log:
                log.write(done.stdout + done.stderr)
            raise CannotStart(f"Postgres could not make a database in {self.folder}; its log is {self.log}")

    def _wait_for_the_one_before(self) -> None:
        lines = self._postmaster()
        if not lines or not lines[0].isdigit():
            return
        if not wait_until(lambda: not self._serves_us(int(lines[0])), PATIENCE):
            raise CannotStart(f"A Postgres server (pid {lines[0]}) still uses {self.folder}; stop it first.")
        # Left by a crash. Its number may be somebody else's by now, and Postgres would believe it.
        with contextlib.suppress(FileNotFoundError):
            (self.folder / "postmaster.pid").unlink()

    def _serves_us(self, pid: int) -> bool:
        import psutil  # noqa: PLC0415  (needed after a crash only)

        try:
            return Path(psutil.Process(pid).cwd()) == self.folder.resolve()
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            return False
