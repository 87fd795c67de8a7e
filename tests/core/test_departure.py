"""Who leaves before the answer is there is not worked for any longer."""

import asyncio

import pytest
from starlette.requests import Request
from starlette.types import Message

from app.core.departure import while_there
from app.core.errors import ServiceUnavailable


class Client:
    """Has sent all, and stays until it leaves."""

    def __init__(self) -> None:
        self._left = asyncio.Event()
        self.request = Request({"type": "http", "headers": []}, self._receive)
        self._messages: list[Message] = [{"type": "http.request"}]

    def leave(self) -> None:
        self._left.set()

    async def _receive(self) -> Message:
        if self._messages:
            return self._messages.pop()
        await self._left.wait()
        return {"type": "http.disconnect"}


class Work:
    """Lasts until it is done by hand."""

    def __init__(self) -> None:
        self.outcome = asyncio.get_running_loop().create_future()
        self.begun, self.cancelled = asyncio.Event(), False

    async def run(self) -> str:
        self.begun.set()
        try:
            return str(await self.outcome)
        except asyncio.CancelledError:
            self.cancelled = True
            raise


async def under_way(client: Client, work: Work) -> "asyncio.Task[str]":
    waiting = asyncio.create_task(while_there(client.request, work.run()))
    await work.begun.wait()
    return waiting


async def test_who_stays_gets_what_was_asked_for() -> None:
    client, work = Client(), Work()
    waiting = await under_way(client, work)
    work.outcome.set_result("done")

    assert await waiting == "done"


async def test_who_stays_is_told_what_went_wrong() -> None:
    client, work = Client(), Work()
    waiting = await under_way(client, work)
    work.outcome.set_exception(KeyError("gone"))

    with pytest.raises(KeyError, match="gone"):
        await waiting


async def test_for_who_leaves_the_work_ends() -> None:
    client, work = Client(), Work()
    waiting = await under_way(client, work)
    client.leave()

    with pytest.raises(ServiceUnavailable):
        await waiting
    assert work.cancelled


async def test_a_request_that_is_cancelled_takes_its_work_along() -> None:
    client, work = Client(), Work()
    waiting = await under_way(client, work)
    waiting.cancel()

    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert work.cancelled
