"""The same load on other servers: each on one core, fed as its own kind is, one after the other."""

from argparse import ArgumentParser
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from load import handshakes
from load.errors import LoadError
from load.fleet import Fleet
from load.measurement import keep, measure
from load.peer import Peer, find_peers
from load.quantities import count
from load.report import OURS, SIGNED_IN
from load.saturation import Search, add_search_flags, measure_below, saturate, tell
from load.scenario import Bench, Scenario
from load.server import own_services
from load.signing import Signing
from load.source import Source
from load.subject import Subject

FANOUT_RATE = 100.0
WORK = (
    "tandem's connections have a token, a count in Redis against a limit, and two subscriptions;"
    " another server's only where it says signed in"
)
FED = (
    "tandem is given all events of a millisecond in one message, as its relay gives them, and in no"
    " log; the others are given one after the other"
)


async def play(bench: Bench) -> None:
    """A round is whole or begun: what Ctrl-C leaves is told peer by peer."""
    bench.outcome.compared = True
    peers = find_peers()
    chosen, notes = choose(bench.options.own.only, peers)
    signing_in = bench.options.own.scenario_ == "connect"
    delivering = bench.options.own.scenario_ in ("saturate", "fanout")
    bench.outcome.notes += notes + [FED] * delivering
    bench.outcome.notes += works(chosen, peers) if signing_in else []
    for _ in range(bench.options.own.repeat):
        for name in chosen:
            await take_turn(replace(bench, peer=name), peers[name], signing_in=signing_in)
            if bench.interruption.happened:
                return
    if not bench.outcome.results:
        reasons = [note for note in bench.outcome.notes if note not in (FED, WORK)]
        raise LoadError.unreachable("; ".join(reasons))


async def take_turn(bench: Bench, peer: Peer, *, signing_in: bool) -> None:
    """What another server cannot do is told, and costs the rest of a long run nothing."""
    try:
        with LoadError.for_system():
            await _play(bench, peer)
            if signing_in:
                await _play_signed_in(bench, peer)
    except LoadError as error:
        if bench.peer == OURS:
            raise
        bench.screen.say(f"{bench.peer}: {error}")
        bench.outcome.notes.append(f"{bench.peer} failed: {error}")


async def _play(bench: Bench, peer: Peer) -> None:
    bench.screen.say(f"{bench.peer} …")
    with own_services(postgres=peer.needs_postgres) as services:
        async with peer.start(services) as running:
            bench = replace(bench, server_pid=running.pid, until=running.until)
            subject = Subject.of_peer(running)
            alone = {"idle": handshakes.idle, "connect": handshakes.connect}
            if play_one := alone.get(bench.options.own.scenario_):
                await play_one(bench, subject)
                return
            job = subject.job(bench.options.connections)
            async with Fleet(job, bench.options.processes) as fleet:
                await _measure(bench, fleet, running.source, peer.first_rate)


async def _play_signed_in(bench: Bench, peer: Peer) -> None:
    if peer.signed_in is None:
        return
    bench.screen.say(f"{bench.peer}, signed in …")
    with own_services(postgres=peer.needs_postgres) as services:
        async with peer.signed_in.start(services, Signing()) as running:
            bench = replace(bench, server_pid=running.pid)
            await handshakes.connect(bench, Subject.of_peer(running), SIGNED_IN)


async def _measure(bench: Bench, fleet: Fleet, source: Source, first: float) -> None:
    """`first`: where the search for the highest rate begins."""
    options = bench.options
    if options.own.scenario_ == "fanout":
        at_rate = await measure(bench, fleet, source, rate=options.rate, seconds=options.duration)
        keep(bench, "fanout", at_rate)
        return
    ours = bench.peer == OURS
    search = Search(options.own.limit, strict=ours, duration=options.duration)
    try:
        await saturate(bench, fleet, source, search, first=options.own.first or first)
    finally:
        tell(bench, search)
    if search.best and not search.over:
        rate = search.best.rate / 2
        half = await measure_below(bench, fleet, source, rate=rate, seconds=options.duration)
        keep(bench, "half", half)


def choose(only: str | None, peers: Mapping[str, Peer]) -> tuple[list[str], list[str]]:
    """Those that can play, in the order that was asked for; and why others cannot.

    Raises LoadError for a name that there is not.
    """
    chosen, notes = [], []
    for name in only.split(",") if only else peers:
        if name not in peers:
            raise LoadError.refused(f"--only {name}: there are {', '.join(peers)}")
        if missing := peers[name].missing():
            notes.append(f"{name} is left out: {missing}")
        else:
            chosen.append(name)
    return chosen, notes


def works(chosen: Sequence[str], peers: Mapping[str, Peer]) -> list[str]:
    """What a connection is to those that were chosen, for whoever compares how many there are."""
    signed_in = {name: each for name in chosen if (each := peers[name].signed_in)}
    told = [f"{name}, signed in: {each.work}" for name, each in signed_in.items()]
    return [WORK, *told]


def add_flags(parser: ArgumentParser) -> None:
    add = parser.add_argument_group("compare").add_argument
    add("--only", metavar="NAME,…", help="some of the peers (default: all that are installed)")
    add(
        *("--scenario",),
        dest="scenario_",
        choices=("saturate", "fanout", "idle", "connect"),
        default="saturate",
        help="what each plays (default: %(default)s; --rate is for fanout only)",
    )
    add("--repeat", type=count, default=1, help="rounds (default: %(default)s)")
    add("--markdown", type=Path, metavar="FILE", help="write the table as Markdown to FILE")
    add_search_flags(parser)


SCENARIO = Scenario(
    summary=__doc__ or "",
    play_alone=play,
    add_flags=add_flags,
    defaults={"connections": 500, "duration": 3.0, "rate": FANOUT_RATE},
    unheeded=frozenset({"url", "email", "password", "workers"}),
)
