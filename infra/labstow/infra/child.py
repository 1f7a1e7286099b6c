"""Becomes another program that ends when the process that started it ends.

Run as a file: `python -I -S child.py SIGNAL PARENT USER PROGRAM ARGUMENT...`. So it starts in milliseconds,
and nothing has to run between fork and exec in a parent that may have threads. USER is `uid:gid`, or `-` to
stay who we are.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def become(arguments: list[str]) -> None:
    """Change user, ask the kernel for SIGNAL at the parent's death, and turn into PROGRAM."""
    ending, parent, user, *command = arguments
    if user != "-":
        uid, gid = (int(part) for part in user.split(":"))
        os.setgroups([])
        os.setgid(gid)
        os.setuid(uid)
    if sys.platform == "linux":
        # After the change of user, which would clear it.
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, int(ending), 0, 0, 0)
    if os.getppid() != int(parent):
        os.kill(os.getpid(), signal.SIGKILL)  # the parent died before the kernel was asked
    os.execv(command[0], command)  # noqa: S606


if __name__ == "__main__":
    become(sys.argv[1:])
