"""Remembers beside a database which schema it was given, so that a start with nothing to do need not look.

Looking means importing what migrates: a second of every start. Workers look for themselves in any case.
"""

from pathlib import Path

import labstow.workers


class Mark:
    """A file in the folder of an embedded Postgres; it goes where the database goes."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "labstow.schema"

    def holds(self) -> bool:
        """Say whether the database was given the schema of this version, and nothing later."""
        try:
            return self.path.read_text() == _migrations()
        except FileNotFoundError:
            return False

    def set(self) -> None:
        """Remember that the database has the schema of this version."""
        self.path.write_text(_migrations())

    def clear(self) -> None:
        """Forget it, before the schema changes."""
        self.path.unlink(missing_ok=True)


def _migrations() -> str:
    folder = Path(labstow.workers.__path__[0]) / "migrations" / "versions"
    return "".join(f"{path.name}\n" for path in sorted(folder.glob("*.py")))
