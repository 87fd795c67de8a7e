"""What a proof measures: told in the log, and kept for `make proof` when PROOF is set."""

import json
import logging
import os
import re
from pathlib import Path
from statistics import median
from typing import TypeVar

LONG = bool(os.environ.get("PROOF"))
DIRECTORY = "PROOF_FIGURES"

Figure = float | str | list[float]
Figures = dict[str, Figure]
"""By name; a name says its unit (`p99_ms`)."""
Value = TypeVar("Value")

logger = logging.getLogger(__name__)


def form(short: Value, long: Value) -> Value:
    """The value for the short form, which runs each time, or for the long one, `make proof`."""
    return long if LONG else short


def keep(test: str, figures: Figures) -> None:
    """Log the figures of a test; with PROOF also write them, one file a test."""
    told = {name: _rounded(figure) for name, figure in figures.items()}
    logger.info("%s: %s", test, ", ".join(f"{name} {told[name]}" for name in told))
    if LONG:
        directory = Path(os.environ.get(DIRECTORY, ".proof/figures"))
        directory.mkdir(parents=True, exist_ok=True)
        file = directory / (re.sub(r"[^\w-]+", "_", test).strip("_") + ".json")
        file.write_text(json.dumps({"test": test, "figures": told}, indent=1))


def middle(values: list[float]) -> float:
    """The median; of no values the test that asks has failed already."""
    assert values, "nothing was measured"
    return median(values)


def _rounded(figure: Figure) -> Figure:
    if isinstance(figure, list):
        return [round(each, 3) for each in figure]
    return figure if isinstance(figure, str) else round(figure, 3)
