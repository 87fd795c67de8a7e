"""What the socket answers to bad input, over a real server: the table of the contract."""

import json
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit
from uuid import uuid4

import pytest
import pytest_asyncio
from httpx import AsyncClient
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, ConnectionClosedError, InvalidStatus

from app.core.config import Settings
from app.embedded import Services
from app.realtime.wire.frames import Opcode
from tests.conftest import make_settings
from tests.databases import fresh_database
from tests.end_to_end.conftest import create_people
from tests.end_to_end.orders import place_order, token_of
from tests.end_to_end.server import ServerProcess, serving
from tests.end_to_end.subscriber import open_socket
from tests.realtime.raw_socket import connected, frame

SUBSCRIBE = {"subscribe": {"channel": "orders"}}


pytestmark = pytest.mark.asyncio(loop_scope="module")
shared = pytest_asyncio.fixture(scope="module", loop_scope="module")


@shared
async def settings(
    template: Services, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Settings]:
    """One database for all of these: nothing here changes what another test sees."""
    async with fresh_database(template) as url:
        yield make_settings(url, template, tmp_path_factory.mktemp("wire"))


@shared
async def people(settings: Settings) -> dict[str, str]:
    return await create_people(settings)


@shared
async def server(settings: Settings) -> AsyncIterator[ServerProcess]:
    async with serving(
        settings.database_url,
        settings.redis_url,
        settings.data_dir,
        TANDEM_COMMANDS_PER_SECOND="50",
    ) as server:
        yield server


@shared
async def token(server: ServerProcess, people: dict[str, str]) -> str:
    async with AsyncClient() as http:
        return await token_of(http, server.url, people["staff"])


@shared
async def http() -> AsyncIterator[AsyncClient]:
    async with AsyncClient(timeout=30) as client:
        yield client


BAD_MESSAGES = {
    "malformed JSON": "{",
    "an array": "[]",
    "a number": "1",
    "an empty message": "",
    "only newlines": "\n\n",
    "an unknown command": '{"id":7,"dance":{}}',
    "no command": '{"id":7}',
    "a command without an id": '{"subscribe":{"channel":"orders"}}',
    "a negative id": '{"id":-1,"subscribe":{"channel":"orders"}}',
    "an id over 32 bits": '{"id":4294967296,"subscribe":{"channel":"orders"}}',
    "a second connect": '{"id":7,"connect":{}}',
    "an unasked pong": "{}",
    "a subscription to nothing": '{"id":7,"subscribe":{"channel":""}}',
    "a channel that is no string": '{"id":7,"subscribe":{"channel":1}}',
    "a command that is null": '{"id":7,"subscribe":null}',
    "half of a surrogate pair": '{"id":7,"subscribe":{"channel":"\\ud800"}}',
    "a deep nesting": '{"id":7,"rpc":' + "[" * 20_000,
}


@pytest.mark.parametrize("message", BAD_MESSAGES.values(), ids=BAD_MESSAGES.keys())
async def test_bad_input_closes_with_3501(server: ServerProcess, token: str, message: str) -> None:
    async with open_socket(server.socket_url, token) as socket:
        await socket.websocket.send(message)

        assert await socket.closed() == 3501


async def test_a_command_before_connect_closes_with_3501(server: ServerProcess) -> None:
    async with open_socket(server.socket_url) as socket:
        await socket.send(**SUBSCRIBE)

        assert await socket.closed() == 3501


async def test_a_binary_frame_closes_with_3501(server: ServerProcess, token: str) -> None:
    async with open_socket(server.socket_url, token) as socket:
        await socket.websocket.send(b'{"id":7,"subscribe":{"channel":"orders"}}')

        assert await socket.closed() == 3501


async def test_text_that_is_not_utf_8_closes_with_1007(server: ServerProcess, token: str) -> None:
    async with open_socket(server.socket_url, token) as socket:
        await socket.websocket.send(b"\xff\xfe\xfd", text=True)

        assert await socket.closed() == 1007


async def test_a_frame_of_a_mebibyte_closes_with_1009(server: ServerProcess, token: str) -> None:
    async with open_socket(server.socket_url, token) as socket:
        await socket.websocket.send("x" * 1_048_576)

        assert await socket.closed() == 1009


