"""A Postgres that answers every connection with an error, as one does that is starting up."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

SSL_REQUEST = 80877103


@asynccontextmanager
async def refusing_postgres(sqlstate: str) -> AsyncIterator[str]:
    """Its address; `sqlstate` is the error that it gives."""

    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            length = int.from_bytes(await reader.readexactly(4))
            request = await reader.readexactly(length - 4)
            if int.from_bytes(request[:4]) != SSL_REQUEST:
                break
            writer.write(b"N")
        fields = b"".join(
            kind + text.encode() + b"\0"
            for kind, text in ((b"S", "FATAL"), (b"C", sqlstate), (b"M", "not now"))
        )
        writer.write(b"E" + (len(fields) + 5).to_bytes(4) + fields + b"\0")
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_server(refuse, "127.0.0.1", 0)
    async with server:
        yield f"postgresql://tandem@127.0.0.1:{server.sockets[0].getsockname()[1]}/tandem"
