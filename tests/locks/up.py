"""`labstow up` with each kind of worker in two processes of its own, so that each can be killed by itself.

    python -m tests.locks.up [--without-lease-check] up --data DIR ...

Without the check, resource workers (those of `tests.locks.unguarded`) let everybody write: to see the tests fail.
"""

import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

from labstow.infra import cli
from labstow.infra import up as everything
from labstow.infra.directory import DataDirectory
from labstow.infra.own import CLI, Worker
from labstow.infra.plan import Options, Plan

PROGRAM: Final = ("tests.locks.up",)
WITHOUT: Final = "--without-lease-check"
PROCESSES: Final = {"resource": 2, "lock": 2, "history": 1, "transfer": 1}
"""How many workers of each kind."""
ROOT: Final = Path(__file__).parents[2]


class OneKind(Worker):
    """A process that runs one kind of worker."""

    def __init__(
        self, name: str, log: Path, addresses: Callable[[], Mapping[str, str]], kind: str, module: Sequence[str]
    ) -> None:
        super().__init__(name, log, addresses)
        self._command = [*module, "worker", kind, "--wait"]

    def command(self) -> Sequence[str | Path]:
        """Program and arguments."""
        return self._command


class Kinds(Plan):
    """What `labstow up` runs, with other workers."""

    module: Sequence[str] = CLI

    def __init__(self, options: Options, data: DataDirectory) -> None:
        super().__init__(options, data)
        self.workers = [
            OneKind(name, data.log(name), self.addresses, kind, self.module)
            for kind, count in PROCESSES.items()
            for number in range(1, count + 1)
            for name in [f"{kind}-{number}"]
        ]


def main(arguments: list[str]) -> None:
    """Do what `labstow` does."""
    if arguments[0] == WITHOUT:
        Kinds.module = [sys.executable, "-m", "tests.locks.unguarded"]
        del arguments[0]
    setattr(everything, "Plan", Kinds)  # noqa: B010
    cli.app(arguments)


if __name__ == "__main__":
    main(sys.argv[1:])
