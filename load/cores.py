"""Which core does what: the server under load has one to itself, everything else the others.

Otherwise the figures of a run would say how well the two share a core.
"""

import os
import sys

SERVER_CORE = 0


def keep_off() -> None:
    """Leave the server's core to it: this process and all that it starts from now on."""
    if others := _others():
        os.sched_setaffinity(0, others)


def own_prefix() -> tuple[str, ...]:
    """Before a command line: it and all that it starts run on the server's core."""
    return ("taskset", "-c", str(SERVER_CORE)) if _others() else ()


def load_cores() -> list[int]:
    """Those of this process, once it keeps off the server's; else none that could be told apart."""
    if sys.platform != "linux" or SERVER_CORE in os.sched_getaffinity(0):
        return []
    return sorted(os.sched_getaffinity(0))


def usable() -> list[int]:
    """All that this process may use."""
    if sys.platform != "linux":
        return list(range(os.cpu_count() or 1))
    return sorted(os.sched_getaffinity(0))


def _others() -> set[int]:
    """Empty where there is but one core, or no way to choose."""
    if sys.platform != "linux":
        return set()
    usable = set(range(os.cpu_count() or 1))
    return usable - {SERVER_CORE} if SERVER_CORE in usable else set()
