"""The connections of one client process, together."""

import asyncio
import ssl
import sys
import time
from collections import Counter
from functools import partial

from load.dialects import DIALECTS
from load.documents import Documents
from load.errors import LoadError
from load.following import FollowingSocket
from load.many import ManySubscriber
from load.messages import Job, Progress, Tally
from load.receipts import Receipts
from load.reference import Reference
from load.steps import Steps
from load.subscriber import Subscriber
from load.websocket import Address, WebSocket

SUBSCRIBE_SECONDS = 20


class Crowd:
    """Connections that were opened and subscribed; all count into one account.

    `tls`: that of the target's address, from whoever makes many crowds.
    """

    def __init__(self, job: Job, tls: ssl.SSLContext | None = None) -> None:
        self.receipts = Receipts()
        self._apart = Receipts()
        """Of those that were paused: their own doing is not what the others feel, nor timed."""
        self._job = job
        self._make = DIALECTS[job.dialect]
        path = self._make("", "").path
        self._address = Address.of(job.url, path, compression=job.compression)
        self._tls = tls or self._address.tls()
        self._reference = Reference()
        self._documents = Documents()
        self._steps = Steps()
        self._gate = asyncio.Semaphore(job.at_once)
        self.subscribers: list[Subscriber] = []
        self._many: list[ManySubscriber] = []
        self._returning: set[asyncio.Task[None]] = set()

    async def open(self) -> None:
        """All connections, some at once; raises the first LoadError."""
        job = self._job
        if job.channels:
            self._many = [
                ManySubscriber(job.token, job.channels[nth :: job.connections], self.receipts)
                for nth in range(job.connections)
            ]
        else:
            self.subscribers = [
                Subscriber(self._make(job.token, job.channel), self.receipts)
                for _ in range(job.connections)
            ]
        await asyncio.gather(*map(self._open, self._everybody))

    async def storm(self) -> float:
        """All drop their connections and come back at once; seconds until the last is there."""
        begin = time.monotonic()
        for each in self.subscribers:
            each.come_back()
        await asyncio.gather(*map(self._open, self.subscribers))
        return time.monotonic() - begin

    def pause(self, count: int) -> None:
        """Whoever is closed for it comes back as soon as it knows."""
        for each in self.subscribers[:count]:
            each.pause(self._apart, partial(self._bring_back, each))

    def go_on(self) -> None:
        for each in self.subscribers:
            each.go_on()

    def leave(self) -> None:
        for task in self._returning:
            task.cancel()
        for each in self._everybody:
            each.leave()

    def progress(self) -> Progress:
        """Connections that have ended are not waited for."""
        self.receipts.settle()
        complete = [each.ledger.complete_to() for each in self._everybody if not each.ended]
        deliveries = self.receipts.deliveries + self._apart.deliveries
        return Progress(deliveries, min(complete, default=sys.maxsize))

    def tally(self, until: int) -> Tally:
        """The accounts of all; the next ones begin where these end."""
        ledgers = [each.ledger for each in self._everybody]
        lasting = [each.ledger for each in self._everybody if not each.ended]
        ended = [each.ledger for each in self._everybody if each.ended]
        lost = sum(ledger.lost(until) for ledger in lasting)
        self.receipts.settle()
        found = Tally(
            latencies=self.receipts.latencies,
            lost=lost + sum(ledger.holes(until) for ledger in ended),
            missed=sum(ledger.missed(until) for ledger in ended),
            duplicated=sum(ledger.duplicated for ledger in ledgers),
            out_of_order=sum(ledger.out_of_order for ledger in ledgers),
            received=sum(ledger.received for ledger in ledgers),
            last=self.receipts.last,
            ended=Counter(each.ended for each in self._everybody if each.ended),
            returned=Counter(
                each.returned for each in self.subscribers if each.returned and not each.ended
            ),
        )
        self.receipts.restart()
        for ledger in ledgers:
            ledger.settle(until)
        return found

    @property
    def _everybody(self) -> list[Subscriber | ManySubscriber]:
        return [*self.subscribers, *self._many]

    def _bring_back(self, subscriber: Subscriber) -> None:
        task = asyncio.create_task(self._return(subscriber))
        self._returning.add(task)
        task.add_done_callback(self._returning.discard)

    async def _return(self, subscriber: Subscriber) -> None:
        """That it could not is how it ended."""
        try:
            await self._open(subscriber)
        except LoadError as error:
            subscriber.ended = subscriber.ended or str(error)

    async def _open(self, subscriber: Subscriber | ManySubscriber) -> None:
        async with self._gate:
            if isinstance(subscriber, Subscriber):
                following = FollowingSocket(
                    self._address, subscriber, self._reference, self._documents, self._steps
                )
                await self._connect(following, subscriber.ready)
            else:
                await self._connect(WebSocket(self._address, subscriber), subscriber.ready)

    async def _connect(self, socket: WebSocket, ready: asyncio.Future[None]) -> None:
        host, port = self._address.host, self._address.port
        try:
            async with asyncio.timeout(SUBSCRIBE_SECONDS):
                transport, _ = await asyncio.get_running_loop().create_connection(
                    lambda: socket, host, port, ssl=self._tls
                )
                try:
                    await ready
                except BaseException:
                    transport.abort()
                    raise
        except TimeoutError:
            raise LoadError.unreachable(
                f"a socket was not subscribed within {SUBSCRIBE_SECONDS} s"
            ) from None
        except OSError as error:
            raise LoadError.unconnected(error) from None
