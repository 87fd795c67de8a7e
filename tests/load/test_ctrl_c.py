"""Ctrl-C gives the report so far."""

import asyncio
import json
import signal
import sys
from asyncio.subprocess import PIPE
from pathlib import Path

import pytest

from load.errors import Exit
from load.fleet import ROOT

SECONDS = 100
FIRST = b" subscribers: "
"""Said when the first of several measurements is done."""


async def test_what_was_measured_before_is_reported(tmp_path: Path) -> None:
    file = tmp_path / "out.json"
    flags = ("--sizes", "10,20,30,40,50", "--duration", "1", "--warmup", "0", "--rate", "100")
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "load", "growth", *flags, "--json", str(file)),
        stdout=PIPE,
        cwd=ROOT,
    )
    assert process.stdout
    async with asyncio.timeout(SECONDS):
        async for line in process.stdout:
            if FIRST in line:
                process.send_signal(signal.SIGINT)
                break
        rest = (await process.stdout.read()).decode()
        assert await process.wait() == Exit.CLEAN
    assert "note: interrupted: this is the report so far" in rest
    assert rest.splitlines()[-1].startswith("clean")
    sizes = [each["connections"] for each in json.loads(file.read_text())["results"]]
    assert sizes in ([10], [10, 20])


@pytest.mark.detail
async def test_before_anything_was_measured_there_is_none() -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "load", "fanout"), stdout=PIPE, stderr=PIPE, cwd=ROOT
    )
    assert process.stdout
    async with asyncio.timeout(SECONDS):
        await process.stdout.readline()
        process.send_signal(signal.SIGINT)
        _, said = await process.communicate()
    assert process.returncode == Exit.INTERRUPTED
    assert said.decode().splitlines()[-1] == "load: interrupted"
