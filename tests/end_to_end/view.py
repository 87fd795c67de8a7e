"""A client that keeps a list of orders up to date, as the contract tells clients to."""

import json
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any

from app.realtime.commands.dispatch import receive
from app.realtime.fanout.connection import Connection
from tests.application import Person
from tests.end_to_end.described import description
from tests.orders.shop import Json, Shop
from tests.realtime.recording import RecordingTransport

PAGE = 2  # small, so that a list takes several requests


@dataclass
class View:
    """One person's list: read over REST, then kept by the events of the channel that covers it."""

    shop: Shop
    person: Person
    orders: dict[str, Json] = field(default_factory=dict)
    position: Json = field(default_factory=dict)
    withdrawn: set[str] = field(default_factory=set)
    """Orders to be ignored until they are shared again."""
    transport: RecordingTransport = field(default_factory=RecordingTransport)

    @property
    def channel(self) -> str:
        channel: str = self.position["channel"]
        return channel

    async def read(self) -> None:
        """All pages; the position of the first one counts."""
        page = await self.shop.page(self.person, limit=PAGE)
        self.position, found = page["position"], page["items"]
        while page["next_cursor"] is not None:
            page = await self.shop.page(self.person, limit=PAGE, cursor=page["next_cursor"])
            found += page["items"]
        self.orders = {order["id"]: order for order in found}

    def connection(self) -> AbstractContextManager[Connection]:
        return self.shop.application.runtime.connection(self.transport)

    async def follow(self, connection: Connection) -> None:
        """Connect, and have all that came since `position` sent."""
        position = {key: self.position[key] for key in ("epoch", "offset")}
        wanted = {"recover": True, **position}
        subs = {self.channel: wanted} if self.is_personal else {}
        await self._say(
            connection, {"id": 1, "connect": {"token": self.person.token, "subs": subs}}
        )
        reply = await self.transport.reply(1)
        subscribed = reply["connect"]["subs"].get(self.channel)
        if not self.is_personal:
            request = {"channel": self.channel, **wanted}
            await self._say(connection, {"id": 2, "subscribe": request})
            subscribed = (await self.transport.reply(2))["subscribe"]
        assert subscribed["recovered"], subscribed

    @property
    def is_personal(self) -> bool:
        """Whether the server itself subscribes the person to the channel."""
        return self.channel == f"users:{self.person.id}"

    async def catch_up(self, offset: int) -> None:
        """Apply every event up to this offset; none may be missing or come twice."""
        expected = list(range(self.position["offset"] + 1, offset + 1))
        if expected:
            await self.transport.offset(self.channel, offset)
        for document in self.transport.documents:
            description().check_received(document)
        publications = self.transport.publications(self.channel)
        assert [publication["offset"] for publication in publications] == expected
        for publication in publications:
            self.apply(publication["data"])

    def keep(self) -> None:
        """The connection is lost: what came counts, and the next one goes on from there."""
        come, offset = self.transport.publications(self.channel), self.position["offset"]
        assert [pub["offset"] for pub in come] == [offset + nth + 1 for nth in range(len(come))]
        for publication in come:
            self.apply(publication["data"])
        self.position = {**self.position, "offset": offset + len(come)}
        self.transport = RecordingTransport()

    def apply(self, event: dict[str, Any]) -> None:
        """The two rules: take what is newer; ignore what was unshared until it is shared again."""
        order = event.get("order")
        if order is None:  # of the person, not of an order
            return
        known = self.orders.get(order["id"])
        if known is not None and known["version"] >= event["version"]:
            return
        if event["type"] == "order.shared":
            self.withdrawn.discard(order["id"])
        if event["type"] == "order.deleted":
            self.orders.pop(order["id"], None)
        elif order.keys() == {"id", "version"}:
            self.withdrawn.add(order["id"])
            self.orders.pop(order["id"], None)
        elif order["id"] not in self.withdrawn:
            self.orders[order["id"]] = order

    async def _say(self, connection: Connection, command: Json) -> None:
        stations = self.shop.application.runtime.stations
        description().check_sent(command)
        await receive(stations, connection, json.dumps(command))
