"""What the middleware lets through untouched, and what it hands on; see test_request_limits."""

from datetime import UTC, datetime

import pytest
from pydantic import SecretStr
from starlette.requests import HTTPConnection
from starlette.types import Message, Receive, Scope, Send

from app.auth.admission import AdmissionMiddleware, find_admitted
from app.auth.tokens import AccessClaims
from app.core.config import Settings
from app.core.ids import new_id

SETTINGS = Settings(environment="test", secret_key=SecretStr("k" * 32))


class Inner:
    """The application behind it."""

    def __init__(self) -> None:
        self.seen: list[tuple[Scope, Receive, Send]] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.seen.append((scope, receive, send))


async def receive() -> Message:
    raise AssertionError("nothing is read")


async def send(message: Message) -> None:
    raise AssertionError(f"nothing is sent: {message}")


@pytest.mark.parametrize(
    "scope",
    [
        {"type": "lifespan"},
        {"type": "websocket", "path": "/api/v1/ws"},
        {"type": "http", "path": "/health"},
        {"type": "http", "path": "/api/v11"},
        {"type": "http", "path": "/static/api/v1/a.js"},
    ],
    ids=lambda scope: f"{scope['type']} {scope.get('path', '')}",
)
async def test_what_is_no_request_to_the_api_passes_uncounted(scope: Scope) -> None:
    inner = Inner()

    await AdmissionMiddleware(inner, SETTINGS, "/api/v1")(scope, receive, send)

    assert inner.seen == [(scope, receive, send)]


def test_only_the_token_that_was_verified_counts_as_verified() -> None:
    claims = AccessClaims(new_id(), new_id(), datetime.now(UTC))
    admitted = HTTPConnection({"type": "http", "state": {"admitted": ("a", claims)}})
    unlimited = HTTPConnection({"type": "http", "state": {}})

    assert find_admitted(admitted, "a") is claims
    assert find_admitted(admitted, "b") is None
    assert find_admitted(unlimited, "a") is None
