"""Idempotency-Key: what is sent again under the same key is done once and answered alike.

A key belongs to a user. It stands for one request: another method, path or body under it is
refused. Bodies are compared as JSON, so white space and the order of members do not count.
"""

import asyncio
import hashlib
import json
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import Any
from uuid import UUID
from weakref import WeakValueDictionary

from fastapi import Request
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.responses import Response

from app.core.errors import RETRY_AFTER_SECONDS, AppError, BadRequest, Conflict
from app.core.failpoints import Failpoints
from app.core.idempotency_keys import Answer, claim, keep

KEY_LENGTH = 255
KEY = re.compile(rf"[\x21-\x7e]{{1,{KEY_LENGTH}}}")
WAIT_SECONDS = 5.0
LOCK_NOT_AVAILABLE = "55P03"
SUCCESS, REDIRECTION = 200, 300


class InvalidIdempotencyKey(BadRequest):
    code = "invalid_idempotency_key"
    detail = f"An Idempotency-Key is 1 to {KEY_LENGTH} visible ASCII characters."


class IdempotencyKeyReused(AppError):
    status, code = HTTPStatus.UNPROCESSABLE_ENTITY, "idempotency_key_reused"
    detail = "You used this Idempotency-Key for another request; take a new one."


class IdempotencyKeyInUse(Conflict):
    code = "idempotency_key_in_use"
    detail = "The request that has this Idempotency-Key is not done yet; send yours again."

    def __init__(self) -> None:
        super().__init__(headers={"Retry-After": str(RETRY_AFTER_SECONDS)})


IDEMPOTENCY_HEADER: dict[str, Any] = {
    "parameters": [
        {
            "name": "Idempotency-Key",
            "in": "header",
            "required": False,
            "description": "What is sent again under the same key within 24 hours is done once",
            "schema": {"type": "string", "pattern": f"^[!-~]{{1,{KEY_LENGTH}}}$"},
        }
    ]
}
"""For `openapi_extra` of what calls `once`, beside IDEMPOTENT for its `responses`."""

IDEMPOTENT = (InvalidIdempotencyKey, IdempotencyKeyReused, IdempotencyKeyInUse)


class IdempotencyTurns:
    """Of a worker's requests with one key all but one wait here, where that takes no connection.

    Otherwise the repeats of one request would take the whole pool while they wait in Postgres.
    """

    def __init__(self, failpoints: Failpoints, wait_seconds: float = WAIT_SECONDS) -> None:
        self.reach = failpoints.reach
        self.wait_seconds = wait_seconds
        self._locks: WeakValueDictionary[tuple[UUID, str], asyncio.Lock] = WeakValueDictionary()

    @asynccontextmanager
    async def take(self, user_id: UUID, key: str) -> AsyncIterator[None]:
        """Raises IdempotencyKeyInUse for whoever has waited too long."""
        lock = self._locks.setdefault((user_id, key), asyncio.Lock())
        try:
            async with asyncio.timeout(self.wait_seconds):
                await lock.acquire()
        except TimeoutError:
            raise IdempotencyKeyInUse from None
        try:
            yield
        finally:
            lock.release()


async def once(
    answer: Callable[[], Awaitable[Response]],
    *,
    request: Request,
    session: AsyncSession,
    user_id: UUID,
) -> Response:
    """What `answer` answers, or did when the key was used before; must come first.

    `answer` works in the session, whose commit keeps both; only a 2xx is kept. Raises
    InvalidIdempotencyKey, IdempotencyKeyReused, IdempotencyKeyInUse. No dependency of FastAPI's:
    solving one would cost each request, with a key or without, some tens of microseconds.
    """
    key = _read_key(request)
    if key is None:
        return await answer()
    turns: IdempotencyTurns = request.state.idempotency
    fingerprint = await _fingerprint(request)
    async with turns.take(user_id, key):
        kept = await _claim(session, user_id, key, fingerprint, turns.wait_seconds)
        if kept is None:
            await turns.reach("idempotency.claimed")
            response = await answer()
            if SUCCESS <= response.status_code < REDIRECTION:
                await keep(session, user_id, key, Answer.of(fingerprint, response))
            await turns.reach("idempotency.kept")
            return response
    if kept.fingerprint != fingerprint:
        raise IdempotencyKeyReused
    return kept.response


def _read_key(request: Request) -> str | None:
    keys = request.headers.getlist("Idempotency-Key")
    if not keys:
        return None
    if len(keys) > 1 or KEY.fullmatch(keys[0]) is None:
        raise InvalidIdempotencyKey
    return keys[0]


async def _claim(
    session: AsyncSession, user_id: UUID, key: str, fingerprint: bytes, wait_seconds: float
) -> Answer | None:
    try:
        return await claim(session, user_id, key, fingerprint, wait_seconds=wait_seconds)
    except DBAPIError as error:
        if getattr(error.orig, "sqlstate", None) == LOCK_NOT_AVAILABLE:
            raise IdempotencyKeyInUse from None
        raise


async def _fingerprint(request: Request) -> bytes:
    body = json.dumps(await request.json(), sort_keys=True, separators=(",", ":"))
    told = f"{request.method} {request.url.path}\n{body}"
    return hashlib.sha256(told.encode()).digest()
