"""Processes that a test has started, or that those have."""

import psutil


def alive(process: psutil.Process) -> bool:
    """Whether it still runs: one that has ended and was not yet missed does not."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:  # it ended in this moment
        return False
