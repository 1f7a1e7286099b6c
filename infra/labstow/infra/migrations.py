"""What can be said about the schema of a database without importing what migrates: that is a second of every start."""

from pathlib import Path

import psycopg

import labstow.workers

PATIENCE = 5


def known() -> list[str]:
    """The schemas this version has migrations to, the newest last; their files are named after them."""
    folder = Path(labstow.workers.__path__[0]) / "migrations" / "versions"
    return sorted(path.name.partition("_")[0] for path in folder.glob("[0-9]*.py"))


def done(postgres_url: str) -> bool:
    """Say whether the database is at the schema of this version; not, where it cannot be asked."""
    try:
        with psycopg.connect(postgres_url, connect_timeout=PATIENCE) as connection:
            found = connection.execute("select version_num from labstow.alembic_version").fetchall()
    except psycopg.Error:
        return False
    return found == [(known()[-1],)]
