"""A connection to Redis whose replies are taken as they come.

The library connects it, with all that an address can ask for: TLS, a socket, credentials. From then
on nothing lies between the transport and whoever speaks or listens but the parser.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable
from contextlib import suppress
from time import perf_counter
from typing import cast

from hiredis import Reader, ReplyError, pack_command
from redis.asyncio import Redis
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import ResponseError

from app.core.stints import STINT_SECONDS

PIECE_BYTES = 32_768
"""The parser moves what it holds again and again: all of a burst at once would take it longer."""


class Link(asyncio.Protocol):
    """One connection, which ends for good when anything goes wrong with it; a command that Redis
    refuses is such a thing.

    `on_reply(reply)`: as the parser gives it. What comes in a burst is taken in several turns of
    the loop, and no more is read meanwhile. `on_end(error)`: once, None for an end by `close`.
    `heard_at`: when something of Redis was last taken, on the loop's clock, in seconds.
    """

    def __init__(
        self,
        writer: asyncio.StreamWriter,
        on_reply: Callable[[object], None],
        on_end: Callable[[BaseException | None], None],
    ) -> None:
        self._writer = writer  # closes its transport when nobody holds it
        self._transport = cast("asyncio.Transport", writer.transport)
        self._on_reply = on_reply
        self._on_end = on_end
        self._loop = asyncio.get_running_loop()
        self._reader = Reader()
        self._unread: deque[bytes] = deque()
        self._next_turn: asyncio.Handle | None = None
        self._ended = asyncio.Event()
        self._error: BaseException | None = None
        self.heard_at = self._loop.time()

    @classmethod
    async def open(
        cls,
        redis: Redis,
        on_reply: Callable[[object], None],
        on_end: Callable[[BaseException | None], None] = lambda _error: None,
    ) -> "Link":
        """Connect as the client does. Raises one of REDIS_FAILURES."""
        connection = redis.connection_pool.make_connection()  # type: ignore[no-untyped-call]
        try:
            await connection.connect()
        except BaseException:
            await connection.disconnect(nowait=True)
            raise
        # It has no way to be asked for its transport, and closes one that it holds.
        writer, connection._writer = connection._writer, None  # noqa: SLF001
        link = cls(writer, on_reply, on_end)
        writer.transport.set_protocol(link)
        return link

    # ------------------------------------------------------------------- asking

    def publish(self, messages: Iterable[tuple[str, bytes]]) -> None:
        """Each, a topic and its data, is answered by an integer."""
        self._send(*(("PUBLISH", topic, data) for topic, data in messages))

    def subscribe(self, *topics: str) -> None:
        if topics:
            self._send(("SUBSCRIBE", *topics))

    def unsubscribe(self, *topics: str) -> None:
        """Without any it is nothing, which would be all of them to Redis."""
        if topics:
            self._send(("UNSUBSCRIBE", *topics))

    def ping(self) -> None:
        """Have Redis say something."""
        self._send(("PING",))

    @property
    def is_open(self) -> bool:
        return not self._ended.is_set() and not self._transport.is_closing()

    def close(self) -> None:
        """No reply is told to anybody any more. May be called twice."""
        self._end(None)

    async def ends(self, seconds: float) -> bool:
        """Whether it has ended, after so many seconds at most. Raises what it ended by: one of
        REDIS_FAILURES, or what whoever listens has raised.
        """
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._ended.wait()
        if self._error is not None:
            raise self._error
        return self._ended.is_set()

    def _send(self, *commands: tuple[str | bytes, ...]) -> None:
        if self.is_open:
            packed = [pack_command(each) for each in commands]  # type: ignore[arg-type] # of any length
            self._transport.write(b"".join(packed))

    # ------------------------------------------------------------------ listening

    def data_received(self, data: bytes) -> None:
        self._unread.extend(data[at : at + PIECE_BYTES] for at in range(0, len(data), PIECE_BYTES))
        if self._next_turn is None:
            self._take()

    def connection_lost(self, error: Exception | None) -> None:
        self._end(error or RedisConnectionError("Redis ended the connection"))

    def _take(self) -> None:
        """Pass on what has come, for the rest of which there may be another turn."""
        self.heard_at = self._loop.time()
        if self._next_turn is not None:
            self._next_turn = None
            self._transport.resume_reading()
        until = perf_counter() + STINT_SECONDS
        try:
            while self._pass_on_next():
                if perf_counter() > until:
                    self._transport.pause_reading()
                    self._next_turn = self._loop.call_soon(self._take)
                    return
        except Exception as error:  # noqa: BLE001 - an edge: told to whoever waits for the end
            self._end(error)

    def _pass_on_next(self) -> bool:
        """Whether there was one, and may be another."""
        while (reply := self._reader.gets()) is False:
            if not self._unread:
                return False
            self._reader.feed(self._unread.popleft())
        self._pass_on(reply)
        return not self._ended.is_set()

    def _pass_on(self, reply: object) -> None:
        if isinstance(reply, ReplyError):
            raise ResponseError(str(reply))
        self._on_reply(reply)

    def _end(self, error: BaseException | None) -> None:
        if self._ended.is_set():
            return
        self._error = error
        self._ended.set()
        if self._next_turn is not None:
            self._next_turn.cancel()
        self._transport.abort()
        self._on_end(error)
