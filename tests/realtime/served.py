"""An ASGI app served by our protocols on an event loop of its own, in a thread."""

import asyncio
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import uvicorn
import uvloop
from uvicorn.server import ServerState

from app.realtime.websocket.handshakes import Arrival

LOOPS: dict[str, Callable[[], asyncio.AbstractEventLoop]] = {
    "asyncio": asyncio.new_event_loop,
    "uvloop": uvloop.new_event_loop,
}
SECONDS = 10.0

Result = TypeVar("Result")


class Served:
    """`failures` is what the event loop was told of: nothing, if all is well."""

    def __init__(
        self, config: uvicorn.Config, tls: ssl.SSLContext | None, app_state: dict[str, Any]
    ) -> None:
        self.port = 0
        self.state = ServerState()
        self.failures: list[str] = []
        self._config = config
        self._tls = tls
        self._app_state = app_state
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop = asyncio.Event()
        self._ready = threading.Event()

    def connection(self) -> Any:
        """The only one there is."""
        (connection,) = self.state.connections
        return connection

    async def do(self, action: Callable[..., Result], *arguments: Any) -> Result:
        """Call this on the server's event loop."""
        assert self._loop is not None
        future = asyncio.run_coroutine_threadsafe(_call(action, *arguments), self._loop)
        return await asyncio.wrap_future(future)

    @contextmanager
    def running(self, make_loop: Callable[[], asyncio.AbstractEventLoop]) -> Iterator[None]:
        thread = threading.Thread(target=self._run, args=[make_loop])
        thread.start()
        try:
            assert self._ready.wait(SECONDS), "the server does not start"
            yield
        finally:
            if self._loop is not None:
                self._loop.call_soon_threadsafe(self._stop.set)
            thread.join(SECONDS)
        assert not thread.is_alive(), "the server does not stop"
        assert not self.failures, self.failures

    def _run(self, make_loop: Callable[[], asyncio.AbstractEventLoop]) -> None:
        with asyncio.Runner(loop_factory=make_loop) as runner:
            runner.run(self._serve())

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._loop.set_exception_handler(lambda _loop, told: self.failures.append(str(told)))
        make_protocol: Any = self._config.http_protocol_class
        server = await self._loop.create_server(
            lambda: make_protocol(self._config, self.state, self._app_state),
            "127.0.0.1",
            0,
            ssl=self._tls,
        )
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        await self._stop.wait()
        server.close()
        for connection in list(self.state.connections):
            connection.shutdown()
        async with asyncio.timeout(SECONDS):
            while self.state.connections or self.state.tasks:  # noqa: ASYNC110 - no event for it
                await asyncio.sleep(0.01)


@contextmanager
def serving(
    app: Any,
    *,
    loop: str = "uvloop",
    tls: ssl.SSLContext | None = None,
    app_state: dict[str, Any] | None = None,
    **options: Any,
) -> Iterator[Served]:
    """Serve until the block ends; every connection has to be gone then. Options are uvicorn's,
    `app_state` what a lifespan would give.
    """
    defaults: dict[str, Any] = {"ws": Arrival, "ws_max_size": 65536, "log_config": None}
    config = uvicorn.Config(app, **(defaults | {"ws_per_message_deflate": False} | options))
    config.load()
    served = Served(config, tls, app_state or {})
    with served.running(LOOPS[loop]):
        yield served


async def _call(action: Callable[..., Result], *arguments: Any) -> Result:
    return action(*arguments)
