"""Bind a process to its parent: when the parent ends, however it ends, so does this one.

    python -S -E leash.py SIGNAL KEEP|NAMESPACE|NOBODY PROGRAM [ARGUMENT...]

Sets the parent-death signal and becomes PROGRAM, which keeps it. The second word says how a server
that refuses root is run: as we are, in a user namespace that shows us as `nobody`, or as `nobody`.
The standard library only: this is started once for each process, without site-packages.
"""

import ctypes
import os
import signal
import sys
from pathlib import Path

NOBODY = 65534
PR_SET_PDEATHSIG = 1
CLONE_NEWUSER = 0x10000000


def main(signal_name: str, identity: str, program: list[str]) -> None:
    """Leave root as told, tie the knot, and become the program."""
    parent = os.getppid()
    if identity == "NAMESPACE":
        enter_user_namespace()
    elif identity == "NOBODY":
        become_nobody()
    # After the change of identity, which would undo it.
    follow_parent(signal.Signals[signal_name])
    if os.getppid() != parent:
        sys.exit("the parent ended before its child had begun")
    try:
        os.execvp(program[0], program)  # noqa: S606
    except OSError as error:
        sys.exit(f"cannot run {program[0]}: {error.strerror}")


def follow_parent(death_signal: int) -> None:
    """Ask the kernel for a signal when the parent ends; only Linux has such a thing."""
    if sys.platform == "linux":
        _check(_libc().prctl(PR_SET_PDEATHSIG, int(death_signal), 0, 0, 0), "prctl")


def enter_user_namespace() -> None:
    """Go on in a user namespace where this user is `nobody`; files stay owned as they are."""
    uid, gid = os.geteuid(), os.getegid()
    _check(_libc().unshare(CLONE_NEWUSER), "unshare")
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"{NOBODY} {uid} 1")
    Path("/proc/self/gid_map").write_text(f"{NOBODY} {gid} 1")


def become_nobody() -> None:
    """Give up root for the user that owns nothing."""
    os.chdir("/")
    os.setgroups([])
    os.setgid(NOBODY)
    os.setuid(NOBODY)


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _check(result: int, call: str) -> None:
    if result != 0:
        code = ctypes.get_errno()
        raise OSError(code, f"{call}: {os.strerror(code)}")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3:])
