"""Writers that keep a steady rate, whatever the server is doing."""

import asyncio
import os
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import cast

from httpx import AsyncHTTPTransport, Limits

from load.target import Target
from load.writer import Writer
from tests.application import PASSWORD
from tests.end_to_end.lines import read_line

CONNECTIONS = 64
KEEP_SECONDS = 2.0
"""Shorter than the server keeps an idle connection (5 s), or a write may meet its end."""


@asynccontextmanager
async def recording(database_url: str, rate: float) -> AsyncIterator[None]:
    """Events straight into the outbox, by a process of their own. It must end without an error.

    Nobody nudges the relay: it finds them at its next sweep (TANDEM_SWEEP_SECONDS).
    """
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.end_to_end.recorder", str(rate)),
        stdin=PIPE,
        stdout=PIPE,
        env={**os.environ, "DATABASE_URL": database_url},
        start_new_session=True,
    )
    try:
        yield
        cast("asyncio.StreamWriter", process.stdin).close()
        told = await read_line(cast("asyncio.StreamReader", process.stdout))
        assert told is not None, "the recorder failed"
        assert told[1] > 0
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


@asynccontextmanager
async def posting(url: str, staff_email: str, rate: float) -> AsyncIterator[Writer]:
    """Orders placed and moved over REST, a nudge with each: the way that latency is about.

    The caller looks at what `failed` at the end.
    """
    limits = Limits(max_connections=CONNECTIONS, keepalive_expiry=KEEP_SECONDS)
    async with Target(url, AsyncHTTPTransport(limits=limits)) as target:
        staff = await target.sign_in(staff_email, PASSWORD)
        owner = await target.register_customer()
        writer = Writer(target, owner=owner, staff=staff)
        stop = asyncio.Event()
        writing = asyncio.create_task(writer.run(rate, 86_400, stop))
        try:
            yield writer
        finally:
            stop.set()
            await writing
            await writer.settle()
