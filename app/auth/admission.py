"""REQUESTS_PER_SECOND: how much of REST a caller gets, signed in or not."""

from fastapi.security.utils import get_authorization_scheme_param
from starlette.datastructures import Headers
from starlette.requests import HTTPConnection, Request
from starlette.types import ASGIApp, Receive, Scope, Send

from app.auth.principals import Principals
from app.auth.tokens import AccessClaims, TokenError, read_access_token
from app.core.addresses import address_of
from app.core.buckets import Allowance
from app.core.config import Settings
from app.core.errors import TooManyRequests, render
from app.core.rates import Rates

BURST_SECONDS = 2


class AdmissionMiddleware:
    """429 for whoever asks too often below `prefix`; BURST_SECONDS' worth may come at once.

    Counted per user if the access token is genuine and its session not known to have ended, else
    per address, so that nobody can choose whose share they use up. It comes before the body is
    read and before there is a route: what is refused costs little, and what does not exist counts,
    too.
    """

    def __init__(self, app: ASGIApp, settings: Settings, prefix: str) -> None:
        self.app = app
        self._settings = settings
        self._prefix = f"{prefix}/"
        rate = settings.requests_per_second
        self._allowance = Allowance.of("requests", rate, seconds=1, burst=rate * BURST_SECONDS)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not self._is_below(scope):
            await self.app(scope, receive, send)
            return
        rates: Rates = scope["state"]["rates"]
        seconds = await rates.take(self._allowance, self._caller(scope))
        if seconds:
            await render(Request(scope), TooManyRequests(seconds))(scope, receive, send)
            return
        await self.app(scope, receive, send)

    def _is_below(self, scope: Scope) -> bool:
        path: str = scope["path"]
        return path.removeprefix(scope.get("root_path", "")).startswith(self._prefix)

    def _caller(self, scope: Scope) -> str:
        authorization = Headers(scope=scope).get("authorization")
        scheme, token = get_authorization_scheme_param(authorization)
        if scheme.lower() != "bearer":
            return address_of(scope)
        try:
            claims = read_access_token(self._settings, token)
        except TokenError:
            return address_of(scope)
        scope["state"]["admitted"] = (token, claims)
        principals: Principals = scope["state"]["principals"]
        ended = principals.has_ended(claims.session_id)
        return address_of(scope) if ended else str(claims.user_id)


def find_admitted(connection: HTTPConnection, token: str) -> AccessClaims | None:
    """The claims of this token, if they were verified when the request was admitted."""
    admitted: tuple[str, AccessClaims] | None = getattr(connection.state, "admitted", None)
    return admitted[1] if admitted and admitted[0] == token else None
