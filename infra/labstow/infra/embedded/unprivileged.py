"""Who Postgres runs as when we are root, which it refuses to be."""

import os
import pwd
import stat
import subprocess
from pathlib import Path

from labstow.infra.refusal import CannotStart

NAME = "pgserver"  # the name the wheel of Postgres gives to this user


def user_for(folder: Path) -> tuple[int, int] | None:
    """User and group for a server with its data in `folder`; None when we are not root."""
    if os.geteuid() != 0:
        return None
    if folder.exists() and (found := folder.stat()).st_uid != 0:
        return found.st_uid, found.st_gid
    entry = _entry() or _created()
    return entry.pw_uid, entry.pw_gid


def let_pass(path: Path) -> None:
    """Let everybody walk through the folders above `path`, without letting them look into them."""
    for folder in path.parents:
        mode = folder.stat().st_mode
        if not mode & stat.S_IXOTH:
            folder.chmod(mode | stat.S_IXGRP | stat.S_IXOTH)


def _entry() -> pwd.struct_passwd | None:
    try:
        return pwd.getpwnam(NAME)
    except KeyError:
        return None


def _created() -> pwd.struct_passwd:
    try:
        subprocess.run(
            ["useradd", "--system", "--no-create-home", "--shell", "/usr/sbin/nologin", NAME],  # noqa: S607
            check=True,
            capture_output=True,
        )
    except (OSError, subprocess.CalledProcessError) as problem:
        raise CannotStart(
            "Postgres does not run as root and no user could be made for it: run labstow as an ordinary user."
        ) from problem
    return pwd.getpwnam(NAME)
