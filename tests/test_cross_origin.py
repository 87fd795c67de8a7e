"""What pages of other origins may do over REST, and read of the answers."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from httpx import ASGITransport, AsyncClient, Response

from app.core.config import Settings
from tests.application import run_application

BOARD = "https://board.example"


@asynccontextmanager
async def serving(settings: Settings, *origins: str) -> AsyncIterator[AsyncClient]:
    """A client of an application that these origins may use."""
    async with run_application(settings.model_copy(update={"cors_origins": origins})) as running:
        transport = ASGITransport(app=running.asgi)
        async with AsyncClient(transport=transport, base_url="http://test") as client:
            yield client


def words(answer: Response, header: str) -> set[str]:
    return {word.strip() for word in answer.headers[header].split(",")}


async def test_a_page_of_an_allowed_origin_may_edit_and_read_what_the_headers_say(
    settings: Settings,
) -> None:
    order = "/api/v1/orders/0190163d-8694-739b-aea5-966c26f8ad91"
    asked = {"Access-Control-Request-Method": "PATCH", "Access-Control-Request-Headers": "if-match"}
    async with serving(settings, BOARD) as client:
        preflight = await client.options(order, headers={"Origin": BOARD, **asked})
        answer = await client.get(order, headers={"Origin": BOARD})

    assert preflight.status_code == 200
    assert "PATCH" in words(preflight, "Access-Control-Allow-Methods")
    assert "if-match" in words(preflight, "Access-Control-Allow-Headers")
    for each in (preflight, answer):
        assert each.headers["Access-Control-Allow-Origin"] == BOARD
    exposed = words(answer, "Access-Control-Expose-Headers")
    assert {"ETag", "Location", "Tandem-Position", "Tandem-Merged", "Retry-After"} <= exposed


@pytest.mark.parametrize("allowed", [(), (BOARD,)])
async def test_a_page_of_any_other_origin_may_read_nothing(
    settings: Settings, allowed: tuple[str, ...]
) -> None:
    origin = {"Origin": "https://elsewhere.example"}
    asked = {"Access-Control-Request-Method": "PATCH"}
    async with serving(settings, *allowed) as client:
        answers = [
            await client.options("/api/v1/orders", headers={**origin, **asked}),
            await client.get("/api/v1/orders", headers=origin),
        ]

    assert not [each for each in answers if "Access-Control-Allow-Origin" in each.headers]
