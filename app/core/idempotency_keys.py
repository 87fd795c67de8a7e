"""The table of idempotency keys: each is a row of the transaction that it was sent with.

So a key and what it did are kept together or not at all, whatever dies. The primary key makes a
repeat wait for the transaction that holds its row, in whichever worker that runs.
"""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self
from uuid import UUID

from sqlalchemy import DateTime, Index, SmallInteger, Text, func
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column
from starlette.responses import Response

from app.core.database import Base, OpenSession

REMOVED_ROWS = 1_000

# In the driver's own form: there is nothing to compile.
#
# What is there already is locked as it is, unless it is too old or was never answered: then the
# row begins anew. The limit on waiting is for this statement alone.
CLAIM = """
    WITH patience AS MATERIALIZED (
        SELECT current_setting('lock_timeout') AS usual, set_config('lock_timeout', $4, true)),
    claimed AS (
        INSERT INTO idempotency_keys AS kept (user_id, key, fingerprint)
        SELECT $1, $2, $3 FROM patience
        ON CONFLICT (user_id, key) DO UPDATE SET (fingerprint, status, created_at) = (
            SELECT CASE WHEN counts THEN kept.fingerprint ELSE excluded.fingerprint END,
                   CASE WHEN counts THEN kept.status END,
                   CASE WHEN counts THEN kept.created_at ELSE now() END
            FROM (SELECT kept.status IS NOT NULL
                         AND kept.created_at >= now() - interval '24 hours') AS old (counts))
        RETURNING fingerprint, status, headers, body)
    SELECT fingerprint, status, headers, body, set_config('lock_timeout', usual, true)
    FROM patience, claimed
"""

# Nobody is waited for: the row of a key that is just used again is left alone.
REMOVE_EXPIRED = """
    DELETE FROM idempotency_keys WHERE ctid = ANY(ARRAY(
        SELECT ctid FROM idempotency_keys WHERE created_at < now() - interval '24 hours'
        ORDER BY created_at LIMIT $1 FOR UPDATE SKIP LOCKED))
"""
KEEP = """
    UPDATE idempotency_keys SET status = $3, headers = $4, body = $5
    WHERE user_id = $1 AND key = $2
"""


class IdempotencyKeyRow(Base):
    """`status`, `headers` and `body` are the answer; without one the key counts as unused."""

    __tablename__ = "idempotency_keys"

    user_id: Mapped[UUID] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(Text, primary_key=True)
    fingerprint: Mapped[bytes]
    status: Mapped[int | None] = mapped_column(SmallInteger)
    headers: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    body: Mapped[bytes | None]
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())

    __table_args__ = (Index("ix_idempotency_keys_created_at", "created_at"),)


@dataclass(frozen=True, slots=True)
class Answer:
    """What was answered to the request with this fingerprint."""

    fingerprint: bytes
    status: int
    headers: dict[str, str]
    body: bytes

    @classmethod
    def of(cls, fingerprint: bytes, response: Response) -> Self:
        return cls(fingerprint, response.status_code, dict(response.headers), bytes(response.body))

    @property
    def response(self) -> Response:
        return Response(self.body, self.status, self.headers)


async def claim(
    session: AsyncSession, user_id: UUID, key: str, fingerprint: bytes, *, wait_seconds: float
) -> Answer | None:
    """The answer that the key has already; None: it is the caller's until their transaction ends.

    Must come first in the transaction. Waits for whoever has the key; Postgres ends that with
    SQLSTATE 55P03 (lock_not_available) after `wait_seconds`.
    """
    milliseconds = str(round(wait_seconds * 1000))
    connection = await session.connection()
    result = await connection.exec_driver_sql(CLAIM, (user_id, key, fingerprint, milliseconds))
    row = result.one()
    if row.status is None:
        return None
    return Answer(row.fingerprint, row.status, row.headers, row.body)


async def keep(session: AsyncSession, user_id: UUID, key: str, answer: Answer) -> None:
    """In the transaction that claimed the key."""
    values = (user_id, key, answer.status, json.dumps(answer.headers), answer.body)
    await (await session.connection()).exec_driver_sql(KEEP, values)


async def remove_expired(sessions: OpenSession, *, limit: int = REMOVED_ROWS) -> int:
    """Remove some of the answers that are too old, in a transaction of its own; how many."""
    async with sessions() as session, session.begin():
        connection = await session.connection()
        return (await connection.exec_driver_sql(REMOVE_EXPIRED, (limit,))).rowcount
