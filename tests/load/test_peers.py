"""The peers that need nothing but this project and its dependencies, each for a moment."""

import asyncio
import json
from pathlib import Path

import pytest

from load.installed import missing_program
from load.peer import find_peers
from tests.load.command import run_load

SECONDS = 60


async def deliveries(peer: str, report: Path) -> float:
    """A second, in a run that must be clean: a busy machine makes fewer, and loses none."""
    flags = ("--scenario", "fanout", "--connections", "10", "--rate", "50", "--duration", "1")
    done = await run_load("compare", "--only", peer, "--json", str(report), *flags, seconds=SECONDS)
    assert done.code == 0, done.out + done.err
    (result,) = json.loads(await asyncio.to_thread(report.read_text))["results"]
    assert (result["peer"], result["lost"], result["out_of_order"]) == (peer, 0, 0)
    return float(result["deliveries_per_s"])


@pytest.mark.parametrize("peer", ["bare-loop", "websockets-broadcast", "fastapi-loop"])
async def test_a_peer_is_started_fed_and_accounted_for(peer: str, tmp_path: Path) -> None:
    assert 0 < await deliveries(peer, tmp_path / "report") < 600


@pytest.mark.parametrize(
    "name", ["nats", "nchan", "bun", "socketio", "python-socketio", "django-channels"]
)
async def test_a_peer_that_is_installed_is_clean(name: str, tmp_path: Path) -> None:
    if reason := find_peers()[name].missing():
        pytest.skip(reason)
    assert 0 < await deliveries(name, tmp_path / "report") < 600


def test_what_is_not_installed_is_told_in_a_line() -> None:
    assert missing_program("no-such-server", "a-package") == (
        "there is no no-such-server: apt-get install a-package"
    )
