"""How many deliveries a second there were, over the time of a measurement."""

from bisect import bisect_right
from collections.abc import Sequence
from operator import itemgetter

History = Sequence[tuple[float, int]]
"""What one client process told and when: seconds since 1970, its deliveries so far."""
Series = Sequence[tuple[float, float]]
"""Seconds since the measurement began, deliveries a second since the point before."""

STEP_SECONDS = 0.25
MOST_POINTS = 240


def throughput(histories: Sequence[History], since: float, until: float) -> Series:
    """Between two moments; processes report at moments of their own, so theirs are interpolated."""
    seconds = until - since
    count = min(int(seconds / STEP_SECONDS), MOST_POINTS)
    if count < 1:
        return []
    step = seconds / count
    totals = [
        sum(_deliveries(each, since + nth * step) for each in histories) for nth in range(count + 1)
    ]
    return [
        (round((nth + 1) * step, 3), round((totals[nth + 1] - totals[nth]) / step, 1))
        for nth in range(count)
    ]


def _deliveries(history: History, moment: float) -> float:
    """Of one process until the moment, as if they had come evenly between two reports."""
    nth = bisect_right(history, moment, key=itemgetter(0))
    if not history or nth == 0:
        return history[0][1] if history else 0.0
    begin, before = history[nth - 1]
    if nth == len(history):
        return before
    end, after = history[nth]
    return before + (after - before) * (moment - begin) / (end - begin)
