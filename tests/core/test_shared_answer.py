"""What many ask for at once is made once."""

import asyncio
import time

import pytest

from app.core.shared_answer import SharedAnswer


class SourceError(Exception):
    pass


class Source:
    """Numbers its answers. While `held` it does not end one."""

    def __init__(self) -> None:
        self.begun = 0
        self.broken = False
        self.is_begun = asyncio.Event()
        self._go_on = asyncio.Event()
        self._go_on.set()

    def hold(self) -> None:
        self._go_on.clear()

    def let_go(self) -> None:
        self._go_on.set()

    async def make(self) -> int:
        self.begun += 1
        self.is_begun.set()
        number = self.begun
        await self._go_on.wait()
        if self.broken:
            raise SourceError
        return number


async def ask_under_way(shared: SharedAnswer[int], source: Source) -> "asyncio.Task[int]":
    """Somebody whose answer is being made."""
    source.hold()
    first = asyncio.create_task(shared.get())
    await source.is_begun.wait()
    return first


async def test_who_comes_while_one_is_made_shares_the_next_one() -> None:
    source = Source()
    shared = SharedAnswer(source.make, 0)
    first = await ask_under_way(shared, source)
    crowd = [asyncio.create_task(shared.get()) for _ in range(50)]
    await asyncio.sleep(0)
    source.let_go()

    assert await first == 1
    assert await asyncio.gather(*crowd) == [2] * 50
    assert source.begun == 2


async def test_nobody_gets_an_answer_from_before_they_asked() -> None:
    shared = SharedAnswer(Source().make, 0)

    assert [await shared.get() for _ in range(3)] == [1, 2, 3]


async def test_it_rests_between_two() -> None:
    shared = SharedAnswer(Source().make, 0.05)
    since = time.monotonic()
    await shared.get()
    crowd = await asyncio.gather(*(shared.get() for _ in range(50)))

    assert time.monotonic() - since >= 0.05
    assert crowd == [2] * 50


async def test_who_gives_up_takes_nothing_from_the_others() -> None:
    source = Source()
    shared = SharedAnswer(source.make, 0)
    first = await ask_under_way(shared, source)
    other = asyncio.create_task(shared.get())
    await asyncio.sleep(0)
    first.cancel()
    source.let_go()

    assert await other == 2
    with pytest.raises(asyncio.CancelledError):
        await first


async def test_an_error_is_told_to_whoever_asked_and_kept_from_nobody_else() -> None:
    source = Source()
    shared = SharedAnswer(source.make, 0)
    source.broken = True
    with pytest.raises(SourceError):
        await shared.get()
    source.broken = False

    assert await shared.get() == 2
