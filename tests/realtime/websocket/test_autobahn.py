"""The Autobahn test cases, against an echo as a route and taken over."""

from collections.abc import Sequence

import pytest
from kosoku import FailureError, run_fuzzingclient

from tests.end_to_end.figures import form
from tests.realtime.owners import echo
from tests.realtime.served import serving

CASES = ["1.*", "2.*", "3.*", "4.*", "5.*", "6.*", "7.*", "9.*", "10.*"]
NUMBER = 301
# What the protocol leaves open; a case that passes not quite strictly is a failure here.
ALLOWED = {"OK", "INFORMATIONAL"}
LATE = {"UNCLEAN"}
CONCURRENCY = 4


@pytest.mark.no_cover  # hundreds of cases: traced, they take four times as long
@pytest.mark.timeout(600)
@pytest.mark.parametrize("path", [pytest.param("route", marks=pytest.mark.detail), "taken-over"])
@pytest.mark.parametrize("loop", form(["uvloop"], ["uvloop", "asyncio"]))
async def test_every_case_passes(loop: str, path: str) -> None:
    with serving(echo, loop=loop, ws_max_size=None) as served:
        url = f"ws://127.0.0.1:{served.port}/{path}"
        verdicts = await autobahn(url, CASES, at_once=CONCURRENCY)
        # The fuzzer waits a second for a close, which a busy machine may take.
        if late := [case for case, said in failures(verdicts).items() if said - ALLOWED == LATE]:
            verdicts |= await autobahn(url, late)
    assert failures(verdicts) == {}
    assert len(verdicts) == NUMBER


def failures(verdicts: dict[str, set[str]]) -> dict[str, set[str]]:
    return {case: said for case, said in verdicts.items() if not said <= ALLOWED}


async def autobahn(url: str, cases: Sequence[str], *, at_once: int = 1) -> dict[str, set[str]]:
    """What is said of each case: of the messages, and of the close."""
    try:
        results = await run_fuzzingclient(url, cases, concurrency=at_once)
    except FailureError as failure:
        results = failure.results
    return {one.case_id: {one.behavior.value, one.behavior_close.value} for one in results}
