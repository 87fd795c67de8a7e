"""From flags to exit code: what is the same for every scenario."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from load import cores
from load.errors import Exit, LoadError
from load.interruption import Interruption
from load.machine import describe
from load.report import Outcome, write_json
from load.scenario import Bench, Options, Scenario, Stage
from load.screen import Screen
from load.server import OwnServer, own_server
from load.sources.choice import settings_for
from load.target import Account, Target

_SPARE_SECONDS = 30
"""What connecting and the last answers may take beside the flags' seconds."""


async def run(scenario: Scenario, options: Options, screen: Screen) -> Exit:
    """Play, tell, write the file. Raises LoadError when there is nothing to report."""
    interruption = Interruption(asyncio.current_task())
    interruption.listen()
    bench = Bench(options, screen, interruption, "tandem", None)
    machine = describe()
    if scenario.play_alone:
        cores.keep_off()
        outcome = await scenario.play_alone(bench)
    else:
        outcome = await _play(scenario, bench)
    screen.show(outcome, machine)
    if options.json:
        write_json(options.json, machine, outcome.results)
    return outcome.exit_code


async def _play(scenario: Scenario, bench: Bench) -> Outcome:
    if scenario.play is None:
        raise TypeError("a scenario plays somewhere")
    async with _stage(bench) as stage:
        return await scenario.play(stage)


@asynccontextmanager
async def _stage(bench: Bench) -> AsyncIterator[Stage]:
    options, screen = bench.options, bench.screen
    async with _server(options, screen) as (url, server), Target(url) as target:
        staff = await target.sign_in(options.email, options.password)
        check_token(staff, options)
        pid = server.pid if server else None
        yield Stage(options, screen, bench.interruption, "tandem", pid, target, staff, server)


@asynccontextmanager
async def _server(options: Options, screen: Screen) -> AsyncIterator[tuple[str, OwnServer | None]]:
    """The target's address and, if it is ours, the server."""
    if options.url:
        yield options.url, None
        return
    screen.say("starting a server of our own …")
    if options.workers == 1:
        cores.keep_off()
    settings = settings_for(getattr(options.own, "source", None))
    if getattr(options.own, "compression", False):
        settings["TANDEM_COMPRESSION"] = "on"
    async with own_server(options.workers, settings) as server:
        screen.say(f"{server.url}, {options.workers} worker{'s' * (options.workers > 1)}")
        yield server.url, server


def check_token(staff: Account, options: Options) -> None:
    """Tokens are not refreshed here: a run must end before they do."""
    needed = options.warmup + options.duration + options.drain + _SPARE_SECONDS
    if needed > staff.seconds:
        raise LoadError.refused(
            f"the run may take {needed:g} s, but the target's tokens last {staff.seconds:g} s"
        )
