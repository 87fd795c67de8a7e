"""The private Postgres and Valkey of a server that is given no others."""

import psutil
import pytest
from httpx import AsyncClient

from tests.end_to_end.server import ServerProcess, alive, answers, serving
from tests.waiting import until


async def test_private_services_end_with_a_killed_server(
    http: AsyncClient, tmp_path_factory: pytest.TempPathFactory
) -> None:
    data = tmp_path_factory.mktemp("private")
    async with serving("", "", data, measured=True) as server:
        family = psutil.Process(server.process.pid).children(recursive=True)
        assert (await http.get(f"{server.url}/ready")).json()["status"] == "ok"
        server.process.kill()

        await until(lambda: not any(alive(one) for one in family))
        assert len(family) >= 3


async def test_a_private_valkey_that_was_killed_is_started_again(
    http: AsyncClient, tmp_path_factory: pytest.TempPathFactory
) -> None:
    async with serving("", "", tmp_path_factory.mktemp("private"), measured=True) as server:
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
