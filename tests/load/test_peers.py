"""The peers that need nothing but this project and its dependencies, each for a moment."""

import pytest

from load.installed import missing_program
from load.peer import find_peers
from tests.load.command import run_load

SECONDS = 60


async def deliveries(peer: str) -> int:
    """After a run that must be clean: what it says is in the table, and in its exit code."""
    flags = ("--scenario", "fanout", "--connections", "10", "--rate", "50", "--duration", "1")
    done = await run_load("compare", "--only", peer, *flags, seconds=SECONDS)
    assert done.code == 0, done.out + done.err
    (line,) = (line for line in done.out.splitlines() if line.startswith("deliveries/s"))
    return int(line.split()[-1].replace(",", ""))


@pytest.mark.parametrize("peer", ["bare-loop", "websockets-broadcast", "fastapi-loop"])
async def test_a_peer_is_started_fed_and_accounted_for(peer: str) -> None:
    assert 400 < await deliveries(peer) < 600


@pytest.mark.parametrize("name", ["nats", "nchan", "bun", "socketio"])
async def test_a_peer_that_is_installed_is_clean(name: str) -> None:
    if reason := find_peers()[name].missing():
        pytest.skip(reason)
    assert 400 < await deliveries(name) < 600


def test_what_is_not_installed_is_told_in_a_line() -> None:
    assert missing_program("no-such-server", "a-package") == (
        "there is no no-such-server: apt-get install a-package"
    )
