"""A client process: `python -m load.reader` opens its share of the connections and counts.

Lines in: `open` Job, then any number of `measure` µs and `tally` offset; an end of file ends it.
Lines out: `ready`, `progress` Progress …, `tally` Tally; or `failed` [exit code, reason].
"""

import asyncio
import gc
import resource
import ssl
import sys
from collections import Counter
from typing import Any

from load import loop
from load.dialects import DIALECTS
from load.errors import LoadError
from load.following import FollowingSocket
from load.messages import PROGRESS_SECONDS, Job, Progress, Tally, decode, encode
from load.receipts import Receipts
from load.reference import Reference
from load.subscriber import Subscriber
from load.websocket import Address, WebSocket

CONNECTING_AT_ONCE = 32
SUBSCRIBE_SECONDS = 20


async def main() -> None:
    commands = await _standard_input()
    try:
        await _serve(commands)
    except LoadError as error:
        _tell("failed", [error.exit_code, str(error)])


async def _serve(commands: asyncio.StreamReader) -> None:
    kind, body = await _next(commands)
    if kind != "open":
        return
    receipts = Receipts()
    subscribers = await connect(Job(**body), receipts)
    _tell("ready")
    ticker = asyncio.create_task(_report_progress(subscribers, receipts))
    while (command := await _next(commands))[0] != "end":
        if command[0] == "measure":
            receipts.measure_from = command[1]
        elif command[0] == "tally":
            _tell("tally", tally(subscribers, receipts, until=command[1]).to_json())
    ticker.cancel()


async def connect(job: Job, receipts: Receipts) -> list[Subscriber]:
    """Open and subscribe all connections, some at once; raises the first LoadError."""
    gate = asyncio.Semaphore(CONNECTING_AT_ONCE)
    make = DIALECTS[job.dialect]
    address = Address.of(job.url, make("", "").path)
    reference = Reference()
    subscribers = [
        Subscriber(make(job.token, job.channel), receipts) for _ in range(job.connections)
    ]
    secure = ssl.create_default_context() if address.secure else None

    async def subscribe(subscriber: Subscriber) -> None:
        async with gate:
            await _open(FollowingSocket(address, subscriber, reference), subscriber, secure)

    await asyncio.gather(*map(subscribe, subscribers))
    return subscribers


async def _open(socket: WebSocket, subscriber: Subscriber, secure: ssl.SSLContext | None) -> None:
    host, port = socket.address.host, socket.address.port
    try:
        async with asyncio.timeout(SUBSCRIBE_SECONDS):
            await asyncio.get_running_loop().create_connection(
                lambda: socket, host, port, ssl=secure
            )
            await subscriber.ready
    except TimeoutError:
        raise LoadError.unreachable(
            f"a socket was not subscribed within {SUBSCRIBE_SECONDS} s"
        ) from None
    except OSError as error:
        raise LoadError.unreachable(f"a socket could not connect: {error}") from None


def progress(subscribers: list[Subscriber], receipts: Receipts) -> Progress:
    """Connections that have ended are not waited for."""
    complete = [each.ledger.complete_to() for each in subscribers if not each.ended]
    return Progress(receipts.deliveries, min(complete, default=sys.maxsize))


def tally(subscribers: list[Subscriber], receipts: Receipts, *, until: int) -> Tally:
    """Their accounts; the next ones begin where these end."""
    ledgers = [each.ledger for each in subscribers]
    receipts.settle()
    found = Tally(
        latencies=receipts.latencies,
        lost=sum(ledger.lost(until) for ledger in ledgers),
        duplicated=sum(ledger.duplicated for ledger in ledgers),
        out_of_order=sum(ledger.out_of_order for ledger in ledgers),
        last=receipts.last,
        ended=Counter(each.ended for each in subscribers if each.ended),
    )
    receipts.restart()
    for ledger in ledgers:
        ledger.settle(until)
    return found


async def _report_progress(subscribers: list[Subscriber], receipts: Receipts) -> None:
    while True:
        receipts.settle()
        _tell("progress", progress(subscribers, receipts))
        await asyncio.sleep(PROGRESS_SECONDS)


async def _standard_input() -> asyncio.StreamReader:
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), sys.stdin
    )
    return reader


async def _next(commands: asyncio.StreamReader) -> tuple[str, Any]:
    line = await commands.readline()
    return decode(line) if line else ("end", None)


def _tell(kind: str, body: Any = None) -> None:
    sys.stdout.buffer.write(encode(kind, body))
    sys.stdout.buffer.flush()


def allow_many_sockets() -> None:
    """Raise the soft limit of open files to the hard one."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


if __name__ == "__main__":
    allow_many_sockets()
    gc.disable()  # the collector would stop all connections now and then, to find nothing
    loop.run(main())
