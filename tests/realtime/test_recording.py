"""`create_app` without its recording: the same writes, of which nobody is told."""

from httpx import ASGITransport, AsyncClient

from app.auth.principals import Role
from app.core.config import Settings
from tests.application import join, readiness, run_application
from tests.orders.shop import Shop, a_body
from tests.realtime.log_writer import LogWriter


async def test_an_application_that_records_nothing_still_writes(
    settings: Settings, log: LogWriter
) -> None:
    async with run_application(settings, recording=False) as application:
        transport = ASGITransport(app=application.asgi)
        async with AsyncClient(transport=transport, base_url="http://test") as client:
            staff = await join(application, client, "sten", Role.STAFF)
            shop = Shop(application, client)
            order_id = (await shop.place(staff))["id"]
            edited = await shop.patch(staff, order_id, {"status": "accepted"})
            await readiness(client)

            assert edited.json()["version"] == 2
            assert (await shop.get(staff, order_id)).json() == edited.json()
            assert await shop.events(order_id) == []
            assert await log.pending() == 0


async def test_an_application_records_unless_it_is_told_otherwise(settings: Settings) -> None:
    async with run_application(settings) as application:
        transport = ASGITransport(app=application.asgi)
        async with AsyncClient(transport=transport, base_url="http://test") as client:
            shop = Shop(application, client)
            placed = await shop.place(await shop.customer(), **a_body())

            assert len(await shop.events(placed["id"])) == 1
