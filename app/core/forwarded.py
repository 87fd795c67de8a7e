"""X-Forwarded-For, where uvicorn did not heed it: whose it is to set, FORWARDED_ALLOW_IPS says."""

import logging

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from app.core.addresses import UNKNOWN

logger = logging.getLogger(__name__)


class ForwardedMiddleware:
    """Warns once if a peer that is not trusted tells for whom it asks: if that is the proxy, all
    who come through it are one address, with the limits of one.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self._warned = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and not self._warned and _is_ignored(scope):
            self._warned = True
            logger.warning(
                "X-Forwarded-For is ignored: if the peer is your proxy, set FORWARDED_ALLOW_IPS",
                extra={"peer": _peer(scope)},
            )
        await self.app(scope, receive, send)


def _is_ignored(scope: Scope) -> bool:
    """Had uvicorn heeded it, the client would be one of those that it names."""
    named = ",".join(Headers(scope=scope).getlist("x-forwarded-for"))
    return bool(named) and _peer(scope) not in named


def _peer(scope: Scope) -> str:
    client = scope.get("client")
    return client[0] if client and client[0] else UNKNOWN
