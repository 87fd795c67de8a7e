"""An access token for servers that are not ours, as Tandem makes its own."""

import time
from dataclasses import dataclass, field
from secrets import token_hex
from uuid import uuid4

import jwt

from app.auth.tokens import ACCESS, ALGORITHM, AUDIENCE, ISSUER

LIMIT = 1_000_000
"""Connections of a user: never reached, but counted."""
_SECONDS = 86_400


@dataclass(frozen=True)
class Signing:
    """`secret` is the server's; all connections of a run are those of one user."""

    secret: str = field(default_factory=lambda: token_hex(32))
    limit: int = LIMIT
    user: str = field(default_factory=lambda: str(uuid4()))

    @property
    def environment(self) -> dict[str, str]:
        """What tells a server."""
        return {"SECRET_KEY": self.secret, "CONNECTIONS_PER_USER": str(self.limit)}

    def token(self) -> str:
        now = int(time.time())
        times = {"iat": now, "exp": now + _SECONDS}
        kind = {"aud": AUDIENCE, "iss": ISSUER, "typ": ACCESS}
        claims = {"sub": self.user, "sid": str(uuid4()), **times, **kind}
        return jwt.encode(claims, self.secret, algorithm=ALGORITHM)
