"""A server of our own for one run: private Postgres and Valkey, limits off, seeded, then gone."""

import asyncio
import ctypes
import os
import signal
import sys
from asyncio.subprocess import PIPE, STDOUT, Process
from collections import deque
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import cast

from load.errors import LoadError

ROOT = Path(__file__).resolve().parent.parent
START_SECONDS = 90
STOP_SECONDS = 20

_LISTENING = "Tandem listening on "
_FOREIGN = ("DATABASE_URL", "REDIS_URL")  # never load, let alone seed, what they point at
_LIMITS = (
    "COMMANDS_PER_SECOND",
    "SIGNALS_PER_SECOND",
    "CONNECTIONS_PER_USER",
    "CHANNELS_PER_CONNECTION",
    "SIGN_IN_PER_MINUTE",
    "REQUESTS_PER_SECOND",
)
_SETTINGS = {
    "TANDEM_ENVIRONMENT": "development",
    "TANDEM_ACCESS_TOKEN_SECONDS": "86400",
    "TANDEM_DRAIN_SECONDS": "1",
    **{f"TANDEM_{name}": "0" for name in _LIMITS},
}
_PARENT_DEATH_SIGNAL = 1  # PR_SET_PDEATHSIG, linux/prctl.h


@dataclass(frozen=True)
class OwnServer:
    url: str
    pid: int


@asynccontextmanager
async def own_server(workers: int) -> AsyncIterator[OwnServer]:
    """`python -m app serve --seed` until the end of the block; raises LoadError if it won't.

    Other TANDEM_ variables of the environment reach it, so that settings can be compared; it logs
    warnings only unless TANDEM_LOG_LEVEL says otherwise.
    """
    with TemporaryDirectory(prefix="tandem-load-") as data_dir:
        process = await _start(workers, environment(os.environ, data_dir))
        tail: deque[str] = deque(maxlen=5)
        listening = asyncio.get_running_loop().create_future()
        reading = asyncio.create_task(_read(process, tail, listening))
        try:
            yield OwnServer(await _address(listening, tail), process.pid)
        finally:
            await _stop(process)
            await reading


def environment(given: Mapping[str, str], data_dir: str) -> dict[str, str]:
    """The server's environment: ours, without limits and without anybody's services."""
    kept = {name: value for name, value in given.items() if name not in _FOREIGN}
    return {"TANDEM_LOG_LEVEL": "warning", **kept, **_SETTINGS, "TANDEM_DATA_DIR": data_dir}


async def _start(workers: int, variables: dict[str, str]) -> Process:
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "app", "serve", "--seed", "--port", "0"),
        *("--workers", str(workers)),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=PIPE,
        stderr=STDOUT,
        cwd=ROOT,
        env=variables,
        start_new_session=True,  # Ctrl-C is for the command, which still asks the server
        preexec_fn=_end_with_parent if sys.platform == "linux" else None,
    )


def _end_with_parent() -> None:
    """In the child: a command that was killed outright leaves no server behind."""
    ctypes.CDLL(None).prctl(_PARENT_DEATH_SIGNAL, signal.SIGTERM)


async def _read(process: Process, tail: deque[str], listening: asyncio.Future[str]) -> None:
    async for line in cast("asyncio.StreamReader", process.stdout):
        text = line.decode(errors="replace").strip()
        tail.append(text)
        if text.startswith(_LISTENING) and not listening.done():
            listening.set_result(text.removeprefix(_LISTENING))
    if not listening.done():
        listening.set_result("")


async def _address(listening: asyncio.Future[str], tail: deque[str]) -> str:
    with suppress(TimeoutError):
        async with asyncio.timeout(START_SECONDS):
            if address := await listening:
                return address
    said = "; ".join(line for line in tail if line) or "nothing"
    raise LoadError.unreachable(f"the own server did not start; it said: {said}")


async def _stop(process: Process) -> None:
    with suppress(ProcessLookupError):
        process.terminate()
    try:
        async with asyncio.timeout(STOP_SECONDS):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()
