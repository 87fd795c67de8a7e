"""A process of clients: `python -m tests.end_to_end.crowd`. Holds them and does as it is told.

Lines in, a JSON array [command, value]: `open` Job first; then `measure` [window, since],
`cut` [how many, within seconds], `cuts` [every, away] or null, `pause`, `resume`, `subscribe`,
`leave` how many, and the questions `ports` and `tally` offset; the end of the input ends it.
Lines out: `progress` Progress ten times a second, and an `answer` to each question.
"""

import asyncio
import sys
from collections.abc import Callable
from dataclasses import asdict
from random import Random
from typing import Any

from load import loop
from load.reader import allow_many_sockets
from tests.end_to_end.accounts import Job, Progress
from tests.end_to_end.client import Client, Common
from tests.end_to_end.lines import read_line, standard_input, tell
from tests.end_to_end.publications import Reader

CONNECTING_AT_ONCE = 32
PROGRESS_SECONDS = 0.1


class Crowd:
    def __init__(self, job: Job) -> None:
        self.common = Common(job, Reader(job.channel), Random(job.seed))
        tokens = job.tokens
        self.clients = [
            Client(self.common, tokens[nth % len(tokens)]) for nth in range(job.connections)
        ]
        self._cutting: dict[Client, asyncio.TimerHandle] = {}
        self._orders: dict[str, Callable[[Any], Any]] = {
            "measure": self._measure,
            "cut": self._cut,
            "cuts": self._begin_cuts,
            "pause": self._pause,
            "resume": self._resume,
            "subscribe": self._subscribe,
            "leave": self._leave,
            "ports": self._ports,
            "tally": self._tally,
        }

    async def open(self) -> None:
        """Some at once; each waits until the one before it is subscribed."""
        waiting = iter(self.clients)

        async def open_some() -> None:
            for client in waiting:
                client.open()
                await client.ready

        await asyncio.gather(*(open_some() for _ in range(CONNECTING_AT_ONCE)))

    @property
    def progress(self) -> Progress:
        ledgers = [client.ledger for client in self.clients if not client.gone]
        complete = [ledger.complete_to() if ledger else 0 for ledger in ledgers]
        return Progress(
            subscribed=sum(client.subscribed for client in self.clients),
            complete_to=min(complete, default=sys.maxsize),
            unsubscribed=sum(client.unsubscribed for client in self.clients),
            returns=self.common.tally.returns,
            gone=sum(client.gone for client in self.clients),
        )

    def obey(self, command: str, value: Any) -> Any:
        """Carry out a command; what it answers, if it is a question."""
        return self._orders[command](value)

    def _measure(self, window: tuple[str, int]) -> None:
        self.common.windows.begin(*window)

    def _subscribe(self, _value: None) -> None:
        for client in self.clients:
            client.subscribe()

    def _leave(self, count: int) -> None:
        for client in [one for one in self.clients if not one.gone][:count]:
            client.leave()

    def _ports(self, _value: None) -> list[int]:
        return [client.line.port for client in self.clients if client.line]

    def _pause(self, _value: None) -> None:
        for line in [client.line for client in self.clients if client.line]:
            line.pause()

    def _resume(self, _value: None) -> None:
        for line in [client.line for client in self.clients if client.line]:
            line.resume()

    def _cut(self, storm: tuple[int, float]) -> None:
        """Cut so many at once; they come back at random moments of the time given."""
        count, within = storm
        for client in self.clients[:count]:
            client.cut(self.common.chance.uniform(0, within))

    def _begin_cuts(self, pace: list[float] | None) -> None:
        """From now on cut each client about `every` seconds, for 0 to `away`; null: no more."""
        for timer in self._cutting.values():
            timer.cancel()
        self._cutting.clear()
        if pace is not None:
            for client in self.clients:
                self._cut_later(client, *pace)

    def _cut_later(self, client: Client, every: float, away: float) -> None:
        chance, clock = self.common.chance, asyncio.get_running_loop()

        def cut() -> None:
            client.cut(chance.uniform(0, away))
            self._cut_later(client, every, away)

        self._cutting[client] = clock.call_later(chance.expovariate(1 / every), cut)

    def _tally(self, until: int) -> dict[str, Any]:
        """Of all clients so far; offsets up to `until` are what each must have."""
        tally = self.common.tally
        ledgers = [client.ledger for client in self.clients if client.ledger]
        tally.latencies = self.common.windows.histograms
        tally.lost = sum(ledger.lost(until) for ledger in ledgers)
        tally.repeated = sum(ledger.duplicated for ledger in ledgers)
        tally.out_of_order = sum(ledger.out_of_order for ledger in ledgers)
        return tally.to_json()


async def main() -> None:
    commands = await standard_input()
    first = await read_line(commands)
    if first is None:
        return
    crowd = Crowd(Job(**first[1]))
    tasks = [asyncio.create_task(crowd.open()), asyncio.create_task(_report(crowd))]
    while (line := await read_line(commands)) is not None:
        answer = crowd.obey(*line)
        if answer is not None:
            tell("answer", answer)
    for task in tasks:
        task.cancel()


async def _report(crowd: Crowd) -> None:
    while True:
        tell("progress", asdict(crowd.progress))
        await asyncio.sleep(PROGRESS_SECONDS)


if __name__ == "__main__":
    allow_many_sockets()
    loop.run(main())
