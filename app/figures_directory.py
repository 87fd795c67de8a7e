"""Where workers keep their figures: made for them, and removed once none of them is left.

Whoever uses a directory holds a lock on a file in it: the kernel gives that up with their last
process, however it ended, and shows it to every other one, also over the borders of containers.
"""

import fcntl
import os
import shutil
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

SHARED_MEMORY = Path("/dev/shm")  # noqa: S108 - the directory in it has a name of its own
PREFIX = "tandem-metrics-"
LOCK = "lock"


@dataclass(frozen=True)
class FiguresDirectory:
    path: Path
    lock: int
    """A descriptor: the directory is in use while any process has it, so workers are given it."""

    def remove(self) -> None:
        shutil.rmtree(self.path, ignore_errors=True)
        os.close(self.lock)


def make_figures_directory(memory: Path = SHARED_MEMORY) -> FiguresDirectory:
    """In memory where the system has a place for that, else where temporary files are. Those that
    nobody uses any more are removed.

    Workers write to files that are mapped and have holes: on a disk that is full the kernel would
    end them all with SIGBUS.
    """
    usable = memory.is_dir() and os.access(memory, os.W_OK | os.X_OK)
    parent = memory if usable else Path(tempfile.gettempdir())
    for other in parent.glob(f"{PREFIX}*"):
        with suppress(OSError):  # it is in use, or another has just removed it
            _remove_unused(other)
    path = Path(tempfile.mkdtemp(prefix=PREFIX, dir=parent))
    return FiguresDirectory(path, _lock(path))


def _lock(directory: Path) -> int:
    """The file has its name only once it is locked: nobody finds it without."""
    lock, name = tempfile.mkstemp(dir=directory)
    fcntl.flock(lock, fcntl.LOCK_EX)
    Path(name).rename(directory / LOCK)
    return lock


def _remove_unused(directory: Path) -> None:
    """Raises OSError if it is in use, as far as can be told: without a lock it stays."""
    if directory.stat(follow_symlinks=False).st_uid != os.geteuid():
        return
    lock = os.open(directory / LOCK, os.O_RDWR | os.O_NOFOLLOW)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        shutil.rmtree(directory)
    finally:
        os.close(lock)
