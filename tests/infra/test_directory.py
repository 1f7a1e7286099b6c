"""The data directory is held by one at a time, and knows what a killed run left behind."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from labstow.infra.directory import DataDirectory
from labstow.infra.refusal import CannotStart
from tests.infra.running import alive, eventually

HOLD = """
import pathlib, signal, sys
from labstow.infra.directory import DataDirectory
with DataDirectory(pathlib.Path(sys.argv[1])):
    print("held", flush=True)
    signal.pause()
"""


def test_a_second_holder_is_refused_and_told_who_holds_it(tmp_path: Path) -> None:
    sentence = rf"^{tmp_path} is in use \(pid {os.getpid()}\)"
    with DataDirectory(tmp_path), pytest.raises(CannotStart, match=sentence):
        DataDirectory(tmp_path).__enter__()
    with DataDirectory(tmp_path):
        pass


def test_a_killed_holder_holds_nothing(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", HOLD, tmp_path], stdout=subprocess.PIPE) as holder:
        assert holder.stdout
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(CannotStart, match=f"pid {holder.pid}"):
            DataDirectory(tmp_path).__enter__()
        holder.kill()
    with DataDirectory(tmp_path):
        pass


def test_a_place_that_cannot_be_written_is_refused_with_the_reason() -> None:
    with pytest.raises(CannotStart, match=r"/dev/null/x cannot be written \(Not a directory\)"):
        DataDirectory(Path("/dev/null/x")).__enter__()


def test_only_we_may_look_into_it(tmp_path: Path) -> None:
    with DataDirectory(tmp_path / "new"):
        assert (tmp_path / "new").stat().st_mode & 0o077 == 0


def left_behind(tmp_path: Path, pid: int, started: float) -> None:
    entry = {"name": "gateway-1", "pid": pid, "started": started, "stop_signal": signal.SIGTERM, "log": ""}
    (tmp_path / "run.json").write_text(json.dumps({"pid": 1, "urls": {}, "processes": [entry]}))


def test_what_a_killed_run_left_is_ended(tmp_path: Path) -> None:
    with subprocess.Popen(["/bin/sleep", "100"]) as left:
        left_behind(tmp_path, left.pid, psutil.Process(left.pid).create_time())
        with DataDirectory(tmp_path) as data:
            data.clear_leftovers()
        eventually(lambda: not alive(left.pid), "it is ended", 5)
        assert not data.record.exists()


def test_a_process_that_only_has_the_same_number_is_left_alone(tmp_path: Path) -> None:
    with subprocess.Popen(["/bin/sleep", "100"]) as other:
        left_behind(tmp_path, other.pid, psutil.Process(other.pid).create_time() - 60)
        with DataDirectory(tmp_path) as data:
            data.clear_leftovers()
        assert other.poll() is None
        other.kill()
