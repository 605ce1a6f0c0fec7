"""One installation at a time: a file lock that the system itself releases when its holder ends, however it ends."""

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from bootstrap_environment import LOCK_NAME

_POLL_S = 0.5

if sys.platform == "win32":
    import msvcrt

    def _try_lock(descriptor: int) -> bool:
        try:
            os.lseek(descriptor, 0, os.SEEK_SET)
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True
else:
    import errno
    import fcntl

    def _try_lock(descriptor: int) -> bool:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            # Some network file systems know no locks: better to install without one than never.
            return error.errno not in (errno.EWOULDBLOCK, errno.EAGAIN, errno.EACCES)
        return True


@contextmanager
def install_lock(venv: Path, say: Callable[[str], None]) -> Iterator[int]:
    """Hold the installation lock of an environment; wait for another holder, and say so once.

    Args:
        venv: an existing folder; the lock file is made in it.
        say: receives the sentence when there is something to wait for.

    Yields:
        The lock's descriptor. A child that inherits it holds the lock too: when we are killed, the next start waits
        until an orphaned pip has ended as well, instead of writing into the same packages.
    """
    path = venv / LOCK_NAME
    told = False
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        if _try_lock(descriptor) and _is_still(path, descriptor):
            break
        os.close(descriptor)
        if not told:
            say("Another start is installing into this environment; waiting until it has finished.")
            told = True
        time.sleep(_POLL_S)
        venv.mkdir(exist_ok=True)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _is_still(path: Path, descriptor: int) -> bool:
    """False when somebody deleted the folder while we waited: the lock of a deleted file guards nothing."""
    try:
        return os.path.samestat(path.stat(), os.fstat(descriptor))
    except FileNotFoundError:
        return False
