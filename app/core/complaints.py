"""What Postgres objects to that whoever started a command can set right."""

from asyncpg import PostgresError
from sqlalchemy.exc import DBAPIError

from app.core.unavailable import TEMPORARY

NO_TABLE = "42P01"
SETTLED_OUTSIDE = ("28", "3D", "3F", "42501", NO_TABLE, *TEMPORARY)
"""SQLSTATEs: who may sign in, which databases and schemas there are, what one may do, a schema that
nobody made; and what passes.
"""


def complaint_of(error: PostgresError | DBAPIError) -> str | None:
    """One sentence for the terminal; None where the error is ours, and belongs in a traceback."""
    cause = error.orig and error.orig.__cause__ if isinstance(error, DBAPIError) else error
    state = str(getattr(cause, "sqlstate", None) or "")
    if cause is None or not state.startswith(SETTLED_OUTSIDE):
        return None
    hint = "; python -m app migrate makes the tables" if state == NO_TABLE else ""
    return f"Postgres says: {cause.args[0]}{hint}"
