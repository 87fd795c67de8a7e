"""A thousand orders scroll smoothly."""

from collections.abc import AsyncIterator
from statistics import median

import pytest
import pytest_asyncio
from playwright.async_api import Browser, expect

from app.embedded import Services
from tests.end_to_end.browser import visiting
from tests.end_to_end.figures import Figures
from tests.end_to_end.pages.boards import COPIES, demo_server
from tests.end_to_end.pages.marks import PAGE
from tests.end_to_end.server import ServerProcess

pytestmark = [*PAGE, pytest.mark.proof]
shared = pytest_asyncio.fixture(scope="module", loop_scope="module")

LONGEST_TASK_MS = 100
SCROLL_MS = 2_000

# Scrolls all columns at once from top to bottom; the longest task meanwhile, in ms.
SCROLL = """
(duration) => new Promise((resolve) => {
  const tasks = [];
  const since = performance.now();
  new PerformanceObserver((list) => tasks.push(...list.getEntries()))
    .observe({ type: 'longtask', buffered: true });
  const columns = [...document.querySelectorAll('.column-scroll')];
  const step = () => {
    const part = (performance.now() - since) / duration;
    for (const column of columns) column.scrollTop = part * column.scrollHeight;
    if (part < 1) requestAnimationFrame(step);
    // Entries come with the next idle moment.
    else setTimeout(() => resolve(longest(tasks)), 200);
  };
  const longest = (entries) => {
    const during = entries.filter((task) => task.startTime >= since);
    return Math.max(0, ...during.map((task) => task.duration));
  };
  requestAnimationFrame(step);
})
"""


@shared
async def server(
    demo: Services, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[ServerProcess]:
    async with demo_server(demo, tmp_path_factory.mktemp("scroll"), copies=COPIES) as server:
        yield server


async def test_a_thousand_orders_scroll_without_a_long_task(
    server: ServerProcess, browser: Browser, figures: Figures
) -> None:
    longest = []
    async with visiting(browser, server.url) as staff:
        await staff.sign_in("staff")
        for _ in range(3):
            await staff.page.reload()
            await expect(staff.by("extent")).to_contain_text("1,0", timeout=30_000)
            longest.append(await staff.page.evaluate(SCROLL, SCROLL_MS))

    figures["longest tasks, ms"] = longest
    assert median(longest) < LONGEST_TASK_MS
