"""An asyncio transport that goes nowhere."""

import asyncio


class Wire(asyncio.Transport):
    """Keeps what is written; `protocol` is None once it is closed."""

    def __init__(self) -> None:
        super().__init__()
        self.writes: list[bytes] = []
        self.protocol: asyncio.BaseProtocol | None = None

    @property
    def written(self) -> bytes:
        return b"".join(self.writes)

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.writes.append(bytes(data))

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """Nothing is buffered."""

    def get_write_buffer_size(self) -> int:
        return 0

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        self.protocol = protocol

    def pause_reading(self) -> None:
        """Whoever has the wire feeds it."""

    def can_write_eof(self) -> bool:
        return False

    def close(self) -> None:
        self.protocol = None

    def is_closing(self) -> bool:
        return self.protocol is None
