"""The highest rate of events at which p99 stays under a limit, and the latency at half of it."""

from argparse import ArgumentParser

from load.fleet import Fleet
from load.measurement import Measured, measure
from load.messages import Job
from load.report import Outcome
from load.saturation import Search, saturate
from load.scenario import Scenario, Stage
from load.sources.choice import CHANNEL, add_source_flag, source_of

LIMIT_MS = 60.0


async def play(stage: Stage) -> Outcome:
    options = stage.options
    async with source_of(stage, options.own.source) as source:
        job = Job(stage.target.url, stage.staff.token, CHANNEL, options.connections)
        async with Fleet(job, options.processes) as fleet:
            stage.screen.say(f"{options.connections:,} connections subscribed")
            search = await saturate(stage, fleet, source, limit_ms=options.own.limit)
            if search.best is None:
                return Outcome([each.result("saturate", stage) for each in search.tried[-1:]])
            half = await measure(
                stage, fleet, source, rate=search.best.rate / 2, seconds=options.duration
            )
    results = [search.best.result("saturate", stage), half.result("half", stage)]
    return Outcome(results, list(_notes(search)))


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
