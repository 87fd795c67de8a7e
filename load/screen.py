"""What the person sees: a table and a bar on a terminal, plain lines anywhere else."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

from rich import box
from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, TextColumn, TimeRemainingColumn
from rich.table import Table

from load.comparison import Comparison, compare
from load.machine import Machine
from load.report import OURS, Outcome, rows, verdict

_BAR_SECONDS = 0.125
_WIDE = 140
_FAULTS = ("lost", "duplicated", "out of order")


class Screen:
    """`console` writes to standard output; errors are not its business."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def say(self, text: str) -> None:
        self._print(text, "dim")

    def _print(self, text: str, style: str | None = None) -> None:
        """As it is: what a server said may hold brackets."""
        self._console.print(text, style=style, markup=False, highlight=False, soft_wrap=True)

    @asynccontextmanager
    async def bar(self, seconds: float, counted: Callable[[], str]) -> AsyncIterator[None]:
        """A bar that fills in `seconds`, beside it what `counted` says; nothing off a terminal."""
        if not self._console.is_terminal:
            yield
            return
        with Progress(
            *_columns(), console=self._console, transient=True, auto_refresh=False
        ) as progress:
            ticking = asyncio.create_task(_advance(progress, seconds, counted))
            try:
                yield
            finally:
                ticking.cancel()

    def show(self, outcome: Outcome, machine: Machine) -> None:
        if outcome.compared:
            narrow = self._console.is_terminal and self._console.width < _WIDE
            self._compared(compare(outcome.results, narrow=narrow))
        elif self._console.is_terminal:
            self._console.print(_table(outcome))
        else:
            self._lines(outcome)
        self.say(str(machine))
        for note in outcome.notes:
            self._print(f"note: {note}", "yellow")
        self._verdict(outcome)

    def _lines(self, outcome: Outcome) -> None:
        names = [result.scenario for result in outcome.results]
        lines = [("scenario", names), *rows(outcome.results)]
        self._columns([[label, *cells] for label, cells in lines])

    def _compared(self, comparison: Comparison) -> None:
        """A row for each server; off a terminal the cells stand in columns, too."""
        if self._console.is_terminal:
            self._console.print(_comparison(comparison))
            return
        self._columns([comparison.headers, *comparison.rows])

    def _columns(self, lines: Sequence[Sequence[str]]) -> None:
        """Plain text, cells below each other."""
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        for line in lines:
            cells = (cell.ljust(width) for cell, width in zip(line, widths, strict=True))
            self._print("  ".join(cells).rstrip())

    def _verdict(self, outcome: Outcome) -> None:
        style = "green" if outcome.clean else "bold red"
        self._console.print(verdict(outcome), style=style, highlight=False)


async def _advance(progress: Progress, seconds: float, counted: Callable[[], str]) -> None:
    """The bar is the time that has passed, the text beside it is the news."""
    task = progress.add_task("measuring", total=seconds, counted="")
    begin = time.monotonic()
    while True:
        passed = min(time.monotonic() - begin, seconds)
        progress.update(task, completed=passed, counted=counted(), refresh=True)
        await asyncio.sleep(_BAR_SECONDS)


def _columns() -> tuple[ProgressColumn, ...]:
    news = TextColumn("{task.fields[counted]}", style="dim")
    return TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn(), news


def _table(outcome: Outcome) -> Table:
    """One column for each result; the labels are the rows, so that it fits 80 characters."""
    table = Table(box=box.SIMPLE_HEAD, show_edge=False)
    table.add_column("")
    for result in outcome.results:
        table.add_column(result.scenario, justify="right")
    for label, cells in rows(outcome.results):
        bad = label in _FAULTS and any(cell != "0" for cell in cells)
        table.add_row(label, *cells, style="bold red" if bad else None)
    return table


def _comparison(comparison: Comparison) -> Table:
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, padding=(0, 1, 0, 0))
    last = len(comparison.headers) - 1
    for nth, title in enumerate(comparison.headers):
        words = nth in {0, last}
        table.add_column(title, justify="left" if words else "right", no_wrap=nth in {0, 1})
    for row in comparison.rows:
        table.add_row(*row, style="bold" if row[0] == OURS else None)
    return table
