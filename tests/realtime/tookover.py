"""A server whose connections are taken over at once, each by a recording owner."""

import weakref
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from itertools import count
from typing import Any

from app.realtime.fanout.transport import TAKE_OVER
from tests.realtime.owners import RecordingOwner, Scope, accept_and_take_over
from tests.realtime.raw_socket import RawSocket, opened
from tests.realtime.served import Served, serving
from tests.waiting import until


class TakenOver:
    """`socket` opens a connection and gives both of its ends.

    `handshakes` tells of each owner whether what its handshake needed is still there.
    """

    def __init__(self) -> None:
        self.served: Served
        self.handshakes: dict[RecordingOwner, list[weakref.ref[Any]]] = {}
        self._owners: dict[str, RecordingOwner] = {}
        self._paths = (f"/{number}" for number in count())

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        owner = self._owners[scope["path"]]
        protocol = scope["extensions"][TAKE_OVER].__self__
        self.handshakes[owner] = [weakref.ref(protocol), weakref.ref(protocol.conn)]
        owner.transport = await accept_and_take_over(scope, receive, send, owner)

    @asynccontextmanager
    async def socket(
        self,
        make_owner: Callable[[], RecordingOwner] = RecordingOwner,
        receive_buffer: int | None = None,
    ) -> AsyncIterator[tuple[RawSocket, Any]]:
        path = next(self._paths)
        owner = self._owners[path] = make_owner()
        async with opened(self.served.port, path, receive_buffer=receive_buffer) as raw:
            await until(lambda: owner.transport is not None)
            yield raw, owner

    async def do(self, action: Callable[..., Any], *arguments: Any) -> Any:
        return await self.served.do(action, *arguments)


@contextmanager
def taking_over(loop: str) -> Iterator[TakenOver]:
    app = TakenOver()
    with serving(app, loop=loop) as served:
        app.served = served
        yield app
