"""The first five minutes of the README, each snippet as it stands there."""

import asyncio
import re
import shutil
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from httpx import AsyncClient

from app.embedded import Services
from app.seed import DEMO_PASSWORD
from tests.demo import demo_settings
from tests.end_to_end.js_client import HERE, NODE, NPM, install_packages
from tests.end_to_end.orders import place_order, token_of
from tests.end_to_end.server import ServerProcess, serving

README = (Path(__file__).parents[2] / "README.md").read_text()
ADDRESS = "127.0.0.1:8000"
STAFF = "staff@tandem.example"
WAIT_SECONDS = 15
BASH = shutil.which("bash")


@pytest.fixture
async def server(demo: Services, tmp_path: Path) -> AsyncIterator[ServerProcess]:
    async with (
        demo_settings(demo, tmp_path) as settings,
        serving(settings.database_url, settings.redis_url, tmp_path) as server,
    ):
        yield server


@pytest.mark.skipif(not (BASH and shutil.which("curl")), reason="no bash with curl")
async def test_curl_places_an_order_and_merges_two_edits(server: ServerProcess) -> None:
    script = "\n".join(snippet(name, server) for name in ("place", "merge"))
    output = await run_to_its_end(BASH or "", "-euc", script)

    order_id, first, *second = output.splitlines()
    assert re.fullmatch(r"[0-9a-f-]{36}", order_id)
    assert first.lower() == 'etag: "2"'
    assert sorted(line.lower() for line in second) == ['etag: "3"', "tandem-merged: true"]


async def test_the_python_subscriber_prints_what_is_placed(
    server: ServerProcess, http: AsyncClient
) -> None:
    async with running(sys.executable, "-c", snippet("subscribe.py", server)) as lines:
        await prints_what_is_placed(lines, server, http)


@pytest.mark.skipif(not (NODE and NPM), reason="no node and npm: centrifuge-js is left out")
async def test_the_javascript_subscriber_prints_what_is_placed(
    server: ServerProcess, http: AsyncClient
) -> None:
    install_packages()
    code = snippet("subscribe.mjs", server)
    async with running(NODE or "", "--input-type=module", "-e", code) as lines:
        await prints_what_is_placed(lines, server, http)


async def prints_what_is_placed(
    lines: asyncio.StreamReader, server: ServerProcess, http: AsyncClient
) -> None:
    """After what was seeded, if that was not relayed before."""
    async with asyncio.timeout(WAIT_SECONDS):
        assert await lines.readline() == b"subscribed\n"
        token = await token_of(http, server.url, STAFF, DEMO_PASSWORD)
        number = (await place_order(http, server.url, token))["number"]
        offsets = []
        async for line in lines:
            offset, kind, printed = line.decode().split()
            offsets.append(int(offset))
            if int(printed) == number:
                break
    assert kind == "order.created"
    assert offsets == list(range(offsets[0], offsets[0] + len(offsets)))


def snippet(name: str, server: ServerProcess) -> str:
    """What the README says to run, at the address of this server."""
    found = re.search(rf"<!-- run: {re.escape(name)} -->\n```\w+\n(.*?)```", README, re.DOTALL)
    assert found is not None, f"the README has no snippet {name}"
    assert ADDRESS in found[1] or name == "merge"
    return found[1].replace(ADDRESS, server.url.removeprefix("http://"))


async def run_to_its_end(*command: str) -> str:
    process = await asyncio.create_subprocess_exec(*command, stdout=PIPE)
    async with asyncio.timeout(WAIT_SECONDS):
        output, _ = await process.communicate()
    assert process.returncode == 0
    return output.decode()


@asynccontextmanager
async def running(*command: str) -> AsyncIterator[asyncio.StreamReader]:
    """What the program prints; it is ended at the end."""
    process = await asyncio.create_subprocess_exec(*command, stdout=PIPE, cwd=HERE)
    assert process.stdout is not None
    try:
        yield process.stdout
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
