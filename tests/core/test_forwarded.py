"""Behind a proxy: whom a request comes from, and what is told where nobody can know."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import cast

import pytest
from httpx import ASGITransport, AsyncClient
from starlette.types import ASGIApp
from uvicorn import Config
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from app.core.config import Settings
from app.server import uvicorn_options
from tests.limited import API, addresses, is_refused, run_worker

PROXY, GATEWAY = "127.0.0.1", "172.18.0.1"
LIMIT = 2
COMPOSE = Path(__file__).parents[2] / "compose.yaml"


@asynccontextmanager
async def behind(settings: Settings, peer: str) -> AsyncIterator[AsyncClient]:
    """What uvicorn makes of a request that this peer hands on; it trusts its own host only."""
    async with run_worker(settings, sign_in_per_minute=LIMIT) as worker:
        config = Config(worker.asgi, lifespan="off", log_config=None, **uvicorn_options(settings))
        config.forwarded_allow_ips = [PROXY, "::1"]
        config.load()
        assert isinstance(config.loaded_app, ProxyHeadersMiddleware)
        app = cast("ASGIApp", config.loaded_app)  # to uvicorn it is an ASGI3Application
        transport = ASGITransport(app=app, client=(peer, 50_000))
        async with AsyncClient(transport=transport, base_url="http://test") as client:
            yield client


async def refusals(client: AsyncClient) -> int:
    """Of sign-ins for two addresses, each of which tries as often as it may."""
    tried = []
    for address in (next(addresses()), next(addresses())):
        for nth in range(LIMIT):
            form = {"username": f"{address}-{nth}@tandem.example", "password": "a-password"}
            headers = {"X-Forwarded-For": address}
            tried.append(await client.post(f"{API}/auth/token", data=form, headers=headers))
    return sum(map(is_refused, tried))


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [
        f"{record.message} {vars(record)['peer']}"
        for record in caplog.records
        if record.name == "app.core.forwarded"
    ]


async def test_behind_a_trusted_proxy_each_address_has_its_own_limit(
    settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    async with behind(settings, PROXY) as client:
        assert await refusals(client) == 0
    assert warnings(caplog) == []


async def test_behind_another_one_all_share_the_proxys_and_that_is_told_once(
    settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    async with behind(settings, GATEWAY) as client:
        assert await refusals(client) == LIMIT
    [warning] = warnings(caplog)
    assert warning.endswith(f"set FORWARDED_ALLOW_IPS {GATEWAY}")


async def test_nothing_is_told_of_requests_that_name_nobody(
    settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    async with behind(settings, GATEWAY) as client:
        (await client.get("/health")).raise_for_status()
    assert warnings(caplog) == []


def test_the_containers_are_told_which_proxy_to_trust_and_trust_no_other() -> None:
    given = re.findall(r"^ +FORWARDED_ALLOW_IPS: (.*)$", COMPOSE.read_text(), re.MULTILINE)

    assert given == ["${FORWARDED_ALLOW_IPS:-127.0.0.1,::1}"]
