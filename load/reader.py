"""A client process: `python -m load.reader` opens its share of the connections and counts.

Lines in: `open` Job, then in any order `measure` µs, `tally` offset, `pause` count, `go on` and
`storm`; an end of file ends it.
Lines out: `here` before it is told to open, `ready` when all are subscribed, `progress` Progress …,
`tally` Tally, `returned` seconds; or `failed` [exit code, reason].
"""

import asyncio
import gc
import resource
import sys
from typing import Any

from load import loop
from load.crowd import Crowd
from load.errors import LoadError
from load.messages import PROGRESS_SECONDS, Job, decode, encode

LINE_BYTES = 1 << 24


async def main() -> None:
    commands = await _standard_input()
    try:
        await _serve(commands)
    except LoadError as error:
        _tell("failed", [error.exit_code, str(error)])


async def _serve(commands: asyncio.StreamReader) -> None:
    _tell("here")
    kind, body = await _next(commands)
    if kind != "open":
        return
    crowd = Crowd(Job(**body))
    await crowd.open()
    _tell("ready")
    ticker = asyncio.create_task(_report_progress(crowd))
    while (command := await _next(commands))[0] != "end":
        await _carry_out(crowd, *command)
    ticker.cancel()


async def _carry_out(crowd: Crowd, kind: str, body: Any) -> None:
    match kind:
        case "measure":
            crowd.receipts.measure_from = body
        case "tally":
            _tell("tally", crowd.tally(body).to_json())
        case "pause":
            crowd.pause(body)
        case "go on":
            crowd.go_on()
        case "storm":
            _tell("returned", await crowd.storm())
        case _:
            raise ValueError(f"no command: {kind}")


async def _report_progress(crowd: Crowd) -> None:
    while True:
        _tell("progress", crowd.progress())
        await asyncio.sleep(PROGRESS_SECONDS)


async def _standard_input() -> asyncio.StreamReader:
    reader = asyncio.StreamReader(limit=LINE_BYTES)
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), sys.stdin
    )
    return reader


async def _next(commands: asyncio.StreamReader) -> tuple[str, Any]:
    line = await commands.readline()
    return decode(line) if line else ("end", None)


def _tell(kind: str, body: Any = None) -> None:
    sys.stdout.buffer.write(encode(kind, body))
    sys.stdout.buffer.flush()


def allow_many_sockets() -> None:
    """Raise the soft limit of open files to the hard one."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


if __name__ == "__main__":
    allow_many_sockets()
    gc.disable()  # the collector would stop all connections now and then, to find nothing
    loop.run(main())
