"""Which errors of Postgres, or of the way to it, another try may mend."""

from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

TEMPORARY = ("08", "53", "57P", "40001", "40P01")
"""SQLSTATEs: connection, resources, shutdown; a transaction that cannot be serialized, or that
was taken out of a deadlock.
"""


def is_unavailable(error: BaseException) -> bool:
    """Whether the error says that Postgres could not be reached, went away meanwhile, or ended
    the transaction for the sake of another.
    """
    if isinstance(error, DBAPIError):
        return error.connection_invalidated or _is_temporary(error.orig)
    return isinstance(error, (PoolTimeoutError, OSError, TimeoutError)) or _is_temporary(error)


def _is_temporary(error: BaseException | None) -> bool:
    """One of the SQLSTATEs that are; or the socket's own error."""
    while error is not None:
        if isinstance(error, (OSError, TimeoutError)):
            return True
        state = str(getattr(error, "sqlstate", None) or "")
        if state.startswith(TEMPORARY):
            return True
        error = error.__cause__
    return False
