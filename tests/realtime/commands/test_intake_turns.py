"""Intake: messages that have gathered, and the turns of those who wait beside them."""

from collections import Counter
from collections.abc import Iterator

from app.core.config import Settings
from app.core.stints import STINT_SECONDS
from app.realtime.commands.intake import MAX_WAITING
from app.realtime.wire.codec import JsonCodec
from app.realtime.wire.requests import Call
from tests.realtime.intakes import taken_in
from tests.realtime.turning import Turning, counted, spin


class Heavy(JsonCodec):
    """Every message takes long to read; keeps in which turn of the loop that was."""

    def __init__(self) -> None:
        self.turning = Turning()
        self.turns: list[int] = []

    def parse(self, message: str | bytes) -> Iterator[Call]:
        spin(2 * STINT_SECONDS)
        self.turns.append(self.turning.turn)
        return super().parse(message)


async def test_messages_that_waited_for_another_leave_turns_to_others(settings: Settings) -> None:
    heavy = Heavy()
    async with taken_in(settings, heavy) as one:
        one.start()
        await one.connect()
        one.desk.rooms.may_answer.clear()
        numbers = [one.subscribe("a")]
        await one.desk.rooms.asked.wait()
        numbers += [one.unsubscribe("b") for _ in range(MAX_WAITING)]
        async with counted(heavy.turning):
            heavy.turns.clear()
            one.desk.rooms.may_answer.set()
            await one.idle()
        assert one.answered[1:] == numbers
        assert max(Counter(heavy.turns).values()) <= 2


async def test_messages_of_one_read_leave_turns_to_others(settings: Settings) -> None:
    heavy = Heavy()
    async with taken_in(settings, heavy) as one:
        one.start()
        await one.connect()
        async with counted(heavy.turning):
            heavy.turns.clear()
            numbers = [one.unsubscribe("a") for _ in range(4)]
            await one.idle()
        assert one.answered[1:] == numbers
        assert max(Counter(heavy.turns).values()) <= 2
