"""What is written: orders as of the Northwind sample database, and where each one stands."""

import csv
from collections import deque
from dataclasses import dataclass, field
from itertools import cycle, groupby
from operator import itemgetter
from pathlib import Path
from typing import Any

STEPS = ("accepted", "preparing", "ready", "completed")
"""The statuses that staff give an order after `placed`, in their order."""

_LINES = Path(__file__).resolve().parent.parent / "app" / "northwind.csv"
_OPEN_AT_ONCE = 20


def read_northwind(path: Path = _LINES) -> list[dict[str, Any]]:
    """Bodies for POST /api/v1/orders, of 1 to 25 items."""
    with path.open(encoding="utf-8", newline="") as file:
        orders = groupby(csv.DictReader(file), key=itemgetter("order_id"))
        return [_body(list(lines)) for _, lines in orders]


def _body(lines: list[dict[str, str]]) -> dict[str, Any]:
    items = [
        {
            "sku": line["sku"],
            "name": line["product"],
            "quantity": int(line["quantity"]),
            "unit_price": line["unit_price"],
        }
        for line in lines
    ]
    return {"currency": "EUR", "note": lines[0]["customer"], "items": items}


@dataclass
class OpenOrder:
    """An order on its way to `completed`; `etag` as the last answer gave it."""

    id: str
    etag: str
    steps: deque[str] = field(default_factory=lambda: deque(STEPS))


class OrderBook:
    """Chooses the next write: new orders and status moves by turns of 1 and 4, or new ones only.

    An order that is being written to is out of the book until its answer is there, so that writes
    of one order follow each other and none of them meets a version that it does not know.
    """

    def __init__(self, *, moves: bool = True) -> None:
        self._moves = moves
        self._bodies = cycle(read_northwind())
        self._idle: deque[OpenOrder] = deque()
        self._turn = 0

    def next_move(self) -> OpenOrder | None:
        """The order to move next, or None when a new one is due."""
        self._turn += 1
        if self._turn % (1 + len(STEPS)) == 1 or len(self._idle) == 0:
            return None
        return self._idle.popleft()

    def next_body(self) -> dict[str, Any]:
        return next(self._bodies)

    def put_back(self, order: OpenOrder) -> None:
        if order.steps and self._moves:
            self._idle.append(order)
