"""Questions that many ask at the same moment, answered together: thousands may return at once."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Hashable, Mapping
from itertools import islice
from typing import Generic, TypeVar

from app.core.single_flight import retrieve

Asked = TypeVar("Asked", bound=Hashable)
Answer = TypeVar("Answer")
AnswerAll = Callable[[Collection[Asked]], Awaitable[Mapping[Asked, Answer]]]

MOST = 512
"""So many questions are put into one."""
ROUNDS = 3
SLOW_SECONDS = 0.25
"""After so long those who wait for the next answer do not wait for this one any more."""


class Gathering(Generic[Asked, Answer]):
    """Who asks while an answer is under way shares the next one. While one is slow, as by a
    connection that went silent, others are sought beside it, by ROUNDS at a time.

    `answer_all` is brought to its end, whoever still waits: to cancel a statement costs its
    connection, as SQLAlchemy closes it, and takes leave of a Postgres that says nothing for two
    seconds, in the middle of whatever was to end in time.
    """

    def __init__(self, answer_all: AnswerAll[Asked, Answer], name: str) -> None:
        self.tasks: set[asyncio.Task[None]] = set()
        self._answer_all = answer_all
        self._name = name
        self._wanted: dict[Asked, asyncio.Future[Answer]] = {}
        self._slow: set[asyncio.Task[None]] = set()

    async def ask(self, question: Asked) -> Answer:
        """What is true after this was called. Raises what `answer_all` raises; who is cancelled
        does not wait any longer.
        """
        answer = self._wanted.get(question)
        if answer is None:
            answer = self._wanted[question] = asyncio.get_running_loop().create_future()
            answer.add_done_callback(retrieve)
            self._begin()
        return await asyncio.shield(answer)

    def _begin(self) -> None:
        """Another round, unless one that is under way will see to what is wanted."""
        # A task that has ended is still there until its callbacks run: nobody serves then.
        under_way = {task for task in self.tasks if not task.done()}
        if self._wanted and under_way <= self._slow and len(under_way) < ROUNDS:
            task = asyncio.create_task(self._run(), name=self._name)
            self.tasks.add(task)
            task.add_done_callback(self.tasks.discard)
            task.add_done_callback(self._slow.discard)

    def _note_slow(self, task: asyncio.Task[None]) -> None:
        self._slow.add(task)
        self._begin()

    async def _run(self) -> None:
        loop, task = asyncio.get_running_loop(), asyncio.current_task()
        assert task is not None  # noqa: S101 - this runs in one
        wanted: dict[Asked, asyncio.Future[Answer]] = {}
        try:
            while self._wanted:
                await asyncio.sleep(0)  # who else asks in this turn of the loop
                wanted = {asked: self._wanted.pop(asked) for asked in self._next()}
                timer = loop.call_later(SLOW_SECONDS, self._note_slow, task)
                try:
                    await self._answer(wanted)
                finally:
                    timer.cancel()
                    self._slow.discard(task)
        except BaseException:  # cancelled, above all: nobody is to wait for what does not come
            left, self._wanted = self._wanted, {}
            for answer in (*wanted.values(), *left.values()):
                answer.cancel()
            raise

    def _next(self) -> list[Asked]:
        return list(islice(self._wanted, MOST))

    async def _answer(self, wanted: "Mapping[Asked, asyncio.Future[Answer]]") -> None:
        try:
            answers = await self._answer_all(list(wanted))
        except Exception as error:  # noqa: BLE001 - it goes to whoever asked
            for answer in wanted.values():
                answer.set_exception(error)
        else:
            for asked, answer in wanted.items():
                answer.set_result(answers[asked])

    async def aclose(self) -> None:
        """Those who wait are let go."""
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
