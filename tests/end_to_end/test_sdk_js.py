"""The official JavaScript SDK in Node, as it comes, in both flavours of the protocol."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from httpx import AsyncClient

from app.core.config import Settings
from app.embedded import Services
from tests.conftest import make_settings
from tests.databases import fresh_database
from tests.end_to_end.conftest import create_people
from tests.end_to_end.js_client import NODE, NPM, SdkError, install_packages
from tests.end_to_end.js_hall import Hall
from tests.end_to_end.server import ServerProcess, serving
from tests.waiting import until

TOKEN_SECONDS = 3
REFRESHES = 2
MISSED = 3

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.skipif(not (NODE and NPM), reason="no node and npm: centrifuge-js is left out"),
]
shared = pytest_asyncio.fixture(scope="module", loop_scope="module")


@shared
async def settings(
    template: Services, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Settings]:
    async with fresh_database(template) as url:
        yield make_settings(url, template, tmp_path_factory.mktemp("sdk_js"))


@shared
async def people(settings: Settings) -> dict[str, str]:
    return await create_people(settings)


@shared
async def server(settings: Settings) -> AsyncIterator[ServerProcess]:
    install_packages()
    async with serving(
        settings.database_url, settings.redis_url, settings.data_dir, workers=2
    ) as server:
        yield server


@shared
async def http() -> AsyncIterator[AsyncClient]:
    async with AsyncClient(timeout=30) as client:
        yield client


@pytest.fixture(params=["json", pytest.param("protobuf", marks=pytest.mark.detail)])
def flavour(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def hall(flavour: str, server: ServerProcess, http: AsyncClient, people: dict[str, str]) -> Hall:
    return Hall(flavour, server, http, people)


async def test_events_come_on_a_subscription_and_on_the_own_channel(hall: Hall) -> None:
    async with hall.client("staff") as client:
        await client.call("subscribe", channel="orders")
        order = await hall.place("staff")

        on_orders = await client.told("subscription.publication")
        on_own = await client.told("client.publication")
    assert on_orders["data"] == on_own["data"]
    assert on_orders["data"]["type"] == "order.created"
    assert on_orders["data"]["order"]["id"] == order["id"]


async def test_who_may_not_subscribe_is_unsubscribed_with_103(hall: Hall) -> None:
    async with hall.client("cleo") as client:
        with pytest.raises(SdkError):
            await client.call("subscribe", channel="orders")

        assert (await client.told("subscription.unsubscribed"))["code"] == 103
        assert (await client.call("state", channel="orders"))["client"] == "connected"


async def test_a_token_is_refreshed_in_place(
    flavour: str, settings: Settings, http: AsyncClient, people: dict[str, str]
) -> None:
    async with serving(
        settings.database_url,
        settings.redis_url,
        settings.data_dir,
        TANDEM_ACCESS_TOKEN_SECONDS=str(TOKEN_SECONDS),
    ) as server:
        hall = Hall(flavour, server, http, people)
        async with hall.client("staff") as client:
            await client.call("subscribe", channel="orders")
            await until(lambda: client.counts["token"] > REFRESHES)
            order = await hall.place("staff")

            publication = await client.told("subscription.publication")
            assert publication["data"]["order"]["id"] == order["id"]
            assert client.counts["client.connected"] == 1
            assert client.counts["client.error"] == 0


async def test_what_happened_while_the_server_was_killed_is_recovered(
    hall: Hall, settings: Settings
) -> None:
    async with (
        serving(settings.database_url, settings.redis_url, settings.data_dir) as other,
        hall.client("staff") as client,
    ):
        await client.call("subscribe", channel="orders")
        first = await client.told("subscription.subscribed")
        await client.told("client.subscribed")
        await hall.token("staff")
        for worker in hall.server.workers:
            worker.kill()
        await until(lambda: client.counts["client.connecting"] == 2)
        orders = [(await hall.place("staff", at=other))["id"] for _ in range(MISSED)]

        again = await client.told("subscription.subscribed")
        own = await client.told("client.subscribed")
        assert not first["wasRecovering"]
        assert again["recovered"]
        assert own["recovered"]
        orders.append((await hall.place("staff", at=other))["id"])  # nothing comes in between
        for kind in ("subscription.publication", "client.publication"):
            came = [await client.told(kind) for _ in orders]
            assert [each["data"]["order"]["id"] for each in came] == orders


async def test_a_subscription_from_a_state_goes_on_where_the_state_was_read(hall: Hall) -> None:
    await hall.place("staff")
    async with hall.client("staff") as client:
        await client.call("subscribeFromState", channel="orders", path="/api/v1/orders")
        subscribed = await client.told("subscription.subscribed")
        order = await hall.place("staff")

        assert subscribed["recovered"]
        publication = await client.told("subscription.publication")
        assert publication["data"]["order"]["id"] == order["id"]
        assert publication["offset"] == subscribed["streamPosition"]["offset"] + 1


async def test_who_is_present_is_told_by_presence_and_its_statistics(hall: Hall) -> None:
    channel = f"orders:{(await hall.place('cleo'))['id']}"
    async with hall.client("staff") as staff, hall.client("cleo") as cleo:
        await staff.call("subscribe", channel=channel)
        await cleo.call("subscribe", channel=channel)
        connected = [await each.told("client.connected") for each in (staff, cleo)]

        present = await staff.call("presence", channel=channel)
        assert set(present) == {each["client"] for each in connected}
        assert {each["connInfo"]["name"] for each in present.values()} == {"Staff", "Cleo"}
        statistics = await cleo.call("presenceStats", channel=channel)
        assert statistics == {"numClients": 2, "numUsers": 2}


async def test_who_comes_and_goes_is_told_by_joins_and_leaves(hall: Hall) -> None:
    channel = f"orders:{(await hall.place('cleo'))['id']}"
    async with hall.client("staff") as staff:
        await staff.call("subscribe", channel=channel, options={"joinLeave": True})
        assert (await staff.told("subscription.join"))["info"]["connInfo"] == {"name": "Staff"}
        async with hall.client("cleo") as cleo:
            await cleo.call("subscribe", channel=channel)

            joined = (await staff.told("subscription.join"))["info"]
            assert joined["client"] == (await cleo.told("client.connected"))["client"]
            assert joined["connInfo"] == {"name": "Cleo"}
        assert (await staff.told("subscription.leave"))["info"] == joined


async def test_a_signal_reaches_the_others_with_who_sent_it(hall: Hall) -> None:
    channel = f"orders:{(await hall.place('cleo'))['id']}"
    async with hall.client("staff") as staff, hall.client("cleo") as cleo:
        await staff.call("subscribe", channel=channel)
        await cleo.call("subscribe", channel=channel)
        await cleo.call("publish", channel=channel, data={"editing": "note"})

        signal = await staff.told("subscription.publication")
        assert signal["data"] == {"editing": "note"}
        assert signal["info"]["client"] == (await cleo.told("client.connected"))["client"]
        await staff.call("publish", channel=channel, data={"editing": None})
        assert (await cleo.told("subscription.publication"))["data"] == {"editing": None}


async def test_history_gives_the_events_as_they_came(hall: Hall) -> None:
    async with hall.client("staff") as client:
        await client.call("subscribe", channel="orders")
        start = (await client.told("subscription.subscribed"))["streamPosition"]
        for _ in range(MISSED):
            await hall.place("staff")
        came = [(await client.told("subscription.publication"))["data"] for _ in range(MISSED)]

        page = await client.call("history", channel="orders", options={"since": start, "limit": 2})
        newest = {"limit": 1, "reverse": True}
        last = await client.call("history", channel="orders", options=newest)
    assert [each["data"] for each in page["publications"]] == came[:2]
    assert page["offset"] == start["offset"] + MISSED
    assert [each["data"] for each in last["publications"]] == came[-1:]


async def test_a_deleted_order_ends_its_subscription_with_2000(hall: Hall) -> None:
    order = await hall.place("cleo")
    channel = f"orders:{order['id']}"
    async with hall.client("cleo") as client:
        await client.call("subscribe", channel=channel)
        await hall.delete("admin", f"orders/{order['id']}")

        assert (await client.told("subscription.publication"))["data"]["type"] == "order.deleted"
        assert (await client.told("subscription.unsubscribed"))["code"] == 2000
        state = await client.call("state", channel=channel)
        assert state == {"client": "connected", "subscription": "unsubscribed"}


async def test_a_deactivated_person_is_disconnected_for_good(hall: Hall) -> None:
    leaver = await hall.join("leaver")
    async with hall.client("leaver") as client:
        await hall.delete("admin", f"users/{leaver}")

        assert (await client.told("client.disconnected"))["code"] == 3503
        assert (await client.call("state"))["client"] == "disconnected"
        assert client.counts["client.connecting"] == 1
