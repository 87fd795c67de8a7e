"""The command line. What argparse or a check here refuses ends with exit code 2."""

import argparse
import math
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx

from load import cores
from load.quantities import count, positive, seconds
from load.redaction import DEMO_PASSWORD
from load.scenario import Options, Scenario

CONNECTIONS_PER_PROCESS = 250
_FILES = ("json", "html", "markdown")
"""Flags that name a file to write."""

_EPILOG = """\
Example: python -m load {name} --html report.html --json report.json. Without --url a server is
started for the run, with Postgres and Valkey of its own.
Every run writes real orders, and with --url signs up a customer to own them: do not point it at a
deployment whose data matters. Latency is receipt minus the event's `at`: run it on the target's
machine. Exit codes: 0 clean, 1 losses, repeats or disorder, 2 usage, 3 target not reachable.
"""


def parse(argv: Sequence[str], scenarios: Mapping[str, Scenario]) -> tuple[str, Options]:
    """The scenario's name and its options; exits like argparse."""
    parser = build_parser(scenarios)
    given = parser.parse_args(argv)
    if given.url and "url" in scenarios[given.scenario].unheeded:
        parser.error(f"{given.scenario} starts what it measures itself: leave --url out")
    if given.url and given.workers is not None:
        parser.error("--workers is for an own server, --url for one that runs already")
    for flag in _FILES:
        file = getattr(given, flag, None)
        if file and (reason := _unwritable(file)):
            parser.error(f"--{flag}: {reason}")
    return given.scenario, _options(given)


def _unwritable(file: Path) -> str:
    """Why it will not be written, as far as can be seen without writing; empty if it may be."""
    if not file.parent.is_dir():
        return f"there is no directory {file.parent}"
    if file.is_dir():
        return f"{file} is a directory"
    return (
        "" if os.access(file if file.exists() else file.parent, os.W_OK) else f"no right to {file}"
    )


def build_parser(scenarios: Mapping[str, Scenario]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m load",
        description="Measure Tandem under load.",
        epilog=_EPILOG.format(name="fanout"),
    )
    commands = parser.add_subparsers(
        dest="scenario", metavar="SCENARIO", required=True, title="scenarios"
    )
    for name, scenario in scenarios.items():
        command = commands.add_parser(
            name,
            help=scenario.summary,
            description=scenario.summary,
            epilog=_EPILOG.format(name=name),
        )
        _add_target_flags(command, scenario)
        _add_load_flags(command, scenario)
        _add_report_flags(command)
        scenario.add_flags(command)
        command.set_defaults(**scenario.defaults)
    return parser


def _add_target_flags(parser: argparse.ArgumentParser, scenario: Scenario) -> None:
    add = _adder(parser, "target", scenario)
    add("--url", type=_address, told="a running deployment (default: start one, limits off)")
    add("--email", default="staff@tandem.example", told="who signs in (default: %(default)s)")
    add("--password", default=DEMO_PASSWORD, told="(default: the demo password)")
    add("--workers", "N", type=count, told="worker processes of the own server (default: 1)")


def _add_load_flags(parser: argparse.ArgumentParser, scenario: Scenario) -> None:
    add = _adder(parser, "load", scenario)
    add("--connections", "N", type=count, default=100, told="sockets (default: %(default)s)")
    add("--rate", "N", type=positive, default=50.0, told="events a second (default: %(default)g)")
    add("--duration", type=positive, default=10.0, told="seconds measured (default: %(default)g)")
    add("--warmup", type=seconds, default=1.0, told="seconds before (default: %(default)g)")
    add(
        "--drain",
        type=seconds,
        default=10.0,
        told="after the writes, give up when nothing more came for so many seconds "
        "(default: %(default)g)",
    )
    add("--processes", "N", type=count, told="of clients (default: by cores and connections)")


def _add_report_flags(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument_group("report").add_argument
    add("--json", type=Path, metavar="FILE", help="write machine and results to FILE")
    add("--html", type=Path, metavar="FILE", help="write one page with tables and plots to FILE")


def _adder(parser: argparse.ArgumentParser, title: str, scenario: Scenario) -> "_Add":
    """Every scenario takes the common flags; its help tells those that it heeds."""
    group = parser.add_argument_group(title)

    def add(flag: str, metavar: str | None = None, *, told: str, **more: Any) -> None:
        unheeded = flag.removeprefix("--") in scenario.unheeded
        metavar = metavar or ("SECONDS" if more.get("type") in {positive, seconds} else None)
        shown = argparse.SUPPRESS if unheeded else told
        group.add_argument(flag, metavar=metavar, help=shown, **more)

    return add


_Add = Callable[..., None]


def _options(given: argparse.Namespace) -> Options:
    return Options(
        url=given.url,
        email=given.email,
        password=given.password,
        connections=given.connections,
        rate=given.rate,
        duration=given.duration,
        json=given.json,
        html=given.html,
        workers=given.workers or 1,
        processes=given.processes or default_processes(given.connections, own=not given.url),
        warmup=given.warmup,
        drain=given.drain,
        own=given,
    )


def default_processes(connections: int, *, own: bool) -> int:
    """One for each 250 connections, at least two, at most one a core; an own server keeps one."""
    wanted = math.ceil(connections / CONNECTIONS_PER_PROCESS)
    return min(max(wanted, 2), max(1, len(cores.usable()) - own))


def _address(text: str) -> str:
    try:
        parts = urlsplit(text)
        usable = parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0
        httpx.URL(text)  # whose rules are stricter
    except (ValueError, httpx.InvalidURL):
        usable = False
    if not usable:
        raise argparse.ArgumentTypeError(f"{text!r} is not an http:// or https:// address")
    return text
