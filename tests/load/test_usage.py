"""CPU and memory of real processes."""

import asyncio
import os
import sys
from asyncio.subprocess import PIPE

from load.usage import Meter, Usage

CHILD = """
import subprocess, sys
print(flush=True)
subprocess.run([sys.executable, "-c", "import sys; sys.stdin.read()"])
"""


def test_a_busy_client_is_seen_and_a_server_that_is_not_ours_is_not() -> None:
    meter = Meter([os.getpid()], server=None)
    while (usage := meter.read()).client < 0.1:
        sum(range(100_000))
    assert (usage.server, usage.server_rss, usage.services) == (None, None, {})


async def test_an_own_server_has_cpu_and_memory() -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", CHILD, stdin=PIPE, stdout=PIPE
    )
    assert process.stdout
    await process.stdout.readline()
    usage = Meter([os.getpid()], process.pid).read()
    await process.communicate(b"")
    assert usage.server is not None
    assert usage.server_rss
    assert usage.server_rss > 1


def test_past_nine_tenths_of_a_core_it_is_client_bound() -> None:
    assert not Usage(client=0.9).client_bound
    assert Usage(client=0.91).client_bound
