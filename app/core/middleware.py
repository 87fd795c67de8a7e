"""Middleware of the REST side: pure ASGI, none of it touches sockets."""

import asyncio
from collections.abc import Mapping
from http import HTTPStatus
from math import inf

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.core.errors import BadRequest, PayloadTooLarge, RequestTimeout, render

PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "font-src 'self'; connect-src 'self'; manifest-src 'self'; base-uri 'none'; "
    "form-action 'self'; frame-ancestors 'none'"
)

CONTENT = ("content-type", "content-length")
"""Headers of a body, which are not those of another."""
UNREAD = (b"cookie", b"range")
BODY_SECONDS = 30.0
"""For all of a body, from its request's head on."""


class BodyLimitMiddleware:
    """413 for a body over the limit, by its declared length or while it comes in; 408 for one that
    has not come after `seconds`. A `max_bytes` of 0 is no limit.

    `smaller` has limits of their own for what lies below a path, or is it: by how it begins, since
    a route also takes its path with a line feed behind it.
    """

    def __init__(
        self,
        app: ASGIApp,
        max_bytes: int,
        seconds: float = BODY_SECONDS,
        *,
        smaller: Mapping[str, int] | None = None,
    ) -> None:
        self.app = app
        self.max_bytes = max_bytes or inf
        self.seconds = seconds
        self.smaller = dict(smaller or {})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        declared = Headers(scope=scope).get("content-length", "")
        max_bytes = self._limit(scope)
        if declared.isdecimal() and int(declared) > max_bytes:
            await render(Request(scope), PayloadTooLarge())(scope, receive, send)
            return
        due = asyncio.get_running_loop().time() + self.seconds
        await self.app(scope, _Body(receive, max_bytes, due).receive, send)

    def _limit(self, scope: Scope) -> float:
        path: str = scope["path"].removeprefix(scope.get("root_path", ""))
        theirs = (limit for start, limit in self.smaller.items() if path.startswith(start))
        return min(self.max_bytes, *theirs, inf)


class _Body:
    """What comes in of one request's body, by `due` on the loop's clock.

    Raises HTTPException: any other, while FastAPI reads the body, becomes its own 400.
    """

    def __init__(self, receive: Receive, max_bytes: float, due: float) -> None:
        self._receive = receive
        self._max_bytes = max_bytes
        self._due = due
        self._received = 0
        self._complete = False

    async def receive(self) -> Message:
        if self._complete:  # what comes now is that the client leaves
            return await self._receive()
        message = await self._receive_in_time()
        self._complete = not message.get("more_body", False)
        self._received += len(message.get("body", b""))
        if self._received > self._max_bytes:
            raise HTTPException(PayloadTooLarge.status, PayloadTooLarge.detail)
        return message

    async def _receive_in_time(self) -> Message:
        try:
            async with asyncio.timeout_at(self._due):
                return await self._receive()
        except TimeoutError:
            closing = {"Connection": "close"}  # else the rest would have to be waited for
            raise HTTPException(RequestTimeout.status, RequestTimeout.detail, closing) from None


class UnreadHeadersMiddleware:
    """Takes away headers that mean nothing here. FastAPI parses the cookies of every request,
    before Python 3.11.10 and 3.12.6 in a time that grows as the square of their quotes. The
    files are small, and a wrong range would be answered in words of its own.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] in ("http", "websocket"):
            headers = [header for header in scope["headers"] if header[0] not in UNREAD]
            scope = {**scope, "headers": headers}
        await self.app(scope, receive, send)


class SecurityHeadersMiddleware:
    """Headers that every answer carries; a page brings its own policy where it needs another."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.setdefault("X-Content-Type-Options", "nosniff")
                headers.setdefault("Referrer-Policy", "no-referrer")
                headers.setdefault("Content-Security-Policy", PAGE_POLICY)
            await send(message)

        await self.app(scope, receive, send_with_headers)


class PreflightRefused(BadRequest):
    """A page of another origin asks in vain whether it may send a request."""


class CrossOriginMiddleware(CORSMiddleware):
    """Starlette's, but a preflight is refused with a problem."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        except PreflightRefused as refused:
            await render(Request(scope), refused)(scope, receive, send)

    def preflight_response(self, request_headers: Headers) -> Response:
        """Raises PreflightRefused."""
        response = super().preflight_response(request_headers)
        if response.status_code == HTTPStatus.OK:
            return response
        told = {name: value for name, value in response.headers.items() if name not in CONTENT}
        raise PreflightRefused(f"{bytes(response.body).decode()}.", headers=told)
