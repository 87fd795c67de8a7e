"""Clients of both flavours side by side: how one is chosen, and that all are told the same."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import parse_qsl

import pytest

from app.realtime.commands.dispatch import receive
from app.realtime.fanout.connection import Connection
from app.realtime.runtime import Runtime
from app.realtime.websocket.opening import negotiate
from app.realtime.wire.codec import JSON, Codec
from app.realtime.wire.frames import Opcode
from app.realtime.wire.protobuf_codec import PROTOBUF
from tests.application import Person
from tests.realtime.protobuf_wire import command, documents
from tests.realtime.recording import Document, RecordingTransport
from tests.realtime.stage import Stage

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.fixture
def stage(shared_stage: Stage) -> Stage:
    return shared_stage


@pytest.mark.parametrize(
    ("offered", "query", "confirmed", "codec"),
    [
        ([], "", None, JSON),
        (["centrifuge-json"], "", "centrifuge-json", JSON),
        (["centrifuge-protobuf"], "", "centrifuge-protobuf", PROTOBUF),
        (["other", "centrifuge-protobuf"], "", "centrifuge-protobuf", PROTOBUF),
        (["centrifuge-json"], "format=protobuf", "centrifuge-json", JSON),
        ([], "cf_protocol=protobuf", None, PROTOBUF),
        ([], "format=protobuf", None, PROTOBUF),
        ([], "cf_protocol=json", None, JSON),
        ([], "format=xml", None, JSON),
    ],
)
async def test_the_flavour_is_chosen_by_subprotocol_or_else_by_query(
    offered: list[str], query: str, confirmed: str | None, codec: Codec
) -> None:
    assert negotiate(offered, dict(parse_qsl(query))) == (confirmed, codec)


async def test_subscribers_of_both_flavours_get_the_same_events_in_the_same_order(
    stage: Stage,
) -> None:
    owner, staff = await stage.person("owner"), await stage.staff()
    channel = await stage.place(owner)
    async with stage.connected(staff) as in_json:
        await in_json.subscribe(channel, recover=True)
        with binary(stage.runtime) as in_protobuf:
            await in_protobuf.connect(owner)
            await in_protobuf.ask(subscribe={"channel": channel, "recover": True})
            for number in range(20):
                await stage.note(owner, channel, f"no. {number}: ∆\n")
            told = [
                _events(await each.transport.offset(channel, 21)) for each in (in_json, in_protobuf)
            ]
    assert told[0] == told[1]
    assert [offset for offset, _ in told[0]] == list(range(1, 22))


async def test_who_could_not_read_for_a_while_catches_up_in_their_own_flavour(
    stage: Stage,
) -> None:
    owner = await stage.person("owner")
    channel = await stage.place(owner)
    async with stage.connected(owner) as in_json:
        await in_json.subscribe(channel, recover=True)
        with binary(stage.runtime) as in_protobuf:
            await in_protobuf.connect(owner)
            await in_protobuf.ask(subscribe={"channel": channel, "recover": True})
            in_protobuf.transport.writable = False
            for number in range(5):
                await stage.note(owner, channel, f"no. {number}")
            told = _events(await in_json.transport.offset(channel, 6))
            in_protobuf.transport.writable = True
            in_protobuf.connection.pump()
            assert _events(await in_protobuf.transport.offset(channel, 6)) == told
            assert {each.opcode for each in in_protobuf.transport.messages} == {Opcode.BINARY}


async def test_a_position_of_one_flavour_is_continued_in_the_other(stage: Stage) -> None:
    owner = await stage.person("owner")
    channel = await stage.place(owner)
    async with stage.connected(owner) as in_json:
        begun = await in_json.subscribe(channel, recover=True)
        await in_json.transport.offset(channel, 1)
    await stage.note(owner, channel, "missed")
    with binary(stage.runtime) as in_protobuf:
        await in_protobuf.connect(owner)
        position = {"recover": True, "epoch": begun["epoch"], "offset": 1}
        answer = await in_protobuf.ask(subscribe={"channel": channel, **position})
        (missed,) = await in_protobuf.transport.offset(channel, 2)
    assert answer["subscribe"]["recovered"]
    assert missed["data"]["order"]["note"] == "missed"


async def test_signals_go_from_each_flavour_to_the_other(stage: Stage) -> None:
    owner, staff = await stage.person("owner"), await stage.staff()
    channel = await stage.place(owner)
    async with stage.connected(staff) as in_json:
        await in_json.subscribe(channel)
        with binary(stage.runtime) as in_protobuf:
            await in_protobuf.connect(owner)
            await in_protobuf.ask(subscribe={"channel": channel})
            note, none = {"editing": "note"}, {"editing": None}

            await in_json.ask(publish={"channel": channel, "data": note})
            await in_protobuf.ask(publish={"channel": channel, "data": json.dumps(none).encode()})

            assert (await in_protobuf.transport.push(channel))["data"] == note
            assert (await in_json.transport.push(channel))["data"] == none


async def test_a_clients_ping_is_not_available_in_either_flavour(stage: Stage) -> None:
    cleo = await stage.person("cleo")
    async with stage.connected(cleo) as in_json:
        with binary(stage.runtime) as in_protobuf:
            await in_protobuf.connect(cleo)
            for each in (in_json, in_protobuf):
                assert (await each.ask(ping={}))["error"]["code"] == 108
                assert not each.connection.closed


class BinaryTransport(RecordingTransport):
    """Reads what a Protobuf client is told, in the shape that it has in JSON."""

    @property
    def documents(self) -> list[Document]:
        return documents(self.sent)


class Binary:
    """Plays one client that speaks Protobuf."""

    def __init__(
        self, runtime: Runtime, connection: Connection, transport: BinaryTransport
    ) -> None:
        self.connection = connection
        self.transport = transport
        self._stations = runtime.stations
        self._last_id = 0

    async def ask(self, **fields: Any) -> Document:
        """The answer to a command."""
        self._last_id += 1
        await receive(self._stations, self.connection, command(id=self._last_id, **fields))
        return await self.transport.reply(self._last_id)

    async def connect(self, person: Person) -> None:
        answer = await self.ask(connect={"token": person.token})
        assert answer["connect"]["client"] == self.connection.id


@contextmanager
def binary(runtime: Runtime) -> Iterator[Binary]:
    transport = BinaryTransport()
    with runtime.connection(transport, PROTOBUF) as connection:
        yield Binary(runtime, connection, transport)


def _events(publications: list[Document]) -> list[tuple[int, Any]]:
    return [(pub["offset"], pub["data"]) for pub in publications]
