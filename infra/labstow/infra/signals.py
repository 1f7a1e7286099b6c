"""Signals as something to wait for: a request to stop, or the end of a child."""

import contextlib
import math
import os
import select
import signal
import time
from types import FrameType
from typing import Self

STOP = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
ECHO = 1.0  # within this time, a second request is the first one, passed on by a program around us


class Signals:
    """While entered, requests to stop are noted, and `wait` returns early when anything happens."""

    def __init__(self) -> None:
        self.stop = False
        """Somebody asked to stop."""
        self.hurry = False
        """Somebody asked again, and wants no more waiting."""
        self._asked = math.inf
        self._reader, self._writer = os.pipe()
        self._before: dict[int, signal._HANDLER] = {}

    def __enter__(self) -> Self:
        os.set_blocking(self._reader, False)
        os.set_blocking(self._writer, False)
        signal.set_wakeup_fd(self._writer, warn_on_full_buffer=False)
        for number in STOP:
            self._before[number] = signal.signal(number, self._asked_to_stop)
        # Needs a handler of its own: the default action would not wake us.
        self._before[signal.SIGCHLD] = signal.signal(signal.SIGCHLD, lambda *_: None)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(-1)
        os.close(self._reader)
        os.close(self._writer)

    def wait(self, seconds: float) -> None:
        """Return after that time, or earlier after a signal."""
        select.select([self._reader], [], [], seconds)
        with contextlib.suppress(BlockingIOError):
            os.read(self._reader, 4096)

    def _asked_to_stop(self, _number: int, _frame: FrameType | None) -> None:
        now = time.monotonic()
        self.hurry = self.hurry or now > self._asked + ECHO
        self._asked = min(self._asked, now)
        self.stop = True
