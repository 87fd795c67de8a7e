"""uvicorn's HTTP protocol, but with bounds on a request's head: its size, its time, and how many
may wait behind one that is not answered yet.

Neither uvicorn's class nor its parser has any: both hold whatever comes, and each further piece of
a header is added to a copy of all before it. A head that has begun may stay so for ever.
"""

import asyncio
from http import HTTPStatus
from typing import Any, cast

from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState

from app.core.bare_problems import whole_answer
from app.core.middleware import BODY_SECONDS
from app.realtime.runtime import Runtime
from app.realtime.time_limit import TimeLimit

HEAD_BYTES = 64 * 1024
LONGEST_BYTES = 8 * 1024
"""Of the address, or of one header: what reads them, field by field, is on the loop. So it is with
most servers and proxies.
"""
LINE_BYTES = 4
"""What a header takes beside its name and its value."""
PIPELINED = 16
"""One read brings thousands of the shortest heads; each is a request before any is answered."""
TOO_LARGE = whole_answer(
    HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, "The head of the request is too large."
)
URI_TOO_LONG = whole_answer(HTTPStatus.REQUEST_URI_TOO_LONG, "The address is too long.")
MALFORMED = whole_answer(HTTPStatus.BAD_REQUEST, "This is no valid HTTP request.")

UNLIMITED = TimeLimit(0)


class HeadTooLarge(Exception):
    """Ends the parser's work on what has arrived."""


class TooManyPipelined(Exception):
    """So does this."""


class BoundedHttpProtocol(HttpToolsProtocol):
    """Refuses a head of more than HEAD_BYTES, or a header of more than LONGEST_BYTES, with 431, an
    address so long with 414, and closes; closes, too, if a head takes longer than CONNECT_SECONDS,
    counted from its first bytes: how long a connection may idle between two is uvicorn's to say.
    What is still to come of a body that was answered already is read for `body_seconds`.

    Closes, too, if more than PIPELINED requests wait for the answer to the one before them: it is
    for the client to send the rest again.

    What was read is counted from one piece of a message to the next (its head, a piece of its body,
    its end), so trailers and what stands between chunks are bounded, too.
    """

    body_seconds = BODY_SECONDS

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self.due = 0.0
        self._limit = arrivals_of(app_state)
        self._unfinished = 0  # bytes, give or take one read
        self._refusal = MALFORMED
        self._rest_of_body: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # uvicorn's
        super().connection_made(transport)
        self._limit.begin(self)

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._limit.end(self)
        self._end_rest_of_body()

    def expire(self) -> None:
        self.transport.close()

    def data_received(self, data: bytes) -> None:
        if self.timeout_keep_alive_task is not None and not self._unfinished:
            self._limit.begin(self)
        self._unfinished += len(data)
        super().data_received(data)
        if self._unfinished > HEAD_BYTES and not self.transport.is_closing():
            self._refuse(TOO_LARGE)

    def on_headers_complete(self) -> None:
        lines = [len(name) + len(value) + LINE_BYTES for name, value in self.headers]
        if len(self.url) > LONGEST_BYTES:
            self._refusal = URI_TOO_LONG
            raise HeadTooLarge
        if max(lines, default=0) > LONGEST_BYTES or len(self.url) + sum(lines) > HEAD_BYTES:
            self._refusal = TOO_LARGE
            raise HeadTooLarge
        self._unfinished = 0
        self._limit.end(self)
        if len(self.pipeline) == PIPELINED:
            raise TooManyPipelined
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        self._unfinished = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._unfinished = 0
        if self._end_rest_of_body():
            self._limit.begin(self)
        super().on_message_complete()

    def on_response_complete(self) -> None:
        answered = self.cycle
        super().on_response_complete()
        if self.timeout_keep_alive_task is None:  # another request waits, or it is the end
            return
        if answered.more_body:
            self._unset_keepalive_if_required()
            close = self.transport.close
            self._rest_of_body = self.loop.call_later(self.body_seconds, close)
        elif self._unfinished:  # of the next head
            self._limit.begin(self)

    def _end_rest_of_body(self) -> bool:
        """Whether there was any."""
        rest, self._rest_of_body = self._rest_of_body, None
        if rest is not None:
            rest.cancel()
        return rest is not None

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 - uvicorn's signature
        self._refuse(TOO_LARGE if self._unfinished > HEAD_BYTES else self._refusal)

    def _refuse(self, answer: bytes) -> None:
        """In the midst of another answer nothing can be said."""
        cycle = cast("RequestResponseCycle | None", self.cycle)
        if cycle is None or cycle.response_complete:
            self.transport.write(answer)
        self.transport.close()


def arrivals_of(app_state: dict[str, Any]) -> TimeLimit:
    """How long a head may take; another application, as tests serve, has no limit."""
    runtime = app_state.get("realtime")
    return runtime.arrivals if isinstance(runtime, Runtime) else UNLIMITED
