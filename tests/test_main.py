"""The application as a whole, seen from outside."""

import fastapi.routing
import pytest
from httpx import ASGITransport, AsyncClient

from app.auth.principals import Role
from app.core.config import Settings
from app.main import create_app
from tests.application import Application, join, readiness
from tests.orders.shop import problem


async def test_a_started_application_is_ready(client: AsyncClient) -> None:
    answer = await readiness(client)

    assert answer.status_code == 200
    assert answer.json()["status"] == "ok"


async def test_an_order_is_placed_and_read_back(
    application: Application, client: AsyncClient
) -> None:
    cleo = await join(application, client, "cleo", Role.CUSTOMER)
    items = [{"sku": "NW-011", "name": "Queso Cabrales", "quantity": 12, "unit_price": "14.00"}]

    placed = await client.post(
        "/api/v1/orders", json={"currency": "EUR", "items": items}, headers=cleo.headers
    )
    read = await client.get(placed.headers["Location"], headers=cleo.headers)

    assert placed.status_code == 201
    assert read.json() == placed.json()
    assert read.json()["total"] == "168.00"


async def test_a_page_of_another_origin_is_told_that_it_may_not(settings: Settings) -> None:
    allowed = settings.model_copy(update={"cors_origins": ("https://board.example",)})
    asking = {"Origin": "https://elsewhere.example", "Access-Control-Request-Method": "POST"}
    transport = ASGITransport(create_app(allowed))
    async with AsyncClient(transport=transport, base_url="http://tandem.example") as client:
        answer = await client.options("/api/v1/orders", headers=asking)

    problem(answer, 400, "bad_request")


async def test_no_route_is_made_ready_by_a_request_while_others_wait(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = create_app(settings)
    async with (
        app.router.lifespan_context(app),
        AsyncClient(transport=ASGITransport(app), base_url="http://test") as client,
    ):
        monkeypatch.delattr(fastapi.routing.APIRoute, "get_route_handler")
        problem(await client.get("/api/v1/nothing"), 404, "not_found")


@pytest.mark.parametrize("path", ["/api/v1/auth/token/", "/api/v1/users/", "/ready/"])
async def test_a_slash_at_the_end_is_another_path_and_leads_nowhere(
    client: AsyncClient, path: str
) -> None:
    """A redirect would name http:// behind a proxy that ends TLS, and the password go with it."""
    answer = await client.post(path, data={"username": "cleo", "password": "a-password"})

    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    assert answer.headers["content-type"] == "application/problem+json"
    assert "Location" not in answer.headers
