"""/ws as an ASGI route: the handshake, and what carries a connection."""

import asyncio
import json

import pytest
from starlette.websockets import WebSocket

from app.core.config import Settings
from app.realtime.websocket.router import AsgiTransport
from app.realtime.wire.frames import Message
from tests.realtime.asgi_socket import AsgiSocket, opened
from tests.realtime.raw_socket import connected
from tests.realtime.served import serving
from tests.realtime.stage import Stage, staged
from tests.waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.fixture
def stage(shared_stage: Stage) -> Stage:
    return shared_stage


# ------------------------------------------------------------------- handshake


@pytest.mark.parametrize("path", ["/ws", "/connection/websocket"])
async def test_a_socket_is_accepted_on_both_paths(stage: Stage, path: str) -> None:
    async with opened(stage.application.asgi, path=path) as (socket, _calling):
        assert (await socket.accepted())["subprotocol"] is None


@pytest.mark.parametrize(
    ("offered", "chosen"),
    [
        (("centrifuge-json",), "centrifuge-json"),
        (("other", "centrifuge-json"), "centrifuge-json"),
        (("other",), None),
    ],
)
async def test_the_json_subprotocol_is_chosen_if_it_is_offered(
    stage: Stage, offered: tuple[str, ...], chosen: str | None
) -> None:
    async with opened(stage.application.asgi, subprotocols=offered) as (socket, _calling):
        assert (await socket.accepted())["subprotocol"] == chosen


@pytest.mark.parametrize("origin", ["http://tandem.example", "https://tandem.example"])
async def test_a_page_of_our_own_may_connect(stage: Stage, origin: str) -> None:
    async with opened(stage.application.asgi, origin=origin) as (socket, _calling):
        await socket.accepted()


@pytest.mark.parametrize(
    "origin",
    [
        "http://elsewhere.example",
        "http://tandem.example.elsewhere.example",
        "http://tandem.example:81",
        "null",
        "",
        "http://[",
        "tandem.example",
    ],
)
async def test_a_page_of_somebody_else_may_not(stage: Stage, origin: str) -> None:
    async with opened(stage.application.asgi, origin=origin) as (socket, calling):
        await calling
        assert socket.denied == 403


