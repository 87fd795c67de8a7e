"""The command as a process: exit codes and single lines."""

import socket

from load.errors import Exit
from tests.load.command import run_load


async def test_an_unreachable_target_is_one_line_and_exit_code_3() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound, not listening: nobody else answers there
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
        done = await run_load("fanout", "--url", url)
    assert done.code == Exit.UNREACHABLE
    assert done.err.startswith(f"load: {url} cannot be reached")
    assert done.err.count("\n") == 1


async def test_a_wrong_flag_is_exit_code_2() -> None:
    done = await run_load("fanout", "--rate", "often")
    assert done.code == Exit.USAGE
    assert "--rate" in done.err


async def test_no_scenario_is_exit_code_2() -> None:
    assert (await run_load()).code == Exit.USAGE
