"""The same load on other servers: each on one core, fed as its own kind is, one after the other."""

from argparse import ArgumentParser
from collections.abc import AsyncIterator, Iterable, Iterator
from dataclasses import replace

from load import handshakes
from load.errors import LoadError
from load.fleet import Fleet
from load.measurement import measure
from load.peer import Peer, Running, find_peers
from load.report import Outcome, Result
from load.saturation import saturate
from load.scenario import Bench, Scenario
from load.server import own_services
from load.subject import Subject

LIMIT_MS = 60.0
FANOUT_RATE = 100.0
FIRST_RATE = 10.0
"""The slowest are to be found, too."""


async def play(bench: Bench) -> Outcome:
    peers = find_peers()
    notes, chosen = [], []
    for name in _names(bench.options.own.only, peers):
        missing = peers[name].missing()
        if missing:
            notes.append(f"{name} is left out: {missing}")
        else:
            chosen.append(name)
    results: list[Result] = []
    for _ in range(bench.options.own.repeat):
        for name in chosen:
            results += await _play(replace(bench, peer=name), peers[name])
    return Outcome(results, [*notes, *_too_slow(results, bench.options.own.limit)])


def _too_slow(results: Iterable[Result], limit_ms: float) -> Iterator[str]:
    """Of these the row is of a rate that was too high."""
    for each in results:
        if each.scenario == "saturate" and (each.p99_ms is None or each.p99_ms > limit_ms):
            yield f"{each.peer} did not keep up with {each.rate:g} events/s, the lowest tried"


async def _play(bench: Bench, peer: Peer) -> list[Result]:
    bench.screen.say(f"{bench.peer} …")
    with own_services(postgres=peer.needs_postgres) as services:
        async with peer.start(services) as running:
            bench = replace(bench, server_pid=running.pid)
            subject = Subject.of_peer(running)
            alone = {"idle": handshakes.idle, "connect": handshakes.connect}
            if play_one := alone.get(bench.options.own.scenario_):
                return [await play_one(bench, subject)]
            job = subject.job(bench.options.connections)
            async with Fleet(job, bench.options.processes) as fleet:
                return [each async for each in _measured(bench, fleet, running)]


async def _measured(bench: Bench, fleet: Fleet, running: Running) -> AsyncIterator[Result]:
    options = bench.options
    if options.own.scenario_ == "fanout":
        measured = await measure(
            bench, fleet, running.source, rate=options.rate, seconds=options.duration
        )
        yield measured.result("fanout", bench)
        return
    search = await saturate(
        bench, fleet, running.source, limit_ms=options.own.limit, first=FIRST_RATE
    )
    best = search.best or search.tried[-1]
    yield best.result("saturate", bench)
    if search.best:
        half = await measure(
            bench, fleet, running.source, rate=best.rate / 2, seconds=options.duration
        )
        yield half.result("half", bench)


def _names(only: str | None, peers: Iterable[str]) -> Iterator[str]:
    known = list(peers)
    for name in only.split(",") if only else known:
        if name not in known:
            raise LoadError.refused(f"--only {name}: there are {', '.join(known)}")
        yield name


def add_flags(parser: ArgumentParser) -> None:
    add = parser.add_argument_group("compare").add_argument
    add("--only", metavar="NAME,…", help="some of the peers (default: all that are installed)")
    add(
        *("--scenario",),
        dest="scenario_",
        choices=("saturate", "fanout", "idle", "connect"),
        default="saturate",
        help="(default: %(default)s)",
    )
    add("--repeat", type=int, default=1, help="rounds (default: %(default)s)")
    add("--limit", type=float, default=LIMIT_MS, help="highest p99, ms (default: %(default)g)")


SCENARIO = Scenario(
    summary=__doc__ or "",
    play_alone=play,
    add_flags=add_flags,
    defaults={"connections": 500, "duration": 3.0, "rate": FANOUT_RATE},
)
