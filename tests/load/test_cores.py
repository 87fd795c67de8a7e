"""Which core the server gets, where this process may not use all that there are."""

import asyncio
import json
import os
import sys
from asyncio.subprocess import PIPE

import pytest

from load import cores
from load.fleet import ROOT
from load.process import free_port, listening

ASKED = """
import json, os, subprocess, sys
os.sched_setaffinity(0, {cores})
from load import cores
cores.keep_off()
told = "import json, os; print(json.dumps(sorted(os.sched_getaffinity(0))))"
server = subprocess.check_output([sys.executable, "-c", told], preexec_fn=cores.take_own)
print(json.dumps([json.loads(server), cores.load_cores()]))
"""


async def chosen_from(mine: set[int]) -> list[list[int]]:
    """The server's cores and those that are the load's alone, in a process of its own."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", ASKED.format(cores=mine)), stdout=PIPE, cwd=ROOT
    )
    said, _ = await process.communicate()
    found: list[list[int]] = json.loads(said)
    return found


@pytest.mark.skipif(sys.platform != "linux", reason="no way to choose")
async def test_the_server_gets_no_core_that_is_not_ours() -> None:
    first, *rest = sorted(os.sched_getaffinity(0))
    if not rest:
        pytest.skip("there is one core only")
    last = max(rest)
    assert await chosen_from({last}) == [[last], []]
    if len(rest) > 1:
        assert await chosen_from(set(rest)) == [[rest[0]], rest[1:]]
    assert await chosen_from({first, last}) == [[first], [last]]


@pytest.mark.skipif(sys.platform != "linux", reason="no way to choose")
async def test_a_server_has_its_core_without_the_help_of_any_program(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PATH", "")
    port = free_port()
    async with listening((sys.executable, "-m", "http.server", str(port)), port) as process:
        assert os.sched_getaffinity(process.pid) == {cores.SERVER_CORE}