async def test_ten_thousand_commands_in_small_frames_are_limited_and_hurt_nobody(
    server: ServerProcess, token: str, http: AsyncClient
) -> None:
    async with (
        open_socket(server.socket_url, token) as calm,
        open_socket(server.socket_url, token) as busy,
    ):
        await calm.ask(**SUBSCRIBE)
        with suppress(ConnectionClosed):  # it may be closed before it has said all of it
            for first in range(0, 10_000, 500):
                lines = [
                    json.dumps({"id": number + 2, "unsubscribe": {"channel": f"orders:{number}"}})
                    for number in range(first, first + 500)
                ]
                await busy.websocket.send("\n".join(lines))
        order = await place_order(http, server.url, token)
        event = await calm.document()
        code = await busy.closed()

        assert event["push"]["pub"]["data"]["order"]["id"] == order["id"]
        assert code == 3013


async def test_past_the_burst_a_command_is_answered_with_error_111(
    server: ServerProcess, token: str
) -> None:
    async with open_socket(server.socket_url, token) as socket:
        lines = [
            json.dumps({"id": number, "unsubscribe": {"channel": "x"}}) for number in range(2, 402)
        ]
        await socket.websocket.send("\n".join(lines))
        answers = [await socket.document() for _ in lines]

        codes = [answer.get("error", {}).get("code") for answer in answers]
        assert codes[:299] == [None] * 299  # the burst, less the connect
        assert 111 in codes[299:]  # a few more are let through as time passes
        assert set(codes) == {None, 111}


async def test_pings_are_sent_and_an_ignored_one_closes_with_3012(
    settings: Settings, people: dict[str, str], http: AsyncClient, tmp_path: Path
) -> None:
    async with serving(
        settings.database_url,
        settings.redis_url,
        tmp_path,
        TANDEM_PING_SECONDS="0.4",
        TANDEM_PONG_SECONDS="0.3",
    ) as server:
        token = await token_of(http, server.url, people["cleo"])
        async with connect(server.socket_url, compression=None) as websocket:
            await websocket.send(json.dumps({"id": 1, "connect": {"token": token}}))
            messages = [await websocket.recv(), await websocket.recv()]
            with pytest.raises(ConnectionClosedError):
                await websocket.recv()

        assert messages[1] == "{}"
        assert websocket.close_code == 3012


async def test_pings_may_come_as_frames(
    settings: Settings, people: dict[str, str], http: AsyncClient, tmp_path: Path
) -> None:
    async with serving(
        settings.database_url,
        settings.redis_url,
        tmp_path,
        TANDEM_PING_SECONDS="0.2",
        TANDEM_PONG_SECONDS="3",
        TANDEM_TAKE_OVER="on",  # an ordinary route sees no pongs
    ) as server:
        token = await token_of(http, server.url, people["cleo"])
        async with connected(urlsplit(server.url).port or 0) as raw:
            await raw.upgrade("/ws?cf_ws_frame_ping_pong=true")
            connect_ = json.dumps({"id": 1, "connect": {"token": token}})
            raw.write(frame(Opcode.TEXT, connect_.encode()))
            opcode, answer = await raw.frame()
            assert (opcode, json.loads(answer)["connect"]["ping"]) == (Opcode.TEXT, 0)
            for _ in range(3):  # there is another one only once one was answered
                assert await raw.frame() == (Opcode.PING, b"")
                raw.write(frame(Opcode.PONG))
            assert await raw.closed() == 3012


async def test_a_foreign_origin_is_refused(server: ServerProcess) -> None:
    with pytest.raises(InvalidStatus) as refused:
        async with open_socket(server.socket_url, origin="https://elsewhere.example"):
            raise AssertionError

    assert refused.value.response.status_code == 403


async def test_somebody_elses_order_and_none_at_all_look_the_same(
    server: ServerProcess, token: str, http: AsyncClient, people: dict[str, str]
) -> None:
    order = await place_order(http, server.url, token)
    cleo = await token_of(http, server.url, people["cleo"])
    async with open_socket(server.socket_url, cleo) as socket:
        theirs = await socket.ask(subscribe={"channel": f"orders:{order['id']}"})
        nobodys = await socket.ask(subscribe={"channel": f"orders:{uuid4()}"})
        unknown = await socket.ask(subscribe={"channel": "nothing:1"})

    assert (
        theirs["error"]
        == nobodys["error"]
        == {"code": 103, "message": "permission denied", "temporary": False}
    )
    assert unknown["error"]["code"] == 102


async def test_sdks_find_the_socket_where_they_look(server: ServerProcess, token: str) -> None:
    url = server.socket_url.replace("/ws", "/connection/websocket")
    async with open_socket(url, token, subprotocols=["centrifuge-json"]) as socket:
        assert "subscribe" in await socket.ask(**SUBSCRIBE)
