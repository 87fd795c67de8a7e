"""Ids: UUIDs (RFC 9562)."""

from uuid import UUID

from uuid_utils import uuid4
from uuid_utils.compat import uuid7


def new_id() -> UUID:
    """UUIDv7: these sort by the time they were made."""
    return uuid7()


def random_id() -> str:
    """UUIDv4: says nothing, and nobody guesses it."""
    return str(uuid4())
