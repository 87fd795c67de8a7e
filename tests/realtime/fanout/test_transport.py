"""A taken-over connection as its owner and its client see it, on both event loops."""

import gc
from collections.abc import Iterator

import pytest
from prometheus_client import REGISTRY

from app.realtime.websocket.socket_transport import CLOSE_SECONDS
from app.realtime.wire.frames import Opcode
from tests.realtime.owners import OneAtATime, RecordingOwner
from tests.realtime.raw_socket import close_frame, frame
from tests.realtime.served import LOOPS
from tests.realtime.tookover import TakenOver, taking_over
from tests.waiting import until

TEXT, BINARY, CLOSE = Opcode.TEXT, Opcode.BINARY, Opcode.CLOSE
PIECE = "x" * 60_000
MANY = 200  # pieces: more than all buffers on the way take


@pytest.fixture(scope="module", params=LOOPS)
def app(request: pytest.FixtureRequest) -> Iterator[TakenOver]:
    with taking_over(request.param) as app:
        yield app


# -------------------------------------------------------------------- messages


async def test_messages_go_to_the_owner(app: TakenOver) -> None:
    async with app.socket() as (raw, owner):
        raw.write(frame(TEXT, "grün".encode()) + frame(BINARY, b"\xff") + frame(TEXT, b""))
        await until(lambda: len(owner.messages) == 3)
        assert owner.messages == ["grün", b"\xff", ""]


async def test_what_the_owner_sends_goes_to_the_client(app: TakenOver) -> None:
    async with app.socket() as (raw, owner):
        for said in ("grün", b"\xff", PIECE * 2):
            await app.do(owner.say, said)
        assert await raw.frame() == (TEXT, "grün".encode())
        assert await raw.frame() == (BINARY, b"\xff")
        assert await raw.frame() == (TEXT, PIECE.encode() * 2)


async def test_a_ping_is_answered(app: TakenOver) -> None:
    async with app.socket() as (raw, owner):
        raw.write(frame(Opcode.PING, b"1") + frame(Opcode.PONG, b"2") + frame(Opcode.PING))
        assert await raw.frame() == (Opcode.PONG, b"1")
        assert await raw.frame() == (Opcode.PONG, b"")
        assert not owner.messages


async def test_the_handshake_leaves_nothing_behind(app: TakenOver) -> None:
    """Nor anything that waits for the garbage collector."""
    async with app.socket() as (raw, owner):
        gc.disable()
        try:
            await until(lambda: not any(left() for left in app.handshakes[owner]))
        finally:
            gc.enable()
        assert not app.served.state.tasks
        assert app.served.state.connections == {owner.transport}
        raw.write(frame(TEXT, b"still here"))
        await until(lambda: owner.messages == ["still here"])


# --------------------------------------------------------------------- the end


async def test_a_close_comes_after_all_that_was_given(app: TakenOver) -> None:
    async with app.socket() as (raw, owner):
        await app.do(close_after, owner, [PIECE] * MANY, 3001, "shutdown")
        for _ in range(MANY):
            assert await raw.frame() == (TEXT, PIECE.encode())
        assert await raw.frame() == (CLOSE, (3001).to_bytes(2) + b"shutdown")
        assert "lost" not in owner.changes
        raw.write(close_frame(3001))
        assert await raw.ended() == b""
        await until(lambda: owner.changes[-1] == "lost")
        assert owner.changes.count("lost") == 1


def close_after(owner: RecordingOwner, said: list[str], code: int, reason: str) -> None:
    for one in said:
        owner.say(one)
    owner.carrier.close(code, reason)
    owner.carrier.close(code + 1, "later calls have no effect")
    owner.say("neither has this")


async def test_a_closing_connection_is_not_writable_and_hands_over_nothing(app: TakenOver) -> None:
    async with app.socket() as (raw, owner):
        await app.do(owner.carrier.close, 1000, "")
        assert not owner.carrier.writable
        raw.write(frame(TEXT, b"too late") + frame(Opcode.PING) + close_frame(1000))
        await until(lambda: owner.changes == ["lost"])
        assert not owner.messages
        assert await raw.ended() == bytes((0x88, 2)) + (1000).to_bytes(2)


