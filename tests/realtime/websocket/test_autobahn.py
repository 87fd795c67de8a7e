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
CONCURRENCY = 4


@pytest.mark.no_cover  # hundreds of cases: traced, they take four times as long
@pytest.mark.timeout(600)
@pytest.mark.parametrize("path", ["route", "taken-over"])
@pytest.mark.parametrize("loop", form(["uvloop"], ["uvloop", "asyncio"]))
async def test_every_case_passes(loop: str, path: str) -> None:
    with serving(echo, loop=loop, ws_max_size=None) as served:
        url = f"ws://127.0.0.1:{served.port}/{path}"
        verdicts = await autobahn(url, CASES)
    assert {case: said for case, said in verdicts.items() if not said <= ALLOWED} == {}
    assert len(verdicts) == NUMBER


async def autobahn(url: str, cases: Sequence[str]) -> dict[str, set[str]]:
    """What is said of each case: of the messages, and of the close."""
    try:
        results = await run_fuzzingclient(url, cases, concurrency=CONCURRENCY)
    except FailureError as failure:
        results = failure.results
    return {one.case_id: {one.behavior.value, one.behavior_close.value} for one in results}
