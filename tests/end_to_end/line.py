"""A client's connection: one that can stop reading, and one on which little is buffered."""

import asyncio
import socket

from load.frames import Opcode
from load.websocket import Address, Listener, WebSocket

NARROW = (
    (socket.SOL_SOCKET, socket.SO_RCVBUF, 4096),
    (socket.IPPROTO_TCP, socket.TCP_MAXSEG, 1400),
)
"""At first about 70 KB fit between the two ends, and more with each byte that is read; otherwise
it is 4 MB on the loopback device."""


class Line(WebSocket):
    @property
    def port(self) -> int:
        """Its own, by which the server's side of it can be found."""
        return int(self._transport.get_extra_info("sockname")[1])

    def send_frame(self, opcode: int, payload: bytes) -> None:
        """Any frame, whether or not a server may be sent it."""
        self._send(Opcode(opcode), payload)

    def pause(self) -> None:
        """Stop reading, as a client that hangs."""
        self._transport.pause_reading()

    def resume(self) -> None:
        self._transport.resume_reading()


async def open_line(address: Address, listener: Listener, *, narrow: bool = False) -> Line:
    """Connect; the listener is told once the handshake is done. Raises OSError."""
    loop, wire = asyncio.get_running_loop(), socket.socket()
    try:
        wire.setblocking(False)  # noqa: FBT003 - the library's signature
        for option in NARROW if narrow else ():
            wire.setsockopt(*option)
        await loop.sock_connect(wire, (address.host, address.port))
        _, line = await loop.create_connection(lambda: Line(address, listener), sock=wire)
    except BaseException:
        wire.close()
        raise
    return line
