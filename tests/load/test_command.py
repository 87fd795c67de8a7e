"""The command as a process: exit codes and single lines."""

import socket
import subprocess
import sys
from collections.abc import Sequence

from load.errors import Exit
from load.fleet import ROOT


def run_load(*flags: str, seconds: float = 30) -> "subprocess.CompletedProcess[str]":
    command: Sequence[str] = (sys.executable, "-m", "load", *flags)
    return subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=seconds, check=False
    )


def test_an_unreachable_target_is_one_line_and_exit_code_3() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound, not listening: nobody else answers there
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
        done = run_load("fanout", "--url", url)
    assert done.returncode == Exit.UNREACHABLE
    assert done.stderr.startswith(f"load: {url} cannot be reached")
    assert done.stderr.count("\n") == 1


def test_a_wrong_flag_is_exit_code_2() -> None:
    done = run_load("fanout", "--rate", "often")
    assert done.returncode == Exit.USAGE
    assert "--rate" in done.stderr


def test_no_scenario_is_exit_code_2() -> None:
    assert run_load().returncode == Exit.USAGE
