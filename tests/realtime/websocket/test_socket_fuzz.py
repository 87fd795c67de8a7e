"""Whatever bytes a client sends, the server answers or closes, and logs no traceback."""

import logging
import os
import random
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import pytest

from app.realtime.wire.frames import Opcode
from tests.realtime.owners import Scope, echo
from tests.realtime.raw_socket import RawSocket, close_frame, connected, frame, opened, upgrade
from tests.realtime.served import Served, serving

ROUNDS = 5000 if os.environ.get("PROOF") else 100

Fuzz = Callable[[random.Random], bytes]


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    with serving(echo_or_deny) as served:
        yield served


async def echo_or_deny(scope: Scope, receive: Any, send: Any) -> None:
    """What is no upgrade any more is an HTTP request."""
    if scope["type"] == "websocket":
        await echo(scope, receive, send)
    else:
        await send({"type": "http.response.start", "status": 404, "headers": []})
        await send({"type": "http.response.body"})


def noise(choice: random.Random) -> bytes:
    return choice.randbytes(choice.choice([1, 2, 14, 200, 5000]))


def frames(choice: random.Random) -> bytes:
    """Frames with any opcode, in any order."""
    return b"".join(
        frame(
            choice.choice([*Opcode, choice.randrange(16)]),
            choice.choice([b"", "grün 🛒".encode(), choice.randbytes(choice.randrange(130))]),
            fin=choice.random() < 0.6,
            mask=choice.randbytes(4),
        )
        for _ in range(choice.randrange(1, 12))
    )


def mutated(data: bytes, choice: random.Random) -> bytes:
    """Some bytes of it changed, left out or put in."""
    changed = bytearray(data)
    for _ in range(choice.randrange(1, 4)):
        at = choice.randrange(len(changed))
        changed[at : at + choice.randrange(2)] = choice.randbytes(choice.randrange(3))
    return bytes(changed)


def mutated_frames(choice: random.Random) -> bytes:
    return mutated(frames(choice) + close_frame(choice.choice([1000, 1006, 4000])), choice)


async def send(raw: RawSocket, data: bytes, choice: random.Random) -> None:
    """In one piece or in two, and then nothing more."""
    cut = choice.randrange(len(data) + 1)
    raw.write(data[:cut])
    raw.write(data[cut:])
    raw.end()
    with suppress(ConnectionError):  # it may have sent more after its close
        await raw.ended()


@pytest.mark.parametrize("path", ["route", "taken-over"])
@pytest.mark.parametrize("fuzz", [noise, frames, mutated_frames])
async def test_no_frame_makes_a_traceback(
    served: Served, fuzz: Fuzz, path: str, caplog: pytest.LogCaptureFixture
) -> None:
    choice = random.Random(f"{fuzz.__name__} {path}")
    for _ in range(ROUNDS):
        async with opened(served.port, f"/{path}") as raw:
            await send(raw, fuzz(choice), choice)
    await still_serves(served, path)
    assert tracebacks(caplog) == []


async def test_no_head_makes_a_traceback(served: Served, caplog: pytest.LogCaptureFixture) -> None:
    choice = random.Random("heads")
    head = upgrade("/route?a=b", "Sec-WebSocket-Protocol: a, b", "Origin: http://tandem.example")
    for _ in range(5 * ROUNDS):
        async with connected(served.port) as raw:
            await send(raw, mutated(head, choice) + choice.choice([b"", noise(choice)]), choice)
    await still_serves(served, "route")
    assert tracebacks(caplog) == []


async def still_serves(served: Served, path: str) -> None:
    async with opened(served.port, f"/{path}") as raw:
        raw.write(frame(Opcode.TEXT, b"still here"))
        assert await raw.frame() == (Opcode.TEXT, b"still here")
    assert served.failures == []


def tracebacks(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [
        record.getMessage()
        for record in caplog.records
        if record.exc_info or record.levelno >= logging.ERROR
    ]
