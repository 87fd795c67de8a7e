"""The report as one page that asks nobody for anything: style and plots stand in it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape
from pathlib import Path

from load.comparison import Comparison, compare
from load.machine import Machine
from load.plot import bars, colour
from load.plots import cost, latencies, throughput
from load.report import OURS, Outcome, Result, rows, verdict

_STYLE = Path(__file__).with_suffix(".css")
_FAULTS = ("lost", "duplicated", "out of order")
_LATENCIES = (
    "Receipt minus the event's time; to the right it gets rarer:"
    " at 99 % one delivery in a hundred is later."
)
_THROUGHPUT = "Over the time of the measurement, all connections together."


@dataclass(frozen=True)
class Plot:
    title: str
    about: str
    names: Sequence[str]
    svg: str


@dataclass(frozen=True)
class Page:
    """`command`: the line that the run was started with."""

    command: str
    machine: Machine
    outcome: Outcome

    def render(self) -> str:
        style = _STYLE.read_text(encoding="utf-8")
        body = "\n".join(self._body())
        return (
            '<!doctype html>\n<html lang="en">\n<meta charset="utf-8">\n'
            '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
            f"<title>{escape(self.title)}</title>\n<style>\n{style}</style>\n"
            f"<main>\n{body}\n</main>\n</html>\n"
        )

    @property
    def title(self) -> str:
        names = list(dict.fromkeys(each.scenario for each in self.outcome.results))
        peers = len({each.peer for each in self.outcome.results})
        what = f"{peers} servers compared" if self.outcome.compared else ", ".join(names)
        return f"Load report: {what or 'nothing measured'}"

    def _body(self) -> Iterator[str]:
        outcome = self.outcome
        yield f"<header><h1>{escape(self.title)}</h1>"
        yield f'<p class="lead"><code>{escape(self.command)}</code></p>'
        yield f'<p class="lead">{escape(str(self.machine))}</p></header>'
        yield f'<p class="verdict{"" if outcome.clean else " bad"}">{escape(verdict(outcome))}</p>'
        yield from _notes(outcome.notes)
        if outcome.results:
            yield "<h2>Figures</h2>"
            yield _compared(outcome) if outcome.compared else _results(outcome.results)
        yield "<h2>Plots</h2>"
        yield from _plots(list(plots_of(outcome)))
        yield f"<footer>Written {datetime.now(UTC):%Y-%m-%d %H:%M} UTC. {_CLOCKS}</footer>"


_CLOCKS = "Latency is on one clock only where target and load ran on one machine."


def plots_of(outcome: Outcome) -> Iterator[Plot]:
    """Those for which there is anything to draw."""
    results = outcome.results
    if outcome.compared:
        comparison = compare(results)
        if any(comparison.bars.values()):
            title = comparison.bars_title.capitalize()
            svg = bars(comparison.bars, title, marked=OURS)
            yield Plot(title, "Medians of the rounds.", (), svg)
    if drawn := cost(results):
        about = "The same load, spread wider: a flat line is a cost that does not grow."
        yield Plot("Server CPU for a delivery, µs", about, (), drawn)
    by_name = _named(results, compared=outcome.compared)
    if any(each.latencies.count for each in by_name.values()):
        names, svg = latencies(by_name)
        yield Plot("Latency, ms", _LATENCIES, names, svg)
    if any(each.series for each in by_name.values()):
        names, svg = throughput(by_name)
        yield Plot("Deliveries a second", _THROUGHPUT, names, svg)


def _named(results: Sequence[Result], *, compared: bool) -> Mapping[str, Result]:
    """What stands in a legend; of a comparison the first round at half of the highest rate."""
    if compared:
        shown = [each for each in results if each.scenario in {"half", "fanout"}]
        first: dict[str, Result] = {}
        for each in sorted(shown, key=lambda it: it.peer != OURS):
            first.setdefault(each.peer, each)
        return first
    names = [each.scenario for each in results]
    return {
        name if names.count(name) == 1 else _size(each): each
        for name, each in zip(names, results, strict=True)
    }


def _size(result: Result) -> str:
    if "channels" in result.extra:
        return f"{result.extra['channels']:,.0f} channels"
    return f"{result.connections:,} connections"


def _notes(notes: Sequence[str]) -> Iterator[str]:
    if notes:
        yield f'<ul class="notes">{"".join(f"<li>{escape(note)}</li>" for note in notes)}</ul>'


def _results(results: Sequence[Result]) -> str:
    """Labels down, one column for each result."""
    head = "".join(f"<th>{escape(each.scenario)}</th>" for each in results)
    body = []
    for label, cells in rows(results):
        bad = ' class="bad"'
        told = "".join(
            f"<td{bad if label in _FAULTS and cell != '0' else ''}>{escape(cell)}</td>"
            for cell in cells
        )
        body.append(f"<tr><th>{escape(label)}</th>{told}</tr>")
    return _table(f"<th></th>{head}", body)


def _compared(outcome: Outcome) -> str:
    comparison: Comparison = compare(outcome.results)
    body = []
    for peer, *figures, remarks in comparison.rows:
        cells = "".join(f"<td>{_two_lines(escape(figure))}</td>" for figure in figures)
        row = f'<th>{escape(peer)}</th>{cells}<td class="words">{escape(remarks)}</td>'
        kind = "ours" if peer == OURS else "theirs"
        body.append(f'<tr class="{kind}">{row}</tr>')
    *titles, last = comparison.headers
    head = "".join(f"<th>{escape(title)}</th>" for title in titles)
    return _table(f'{head}<th class="words">{escape(last)}</th>', body)


def _two_lines(figure: str) -> str:
    """The median, and below it from where to where the rounds went."""
    median, _, spread = figure.partition(" ")
    return f"{median}<small>{spread}</small>" if spread else median


def _table(head: str, body: Sequence[str]) -> str:
    rows_ = "\n".join(body)
    return (
        f'<div class="card wide"><table><thead><tr>{head}</tr></thead>\n'
        f"<tbody>{rows_}</tbody></table></div>"
    )


def _plots(plots: Sequence[Plot]) -> Iterator[str]:
    if not plots:
        yield '<div class="card"><p class="empty">Nothing was delivered: nothing to draw.</p></div>'
        return
    yield '<div class="plots">'
    for plot in plots:
        yield f'<section class="card"><h3>{escape(plot.title)}</h3>'
        yield f'<p class="about">{escape(plot.about)}</p>{_legend(plot.names)}{plot.svg}</section>'
    yield "</div>"


def _legend(names: Sequence[str]) -> str:
    """One series needs none: the title names it."""
    if len(names) < 2:  # noqa: PLR2004 - one
        return ""
    items = (
        f'<li><i class="{colour(nth)}"></i>{escape(name)}</li>' for nth, name in enumerate(names)
    )
    return f'<ul class="legend">{"".join(items)}</ul>'
