"""Keeps processes running: what ends is started again, and all of it stops in order."""

import time
from collections import defaultdict, deque
from collections.abc import Callable, Iterable

from labstow.infra.process import TICK, Process
from labstow.infra.refusal import CannotStart
from labstow.infra.signals import Signals

DEATHS = 5
WITHIN = 30.0
FIRST_PAUSE = 0.1


class StopAsked(Exception):
    """Somebody asked to stop while something was being waited for."""


class Supervisor:
    """Starts processes and tends them until somebody asks to stop."""

    def __init__(self, signals: Signals, on_start: Callable[[], None], say: Callable[[str], None]) -> None:
        self.processes: list[Process] = []
        self._signals = signals
        self._on_start = on_start
        self._say = say
        self._deaths: dict[str, deque[float]] = defaultdict(lambda: deque(maxlen=DEATHS))
        self._due: dict[str, float] = {}

    def add(self, process: Process) -> None:
        """Start a process and tend it from now on, without waiting for it."""
        self.processes.append(process)
        process.spawn()
        self._on_start()

    def wait_for(self, process: Process, patience: float) -> None:
        """Return when the process answers.

        Raises:
            CannotStart: it did not within `patience` seconds, or something ended too often.
            StopAsked: somebody asked to stop.
        """
        deadline = time.monotonic() + patience
        while not process.answers():
            if time.monotonic() > deadline:
                raise CannotStart(f"{process.name} was not ready after {patience:.0f} s; see {process.log}")
            self._tend()
            self._signals.wait(TICK)

    def serve(self) -> None:
        """Tend until somebody asks to stop.

        Raises:
            CannotStart: something ended too often to go on.
            StopAsked: somebody asked to stop.
        """
        while True:
            self._tend()
            due = min(self._due.values(), default=None)
            self._signals.wait(60 if due is None else max(0.0, due - time.monotonic()))

    def stop(self, group: Iterable[Process], patience: float) -> None:
        """End these at the same time; kill what needs longer, or all when somebody asks again."""
        group = [process for process in group if process in self.processes]
        deadline = time.monotonic() + patience
        for process in group:
            process.ask_to_stop()
        while any(process.running() for process in group):
            if time.monotonic() > deadline or self._signals.hurry:
                break
            self._signals.wait(TICK)
        for process in group:
            process.kill()
        self.processes = [process for process in self.processes if process not in group]

    def _tend(self) -> None:
        if self._signals.stop:
            raise StopAsked
        now = time.monotonic()
        for process in self.processes:
            if process.running():
                continue
            if process.name not in self._due:
                self._say(f"{process.name} ended ({process.ending}) and is started again; see {process.log}")
                self._due[process.name] = now + self._pause(process, now)
            if self._due[process.name] <= now:
                del self._due[process.name]
                process.spawn()
                self._on_start()

    def _pause(self, process: Process, now: float) -> float:
        """How long to wait before a process is started again: not at all, then longer and longer."""
        deaths = self._deaths[process.name]
        deaths.append(now)
        recent = sum(now - death < WITHIN for death in deaths)
        if recent == DEATHS:
            raise CannotStart(f"{process.name} ended {DEATHS} times within {WITHIN:.0f} s; see {process.log}")
        return FIRST_PAUSE * 2 ** (recent - 2) if recent > 1 else 0.0
