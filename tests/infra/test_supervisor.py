"""What ends is started again, but not for ever; and everything stops in order."""

import os
import signal
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

import pytest

from labstow.infra.process import Process
from labstow.infra.refusal import CannotStart
from labstow.infra.signals import Signals
from labstow.infra.supervisor import DEATHS, StopAsked, Supervisor


class Sleeper(Process):
    """Sleeps until it is told to stop, and answers from the given start on."""

    def __init__(self, folder: Path, name: str = "sleeper", answers_from: int = 1) -> None:
        super().__init__(name, folder / f"{name}.log")
        self.answers_from = answers_from
        self.starts: list[int] = []

    def spawn(self) -> None:
        super().spawn()
        self.starts.append(self.pid)

    def command(self) -> Sequence[str | Path]:
        return ["/bin/sleep", "100"]

    def answers(self) -> bool:
        return self.running() and len(self.starts) >= self.answers_from


class Ender(Sleeper):
    """Ends at once, every time."""

    def command(self) -> Sequence[str | Path]:
        return ["/bin/false"]


@pytest.fixture
def signals() -> Iterator[Signals]:
    with Signals() as signals:
        yield signals


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def supervisor(signals: Signals, said: list[str]) -> Iterator[Supervisor]:
    with ExitStack() as stack:
        supervisor = Supervisor(signals, lambda: None, said.append)
        stack.callback(lambda: supervisor.stop(supervisor.processes, 0))
        yield supervisor


def test_a_killed_process_is_started_again(supervisor: Supervisor, said: list[str], tmp_path: Path) -> None:
    sleeper = Sleeper(tmp_path, answers_from=2)
    supervisor.add(sleeper)
    os.kill(sleeper.pid, signal.SIGKILL)
    supervisor.wait_for(sleeper, 10)
    assert len(sleeper.starts) == 2
    assert said == [f"sleeper ended (SIGKILL) and is started again; see {sleeper.log}"]


def test_one_that_ends_again_and_again_is_given_up(supervisor: Supervisor, tmp_path: Path) -> None:
    ender = Ender(tmp_path, "ender")
    supervisor.add(ender)
    with pytest.raises(CannotStart, match=f"ender ended {DEATHS} times within 30 s; see .*ender.log"):
        supervisor.serve()
    assert len(ender.starts) == DEATHS


def test_one_that_is_never_ready_is_given_up(supervisor: Supervisor, tmp_path: Path) -> None:
    sleeper = Sleeper(tmp_path, answers_from=9)
    supervisor.add(sleeper)
    with pytest.raises(CannotStart, match="sleeper was not ready after 0 s; see"):
        supervisor.wait_for(sleeper, 0.1)


def test_a_request_to_stop_ends_waiting(supervisor: Supervisor, tmp_path: Path) -> None:
    sleeper = Sleeper(tmp_path, answers_from=9)
    supervisor.add(sleeper)
    os.kill(os.getpid(), signal.SIGTERM)
    with pytest.raises(StopAsked):
        supervisor.wait_for(sleeper, 10)
    with pytest.raises(StopAsked):
        supervisor.serve()


def test_a_group_is_stopped_and_the_others_stay(supervisor: Supervisor, tmp_path: Path) -> None:
    one, two, other = (Sleeper(tmp_path, name) for name in ("one", "two", "other"))
    for process in (one, two, other):
        supervisor.add(process)
    supervisor.stop([one, two], 10)
    assert (one.ending, two.ending, other.running()) == ("SIGTERM", "SIGTERM", True)
    assert supervisor.processes == [other]


def test_what_was_never_started_needs_no_stopping(supervisor: Supervisor, tmp_path: Path) -> None:
    supervisor.stop([Sleeper(tmp_path)], 10)


def test_asking_twice_does_not_wait_for_what_is_slow(
    supervisor: Supervisor, signals: Signals, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Slow(Sleeper):
        def command(self) -> Sequence[str | Path]:
            return ["/bin/sh", "-c", "trap '' TERM; echo ready; while :; do /bin/sleep 0.1; done"]

        def answers(self) -> bool:
            return self.log.exists() and "ready" in self.log.read_text()

    slow = Slow(tmp_path)
    supervisor.add(slow)
    supervisor.wait_for(slow, 10)
    os.kill(os.getpid(), signal.SIGINT)
    os.kill(os.getpid(), signal.SIGINT)
    signals.wait(0)
    assert not signals.hurry  # twice at once is one request that was passed on
    monkeypatch.setattr("labstow.infra.signals.ECHO", -1.0)
    os.kill(os.getpid(), signal.SIGINT)
    supervisor.stop([slow], 600)
    assert slow.ending == "SIGKILL"
