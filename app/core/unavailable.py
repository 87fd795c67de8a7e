"""What those who ask Postgres or Redis must be ready for, and which of it another try may mend.

A TimeoutError is an OSError.
"""

from asyncpg import InterfaceError, PostgresError, TargetServerAttributeNotMatched
from redis.exceptions import RedisError
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

REDIS_FAILURES = (RedisError, OSError)
NO_PRIMARY = TargetServerAttributeNotMatched
"""Of the hosts in the address each that answers is a standby: another is to take over."""
POSTGRES_FAILURES = (PostgresError, InterfaceError, OSError, NO_PRIMARY)
"""Asked by its driver. It is away, or refuses what it is asked: `is_unavailable` tells which."""
SESSION_FAILURES = (DBAPIError, PoolTimeoutError, PostgresError, OSError, NO_PRIMARY)
"""The same through a session; `execute_directly` passes the driver's errors on."""

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
    if isinstance(error, InterfaceError):  # a closed connection; or a value that does not fit
        return not isinstance(error, ValueError)
    return isinstance(error, PoolTimeoutError) or _is_temporary(error)


def _is_temporary(error: BaseException | None) -> bool:
    """One of the SQLSTATEs that are; or the socket's own error; or the driver's, of standbys."""
    while error is not None:
        if isinstance(error, OSError | NO_PRIMARY):
            return True
        state = str(getattr(error, "sqlstate", None) or "")
        if state.startswith(TEMPORARY):
            return True
        error = error.__cause__
    return False
