"""`python -m load SCENARIO`."""

import asyncio
import sys
from collections.abc import Sequence

from rich.console import Console

from load import loop, runner
from load.arguments import parse
from load.errors import Exit, LoadError
from load.scenario import find_scenarios
from load.screen import Screen


def main(arguments: Sequence[str]) -> int:
    """The exit code; what argparse refuses leaves as its SystemExit(2)."""
    scenarios = find_scenarios()
    name, options = parse(arguments, scenarios)
    try:
        return loop.run(runner.run(scenarios[name], options, Screen(Console())))
    except LoadError as error:
        print(f"load: {error}", file=sys.stderr)
        return error.exit_code
    except (KeyboardInterrupt, asyncio.CancelledError):
        print("load: interrupted", file=sys.stderr)
        return Exit.INTERRUPTED


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
