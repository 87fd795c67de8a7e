"""What Ctrl-C does, by when it comes."""

import asyncio

import pytest

from load.interruption import Interrupted, Interruption


async def test_outside_a_measurement_it_cancels() -> None:
    waiting = asyncio.create_task(asyncio.Event().wait())
    Interruption(waiting).interrupt()
    with pytest.raises(asyncio.CancelledError):
        await waiting


async def test_afterwards_no_measurement_begins() -> None:
    interruption = Interruption(None)
    with interruption.graceful():
        interruption.interrupt()
    assert interruption.happened
    with pytest.raises(Interrupted), interruption.graceful():
        pass


async def test_inside_one_the_first_ends_it_early_and_the_second_cancels() -> None:
    waiting = asyncio.create_task(asyncio.Event().wait())
    interruption = Interruption(waiting)
    with interruption.graceful() as stop:
        interruption.interrupt()
        assert stop.is_set()
        assert not waiting.cancelling()
        interruption.interrupt()
    with pytest.raises(asyncio.CancelledError):
        await waiting
