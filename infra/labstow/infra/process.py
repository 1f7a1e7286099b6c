"""One operating system process that belongs to us: start, watch, stop, kill."""

import os
import signal
import subprocess
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import ClassVar

from labstow.infra import child
from labstow.infra.refusal import CannotStart

LARGEST_LOG = 10_000_000
TICK = 0.01


def wait_until(condition: Callable[[], bool], patience: float, tick: float = TICK) -> bool:
    """Say whether the condition came true within `patience` seconds."""
    deadline = time.monotonic() + patience
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(tick)
    return True


class Process(ABC):
    """A program that is started again under the same name, with the same address and the same files.

    On Linux it dies with the thread that started it: start it from the main thread or one that lives as long.
    """

    stop_signal: ClassVar[signal.Signals] = signal.SIGTERM

    def __init__(self, name: str, log: Path) -> None:
        self.name = name
        self.log = log
        self._popen: subprocess.Popen[bytes] | None = None

    def prepare(self) -> None:  # noqa: B027  (most programs expect nothing)
        """Make what the program expects to find; called before every start."""

    @abstractmethod
    def command(self) -> Sequence[str | Path]:
        """Program with its full path, and its arguments."""

    def environ(self) -> Mapping[str, str] | None:
        """Its environment, where it is not ours."""
        return None

    def runs_as(self) -> tuple[int, int] | None:
        """User and group to change to, where it is not ours."""
        return None

    def answers(self) -> bool:
        """Say whether the program does its work now. Never waits for long."""
        return self.running()

    @property
    def pid(self) -> int:
        """Process id of the newest start."""
        if self._popen is None:
            raise RuntimeError(f"{self.name} was never started")
        return self._popen.pid

    @property
    def ending(self) -> str:
        """How the newest start ended, in words."""
        status = self._popen.poll() if self._popen else None
        if status is None:
            return "not ended"
        return f"status {status}" if status >= 0 else signal.Signals(-status).name

    def running(self) -> bool:
        """Say whether it was started and has not ended."""
        return self._popen is not None and self._popen.poll() is None

    def spawn(self) -> None:
        """Start the program without waiting for it."""
        self.prepare()
        self.log.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if self.log.exists() and self.log.stat().st_size > LARGEST_LOG:
            self.log.replace(self.log.with_suffix(".log.1"))
        user = self.runs_as()
        shim = [sys.executable, "-I", "-S", child.__file__]
        fate = [str(int(self.stop_signal)), str(os.getpid()), "{}:{}".format(*user) if user else "-"]
        with self.log.open("ab") as log:
            self._popen = subprocess.Popen(
                [*shim, *fate, *self.command()],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=self.environ(),
                start_new_session=True,  # Ctrl-C in the terminal reaches us alone, and we stop the others
            )

    def start(self, patience: float = 30) -> None:
        """Start the program and return when it answers.

        Raises:
            CannotStart: it ended, or did not answer in time; the text names its log.
        """
        self.spawn()
        if not wait_until(lambda: self.answers() or not self.running(), patience) or not self.running():
            self.kill()
            raise CannotStart(f"{self.name} did not start; its log is {self.log}")

    def ask_to_stop(self) -> None:
        """Send the signal on which this program ends in an orderly way."""
        if self.running():
            self._signal(self.stop_signal)

    def stop(self, patience: float = 20) -> bool:
        """End it in an orderly way, or kill it when that takes too long; say whether it was orderly."""
        self.ask_to_stop()
        orderly = wait_until(lambda: not self.running(), patience)
        self.kill()
        return orderly

    def kill(self) -> None:
        """End it at once, as a crash would (kill -9)."""
        if self._popen is not None:
            self._signal(signal.SIGKILL)
            self._popen.wait()

    def _signal(self, number: signal.Signals) -> None:
        if self._popen is not None:
            self._popen.send_signal(number)  # does nothing once it was reaped
