"""The moment after something has moved in which it takes no press: `DEAD_TIME` of shifts.js."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tests.end_to_end.browser import Visit

HOLD = """
() => {
  const start = window.setTimeout;
  const held = [];
  window.setTimeout = (end, wait, ...given) =>
    wait === 600 ? void held.push(end) : start(end, wait, ...given);
  window.endDeadTime = () => {
    window.setTimeout = start;
    for (const end of held) end();
  };
}
"""
END = "() => window.endDeadTime()"


@asynccontextmanager
async def dead_time_held(visit: Visit) -> AsyncIterator[None]:
    """It ends when the test says so, and not while a busy machine is on its way to the press."""
    await visit.page.evaluate(HOLD)
    yield
    await visit.page.evaluate(END)
