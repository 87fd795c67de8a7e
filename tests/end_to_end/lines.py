"""How a test and its helper processes talk: JSON arrays [kind, value], one a line."""

import asyncio
import json
import sys
from typing import Any


async def standard_input() -> asyncio.StreamReader:
    reader = asyncio.StreamReader(limit=1 << 22)
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), sys.stdin
    )
    return reader


async def read_line(reader: asyncio.StreamReader) -> tuple[str, Any] | None:
    """None at the end of the file."""
    line = await reader.readline()
    if not line:
        return None
    kind, value = json.loads(line)
    return kind, value


def encode(kind: str, value: Any = None) -> bytes:
    return json.dumps([kind, value]).encode() + b"\n"


def tell(kind: str, value: Any = None) -> None:
    sys.stdout.buffer.write(encode(kind, value))
    sys.stdout.buffer.flush()
