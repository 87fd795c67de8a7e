"""centrifuge-js in Node, driven from a test by JSON lines; see sdk_js/client.mjs."""

import asyncio
import fcntl
import hashlib
import itertools
import shutil
import subprocess
from asyncio.subprocess import PIPE, Process
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from tests.end_to_end.lines import encode, read_line

NODE, NPM = shutil.which("node"), shutil.which("npm")
HERE = Path(__file__).parent / "sdk_js"
WAIT_SECONDS = 30.0
LINE_BYTES = 1 << 22

Context = dict[str, Any]
"""What the SDK tells with an event."""


class SdkError(Exception):
    """What the SDK rejected a call with."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(f"{code} {message}")
        self.code = code


class JsClient:
    """`call` asks the SDK for something; `told` waits for an event of it."""

    def __init__(self, process: Process) -> None:
        self.counts: dict[str, int] = defaultdict(int)
        """How often each event came."""
        self._process = process
        self._events: dict[str, asyncio.Queue[Context]] = defaultdict(asyncio.Queue)
        self._answers: dict[int, asyncio.Future[Any]] = {}
        self._numbers = itertools.count(1)

    async def call(self, what: str, **arguments: Any) -> Any:
        """The result; raises SdkError."""
        number = next(self._numbers)
        answer = self._answers[number] = asyncio.get_running_loop().create_future()
        assert self._process.stdin is not None
        self._process.stdin.write(encode(what, {"number": number, **arguments}))
        async with asyncio.timeout(WAIT_SECONDS):
            return await answer

    async def told(self, event: str) -> Context:
        """The next event of this kind that was not asked for yet."""
        async with asyncio.timeout(WAIT_SECONDS):
            return await self._events[event].get()

    async def listen(self) -> None:
        """Until Node ends."""
        assert self._process.stdout is not None
        while (line := await read_line(self._process.stdout)) is not None:
            kind, value = line
            if kind == "answer":
                self._take(self._answers.pop(value["number"]), value)
            else:
                self.counts[kind] += 1
                self._events[kind].put_nowait(value)

    @staticmethod
    def _take(answer: asyncio.Future[Any], value: dict[str, Any]) -> None:
        if "error" not in value:
            answer.set_result(value["result"])
        else:
            error = value["error"]
            answer.set_exception(SdkError(error.get("code", 0), error["message"]))


@asynccontextmanager
async def js_client(flavour: str, url: str) -> AsyncIterator[JsClient]:
    """A client of the server at `url`, not connected; `flavour` is json or protobuf."""
    assert NODE is not None
    process = await asyncio.create_subprocess_exec(
        NODE, "client.mjs", flavour, url, cwd=HERE, stdin=PIPE, stdout=PIPE, limit=LINE_BYTES
    )
    client = JsClient(process)
    listening = asyncio.create_task(client.listen())
    try:
        yield client
    finally:
        assert process.stdin is not None
        process.stdin.close()
        await process.wait()
        await listening


def install_packages(directory: Path = HERE) -> None:
    """`npm ci`, once for each lock file; from then on no network is needed."""
    assert NPM is not None
    stamp = directory / "node_modules" / ".lock"
    with (directory / "package-lock.json").open("rb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)  # tests in other processes need them, too
        lock = hashlib.sha256(file.read()).hexdigest()
        if not stamp.exists() or stamp.read_text() != lock:
            subprocess.run([NPM, "ci", "--loglevel=error"], cwd=directory, check=True)  # noqa: S603
            stamp.write_text(lock)
