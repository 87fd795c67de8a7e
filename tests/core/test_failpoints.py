"""Faults on purpose: a process that kills itself, or waits, at a named point."""

import asyncio
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from app.core.failpoints import Failpoints
from tests.waiting import never_waiting, until

REACH = """
import asyncio, sys
from app.core.failpoints import Failpoints
asyncio.run(Failpoints(sys.argv[1:]).reach("here"))
print("went on")
"""


def reach_in_a_process(*specifications: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-c", REACH, *specifications]
    return subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - ours


async def test_a_point_that_is_not_named_does_nothing() -> None:
    with never_waiting():
        await Failpoints(["there=wait:9"]).reach("here")


async def test_a_point_can_wait() -> None:
    begun = time.monotonic()
    await Failpoints(["here=wait:0.05"]).reach("here")
    assert time.monotonic() - begun >= 0.05


def test_a_point_can_kill_its_process() -> None:
    killed = reach_in_a_process("here=kill")

    assert killed.returncode == -signal.SIGKILL
    assert killed.stdout == ""


def test_a_point_whose_file_is_missing_is_not_armed(tmp_path: Path) -> None:
    spared = reach_in_a_process(f"here=kill@{tmp_path / 'armed'}")

    assert spared.stdout == "went on\n"


def test_an_armed_point_fires_once_and_takes_its_file_away(tmp_path: Path) -> None:
    armed = tmp_path / "armed"
    armed.touch()

    outcomes = [reach_in_a_process(f"here=kill@{armed}").returncode for _ in range(2)]

    assert outcomes == [-signal.SIGKILL, 0]
    assert not armed.exists()


async def test_of_many_that_reach_an_armed_point_one_fires(tmp_path: Path) -> None:
    armed = tmp_path / "armed"
    armed.touch()
    processes = [Failpoints([f"here=wait:60@{armed}"]) for _ in range(10)]

    tasks = [asyncio.create_task(points.reach("here")) for points in processes]
    try:
        await until(lambda: sum(task.done() for task in tasks) >= 9)
        assert not armed.exists()
        assert sum(not task.done() for task in tasks) == 1
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@pytest.mark.parametrize(
    "specification",
    [
        "here",
        "here=",
        "here=stop",
        "here=wait",
        "here=wait:",
        "here=wait:long",
        "here=drop",
        "here=swap:0",
    ],
)
def test_an_action_that_there_is_not_is_refused(specification: str) -> None:
    with pytest.raises(ValueError, match="kill, wait:SECONDS, drop:N, repeat:N or swap:N"):
        Failpoints([specification])