async def test_a_refused_page_makes_no_server_complain(
    stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    with serving(stage.application.asgi, ws="websockets-sansio", loop="asyncio") as served:
        async with connected(served.port) as raw:
            await raw.upgrade("/ws", "Origin: https://elsewhere.example")
            assert raw.head.startswith(b"HTTP/1.1 403 ")
    assert "ERROR" not in {record.levelname for record in caplog.records}


@pytest.mark.asyncio(loop_scope="function")
async def test_allowed_origins_may_connect(settings: Settings) -> None:
    allowed = "https://app.example"
    async with (
        staged(settings, cors_origins=(allowed,)) as stage,
        opened(stage.application.asgi, origin=allowed) as (socket, _calling),
    ):
        await socket.accepted()


@pytest.mark.asyncio(loop_scope="function")
async def test_while_draining_sockets_are_closed_and_none_is_accepted(settings: Settings) -> None:
    async with staged(settings) as stage, opened(stage.application.asgi) as (socket, calling):
        await socket.accepted()
        await until(lambda: bool(stage.runtime.manager.connections))
        await stage.runtime.drain()
        await calling
        assert socket.closed == 3001
        async with opened(stage.application.asgi) as (late, refusing):
            await refusing
            assert late.denied == 503
            headers = dict(late.sent[0]["headers"])
            assert int(headers[b"retry-after"]) >= 1
            assert headers[b"content-type"] == b"application/problem+json"
            told = json.loads(late.sent[1]["body"])
            assert (told["code"], told["instance"]) == ("service_unavailable", "/ws")


@pytest.mark.asyncio(loop_scope="function")
async def test_a_handshake_that_a_drain_overtakes_is_closed(settings: Settings) -> None:
    async with staged(settings) as stage, opened(stage.application.asgi) as (socket, calling):
        socket.block()  # before the handshake's answer is taken
        await socket.stuck.wait()
        await stage.runtime.drain()
        socket.unblock()
        await calling
        assert socket.closed == 3001


@pytest.mark.asyncio(loop_scope="function")
async def test_before_the_worker_is_ready_nothing_is_accepted(settings: Settings) -> None:
    async with staged(settings) as stage:
        stage.runtime.ready.clear()
        async with opened(stage.application.asgi) as (socket, calling):
            await calling
            assert socket.denied == 503
        stage.runtime.ready.set()


# -------------------------------------------------------------------- carrying


async def test_commands_are_answered_and_events_pushed(stage: Stage) -> None:
    cleo = await stage.person("cleo")
    async with opened(stage.application.asgi) as (socket, _calling):
        socket.say({"id": 1, "connect": {"token": cleo.token}})
        assert "connect" in await socket.answer(1)
        await stage.place(cleo)
        await until(lambda: "order.created" in str(socket.documents))


async def test_pings_in_frames_are_the_servers(stage: Stage) -> None:
    cleo = await stage.person("cleo")
    query = "cf_ws_frame_ping_pong=true"
    async with opened(stage.application.asgi, query=query) as (socket, _calling):
        socket.say({"id": 1, "connect": {"token": cleo.token}})
        result = (await socket.answer(1))["connect"]
        assert (result["ping"], result["pong"]) == (0, False)
        (connection,) = stage.runtime.manager.connections
        assert connection.timing.next_ping is None


async def test_several_commands_in_one_message_are_answered_in_order(stage: Stage) -> None:
    staff = await stage.staff()
    async with opened(stage.application.asgi) as (socket, _calling):
        socket.say(
            {"id": 1, "connect": {"token": staff.token}},
            {"id": 2, "subscribe": {"channel": "orders"}},
            {"id": 3, "subscribe": {"channel": "users"}},
        )
        assert (await socket.answer(3))["error"]["code"] == 103
        assert [each["id"] for each in socket.documents if "id" in each] == [1, 2, 3]


async def test_the_end_of_the_client_is_the_end_of_its_connection(stage: Stage) -> None:
    before = len(stage.runtime.manager.connections)
    async with opened(stage.application.asgi) as (socket, calling):
        await socket.accepted()
        await until(lambda: len(stage.runtime.manager.connections) == before + 1)
        socket.leave()
        await calling
    assert len(stage.runtime.manager.connections) == before


@pytest.mark.parametrize("text", ["", "nonsense", "{}"])
async def test_misuse_closes_with_a_code(stage: Stage, text: str) -> None:
    async with opened(stage.application.asgi) as (socket, calling):
        socket.put(text=text)
        await calling
        assert socket.closed == 3501


async def test_a_binary_message_closes(stage: Stage) -> None:
    async with opened(stage.application.asgi) as (socket, calling):
        socket.put(bytes=b"{}")
        await calling
        assert socket.closed == 3501


@pytest.mark.parametrize("text", [" " * 65_537, "€" * 21_846, "🛒" * 16_385])
async def test_a_message_over_the_limit_closes(stage: Stage, text: str) -> None:
    async with opened(stage.application.asgi) as (socket, calling):
        socket.put(text=text)
        await calling
        assert socket.closed == 1009


@pytest.mark.parametrize("character", ["x", "€", "🛒"])
async def test_a_message_of_just_the_limit_is_carried_out(stage: Stage, character: str) -> None:
    cleo = await stage.person("cleo")
    command = '{"id":1,"connect":{"token":"%s","name":"%s"}}'
    room = 65_536 - len(command % (cleo.token, ""))
    name = character * (room // len(character.encode()))
    text = command % (cleo.token, name)
    text += " " * (65_536 - len(text.encode()))
    async with opened(stage.application.asgi) as (socket, _calling):
        socket.put(text=text)
        assert "connect" in await socket.answer(1)


async def test_what_was_answered_before_a_close_is_sent_before_it(stage: Stage) -> None:
    cleo = await stage.person("cleo")
    async with opened(stage.application.asgi) as (socket, calling):
        socket.say({"id": 1, "connect": {"token": cleo.token}}, {"id": 2, "connect": {}})
        await calling
        assert [message["type"] for message in socket.sent] == [
            "websocket.accept",
            "websocket.send",
            "websocket.close",
        ]
        assert socket.closed == 3501


async def test_a_client_that_does_not_read_gets_everything_once_it_does(stage: Stage) -> None:
    cleo = await stage.person("cleo")
    async with opened(stage.application.asgi) as (socket, _calling):
        socket.say({"id": 1, "connect": {"token": cleo.token}})
        await socket.answer(1)
        socket.block()
        orders = [await stage.place(cleo) for _ in range(5)]
        await socket.stuck.wait()
        socket.unblock()
        await until(lambda: str(socket.documents).count("order.created") == len(orders))
        offsets = [each["push"]["pub"]["offset"] for each in socket.documents if "push" in each]
        assert offsets == sorted(set(offsets))


async def test_nothing_more_is_read_while_an_answer_was_not_taken(stage: Stage) -> None:
    cleo = await stage.person("cleo")
    async with opened(stage.application.asgi) as (socket, _calling):
        socket.say({"id": 1, "connect": {"token": cleo.token}})
        await socket.answer(1)
        socket.block()
        for number in range(2, 30):
            socket.say({"id": number, "unsubscribe": {"channel": "a"}})
        await socket.stuck.wait()
        assert socket._incoming.qsize() >= 26
        socket.unblock()
        await socket.answer(29)


async def test_the_rest_of_a_message_waits_while_its_answers_do(stage: Stage) -> None:
    cleo = await stage.person("cleo")
    async with opened(stage.application.asgi) as (socket, _calling):
        socket.say({"id": 1, "connect": {"token": cleo.token}})
        await socket.answer(1)
        (connection,) = stage.runtime.manager.of_user(cleo.id)
        socket.block()
        history = {"channel": f"users:{cleo.id}", "limit": 5}
        socket.say(*({"id": number, "history": history} for number in range(2, 50)))
        await socket.stuck.wait()
        for _ in range(50):  # in this time they could all have been carried out
            await stage.runtime.reader.extent("a")
        assert len(connection._outgoing) <= 1
        socket.unblock()
        await socket.answer(49)
        answered = [each["id"] for each in socket.documents if "id" in each]
        assert answered == list(range(1, 50))


class HastyTransport(AsgiTransport):
    """Does not wait for long for a client that stopped reading."""

    close_seconds = 0.1


async def test_a_close_does_not_wait_for_ever_for_a_client_that_does_not_read() -> None:
    socket = AsgiSocket()
    scope = {"type": "websocket", "path": "/ws", "headers": []}
    websocket = WebSocket(scope, socket.receive, socket.send)
    await websocket.accept()
    transport = HastyTransport(websocket)
    writing = asyncio.create_task(transport.run())
    socket.block()
    transport.send(Message(b"{}"))
    await socket.stuck.wait()
    assert not transport.writable
    transport.close(3012, "no pong")
    done, _pending = await asyncio.wait({writing}, timeout=15)
    assert done == {writing}
