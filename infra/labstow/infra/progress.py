"""What `labstow up` tells the person who typed it."""

import time
from collections.abc import Mapping

import psutil
import typer


class Progress:
    """One line for each step that is done, with the time since the one before."""

    def __init__(self) -> None:
        # From the moment the command was typed: what Python itself needs to start is waited for, too.
        self._began = time.monotonic() - (time.time() - psutil.Process().create_time())
        self._last = self._began

    def done(self, step: str) -> None:
        """Say that a step is done."""
        now = time.monotonic()
        tick = typer.style("✓", fg=typer.colors.GREEN)
        typer.echo(f"{tick} {step:<44} {now - self._last:5.2f} s")
        self._last = now

    def ready(self, urls: Mapping[str, str]) -> None:
        """Say that all of it works, and where."""
        took = time.monotonic() - self._began
        typer.secho(f"labstow is ready after {took:.1f} s; Ctrl-C stops it.", bold=True)
        width = max(len(name) for name in urls)
        for name, url in urls.items():
            typer.echo(f"  {name:<{width}}  {url}")

    def note(self, sentence: str) -> None:
        """Say something that happened meanwhile."""
        typer.secho(sentence, fg=typer.colors.YELLOW)
