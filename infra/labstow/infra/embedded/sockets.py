"""Where a server's Unix socket goes: beside its data, or somewhere shorter when the path is too long."""

import hashlib
import os
import tempfile
from pathlib import Path

from labstow.infra.refusal import CannotStart

LONGEST_PATH = 100  # the kernel takes 107 bytes on Linux and 103 on macOS


def folder_for(data: Path, file_name: str, owner: tuple[int, int] | None = None) -> Path:
    """A folder only its owner can enter, the same one for the same data at every start."""
    if len(os.fsencode(data / file_name)) <= LONGEST_PATH:
        return data
    digest = hashlib.sha256(os.fsencode(data)).hexdigest()[:16]
    folder = Path(tempfile.gettempdir()) / f"labstow-{digest}"
    uid = owner[0] if owner else os.getuid()
    if not folder.exists():
        folder.mkdir(mode=0o700)
        if owner:
            os.chown(folder, *owner)
    found = folder.lstat()
    if folder.is_symlink() or found.st_uid != uid or found.st_mode & 0o077:
        raise CannotStart(f"{folder} belongs to somebody else; choose a data directory with a shorter path.")
    return folder
