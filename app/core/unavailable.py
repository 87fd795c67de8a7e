"""Which errors of Postgres, or of the way to it, another try may mend."""

from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

TEMPORARY = ("08", "25006", "25P03", "40001", "40P01", "53", "55000", "55P03", "57")
"""SQLSTATEs: connection; one that only reads; a transaction that idled for too long, cannot be
serialized, or was taken out of a deadlock; resources; what a standby cannot do; a lock that was
not to be had in time; whoever operates it ended a statement or the server, or limits their time.
"""


def is_unavailable(error: BaseException) -> bool:
    """Whether the error says that Postgres could not be reached, went away meanwhile, does not
    write just now, or ended the transaction for the sake of another.
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
