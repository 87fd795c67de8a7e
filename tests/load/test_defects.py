"""The suite finds a defect: every nth delivery of the server is dropped, repeated or swapped."""

import asyncio

import pytest

from load.errors import Exit
from tests.load.command import Done, run_load

EVERY = 300
SECONDS = 110
SHORT = ("--duration", "1", "--warmup", "0.2", "--drain", "1", "--processes", "1")
AUDIENCE = ("--connections", "20", "--rate", "50")
FLAGS = {
    "fanout": AUDIENCE,
    "saturate": ("--connections", "20", "--first", "100"),
    "storm": (*AUDIENCE, "--duration", "2"),
    "slow": AUDIENCE,
    "channels": ("--counts", "20", "--rate", "600"),
    "writes": AUDIENCE,
    "mixed": AUDIENCE,
    "growth": ("--sizes", "20", "--rate", "100"),
}
FOUND = {"drop": "lost", "repeat": "duplicated", "swap": "out of order"}
"""What each defect is called in the verdict."""

defects = pytest.mark.parametrize("defect", FOUND)


async def run_with(defect: str, scenario: str) -> Done:
    return await run_load(
        *(scenario, *SHORT, *FLAGS[scenario]),
        seconds=SECONDS,
        TANDEM_ENVIRONMENT="test",
        TANDEM_FAILPOINTS=f"transport.send={defect}:{EVERY}",
    )


def told(done: Done, defect: str) -> bool:
    verdict = done.out.splitlines()[-1]
    return verdict.startswith("NOT CLEAN") and FOUND[defect] in verdict


async def test_a_planted_defect_is_named_and_exits_with_1() -> None:
    """Side by side, since most of the time is that of a server's start."""
    pairs = [("drop", "fanout"), ("repeat", "growth"), ("swap", "channels")]
    found = await asyncio.gather(*(run_with(*pair) for pair in pairs))
    for (defect, _), done in zip(pairs, found, strict=True):
        assert done.code == Exit.UNCLEAN, done.out + done.err
        assert told(done, defect), done.out


@pytest.mark.proof
@defects
@pytest.mark.parametrize("scenario", FLAGS)
async def test_each_scenario_that_delivers_finds_each_defect(scenario: str, defect: str) -> None:
    done = await run_with(defect, scenario)
    assert done.code == Exit.UNCLEAN, done.out + done.err
    assert told(done, defect), done.out
