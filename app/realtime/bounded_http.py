"""uvicorn's HTTP protocol, but with a bound on a request's head.

Neither uvicorn's class nor its parser has one: both hold whatever comes, and each further piece of
a header is added to a copy of all before it.
"""

from typing import cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

HEAD_BYTES = 64 * 1024
LINE_BYTES = 4
"""What a header takes beside its name and its value."""
TOO_LARGE = (
    b"HTTP/1.1 431 Request Header Fields Too Large\r\n"
    b"Connection: close\r\nContent-Length: 0\r\n\r\n"
)


class HeadTooLarge(Exception):
    """Ends the parser's work on what has arrived."""


class BoundedHttpProtocol(HttpToolsProtocol):
    """Refuses a head of more than HEAD_BYTES with 431, and closes.

    What was read is counted from one piece of a message to the next (its head, a piece of its body,
    its end), so trailers and what stands between chunks are bounded, too.
    """

    _unfinished = 0
    """Bytes, give or take one read."""

    def data_received(self, data: bytes) -> None:
        self._unfinished += len(data)
        super().data_received(data)
        if self._unfinished > HEAD_BYTES and not self.transport.is_closing():
            self._refuse()

    def on_headers_complete(self) -> None:
        lines = sum(len(name) + len(value) + LINE_BYTES for name, value in self.headers)
        self._unfinished = len(self.url) + lines
        if self._unfinished > HEAD_BYTES:  # it came with a single read
            raise HeadTooLarge
        self._unfinished = 0
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        self._unfinished = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._unfinished = 0
        super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        if self._unfinished > HEAD_BYTES:
            self._refuse()
        else:
            super().send_400_response(msg)

    def _refuse(self) -> None:
        """In the midst of another answer nothing can be said."""
        cycle = cast("RequestResponseCycle | None", self.cycle)
        if cycle is None or cycle.response_complete:
            self.transport.write(TOO_LARGE)
        self.transport.close()
