"""What a supervisor and its workers have in common: little, as a supervisor imports little."""

import resource
from contextlib import suppress

GRACE_SECONDS = 5
MULTIPROC = "PROMETHEUS_MULTIPROC_DIR"
GO = b"g"


def raise_file_limit() -> None:
    """A socket is an open file: as many as the system lets us have. Workers inherit it."""
    _soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
