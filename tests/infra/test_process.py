"""A process of ours: it answers, stops, and never outlives who started it."""

import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from labstow.infra.process import LARGEST_LOG, Process
from labstow.infra.refusal import CannotStart
from tests.infra.running import alive, eventually


class Script(Process):
    """A piece of Python as a process."""

    def __init__(self, folder: Path, code: str) -> None:
        super().__init__("script", folder / "script.log")
        self.code = code
        self.flag = folder / "flag"

    def command(self) -> Sequence[str | Path]:
        return [sys.executable, "-S", "-c", textwrap.dedent(self.code), str(self.flag)]

    def answers(self) -> bool:
        return self.running() and self.flag.exists()


GOOD = "import pathlib, signal, sys; pathlib.Path(sys.argv[1]).touch(); signal.pause()"
STUBBORN = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN);" + GOOD


@pytest.fixture
def good(tmp_path: Path) -> Iterator[Script]:
    script = Script(tmp_path, GOOD)
    yield script
    script.kill()


def test_it_is_started_when_it_answers(good: Script) -> None:
    good.start()
    assert good.answers()


def test_it_stops_on_its_signal_and_starts_again(good: Script) -> None:
    good.start()
    first = good.pid
    assert good.stop()
    assert good.ending == "SIGTERM"
    good.start()
    assert good.pid != first


def test_what_does_not_stop_is_killed(tmp_path: Path) -> None:
    stubborn = Script(tmp_path, STUBBORN)
    stubborn.start()
    assert not stubborn.stop(patience=0.1)
    assert stubborn.ending == "SIGKILL"


def test_one_that_ends_at_once_did_not_start_and_its_log_is_named(tmp_path: Path) -> None:
    broken = Script(tmp_path, "raise SystemExit('it will not do')")
    with pytest.raises(CannotStart, match=r"script did not start; its log is .*script.log"):
        broken.start()
    assert "it will not do" in broken.log.read_text()


def test_it_ends_when_who_started_it_is_killed(tmp_path: Path) -> None:
    starter = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(f"""
            import signal
            from pathlib import Path
            from tests.infra.test_process import GOOD, Script
            script = Script(Path({str(tmp_path)!r}), GOOD)
            script.start()
            print(script.pid, flush=True)
            signal.pause()
        """)],
        stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
    )  # fmt: skip
    with starter:
        assert starter.stdout
        pid = int(starter.stdout.readline())
        assert alive(pid)
        starter.kill()
    try:
        eventually(lambda: not alive(pid), "it ends with who started it", 5)
    finally:
        if alive(pid):
            os.kill(pid, signal.SIGKILL)


def test_it_ends_when_who_started_it_died_before_it_could_know(tmp_path: Path) -> None:
    from labstow.infra import child

    nobody = subprocess.Popen(["true"])
    nobody.wait()
    flag = tmp_path / "flag"
    late = [sys.executable, "-I", "-S", child.__file__, "15", str(nobody.pid), "-", "/usr/bin/touch", str(flag)]
    assert subprocess.run(late, check=False).returncode == -signal.SIGKILL
    assert not flag.exists()


def test_a_long_log_is_put_aside_at_a_start(good: Script) -> None:
    good.log.write_bytes(b"x" * (LARGEST_LOG + 1))
    good.start()
    assert good.log.stat().st_size == 0
    assert good.log.with_suffix(".log.1").exists()
