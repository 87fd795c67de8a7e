"""The plots of a report, drawn from its results."""

import math
from collections.abc import Mapping, Sequence

from load.histogram import Histogram
from load.plot import Axis, Points, linear, lines, logarithmic
from load.report import Result

Drawn = tuple[list[str], str]
"""The names in the order of their colours, and the SVG."""

_STEPS = 24
"""Points for each ten times rarer."""
_LEAST_MS = 0.01
_GROWTH = {"growth": "connections", "channels": "channels"}


def latencies(results: Mapping[str, Result]) -> Drawn:
    """Percentiles to the right, on a scale where each nine more takes as much room."""
    timed = {name: each.latencies for name, each in results.items() if each.latencies.count}
    series = {name: curve(each) for name, each in timed.items()}
    nines = max(points[-1][0] for points in series.values())
    values = [value for points in series.values() for _, value in points]
    y = logarithmic("latency, ms", min(values), max(values))
    return list(series), lines(series, _percentiles(nines), y)


def curve(histogram: Histogram) -> Points:
    """How many ten times rarer (50 % is 0.3, 99 % is 2), and ms; up to one value in all."""
    points, found, nth = histogram.points(), [], 0
    most = math.log10(histogram.count) if histogram.count > 1 else 0.1
    for step in range(math.floor(most * _STEPS) + 1):
        share = 1 - 10 ** (-step / _STEPS)
        while points[nth][0] < share and nth + 1 < len(points):
            nth += 1
        found.append((step / _STEPS, max(points[nth][1] / 1000, _LEAST_MS)))
    found.append((most, max(histogram.largest / 1000, _LEAST_MS)))
    return found


def throughput(results: Mapping[str, Result]) -> Drawn:
    series = {name: each.series for name, each in results.items() if each.series}
    points = [point for each in series.values() for point in each]
    last = max(seconds for seconds, _ in points)
    x = linear("seconds", last).up_to(last)
    return list(series), lines(series, x, linear("deliveries/s", max(rate for _, rate in points)))


def cost(results: Sequence[Result]) -> str:
    """Against the number of subscribers or channels; empty unless there are several."""
    grown = [each for each in results if each.extra.get("server_us_per_delivery")]
    sizes = [each.extra.get("channels", each.connections) for each in grown]
    if len(set(sizes)) < 2:  # noqa: PLR2004 - a line
        return ""
    figures = [each.extra["server_us_per_delivery"] for each in grown]
    x = logarithmic(_GROWTH.get(grown[0].scenario, "size"), min(sizes), max(sizes))
    y = linear("µs", max(figures))
    return lines({"cost": list(zip(sizes, figures, strict=True))}, x, y, dots=True)


def _percentiles(nines: float) -> Axis:
    known = ((0.0, "0"), (0.30103, "50"), (1.0, "90"), (2.0, "99"), (3.0, "99.9"), (4.0, "99.99"))
    further = ((5.0, "99.999"), (6.0, "99.9999"), (7.0, "99.99999"))
    ticks = [(at, text) for at, text in (*known, *further) if at <= nines]
    return Axis("% of deliveries not later", 0.0, max(nines, 0.1), ticks)
