"""Processes that hold private services, for tests that kill them or start them elsewhere."""

import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import asyncpg

PROJECT = Path(__file__).parent.parent
WHEELS = Path(asyncpg.__file__).parent.parent

# It becomes another user only once Python has read what that user may not, its codecs included.
_HOLDER = """
import encodings.idna, os, select, signal, sys
sys.path[:0] = sys.argv[3:]
from pathlib import Path
from app.embedded import EmbeddedError, private_services
# What is started in the background by a shell is told to ignore it.
signal.signal(signal.SIGINT, signal.default_int_handler)
if user := int(sys.argv[2]):
    os.setgroups([]), os.setgid(user), os.setuid(user)
try:
    with private_services(Path(sys.argv[1]), durable=False) as services:
        print(services.database_url, flush=True)
        # A signal between two steps would not end a read that waits for ever.
        while not select.select([sys.stdin], [], [], 0.1)[0]:
            continue
except EmbeddedError as error:
    print(error, flush=True)
except KeyboardInterrupt:
    pass
"""


@contextmanager
def holder(
    data_dir: Path, *, user: int = 0, wheels: Path = WHEELS, within: Sequence[str] = ()
) -> Iterator[subprocess.Popen[str]]:
    """A process that holds the services of a data directory until its input ends.

    Its first line is the address of its Postgres, or why there is none.
    """
    python = (sys.executable, "-ISc", _HOLDER)
    command = (*within, *python, str(data_dir), str(user), str(PROJECT), str(wheels))
    with subprocess.Popen(  # noqa: S603 - this Python and a fixed script
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,  # a process group of its own, as a terminal gives
    ) as process:
        try:
            yield process
            process.communicate(timeout=20)
        finally:
            process.kill()


def first_line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    line = process.stdout.readline().strip()
    assert line, "it said nothing"
    return line


def wait_until(condition: Callable[[], bool], limit: float = 10) -> None:
    deadline = time.monotonic() + limit
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.005)


@contextmanager
def public_directory() -> Iterator[Path]:
    """A directory that every user may enter, unlike pytest's `tmp_path`."""
    path = Path(tempfile.mkdtemp(prefix="tandem-test-"))
    path.chmod(0o755)
    try:
        yield path
    finally:
        shutil.rmtree(path)


async def query(url: str, statement: str) -> object:
    """The one value that a statement gives."""
    connection = await asyncpg.connect(url)
    try:
        return await connection.fetchval(statement)
    finally:
        await connection.close()
