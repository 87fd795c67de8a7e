"""Which core the server gets, where this process may not use all that there are."""

import asyncio
import json
import os
import sys
from asyncio.subprocess import PIPE

import pytest

from load.fleet import ROOT

ASKED = """
import json, os
os.sched_setaffinity(0, {cores})
from load import cores
prefix = cores.own_prefix()
cores.keep_off()
print(json.dumps([prefix, cores.load_cores()]))
"""


async def chosen_from(mine: set[int]) -> list[list[str]]:
    """The server's prefix and the load's cores, in a process of its own."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", ASKED.format(cores=mine)), stdout=PIPE, cwd=ROOT
    )
    said, _ = await process.communicate()
    found: list[list[str]] = json.loads(said)
    return found


@pytest.mark.skipif(sys.platform != "linux", reason="no way to choose")
async def test_the_server_gets_no_core_that_is_not_ours() -> None:
    first, *rest = sorted(os.sched_getaffinity(0))
    if not rest:
        pytest.skip("there is one core only")
    last = max(rest)
    assert await chosen_from({last}) == [[], []]
    if len(rest) > 1:
        assert await chosen_from(set(rest)) == [["taskset", "-c", str(rest[0])], rest[1:]]
    assert await chosen_from({first, last}) == [["taskset", "-c", str(first)], [last]]
