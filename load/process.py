"""A peer's process: started on the server's core, ended with the run."""

import asyncio
import ctypes
import os
import signal
import socket
import sys
from asyncio.subprocess import DEVNULL, PIPE, STDOUT, Process
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from load import cores
from load.errors import LoadError

ROOT = Path(__file__).resolve().parent.parent
START_SECONDS = 30
STOP_SECONDS = 10
POLL_SECONDS = 0.02

_PARENT_DEATH_SIGNAL = 1  # PR_SET_PDEATHSIG, linux/prctl.h


def free_port() -> int:
    """One that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@asynccontextmanager
async def listening(
    command: Sequence[str], port: int, environment: Mapping[str, str] | None = None
) -> AsyncIterator[Process]:
    """Until the end of the block; entered once the port is open, LoadError if it never is."""
    process = await asyncio.create_subprocess_exec(
        *command,
        stdin=DEVNULL,
        stdout=PIPE,
        stderr=STDOUT,
        cwd=ROOT,
        env={**os.environ, **(environment or {})},
        start_new_session=True,
        preexec_fn=begin_on_own_core if sys.platform == "linux" else None,
    )
    said: list[bytes] = []
    reading = asyncio.create_task(_read(process, said))
    try:
        if not await _opens(process, port):
            last = b"".join(said[-5:]).decode(errors="replace").strip() or "nothing"
            raise LoadError.unreachable(f"{command[0]} did not start; it said: {last}")
        yield process
    finally:
        await stop(process)
        await reading


def end_with_parent() -> None:
    """In the child: a command that was killed outright leaves no server behind."""
    ctypes.CDLL(None).prctl(_PARENT_DEATH_SIGNAL, signal.SIGTERM)


def begin_on_own_core() -> None:
    """In the child: the same, on the core that everything else keeps off."""
    cores.take_own()
    end_with_parent()


async def stop(process: Process, seconds: float = STOP_SECONDS) -> None:
    with suppress(ProcessLookupError):
        process.terminate()
    try:
        async with asyncio.timeout(seconds):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()


async def _opens(process: Process, port: int) -> bool:
    """Whether somebody listens on the port before the process ends or time is up."""
    with suppress(TimeoutError):
        async with asyncio.timeout(START_SECONDS):
            while process.returncode is None:
                try:
                    _, writer = await asyncio.open_connection("127.0.0.1", port)
                except OSError:
                    await asyncio.sleep(POLL_SECONDS)
                else:
                    writer.close()
                    return True
    return False


async def _read(process: Process, said: list[bytes]) -> None:
    """Its output must not fill the pipe; the end of it says why it failed."""
    if process.stdout is not None:
        async for line in process.stdout:
            said.append(line)
            del said[:-20]