async def test_a_paused_owner_that_closes_gets_its_answer(app: TakenOver) -> None:
    async with app.socket(OneAtATime) as (raw, owner):
        raw.write(frame(TEXT, b"1") + frame(TEXT, b"2") + close_frame(1000))
        await until(lambda: owner.messages == ["1"])
        await app.do(owner.carrier.close, 1000, "")
        await until(lambda: owner.changes == ["lost"], CLOSE_SECONDS / 2)
        assert owner.messages == ["1"]


@pytest.mark.parametrize("code", [1000, 1001, 4000])
async def test_a_client_that_closes_is_answered_with_its_code(app: TakenOver, code: int) -> None:
    async with app.socket() as (raw, owner):
        raw.write(frame(TEXT, b"last words") + close_frame(code, "bye") + frame(TEXT, b"late"))
        assert await raw.closed() == code
        assert await raw.ended() == b""
        await until(lambda: owner.changes == ["lost"])
        assert owner.messages == ["last words"]
        assert owner.carrier.ended == (code, "bye")


async def test_an_empty_close_is_answered_with_an_empty_one(app: TakenOver) -> None:
    async with app.socket() as (raw, owner):
        raw.write(frame(CLOSE))
        assert await raw.ended() == bytes((0x88, 0))
        await until(lambda: owner.changes == ["lost"])


@pytest.mark.parametrize("how", ["reset", "leave"])
async def test_an_owner_is_told_once_that_its_client_is_gone(app: TakenOver, how: str) -> None:
    async with app.socket() as (raw, owner):
        if how == "reset":
            raw.reset()
        else:
            await raw.leave()
        await until(lambda: owner.changes == ["lost"])
        await app.do(close_after, owner, ["to nobody"] * 10, 1000, "")
        await app.do(owner.carrier.pause_reading)
        await app.do(owner.carrier.resume_reading)
        assert owner.changes == ["lost"]
        assert not owner.carrier.writable
        assert owner not in gc.get_referents(owner.carrier)


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (frame(TEXT, b"\xff"), 1007),
        (frame(3), 1002),
        (frame(TEXT, bytes(65537)), 1009),
    ],
    ids=["not UTF-8", "unknown opcode", "too long"],
)
async def test_a_client_that_breaks_the_rules_learns_which(
    app: TakenOver, data: bytes, code: int
) -> None:
    """Even if it goes on sending: the connection is not reset with the close frame unread."""
    async with app.socket() as (raw, owner):
        raw.write(frame(TEXT, b"fine") + data + bytes(3_000_000))
        assert await raw.closed() == code
        assert await raw.ended() == b""
        assert owner.messages == ["fine"]
        await raw.leave()
        await until(lambda: owner.changes == ["lost"])
        assert owner.carrier.ended.code == code


async def test_an_owner_that_fails_costs_its_own_connection(
    app: TakenOver, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(_message: str | bytes) -> None:
        raise LookupError("an owner's mistake")

    async with app.socket() as (raw, owner):
        owner.on_news = fail
        raw.write(frame(TEXT, b"1") + frame(TEXT, b"2"))
        assert await raw.closed() == 1011
        raw.write(close_frame(1011))
        await until(lambda: owner.changes == ["lost"])
        assert owner.messages == ["1"]
    assert [record.getMessage() for record in caplog.records] == ["connection failed"]


@pytest.mark.parametrize(
    ("sent", "code"), [(frame(TEXT, b"\xff"), 1007), (frame(Opcode.CONTINUATION, b""), 1002)]
)
async def test_what_it_closes_by_itself_is_counted(app: TakenOver, sent: bytes, code: int) -> None:
    before = closes(code)
    async with app.socket() as (raw, _owner):
        raw.write(sent + sent)
        assert await raw.closed() == code
    assert closes(code) == before + 1


def closes(code: int) -> float:
    return REGISTRY.get_sample_value("tandem_closes_total", {"code": str(code)}) or 0.0
