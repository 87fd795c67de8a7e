"""Which servers are compared."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from app.embedded import Services
from load.errors import Exit, LoadError
from load.peer import Peer, Running, SignedIn, find_peers
from load.report import OURS
from load.scenarios.compare import WORK, choose, take_turn, works
from load.signing import Signing
from tests.load.test_handshakes import bench
from tests.load.test_report import CLEAN


@asynccontextmanager
async def never(services: Services) -> AsyncIterator[Running]:
    raise LoadError.unreachable(f"not for {services}")
    yield


@asynccontextmanager
async def never_signed_in(services: Services, signing: Signing) -> AsyncIterator[Running]:
    raise LoadError.unreachable(f"not for {services} {signing}")
    yield


PEERS = {"one": Peer(never), "two": Peer(never), "three": Peer(never, lambda: "no such program")}


def test_all_that_are_installed_play_unless_some_are_named() -> None:
    assert choose(None, PEERS)[0] == ["one", "two"]


def test_those_that_are_named_play_in_that_order() -> None:
    assert choose("two,one", PEERS)[0] == ["two", "one"]


def test_one_that_is_not_installed_is_left_out_with_the_reason() -> None:
    assert choose("one,three", PEERS) == (["one"], ["three is left out: no such program"])


def test_a_name_that_there_is_not_is_a_usage_error_that_lists_them() -> None:
    with pytest.raises(LoadError, match="there are one, two, three") as caught:
        choose("four", PEERS)
    assert caught.value.exit_code == Exit.USAGE


def test_each_module_of_the_peers_is_found_and_tandem_among_them() -> None:
    assert {OURS, "fastapi-loop"} <= set(find_peers())


def test_it_is_told_what_a_connection_is_to_those_that_play() -> None:
    peers = {"one": Peer(never), "two": Peer(never, signed_in=SignedIn(never_signed_in, "a token"))}
    assert works(["one"], peers) == [WORK]
    assert works(["one", "two"], peers) == [WORK, "two, signed in: a token"]


async def test_a_server_that_fails_is_told_and_leaves_what_was_found() -> None:
    here = replace(bench(), peer="other")
    here.outcome.add(CLEAN)
    await take_turn(here, Peer(never), signing_in=False)
    assert here.outcome.results == [CLEAN]
    (note,) = here.outcome.notes
    assert note.startswith("other failed: not for ")


async def test_a_server_whose_program_is_gone_is_told_like_any_other_that_fails() -> None:
    @asynccontextmanager
    async def gone(services: Services) -> AsyncIterator[Running]:
        raise FileNotFoundError(2, "No such file or directory", f"of {services.redis_url}")
        yield

    here = replace(bench(), peer="other")
    await take_turn(here, Peer(gone), signing_in=False)
    (note,) = here.outcome.notes
    assert note.startswith("other failed: FileNotFoundError: ")


async def test_the_first_of_all_that_fails_leaves_the_run_to_the_others() -> None:
    here = replace(bench(), peer="other")
    await take_turn(here, Peer(never), signing_in=False)
    assert here.outcome.results == []
    assert len(here.outcome.notes) == 1


async def test_tandem_that_fails_ends_the_run() -> None:
    here = replace(bench(), peer=OURS)
    here.outcome.results += [CLEAN]
    with pytest.raises(LoadError):
        await take_turn(here, Peer(never), signing_in=False)
