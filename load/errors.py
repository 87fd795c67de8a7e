"""What ends a run without a result; each error carries its exit code."""

from enum import IntEnum
from typing import Self


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
