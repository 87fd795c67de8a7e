"""Who left before their turn at hashing came, through all that lies before the handlers."""

import asyncio
import json
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from urllib.parse import urlencode

import pytest
from starlette.types import Message

from app.auth import passwords
from app.auth.passwords import HASHES_AT_ONCE, NEW_AT_ONCE, Lane
from tests.application import PASSWORD, Application
from tests.users.people import API, an_email
from tests.waiting import until

FORM, JSON = b"application/x-www-form-urlencoded", b"application/json"


class Leaving:
    """A client that sends one request; what it was answered, if it was."""

    def __init__(self, path: str, content_type: bytes, body: str) -> None:
        self.scope = {
            "type": "http",
            "method": "POST",
            "path": path,
            "raw_path": path.encode(),
            "query_string": b"",
            "headers": [(b"content-type", content_type)],
            "client": ("192.0.2.7", 50_000),
        }
        self.status = 0
        self._messages: list[Message] = [{"type": "http.request", "body": body.encode()}]
        self._left = asyncio.Event()

    def leave(self) -> None:
        self._left.set()

    async def receive(self) -> Message:
        if self._messages:
            return self._messages.pop()
        await self._left.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        self.status = message.get("status", self.status)


def signing_in() -> Leaving:
    form = {"username": an_email(), "password": PASSWORD}
    return Leaving(f"{API}/auth/token", FORM, urlencode(form))


def signing_up() -> Leaving:
    body = {"email": an_email(), "name": "Cleo", "password": PASSWORD}
    return Leaving(f"{API}/users", JSON, json.dumps(body))


@asynccontextmanager
async def busy(lane: Lane, at_once: int) -> AsyncIterator[None]:
    """Nobody else gets a turn."""
    go_on = threading.Event()
    blocking = [asyncio.create_task(lane.run(lambda: go_on.wait(10))) for _ in range(at_once)]
    await asyncio.sleep(0)
    try:
        yield
    finally:
        go_on.set()
        assert all(await asyncio.gather(*blocking))


@pytest.mark.parametrize(
    ("make", "lane", "at_once"),
    [
        (signing_in, passwords._known, HASHES_AT_ONCE),
        (signing_up, passwords._new, NEW_AT_ONCE),
    ],
)
async def test_who_leaves_before_their_turn_waits_for_it_no_longer(
    application: Application, make: Callable[[], Leaving], lane: Lane, at_once: int
) -> None:
    client = make()
    async with busy(lane, at_once), asyncio.timeout(5):
        answering = asyncio.ensure_future(
            application.asgi(client.scope, client.receive, client.send)
        )
        await until(lambda: lane._inside == at_once + 1)
        client.leave()
        await answering
        assert lane._inside == at_once
    assert client.status == 503
