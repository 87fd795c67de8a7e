"""Access tokens (JWT, stateless) and refresh tokens (a session and a generation, authenticated).

Both are authenticated with SECRET_KEY; PREVIOUS_SECRET_KEYS verify, too. So a key can be changed
without signing anyone out, in two steps where several workers run: one that does not know the new
key yet refuses what the others make with it. An access token says who and which session, never
what they may do.

A refresh token is not stored anywhere: it is session id, generation and their HMAC, so the same
generation of a session gives the same token, as often as it is asked for. Which generation is
the present one is the session's own affair.
"""

import binascii
import hmac
import math
import time
from base64 import b64decode, urlsafe_b64encode
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any
from uuid import UUID

import jwt

from app.core.config import Settings
from app.core.errors import Unauthorized

AUDIENCE = "tandem"
ISSUER = "tandem"
ALGORITHM = "HS256"
ACCESS = "access"
CLAIMS = ["sub", "sid", "iat", "exp", "aud", "iss", "typ"]

VERIFIED_TOKENS = 10_000

REFRESH_PURPOSE = b"tandem/refresh-token/1"
ID_BYTES, GENERATION_BYTES, MAC_BYTES = 16, 8, 32
REFRESH_BYTES = ID_BYTES + GENERATION_BYTES + MAC_BYTES


class TokenError(Unauthorized):
    """Base of what is wrong with an access token."""

    def __init__(self, detail: str | None = None) -> None:
        super().__init__(detail)
        self.headers["WWW-Authenticate"] = 'Bearer error="invalid_token"'  # RFC 6750, section 3


class TokenExpiredError(TokenError):
    code = "token_expired"
    detail = "The access token has expired; get a new one with the refresh token."


class TokenInvalidError(TokenError):
    code = "invalid_token"
    detail = "The access token is not one of ours, or its session has ended."


class RefreshTokenInvalidError(Unauthorized):
    code = "invalid_refresh_token"
    detail = "The refresh token is not valid, or its session has ended; sign in again."


@dataclass(frozen=True, slots=True)
class IssuedToken:
    token: str
    expires_in: int
    """Seconds."""


@dataclass(frozen=True, slots=True)
class AccessClaims:
    user_id: UUID
    session_id: UUID
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class RefreshClaims:
    session_id: UUID
    generation: int


def issue_access_token(settings: Settings, *, user_id: UUID, session_id: UUID) -> IssuedToken:
    """Whole seconds, rounded up: a token lives for at least `expires_in`."""
    now = time.time()
    expires_in = math.ceil(settings.access_token_seconds)
    claims = {
        "sub": str(user_id),
        "sid": str(session_id),
        "iat": int(now),
        "exp": math.ceil(now) + expires_in,
        "aud": AUDIENCE,
        "iss": ISSUER,
        "typ": ACCESS,
    }
    key = settings.secret_key.get_secret_value()
    return IssuedToken(jwt.encode(claims, key, algorithm=ALGORITHM), expires_in)


def read_access_token(settings: Settings, token: str) -> AccessClaims:
    """Raises TokenExpiredError, or TokenInvalidError for whatever else is wrong with it."""
    claims = _verify(tuple(_keys(settings)), token)
    if claims.expires_at.timestamp() <= time.time():
        raise TokenExpiredError
    return claims


def issue_refresh_token(settings: Settings, *, session_id: UUID, generation: int) -> str:
    content = session_id.bytes + generation.to_bytes(GENERATION_BYTES, "big")
    key = settings.secret_key.get_secret_value()
    return urlsafe_b64encode(content + _refresh_mac(key, content)).rstrip(b"=").decode()


def read_refresh_token(settings: Settings, token: str) -> RefreshClaims:
    """Raises RefreshTokenInvalidError; says nothing about whether the session still lives."""
    try:
        raw = b64decode(token.encode("ascii") + b"=" * (-len(token) % 4), b"-_", validate=True)
    except (UnicodeEncodeError, binascii.Error):
        raise RefreshTokenInvalidError from None
    content, mac = raw[:-MAC_BYTES], raw[-MAC_BYTES:]
    genuine = (hmac.compare_digest(_refresh_mac(key, content), mac) for key in _keys(settings))
    if len(raw) != REFRESH_BYTES or not any(genuine):
        raise RefreshTokenInvalidError
    return RefreshClaims(
        session_id=UUID(bytes=content[:ID_BYTES]),
        generation=int.from_bytes(content[ID_BYTES:], "big"),
    )


def _keys(settings: Settings) -> Iterator[str]:
    yield settings.secret_key.get_secret_value()
    yield from (key.get_secret_value() for key in settings.previous_secret_keys)


@lru_cache(VERIFIED_TOKENS)
def _verify(keys: tuple[str, ...], token: str) -> AccessClaims:
    """Of a genuine token this stays true, but for its end; what is wrong is not kept."""
    claims = _decode(keys, token)
    if claims["typ"] != ACCESS:
        raise TokenInvalidError
    try:
        return AccessClaims(
            user_id=UUID(claims["sub"]),
            session_id=UUID(claims["sid"]),
            expires_at=datetime.fromtimestamp(claims["exp"], UTC),
        )
    except (ValueError, TypeError, AttributeError, OverflowError):
        raise TokenInvalidError from None


def _decode(keys: tuple[str, ...], token: str) -> dict[str, Any]:
    for key in keys:
        try:
            return jwt.decode(
                token,
                key,
                algorithms=[ALGORITHM],
                audience=AUDIENCE,
                issuer=ISSUER,
                # The clock of the worker that issued it may be a little ahead of this one.
                options={"require": CLAIMS, "verify_iat": False},
            )
        except jwt.InvalidSignatureError:
            continue
        except jwt.ExpiredSignatureError:
            raise TokenExpiredError from None
        except (jwt.PyJWTError, ValueError):  # ValueError: characters that are no UTF-8
            raise TokenInvalidError from None
    raise TokenInvalidError


def _refresh_mac(key: str, content: bytes) -> bytes:
    """With a key derived for this purpose, so that it can stand for nothing else we sign."""
    derived = hmac.digest(key.encode(), REFRESH_PURPOSE, "sha256")
    return hmac.digest(derived, content, "sha256")
