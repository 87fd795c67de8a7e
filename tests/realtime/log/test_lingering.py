"""Lingering: what it is asked to leave, and what happens when that fails."""

import logging

import pytest

from app.realtime.log.lingering import LEFT_AT_ONCE, Lingering
from tests.waiting import until


async def test_where_some_cannot_be_left_the_others_are(caplog: pytest.LogCaptureFixture) -> None:
    left: list[str] = []

    def leave(channels: list[str]) -> None:
        if "c0" in channels:
            raise AttributeError("no writer")
        left.extend(channels)

    lingering = Lingering(leave)
    channels = [f"c{nth}" for nth in range(LEFT_AT_ONCE + 1)]
    with caplog.at_level(logging.ERROR):
        for channel in channels:
            lingering.add(channel, 0)
        await until(lambda: left == channels[LEFT_AT_ONCE:])
    await lingering.aclose()
    assert [record.message for record in caplog.records] == ["leaving channels failed"]
