"""`python -m app serve | migrate | seed | epoch`."""

import argparse
import signal
import sys
from types import FrameType
from typing import NoReturn

from app import __version__
from app.core.operator_errors import OperatorError


def parse_arguments(arguments: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m app", description="Tandem: a real-time collaborative order backend."
    )
    parser.add_argument("--version", action="version", version=f"tandem {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    serve = commands.add_parser("serve", help="serve the API, the sockets and the pages")
    serve.add_argument("--host", default="127.0.0.1", help="default: %(default)s")
    serve.add_argument("--port", type=_port, default=8000, help="0: any; default: %(default)s")
    serve.add_argument("--workers", type=_workers, default=1, help="default: %(default)s")
    serve.add_argument("--seed", action="store_true", help="make the demo data first")
    serve.add_argument("--reload", action="store_true", help="start anew when the code changes")
    commands.add_parser("migrate", help="bring the database to the newest schema")
    commands.add_parser("seed", help="make the demo data (not in production)")
    epoch = commands.add_parser("epoch", help="show which log this is")
    epoch.add_argument("--renew", action="store_true", help="after a restore from a backup")
    return parser.parse_args(arguments)


class Terminated(KeyboardInterrupt):
    """SIGTERM, while no event loop handles it."""


def main(arguments: list[str] | None = None) -> int:
    """0 after a clean end, 1 could not start, 2 usage. SIGTERM and SIGINT are a clean end of
    `serve`; what else they interrupt is not done: 128 and their number, as a shell has it.
    """
    options = parse_arguments(arguments)
    signal.signal(signal.SIGTERM, _terminate)
    try:
        from app.commands import start  # noqa: PLC0415 - slow: help and wrong usage do without

        start(options)
    except (OperatorError, OSError) as error:
        print(f"tandem: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt as interrupt:
        number = signal.SIGTERM if isinstance(interrupt, Terminated) else signal.SIGINT
        return 0 if options.command == "serve" else 128 + number
    return 0


def _terminate(_number: int, _frame: FrameType | None) -> NoReturn:
    raise Terminated


def _port(value: str) -> int:
    port = int(value)
    if not 0 <= port <= 65_535:  # noqa: PLR2004 - TCP's own
        raise argparse.ArgumentTypeError("a port is 0 to 65535")
    return port


def _workers(value: str) -> int:
    workers = int(value)
    if workers < 1:
        raise argparse.ArgumentTypeError("at least one worker")
    return workers


if __name__ == "__main__":
    sys.exit(main())
