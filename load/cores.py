"""Which core does what: the server under load has one to itself, everything else the others.

Otherwise the figures of a run would say how well the two share a core.
"""

import os
import sys


def usable() -> list[int]:
    """All that this process may use, which in a container can be less than what there is."""
    if sys.platform != "linux":
        return list(range(os.cpu_count() or 1))
    return sorted(os.sched_getaffinity(0))


OURS = frozenset(usable())
"""Before this process leaves one to the server."""
SERVER_CORE = min(OURS)


def keep_off() -> None:
    """Leave the server's core to it: this process and all that it starts from now on."""
    if others := _others():
        os.sched_setaffinity(0, others)


def take_own() -> None:
    """In a server's process: it and all that it starts run on the server's core."""
    if _others():
        os.sched_setaffinity(0, {SERVER_CORE})


def load_cores() -> list[int]:
    """Those of this process, once it keeps off the server's; else none that could be told apart."""
    mine = usable()
    return [] if sys.platform != "linux" or SERVER_CORE in mine else mine


def _others() -> frozenset[int]:
    """Empty where there is but one core, or no way to choose."""
    return OURS - {SERVER_CORE} if sys.platform == "linux" else frozenset()
