"""Line and bar plots as SVG: no library, no script, colours from the page's style sheet.

Series have a fixed colour each by their place, `s1` to `s8`; later ones are grey.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from html import escape

Points = Sequence[tuple[float, float]]

WIDTH, HEIGHT = 420, 270
LEFT, RIGHT, TOP, BOTTOM = 52, 22, 12, 40
COLOURS = 8
_TICKS = 5
_BAR, _BAR_GAP = 22, 12
_CHARACTER = 7
"""Room for one of a name; most need less."""


@dataclass(frozen=True)
class Axis:
    """Values to pixels. `ticks`: value and its text."""

    title: str
    low: float
    high: float
    ticks: Sequence[tuple[float, str]]
    logarithmic: bool = False

    def share(self, value: float) -> float:
        """0 at the low end, 1 at the high one."""
        scale: Callable[[float], float] = math.log10 if self.logarithmic else float
        low, high = scale(self.low), scale(self.high)
        return (scale(value) - low) / (high - low)

    def up_to(self, high: float) -> "Axis":
        """Ends there, wherever the ticks are."""
        ticks = [tick for tick in self.ticks if tick[0] <= high]
        return replace(self, high=high, ticks=ticks)


def linear(title: str, highest: float, form: str = ",.4g", low: float = 0.0) -> Axis:
    """From `low` on, in round steps."""
    step = _round_step((highest - low) / _TICKS or 1.0)
    count = max(1, math.ceil((highest - low) / step - 1e-9))
    ticks = [low + nth * step for nth in range(count + 1)]
    size, unit = _unit(ticks[-1])
    texts = [(tick, f"{tick / size:{form}}{unit if tick else ''}") for tick in ticks]
    return Axis(title, low, ticks[-1], texts)


def logarithmic(title: str, lowest: float, highest: float) -> Axis:
    """Whole decades."""
    first = math.floor(math.log10(lowest) + 1e-9)
    last = max(first + 1, math.ceil(math.log10(highest) - 1e-9))
    ticks = [(10.0**nth, f"{10.0**nth:,.6g}") for nth in range(first, last + 1)]
    return Axis(title, 10.0**first, 10.0**last, ticks, logarithmic=True)


def lines(series: Mapping[str, Points], x: Axis, y: Axis, *, dots: bool = False) -> str:
    """A line each; `dots` marks the points, for series of a few."""
    body = [*_grid(x, y)]
    for nth, (name, points) in enumerate(series.items()):
        places = [(_x(x, at), _y(y, value)) for at, value in points]
        path = " ".join(f"{left:.1f},{top:.1f}" for left, top in places)
        body.append(f'<polyline class="line {colour(nth)}" points="{path}"/>')
        if dots:
            told = (f"{name}: {value:,.4g} at {at:,.6g}" for at, value in points)
            body += [_dot(place, nth, text) for place, text in zip(places, told, strict=True)]
    return _svg(HEIGHT, f"{y.title} against {x.title}", body)


def bars(figures: Mapping[str, float], title: str, *, marked: str) -> str:
    """From the left, one below the other; `marked` in the first colour, the others in grey."""
    highest = max(figures.values(), default=0.0) or 1.0
    names = max(map(len, figures), default=0) * _CHARACTER + 8
    room = WIDTH - names - 76
    body = []
    for nth, (name, figure) in enumerate(figures.items()):
        top = TOP + nth * (_BAR + _BAR_GAP)
        middle, width = top + _BAR / 2 + 4, max(figure / highest * room, 1.0)
        kind = colour(0) if name == marked else "grey"
        size = f'width="{width:.1f}" height="{_BAR}" rx="3"'
        body += [
            f'<text class="name end" x="{names - 8}" y="{middle}">{escape(name)}</text>',
            f'<rect class="bar {kind}" x="{names}" y="{top}" {size}/>',
            f'<text class="name" x="{names + width + 6:.1f}" y="{middle}">{figure:,.0f}</text>',
        ]
    return _svg(2 * TOP + len(figures) * (_BAR + _BAR_GAP) - _BAR_GAP, title, body)


def colour(nth: int) -> str:
    return f"s{nth + 1}" if nth < COLOURS else "grey"


def _grid(x: Axis, y: Axis) -> Iterator[str]:
    bottom, right = HEIGHT - BOTTOM, WIDTH - RIGHT
    for value, text in y.ticks:
        top = _y(y, value)
        yield f'<line class="grid" x1="{LEFT}" x2="{right}" y1="{top:.1f}" y2="{top:.1f}"/>'
        yield f'<text x="{LEFT - 6}" y="{top + 4:.1f}" class="end">{escape(text)}</text>'
    for value, text in x.ticks:
        left = _x(x, value)
        yield f'<text x="{left:.1f}" y="{bottom + 16}" class="middle">{escape(text)}</text>'
    yield f'<line class="axis" x1="{LEFT}" x2="{right}" y1="{bottom}" y2="{bottom}"/>'
    middle = (LEFT + right) / 2
    yield f'<text x="{middle}" y="{HEIGHT - 6}" class="middle">{escape(x.title)}</text>'


def _dot(place: tuple[float, float], nth: int, text: str) -> str:
    return (
        f'<circle class="dot {colour(nth)}" cx="{place[0]:.1f}" cy="{place[1]:.1f}" r="4">'
        f"<title>{escape(text)}</title></circle>"
    )


def _x(axis: Axis, value: float) -> float:
    return LEFT + axis.share(value) * (WIDTH - LEFT - RIGHT)


def _y(axis: Axis, value: float) -> float:
    return HEIGHT - BOTTOM - axis.share(value) * (HEIGHT - TOP - BOTTOM)


def _svg(height: float, label: str, body: Sequence[str]) -> str:
    head = f'<svg viewBox="0 0 {WIDTH} {height:g}" role="img" aria-label="{escape(label)}">'
    return head + "".join(body) + "</svg>"


def _round_step(least: float) -> float:
    """1, 2 or 5 times a power of ten, not below `least`."""
    power = 10.0 ** math.floor(math.log10(least))
    return next(power * times for times in (1, 2, 5, 10) if power * times >= least * (1 - 1e-9))


def _unit(highest: float) -> tuple[float, str]:
    """Thousands as k, millions as M."""
    if highest >= 1_000_000:  # noqa: PLR2004 - M
        return 1_000_000, "M"
    return (1_000, "k") if highest >= 10_000 else (1, "")  # noqa: PLR2004 - k
