"""From flags to exit code: what is the same for every scenario."""

import asyncio
import shlex
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

from load import cores
from load.comparison import compare, to_markdown
from load.errors import Exit, LoadError
from load.interruption import Interrupted, Interruption
from load.machine import Machine, describe
from load.page import Page
from load.redaction import redacted
from load.report import Outcome, to_json
from load.scenario import Bench, Options, Scenario, Stage
from load.screen import Screen
from load.server import OwnServer, own_server
from load.sources.choice import settings_for
from load.target import Account, Target

_SPARE_SECONDS = 30
"""What connecting and the last answers may take beside the flags' seconds."""


async def run(scenario: Scenario, options: Options, screen: Screen) -> Exit:
    """Play, tell, write the file. An error that came after the first result is told with it.

    When there is nothing to report, raises LoadError or, after Ctrl-C, CancelledError.
    """
    interruption = Interruption(asyncio.current_task())
    interruption.listen()
    outcome, machine, error_code = Outcome(), describe(), Exit.CLEAN
    try:
        with LoadError.for_system():
            await _play(scenario, Bench(options, screen, interruption, outcome, "tandem", None))
    except (Interrupted, asyncio.CancelledError):
        interruption.happened = True
    except LoadError as error:
        if not outcome.results:
            raise
        outcome.notes.append(f"ended early: {error}")
        error_code = error.exit_code
    if interruption.happened and not outcome.results:
        raise asyncio.CancelledError
    if interruption.happened:
        outcome.notes.append("interrupted: this is the report so far")
    told = tell(options, screen, machine, outcome)
    return outcome.exit_code or error_code or told


def tell(options: Options, screen: Screen, machine: Machine, outcome: Outcome) -> Exit:
    """On the screen, and in the files that were asked for: each of those that can be written.

    Exit.USAGE when one could not.
    """
    screen.show(outcome, machine)
    code = Exit.CLEAN
    for file, text in _files(options, machine, outcome):
        try:
            file.write_text(text, encoding="utf-8")
        except OSError as error:
            screen.say(f"{file} was not written: {error.strerror}")
            code = Exit.USAGE
    return code


def _files(options: Options, machine: Machine, outcome: Outcome) -> Iterator[tuple[Path, str]]:
    if options.json:
        yield options.json, to_json(machine, outcome.results)
    if options.html:
        arguments = redacted(sys.argv[1:], options.password)
        page = Page(shlex.join(["python", "-m", "load", *arguments]), machine, outcome)
        yield options.html, page.render()
    if markdown := getattr(options.own, "markdown", None):
        yield markdown, to_markdown(compare(outcome.results))


async def _play(scenario: Scenario, bench: Bench) -> None:
    if scenario.play_alone:
        cores.keep_off()
        await scenario.play_alone(bench)
    elif scenario.play:
        async with _stage(bench) as stage:
            await scenario.play(stage)


@asynccontextmanager
async def _stage(bench: Bench) -> AsyncIterator[Stage]:
    options, screen = bench.options, bench.screen
    async with _server(options, screen) as (url, server), Target(url) as target:
        staff = await target.sign_in(options.email, options.password)
        check_token(staff, options)
        pid = server.pid if server else None
        here = (options, screen, bench.interruption, bench.outcome)
        yield Stage(*here, "tandem", pid, target, staff, server, until=staff.until)


@asynccontextmanager
async def _server(options: Options, screen: Screen) -> AsyncIterator[tuple[str, OwnServer | None]]:
    """The target's address and, if it is ours, the server."""
    if options.url:
        yield options.url, None
        return
    screen.say("starting a server of our own …")
    if options.workers == 1:
        cores.keep_off()
    own = options.own
    settings = settings_for(getattr(own, "source", None) or getattr(own, "own_source", None))
    if getattr(options.own, "compression", False):
        settings["TANDEM_COMPRESSION"] = "on"
    async with own_server(options.workers, settings) as server:
        screen.say(f"{server.url}, {options.workers} worker{'s' * (options.workers > 1)}")
        yield server.url, server


def check_token(staff: Account, options: Options) -> None:
    """Tokens are not refreshed here: nothing is opened for a first measurement that they do not
    outlast. Those that follow are looked at in their turn, see `measure`.
    """
    needed = options.warmup + options.duration + options.drain + _SPARE_SECONDS
    if needed > staff.seconds:
        raise LoadError.refused(
            f"the run may take {needed:g} s, but the target's tokens last {staff.seconds:g} s"
        )
