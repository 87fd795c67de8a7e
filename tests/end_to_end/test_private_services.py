"""The private Postgres and Valkey of a server that is given no others."""

import asyncio
import json
import shutil
from asyncio.subprocess import PIPE

import psutil
import pytest
from httpx import AsyncClient

from app.seed import DEMO_PASSWORD, PEOPLE
from tests.application import readiness
from tests.end_to_end.orders import token_of
from tests.end_to_end.server import LIMIT_SECONDS, ServerProcess, answers, serving
from tests.processes import alive
from tests.waiting import until

SHELL = shutil.which("sh")


@pytest.mark.skipif(not (SHELL and shutil.which("curl")), reason="no shell with curl")
async def test_what_make_run_prints_signs_in_and_places_an_order(
    http: AsyncClient, tmp_path_factory: pytest.TempPathFactory
) -> None:
    data = tmp_path_factory.mktemp("private")
    async with serving("", "", data, options=["--seed"]) as server:
        *told, line = await printed(server)
        for email, _name, role in PEOPLE:
            assert f"  {email:24} {role}" in told
            await token_of(http, server.url, email, DEMO_PASSWORD)
        order = json.loads(await run(line))

    assert DEMO_PASSWORD in "".join(told)
    assert (order["status"], order["total"]) == ("placed", "168.00")


async def printed(server: ServerProcess) -> list[str]:
    """What stands below its address, up to the line to be pasted."""
    lines: list[str] = []
    assert server.process.stdout is not None
    async with asyncio.timeout(LIMIT_SECONDS):
        while not (lines and "curl" in lines[-1]):
            lines.append((await server.process.stdout.readline()).decode().rstrip("\n"))
    return lines


async def run(line: str) -> bytes:
    """What a shell prints for it."""
    shell = await asyncio.create_subprocess_exec(SHELL or "", "-c", line, stdout=PIPE)
    async with asyncio.timeout(LIMIT_SECONDS):
        output, _ = await shell.communicate()
    return output


async def test_private_services_end_with_a_killed_server(
    http: AsyncClient, tmp_path_factory: pytest.TempPathFactory
) -> None:
    data = tmp_path_factory.mktemp("private")
    async with serving("", "", data) as server:
        family = psutil.Process(server.process.pid).children(recursive=True)
        await readiness(http, url=server.url)
        server.process.kill()

        await until(lambda: not any(alive(one) for one in family))
        assert len(family) >= 3


async def test_a_private_valkey_that_was_killed_is_started_again(
    http: AsyncClient, tmp_path_factory: pytest.TempPathFactory
) -> None:
    async with serving("", "", tmp_path_factory.mktemp("private")) as server:
        [valkey] = valkeys(server)
        valkey.kill()

        await until(lambda: bool(valkeys(server)) and valkey not in valkeys(server))
        await answers(http, f"{server.url}/ready")
        assert not valkey.is_running()
    assert len([line for line in server.log if "the private Valkey ended" in line]) == 1


def valkeys(server: ServerProcess) -> list[psutil.Process]:
    children = psutil.Process(server.process.pid).children()
    return [child for child in children if _name(child).startswith("valkey")]


def _name(process: psutil.Process) -> str:
    try:
        return process.name()
    except psutil.NoSuchProcess:  # it was reaped in this moment
        return ""
