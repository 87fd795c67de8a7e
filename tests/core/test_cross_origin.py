"""Pages of other origins, before their requests: which may go on."""

from collections.abc import AsyncIterator

import httpx
import pytest
from starlette.applications import Starlette

from app.core.middleware import CrossOriginMiddleware
from tests.orders.shop import problem

ALLOWED, FOREIGN = "https://board.example", "https://elsewhere.example"
PATH = "/api/v1/orders"


@pytest.fixture
async def caller() -> AsyncIterator[httpx.AsyncClient]:
    app = CrossOriginMiddleware(Starlette(), allow_origins=[ALLOWED], allow_methods=["PATCH"])
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://tandem.example") as client:
        yield client


async def preflight(caller: httpx.AsyncClient, origin: str, method: str) -> httpx.Response:
    headers = {"Origin": origin, "Access-Control-Request-Method": method}
    return await caller.options(PATH, headers=headers)


async def test_an_allowed_origin_may_go_on(caller: httpx.AsyncClient) -> None:
    answer = await preflight(caller, ALLOWED, "PATCH")

    assert answer.status_code == 200
    assert answer.headers["Access-Control-Allow-Origin"] == ALLOWED


@pytest.mark.parametrize(
    ("origin", "method", "what"), [(FOREIGN, "PATCH", "origin"), (ALLOWED, "TRACE", "method")]
)
async def test_another_is_refused_as_all_errors_are(
    caller: httpx.AsyncClient, origin: str, method: str, what: str
) -> None:
    told = problem(await preflight(caller, origin, method), 400, "bad_request")

    assert what in told["detail"]


async def test_a_refusal_is_not_kept_for_another_origin(caller: httpx.AsyncClient) -> None:
    answer = await preflight(caller, FOREIGN, "PATCH")

    assert "Origin" in answer.headers["Vary"]
    assert "Access-Control-Allow-Origin" not in answer.headers
