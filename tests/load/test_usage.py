"""CPU and memory of real processes."""

import os
import subprocess
import sys

from load.usage import Meter, Usage


def test_a_busy_client_is_seen_and_a_server_that_is_not_ours_is_not() -> None:
    meter = Meter([os.getpid()], server=None)
    while (usage := meter.read()).client < 0.1:
        sum(range(100_000))
    assert (usage.server, usage.server_rss, usage.services) == (None, None, {})


def test_an_own_server_counts_with_its_children() -> None:
    waiting = "import sys; sys.stdin.read()"
    nested = f"import subprocess, sys; print(flush=True); subprocess.run([sys.executable, '-c', {waiting!r}])"
    with subprocess.Popen(
        [sys.executable, "-c", nested], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout
        process.stdout.readline()
        usage = Meter([os.getpid()], process.pid).read()
        process.communicate()
    assert usage.server is not None
    assert usage.server_rss
    assert usage.server_rss > 1


def test_past_nine_tenths_of_a_core_it_is_client_bound() -> None:
    assert not Usage(client=0.9).client_bound
    assert Usage(client=0.91).client_bound
