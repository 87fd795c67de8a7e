"""The command line. What argparse or a check here refuses ends with exit code 2."""

import argparse
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from urllib.parse import urlsplit

from load import cores
from load.scenario import Options, Scenario

CONNECTIONS_PER_PROCESS = 250

_EPILOG = """\
Every run writes real orders, and with --url signs up a customer to own them: do not point it at a
deployment whose data matters. Latency is receipt minus the event's `at`: run it on the target's
machine. Exit codes: 0 clean, 1 losses, repeats or disorder, 2 usage, 3 target not reachable.
"""


def parse(argv: Sequence[str], scenarios: Mapping[str, Scenario]) -> tuple[str, Options]:
    """The scenario's name and its options; exits like argparse."""
    parser = build_parser(scenarios)
    given = parser.parse_args(argv)
    if given.url and given.workers is not None:
        parser.error("--workers is for an own server, --url for one that runs already")
    if given.json and not given.json.parent.is_dir():
        parser.error(f"--json: there is no directory {given.json.parent}")
    return given.scenario, _options(given)


def build_parser(scenarios: Mapping[str, Scenario]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m load", description="Measure Tandem under load.", epilog=_EPILOG
    )
    commands = parser.add_subparsers(
        dest="scenario", metavar="SCENARIO", required=True, title="scenarios"
    )
    for name, scenario in scenarios.items():
        command = commands.add_parser(
            name, help=scenario.summary, description=scenario.summary, epilog=_EPILOG
        )
        _add_target_flags(command)
        _add_load_flags(command)
        scenario.add_flags(command)
        command.set_defaults(**scenario.defaults)
    return parser


def _add_target_flags(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument_group("target").add_argument
    add("--url", type=_address, help="a running deployment (default: start one, limits off)")
    add("--email", default="staff@tandem.example", help="who signs in (default: %(default)s)")
    add("--password", default="tandem-demo", help="(default: the demo password)")
    add("--workers", type=_count, help="worker processes of the own server (default: 1)")


def _add_load_flags(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument_group("load").add_argument
    add("--connections", type=_count, default=100, help="sockets (default: %(default)s)")
    add("--rate", type=_positive, default=50.0, help="events a second (default: %(default)g)")
    add("--duration", type=_positive, default=10.0, help="seconds measured (default: %(default)g)")
    add("--warmup", type=_seconds, default=1.0, help="seconds before (default: %(default)g)")
    add(
        *("--drain",),
        type=_seconds,
        default=10.0,
        help="after the writes, give up when nothing more came for so many seconds "
        "(default: %(default)g)",
    )
    add("--processes", type=_count, help="client processes (default: by cores and connections)")
    add("--json", type=Path, metavar="FILE", help="write machine and results to FILE")


def _options(given: argparse.Namespace) -> Options:
    return Options(
        url=given.url,
        email=given.email,
        password=given.password,
        connections=given.connections,
        rate=given.rate,
        duration=given.duration,
        json=given.json,
        workers=given.workers or 1,
        processes=given.processes or default_processes(given.connections, own=not given.url),
        warmup=given.warmup,
        drain=given.drain,
        own=given,
    )


def default_processes(connections: int, *, own: bool) -> int:
    """One for each 250 connections, at least two, at most one a core; an own server keeps one."""
    wanted = math.ceil(connections / CONNECTIONS_PER_PROCESS)
    return min(max(wanted, 2), max(1, cores.usable() - own))


def _address(text: str) -> str:
    try:
        parts = urlsplit(text)
        usable = parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        raise argparse.ArgumentTypeError(f"{text!r} is not an http:// or https:// address")
    return text


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) == 0:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number above 0")
    return int(text)


def _seconds(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 <= value < math.inf:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of 0 or more")
    return value


def _positive(text: str) -> float:
    value = _seconds(text)
    if value == 0:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number above 0")
    return value
