"""The data directory of `labstow up`: held by one at a time, and what it remembers of the run."""

import fcntl
import json
import os
import signal
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Self

import psutil

from labstow.infra.process import Process, wait_until
from labstow.infra.refusal import CannotStart

LEFTOVER_PATIENCE = 5


class DataDirectory:
    """A directory that this process holds until it ends, however it ends."""

    def __init__(self, path: Path) -> None:
        self.path = path.absolute()
        self._lock = -1

    def __enter__(self) -> Self:
        """Make it, and hold it.

        Raises:
            CannotStart: it cannot be written, or somebody else holds it.
        """
        try:
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._lock = os.open(self.path / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as problem:
            raise CannotStart(
                f"{self.path} cannot be written ({problem.strerror}); choose another directory with --data."
            ) from problem
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as problem:
            holder = os.read(self._lock, 32).decode().strip() or "?"
            os.close(self._lock)
            raise CannotStart(
                f"{self.path} is in use (pid {holder}); stop what runs there, or choose another directory with --data."
            ) from problem
        os.truncate(self._lock, 0)
        os.write(self._lock, f"{os.getpid()}\n".encode())
        return self

    def __exit__(self, *_: object) -> None:
        """Let go of it."""
        os.close(self._lock)

    def log(self, name: str) -> Path:
        """Where a process of that name writes."""
        return self.path / "log" / f"{name}.log"

    @property
    def record(self) -> Path:
        """The file that says what runs here: `pid`, `urls`, `processes`."""
        return self.path / "run.json"

    def remember(self, urls: Mapping[str, str], processes: Iterable[Process]) -> None:
        """Write down what runs now, whole or not at all."""
        run = {
            "pid": os.getpid(),
            "urls": urls,
            "processes": [entry for process in processes if (entry := _entry(process))],
        }
        fresh = self.record.with_suffix(".new")
        fresh.touch(mode=0o600)  # an address may have a password in it
        fresh.write_text(json.dumps(run, indent=2) + "\n")
        fresh.replace(self.record)

    def forget(self) -> None:
        """Remove the record: nothing runs."""
        self.record.unlink(missing_ok=True)

    def clear_leftovers(self) -> None:
        """End what a run that was killed left behind; most of it is ending already."""
        if not self.record.exists():
            return
        run: dict[str, Any] = json.loads(self.record.read_text())
        left = {process: entry for entry in run["processes"] if (process := _still_there(entry))}
        for process, entry in left.items():
            _send(process, signal.Signals(entry["stop_signal"]))
        wait_until(lambda: not any(_runs(process) for process in left), LEFTOVER_PATIENCE)
        for process in left:
            _send(process, signal.SIGKILL)
        self.forget()


def _entry(process: Process) -> dict[str, object] | None:
    try:
        started = psutil.Process(process.pid).create_time()
    except psutil.NoSuchProcess:
        return None
    return {
        "name": process.name,
        "pid": process.pid,
        "started": started,
        "stop_signal": int(process.stop_signal),
        "log": str(process.log),
    }


def _still_there(entry: Mapping[str, Any]) -> psutil.Process | None:
    try:
        process = psutil.Process(entry["pid"])
        same = abs(process.create_time() - entry["started"]) < 1  # else the number is somebody else's by now
    except psutil.NoSuchProcess:
        return None
    return process if same and _runs(process) else None


def _runs(process: psutil.Process) -> bool:
    try:
        # One that has ended stays a zombie where nobody collects orphans, as in many containers.
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _send(process: psutil.Process, number: signal.Signals) -> None:
    try:
        process.send_signal(number)
    except psutil.NoSuchProcess:
        return
