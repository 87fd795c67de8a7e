"""What is wrong with Postgres, or the way to it, that whoever started a command can set right."""

from collections.abc import Iterator
from contextlib import contextmanager

from asyncpg import ClientConfigurationError, PostgresError
from sqlalchemy.exc import DBAPIError

from app.core.operator_errors import OperatorError
from app.core.service_urls import target_of
from app.core.unavailable import NO_PRIMARY, TEMPORARY

NO_TABLE = "42P01"
FATAL = "FATAL"
"""It ended the connection, or gave none: for what the address asks for, `?lock_timeout=soon`."""
SETTLED_OUTSIDE = ("28", "3D", "3F", "42501", NO_TABLE, *TEMPORARY)
"""SQLSTATEs: who may sign in, which databases and schemas there are, what one may do, a schema that
nobody made; and what passes.
"""


def complaint_of(error: PostgresError | DBAPIError) -> str | None:
    """One sentence for the terminal; None where the error is ours, and belongs in a traceback."""
    cause = error.orig and error.orig.__cause__ if isinstance(error, DBAPIError) else error
    state = str(getattr(cause, "sqlstate", None) or "")
    refused = getattr(cause, "severity_en", None) == FATAL or isinstance(cause, NO_PRIMARY)
    if cause is None or not (refused or state.startswith(SETTLED_OUTSIDE)):
        return None
    hint = "; python -m app migrate makes the tables" if state == NO_TABLE else ""
    return f"Postgres says: {cause.args[0]}{hint}"


class Unanswered(OperatorError):
    """Postgres could not be asked, or refused: which setting led where, and what came back."""


@contextmanager
def asking(database_url: str) -> Iterator[None]:
    """Raises Unanswered where the way to Postgres fails, or for a complaint of Postgres."""
    try:
        yield
    except (PostgresError, DBAPIError) as error:
        if (complaint := complaint_of(error)) is None:
            raise
        raise Unanswered(complaint) from error
    except (OSError, ClientConfigurationError, NO_PRIMARY) as error:
        reason = str(error) or "no answer in time"  # a time limit's error has no words
        raise Unanswered(f"DATABASE_URL: {target_of(database_url)}: {reason}") from error
