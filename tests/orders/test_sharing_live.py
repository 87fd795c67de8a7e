"""What the sockets of people see when an order is shared, unshared and commented on."""

import json
import re
from typing import Any

import pytest

from tests.application import Person
from tests.orders.shop import Shop
from tests.realtime.stage import Player, playing

pytestmark = pytest.mark.asyncio(loop_scope="module")

PUBLICATION = re.compile(rb'"pub":{"data":(.*),"offset":\d+}}}')
FORCED = 2000


def told(player: Player, channel: str) -> list[Any]:
    """The events of the channel so far."""
    return [publication["data"] for publication in player.transport.publications(channel)]


def types(player: Player, channel: str) -> list[str]:
    return [event["type"] for event in told(player, channel)]


async def until_told(player: Player, channel: str, note: str) -> None:
    """Until the channel's last event shows an order with this note."""

    def is_there() -> bool:
        events = told(player, channel)
        return bool(events) and events[-1].get("order", {}).get("note") == note

    await player.transport.until(is_there)


def raw(player: Player, channel: str) -> list[bytes]:
    """The bytes of these events."""
    lines = [line for message in player.transport.sent for line in message.split(b"\n")]
    start = b'{"push":{"channel":"%b"' % channel.encode()
    found = (PUBLICATION.search(line) for line in lines if line.startswith(start))
    return [match[1] for match in found if match]


async def test_a_shared_order_comes_to_the_collaborators_own_channel(
    shop: Shop, cleo: Person
) -> None:
    omar = await shop.customer()
    placed, mine = await shop.place(cleo), f"users:{omar.id}"
    with playing(shop.application.runtime) as player:
        await player.connect(omar)
        await shop.put_collaborator(cleo, placed["id"], omar.id)
        await shop.patch(cleo, placed["id"], {"note": "together"})
        await until_told(player, mine, "together")

        shared, edited = told(player, mine)[-2:]
        assert (shared["type"], edited["type"]) == ("order.shared", "order.updated")
        assert shared["order"]["collaborators"] == [{"id": str(omar.id), "name": omar.name}]
        assert edited["order"] == (await shop.get(omar, placed["id"])).json()
        assert "error" not in await player.ask(subscribe={"channel": f"orders:{placed['id']}"})


async def test_unsharing_ends_the_subscription_and_withdraws_the_order(
    shop: Shop, cleo: Person
) -> None:
    omar = await shop.customer()
    placed, mine = await shop.place(cleo), f"users:{omar.id}"
    channel = f"orders:{placed['id']}"
    await shop.put_collaborator(cleo, placed["id"], omar.id)
    with playing(shop.application.runtime) as player:
        await player.connect(omar)
        await player.subscribe(channel)
        await shop.remove_collaborator(cleo, placed["id"], omar.id)
        await shop.patch(cleo, placed["id"], {"note": "without Omar"})
        own = await shop.place(omar)
        await player.transport.document(lambda document: own["id"] in json.dumps(document))

        assert (await player.transport.push(channel, "unsubscribe"))["code"] == FORCED
        assert types(player, mine)[-2:] == ["order.unshared", "order.created"]
        assert told(player, mine)[-2]["order"] == {"id": placed["id"], "version": 3}
        assert all("without Omar" not in json.dumps(each) for each in player.transport.documents)
        assert (await player.subscribe(channel))["code"] == 103
        assert player.closed is None


async def test_staff_who_share_no_more_keep_their_subscription(shop: Shop, cleo: Person) -> None:
    staff = await shop.staff()
    placed = await shop.place(cleo)
    channel = f"orders:{placed['id']}"
    await shop.put_collaborator(cleo, placed["id"], staff.id)
    with playing(shop.application.runtime) as player:
        await player.connect(staff)
        await player.subscribe(channel)
        await shop.remove_collaborator(cleo, placed["id"], staff.id)
        await shop.patch(cleo, placed["id"], {"note": "still seen"})
        await until_told(player, channel, "still seen")

        assert types(player, channel)[-2:] == ["order.unshared", "order.updated"]
        assert player.transport.pushes(channel, "unsubscribe") == []


async def test_others_with_whom_it_is_shared_go_on(shop: Shop, cleo: Person) -> None:
    omar, nora = await shop.customer(), await shop.customer()
    placed = await shop.place(cleo)
    channel, mine = f"orders:{placed['id']}", f"users:{nora.id}"
    for person in (omar, nora):
        await shop.put_collaborator(cleo, placed["id"], person.id)
    with playing(shop.application.runtime) as player:
        await player.connect(nora)
        await player.subscribe(channel)
        await shop.remove_collaborator(cleo, placed["id"], omar.id)
        await shop.patch(cleo, placed["id"], {"note": "without Omar"})
        for each in (channel, mine):
            await until_told(player, each, "without Omar")
            assert types(player, each)[-2:] == ["order.unshared", "order.updated"]
            assert told(player, each)[-2]["order"]["version"] == 4
        assert player.transport.pushes(channel, "unsubscribe") == []


async def test_the_history_has_the_bytes_that_were_sent_live(shop: Shop, cleo: Person) -> None:
    omar, staff = await shop.customer(), await shop.staff()
    with playing(shop.application.runtime) as player:
        await player.connect(staff)
        placed = await shop.place(cleo, note="K\u00e4se \U0001f9c0")
        channel = f"orders:{placed['id']}"
        await shop.until_relayed()
        position = await player.subscribe(channel, recover=True, epoch=await epoch(shop), offset=0)
        await shop.put_collaborator(cleo, placed["id"], omar.id)
        await shop.comment(omar, placed["id"], "\u2028 </script>")
        await shop.patch(staff, placed["id"], {"status": "accepted"})
        await shop.remove_collaborator(staff, placed["id"], omar.id)
        await player.transport.offset(channel, 5)

        assert position["recovered"]
        history = (await shop.history(cleo, placed["id"])).content
        assert history == b'{"items":[%b],"next_cursor":null}' % b",".join(raw(player, channel))
        assert len(raw(player, channel)) == 5


async def epoch(shop: Shop) -> str:
    page = await shop.page(await shop.customer())
    named: str = page["position"]["epoch"]
    return named
