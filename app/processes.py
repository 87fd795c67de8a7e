"""What a supervisor and its workers have in common: little, as a supervisor imports little."""

import os
import resource
import tempfile
from contextlib import suppress
from pathlib import Path

GRACE_SECONDS = 5
MULTIPROC = "PROMETHEUS_MULTIPROC_DIR"
SHARED_MEMORY = Path("/dev/shm")  # noqa: S108 - the directory in it has a name of its own
GO = b"g"


def make_figures_directory(memory: Path = SHARED_MEMORY) -> str:
    """In memory where the system has a place for that, else where temporary files are.

    Workers write to files that are mapped and have holes: on a disk that is full the kernel would
    end them all with SIGBUS.
    """
    usable = memory.is_dir() and os.access(memory, os.W_OK | os.X_OK)
    return tempfile.mkdtemp(prefix="tandem-metrics-", dir=memory if usable else None)


def raise_file_limit() -> None:
    """A socket is an open file: as many as the system lets us have. Workers inherit it."""
    _soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
