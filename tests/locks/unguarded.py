"""`labstow` whose resource workers look at no lease: `python -m tests.locks.unguarded worker resource`."""

import sys

from labstow.infra import cli
from labstow.workers.resource import guard


def main(arguments: list[str]) -> None:
    """Do what `labstow` does, with the guard taken off every rule before the rules are made."""
    assert "labstow.workers.resource.rules" not in sys.modules
    guard.guarded = lambda rule: rule
    cli.app(arguments)


if __name__ == "__main__":
    main(sys.argv[1:])
