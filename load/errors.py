"""What ends a run without a result; each error carries its exit code."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from enum import IntEnum
from typing import Self

_NO_ROOM = {
    errno.EMFILE: "raise `ulimit -n`, or use fewer --connections",
    errno.ENFILE: "the system has no more open files (fs.file-max), use fewer --connections",
    errno.EADDRNOTAVAIL: (
        "all ports are taken: widen net.ipv4.ip_local_port_range, or use fewer --connections"
    ),
}
"""What helps, by the errno of a connect."""


class Exit(IntEnum):
    CLEAN = 0
    UNCLEAN = 1
    USAGE = 2
    UNREACHABLE = 3
    INTERRUPTED = 130


class LoadError(Exception):
    """One line for the person at the terminal."""

    def __init__(self, message: str, exit_code: Exit) -> None:
        super().__init__(message)
        self.exit_code = exit_code

    @classmethod
    def refused(cls, message: str) -> Self:
        """The target answers, but not to what was asked of it: other flags would help."""
        return cls(message, Exit.USAGE)

    @classmethod
    def unreachable(cls, message: str) -> Self:
        """Nothing usable answers at the target."""
        return cls(message, Exit.UNREACHABLE)

    @classmethod
    @contextmanager
    def for_system(cls) -> Iterator[None]:
        """What the system refuses in the block, and nobody foresaw, is told in a line, too."""
        try:
            yield
        except OSError as error:
            told = f"{type(error).__name__}: {error}".removesuffix(": ")
            raise cls.unreachable(told) from error

    @classmethod
    def unconnected(cls, error: OSError) -> Self:
        """A socket could not connect: for want of room here, which is no fault of the target's, or
        for any other reason.
        """
        if remedy := _NO_ROOM.get(error.errno or 0):
            return cls.refused(f"no room for another socket: {remedy}")
        return cls.unreachable(f"a socket could not connect: {error}")
