"""What checks the messages of all these tests: it lets through what is described, nothing else."""

import json
from typing import Any

import pytest
from websockets.asyncio.server import ServerConnection, serve

from tests.end_to_end.described import Description, NotDescribed, description
from tests.end_to_end.subscriber import open_socket

Json = dict[str, Any]
AN_ID = "0198c0de-0000-7000-8000-000000000001"


@pytest.fixture
def known() -> Description:
    return description()


def an_event(**other: Any) -> Json:
    person = {"id": AN_ID, "name": "Cleo"}
    order = {
        "id": AN_ID,
        "number": 7,
        "version": 2,
        "status": "accepted",
        "currency": "EUR",
        "note": None,
        "items": [{"sku": "A", "name": "A", "quantity": 1, "unit_price": "1.00"}],
        "total": "1.00",
        "owner": person,
        "collaborators": [],
        "created_at": "2026-01-31T12:00:00.000000Z",
        "updated_at": "2026-01-31T12:00:00.000000Z",
    }
    return {
        "type": "order.updated",
        "id": AN_ID,
        "at": "2026-01-31T12:00:00.000000Z",
        "actor": None,
        "version": 2,
        "changed": {"status": ["placed", "accepted"]},
        "order": order,
        **other,
    }


def a_push(event: Json, channel: str = "orders") -> Json:
    return {"push": {"channel": channel, "pub": {"data": event, "offset": 7}}}


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"id": 1, "unsubscribe": {}},
        {"id": 1, "error": {"code": 103, "message": "permission denied", "temporary": False}},
        a_push(an_event()),
        a_push(an_event(), f"users:{AN_ID}"),
        {"push": {"channel": "orders", "unsubscribe": {"code": 2000, "reason": "over"}}},
    ],
)
def test_what_is_described_passes(known: Description, document: Json) -> None:
    known.check_received(document)


@pytest.mark.parametrize(
    "document",
    [
        {"id": 1},
        {"id": 1, "dance": {}},
        {"id": 1, "unsubscribe": {"at": "once"}},
        {"id": 1, "error": {"code": 104, "message": "method not found", "temporary": False}},
        {"push": {"channel": "orders"}},
        {"push": {"channel": "orders", "unsubscribe": {"code": 2001, "reason": "over"}}},
        a_push(an_event(version="2")),
        a_push(an_event(type="order.danced")),
        a_push(an_event(mood="good")),
        a_push(an_event(order={"id": AN_ID})),
        a_push(an_event(changed={"status": ["placed"]})),
        a_push(an_event(), "users"),
        a_push(an_event(), "nothing"),
    ],
)
def test_what_is_not_described_is_refused(known: Description, document: Json) -> None:
    with pytest.raises(NotDescribed):
        known.check_received(document)


@pytest.mark.parametrize(
    "document", [{"id": 1}, {"id": 0, "subscribe": {"channel": "orders"}}, {"id": 1, "dance": {}}]
)
def test_a_command_that_is_not_described_is_refused(known: Description, document: Json) -> None:
    with pytest.raises(NotDescribed):
        known.check_sent(document)


async def test_a_client_of_these_tests_fails_over_a_planted_message() -> None:
    async def plant(peer: ServerConnection) -> None:
        await peer.send(json.dumps(a_push(an_event(mood="good"))))
        await peer.wait_closed()

    async with serve(plant, "127.0.0.1", 0) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        async with open_socket(f"ws://127.0.0.1:{port}") as socket:
            with pytest.raises(NotDescribed, match="mood"):
                await socket.document()
