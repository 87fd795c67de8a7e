"""Runs `python -m load` as its user does."""

import asyncio
import os
import sys
from asyncio.subprocess import PIPE
from dataclasses import dataclass

from load.fleet import ROOT


@dataclass(frozen=True)
class Done:
    code: int | None
    out: str
    err: str


async def run_load(*flags: str, seconds: float = 30, **variables: str) -> Done:
    """Terminated after `seconds`, so that a server of its own ends with it."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "load", *flags),
        stdout=PIPE,
        stderr=PIPE,
        cwd=ROOT,
        env={**os.environ, **variables},
    )
    timer = asyncio.get_running_loop().call_later(seconds, process.terminate)
    out, err = await process.communicate()
    timer.cancel()
    return Done(process.returncode, out.decode(), err.decode())
