"""A server of our own for one run: private Postgres and Valkey, limits off, seeded, then gone."""

import asyncio
import os
import sys
from asyncio.subprocess import PIPE, STDOUT, Process
from collections import deque
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import cast

from app.embedded import EmbeddedError, Services, private_services
from load.errors import LoadError
from load.postgres import connected
from load.process import begin_on_own_core, end_with_parent, stop

ROOT = Path(__file__).resolve().parent.parent
START_SECONDS = 90
STOP_SECONDS = 20
POLL_SECONDS = 0.05
PENDING = "SELECT EXISTS (SELECT FROM pending)"

_LISTENING = "Tandem listening on "
_LIMITS = (
    "COMMANDS_PER_SECOND",
    "SIGNALS_PER_SECOND",
    "CHANNELS_PER_CONNECTION",
    "SIGN_IN_PER_MINUTE",
    "REQUESTS_PER_SECOND",
)
_SETTINGS = {
    "TANDEM_ACCESS_TOKEN_SECONDS": "86400",
    "TANDEM_DRAIN_SECONDS": "1",
    "TANDEM_CONNECTIONS_PER_USER": "1000000",  # never reached, but counted
    **{f"TANDEM_{name}": "0" for name in _LIMITS},
}


@dataclass(frozen=True)
class OwnServer:
    """`pid`: its main process. The services are this command's."""

    url: str
    pid: int
    services: Services


@asynccontextmanager
async def own_server(
    workers: int, settings: Mapping[str, str] | None = None
) -> AsyncIterator[OwnServer]:
    """A server with services of its own until the end of the block; see `serving`."""
    with own_services() as services:
        async with serving(workers, services, settings) as server:
            yield server


@asynccontextmanager
async def serving(
    workers: int, services: Services, settings: Mapping[str, str] | None = None
) -> AsyncIterator[OwnServer]:
    """`python -m app serve --seed` until the end of the block; raises LoadError if it won't.

    Other TANDEM_ variables of the environment reach it, so that settings can be compared; it logs
    warnings only unless TANDEM_LOG_LEVEL says otherwise. One worker has a core to itself, see
    `cores`.
    """
    with TemporaryDirectory(prefix="tandem-load-") as data_dir:
        variables = environment({**os.environ, **(settings or {})}, data_dir, services)
        await _run("migrate", variables)
        process = await _start(workers, variables)
        tail: deque[str] = deque(maxlen=5)
        listening = asyncio.get_running_loop().create_future()
        reading = asyncio.create_task(_read(process, tail, listening))
        try:
            url = await _address(listening, tail)
            await relayed(services)
            yield OwnServer(url, process.pid, services)
        finally:
            await stop(process, STOP_SECONDS)
            await reading


@contextmanager
def own_services(*, postgres: bool = True) -> Iterator[Services]:
    """A private Valkey and, if wanted, Postgres for this run; raises LoadError if they won't."""
    with TemporaryDirectory(prefix="tandem-load-") as data_dir:
        try:
            with private_services(Path(data_dir), postgres=postgres) as services:
                yield services
        except EmbeddedError as error:
            raise LoadError.unreachable(str(error)) from error


def environment(given: Mapping[str, str], data_dir: str, services: Services) -> dict[str, str]:
    """The server's environment: ours, without limits and with nobody else's services."""
    in_test = given.get("TANDEM_ENVIRONMENT") == "test"  # with it come failpoints
    return {
        "TANDEM_LOG_LEVEL": "warning",
        **given,
        **_SETTINGS,
        "TANDEM_ENVIRONMENT": "test" if in_test else "development",
        "TANDEM_DATA_DIR": data_dir,
        "DATABASE_URL": services.database_url,  # never load, let alone seed, what is theirs
        "REDIS_URL": services.redis_url,
    }


async def prepare(variables: dict[str, str]) -> None:
    """Tables and demo data, for a server that is not started by `serve --seed`."""
    await _run("migrate", variables)
    await _run("seed", variables)


async def _run(command: str, variables: dict[str, str]) -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "app", command),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=PIPE,
        stderr=STDOUT,
        cwd=ROOT,
        env=variables,
    )
    said, _ = await process.communicate()
    if process.returncode:
        last = said.decode(errors="replace").strip().rpartition("\n")[2]
        raise LoadError.unreachable(f"the database of the own server was not prepared: {last}")


async def _start(workers: int, variables: dict[str, str]) -> Process:
    begin = begin_on_own_core if workers == 1 else end_with_parent
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "app", "serve", "--seed", "--port", "0"),
        *("--workers", str(workers)),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=PIPE,
        stderr=STDOUT,
        cwd=ROOT,
        env=variables,
        start_new_session=True,  # Ctrl-C is for the command, which still asks the server
        preexec_fn=begin if sys.platform == "linux" else None,
    )


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


async def relayed(services: Services) -> None:
    """Until the events of the demo data have their numbers; raises LoadError if they get none."""
    async with connected(services.database_url) as connection:
        try:
            async with asyncio.timeout(START_SECONDS):
                while await connection.fetchval(PENDING):  # noqa: ASYNC110 - Postgres has no event
                    await asyncio.sleep(POLL_SECONDS)
        except TimeoutError:
            raise LoadError.unreachable("the own server does not number its events") from None
