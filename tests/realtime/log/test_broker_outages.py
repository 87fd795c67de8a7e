"""What the log is told while Redis is away."""

import logging
from pathlib import Path

import pytest

from tests.realtime.brokers import Listener, message, own_valkey, running
from tests.waiting import until


class Counting(Listener):
    """Counts how often it tried to connect."""

    tries = 0

    async def _listen(self) -> None:
        self.tries += 1
        await super()._listen()


async def test_a_redis_that_is_away_is_told_of_once_however_often_it_is_looked_for(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "app.realtime")
    with own_valkey(tmp_path) as valkey:
        port = valkey.port
    broker = Counting(valkey.url)
    async with running(broker):
        for _ in range(2):
            await broker.publish([message("a", 1, b"{}")])
            broker._events.mend()
        await until(lambda: broker.tries > 3)
        again = valkey.launch(port)
        try:
            await until(lambda: broker.up)
            broker._events.mend()
            await broker.say(message("a", 1, b"{}"))
            await until(lambda: not broker._events.busy)
        finally:
            again.child.finish(0)
    said = [record.message for record in caplog.records]
    assert [line for line in said if "link" in line] == ["redis link lost", "redis link is back"]
    assert [line for line in said if "publish" in line] == [
        "publish failed",
        "publishing works again",
    ]
