"""The application as a whole, seen from outside."""

from httpx import AsyncClient

from app.auth.principals import Role
from tests.application import Application, join


async def test_a_started_application_is_ready(client: AsyncClient) -> None:
    answer = await client.get("/ready")

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
