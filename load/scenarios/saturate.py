"""The highest rate of events at which p99 stays under a limit; the latency at half of it, and what
requests and new connections feel at four fifths.
"""

from argparse import ArgumentParser

from load.fleet import Fleet
from load.measurement import Measured, measure
from load.probes import Probes
from load.report import Outcome
from load.saturation import Search, saturate
from load.scenario import Scenario, Stage
from load.sources.choice import add_source_flag, source_of
from load.subject import Subject

LIMIT_MS = 60.0
PROBED = 4
"""So much longer it takes to probe often enough."""


async def play(stage: Stage) -> Outcome:
    options = stage.options
    async with source_of(stage, options.own.source) as source:
        job = Subject.of_stage(stage).job(options.connections)
        async with Fleet(job, options.processes) as fleet:
            stage.screen.say(f"{options.connections:,} connections subscribed")
            search = await saturate(stage, fleet, source, limit_ms=options.own.limit)
            if search.best is None:
                return Outcome([each.result("saturate", stage) for each in search.tried[-1:]])
            results = [search.best.result("saturate", stage)]
            half, most = search.best.rate * 0.5, search.best.rate * 0.8
            measured = await measure(stage, fleet, source, rate=half, seconds=options.duration)
            results.append(measured.result("half", stage))
            probes = Probes(Subject.of_stage(stage))
            async with probes.running():
                measured = await measure(
                    stage, fleet, source, rate=most, seconds=PROBED * options.duration
                )
            results.append(measured.result("four fifths", stage, **probes.figures))
    return Outcome(results, [*_notes(search), *_failures(probes)])


def _failures(probes: Probes) -> list[str]:
    return [f"{probes.failed} requests or connections got no answer"] if probes.failed else []


def _notes(search: Search) -> list[str]:
    best: Measured | None = search.best
    if best is None or search.too_high is None:
        return ["interrupted: the highest rate may be higher"]
    bound = best.usage.client_bound
    return ["client-bound: the client process was over 90 % of its core"] if bound else []


def add_flags(parser: ArgumentParser) -> None:
    add = parser.add_argument_group("saturate").add_argument
    add_source_flag(parser, default="wire")
    add("--limit", type=float, default=LIMIT_MS, help="highest p99, ms (default: %(default)g)")


SCENARIO = Scenario(
    summary=__doc__ or "",
    play=play,
    add_flags=add_flags,
    defaults={"connections": 500, "duration": 3.0},
)
