"""CPU and memory of real processes."""

import asyncio
import os
import sys
import time
from asyncio.subprocess import PIPE

from load import cores
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


def test_where_no_cores_are_set_apart_the_whole_machine_is_looked_at() -> None:
    meter = Meter([os.getpid()], server=None)
    least, end = 0.5 / len(cores.usable()), time.monotonic() + 0.3
    while (usage := meter.read()).machine_cores is not None:
        if usage.machine_cores > least and time.monotonic() > end:
            break
        sum(range(100_000))
    assert usage.load_cores is None
    assert usage.machine_cores is not None
    assert usage.load == {"machine_cores": usage.machine_cores}
    assert usage.machine_cores < 1.1


def test_a_machine_that_is_over_nine_tenths_busy_is_told() -> None:
    assert not Usage(client=0.5, machine_cores=0.9).machine_bound
    assert Usage(client=0.5, machine_cores=0.91).machine_bound


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
