"""Chromium, driven by Playwright: one browser, a context for each person."""

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from playwright.async_api import (
    Browser,
    ConsoleMessage,
    Locator,
    Page,
    Request,
    WebSocket,
    async_playwright,
)

from tests.end_to_end.described import NotDescribed, description

BINARIES = [Path("/usr/bin/chromium-headless-shell"), Path("/usr/bin/chromium")]
CHROMIUM = next((path for path in BINARIES if path.exists()), BINARIES[0])
"""The shell, which has no windows, takes a fifth less time."""
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PHONE = (390, 844)
DESKTOP = (1440, 900)
SCREENSHOTS = Path(__file__).parents[2] / ".screenshots"
COMPOSING = [{"isComposing": True}, {"keyCode": 229}]
"""How browsers tell that a key belongs to an input method."""


@asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        await browser.close()


class Visit:
    """A page in a context of its own; what it complained of and whom it asked is kept."""

    def __init__(self, page: Page, url: str) -> None:
        self.page = page
        self.url = url
        self.errors: list[str] = []
        self.foreign: list[str] = []
        self.urls: list[str] = []
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("console", self._on_console)
        page.on("request", self._on_request)
        page.on("websocket", self._on_websocket)

    async def has_asked(self) -> None:
        """Until whatever it has asked for so far was told of."""
        await self.page.evaluate("() => fetch('/health')")

    def by(self, test_id: str) -> Locator:
        return self.page.get_by_test_id(test_id)

    async def sign_in(self, person: str) -> None:
        """One click on a demo person; until the board is live."""
        await self.page.goto(self.url)
        await self.by(f"demo-{person}").click()
        await self.is_live()

    async def is_live(self) -> None:
        light = self.page.locator("[data-testid=connection-light][data-state=live]")
        await light.wait_for(state="attached", timeout=20_000)

    async def screenshot(self, name: str) -> None:
        SCREENSHOTS.mkdir(exist_ok=True)
        await self.page.screenshot(path=SCREENSHOTS / f"{name}.png", animations="disabled")

    def _on_console(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.errors.append(message.text)

    def _on_websocket(self, socket: WebSocket) -> None:
        self.urls.append(socket.url)
        known = description()
        socket.on("framesent", lambda payload: self._check(payload, known.check_sent))
        socket.on("framereceived", lambda payload: self._check(payload, known.check_received))

    def _check(self, payload: str | bytes, check: Callable[[dict[str, Any]], None]) -> None:
        for line in payload.splitlines():
            try:
                check(json.loads(line))
            except NotDescribed as error:
                self.errors.append(str(error))

    def _on_request(self, request: Request) -> None:
        self.urls.append(request.url)
        if not request.url.startswith((self.url, self.url.replace("http", "ws"), "data:", "blob:")):
            self.foreign.append(request.url)


@asynccontextmanager
async def visiting(
    browser: Browser,
    url: str,
    *,
    size: tuple[int, int] = DESKTOP,
    dark: bool = False,
    touch: bool = False,
) -> AsyncIterator[Visit]:
    context = await browser.new_context(
        viewport={"width": size[0], "height": size[1]},
        color_scheme="dark" if dark else "light",
        has_touch=touch,
    )
    visit = Visit(await context.new_page(), url)
    yield visit
    await visit.page.unroute_all(behavior="ignoreErrors")  # requests that are on their way still
    await context.close()
