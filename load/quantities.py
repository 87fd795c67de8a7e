"""Numbers on the command line."""

import math
from argparse import ArgumentTypeError


def count(text: str) -> int:
    if not text.isdecimal() or int(text) == 0:
        raise ArgumentTypeError(f"{text!r} is not a whole number above 0")
    return int(text)


def seconds(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 <= value < math.inf:
        raise ArgumentTypeError(f"{text!r} is not a number of 0 or more")
    return value


def positive(text: str) -> float:
    value = seconds(text)
    if value == 0:
        raise ArgumentTypeError(f"{text!r} is not a number above 0")
    return value


def counts(text: str) -> tuple[int, ...]:
    """Several, comma separated."""
    return tuple(count(part.strip()) for part in text.split(","))
