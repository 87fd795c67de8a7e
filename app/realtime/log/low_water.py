"""Below which id nothing is pending any more, so that nobody has to look there.

A numbered event leaves a dead row in `pending`, which stays for as long as any snapshot is older
than that: while a dump runs, or a report is left open. Who looks for the oldest pending event from
the beginning steps over all of them, each time.
"""

from collections.abc import Iterable
from time import monotonic

FORGET_SECONDS = 60.0
"""So long the relay may miss what came to `pending` behind its back, as when rows are restored."""


class LowWater:
    """What one session of the relay has learnt; another begins anew.

    `after`: whoever took this id or a lower one has ended, and what they committed is numbered.
    An id is taken before its transaction commits, in which order ever; but after the transaction
    has its own number (`outbox`), and those are given in order. So of the ids up to `_known`, the
    highest that was committed before transaction `_by` began, all were taken by transactions
    before `_by`: once those have ended, no such id can come any more.
    """

    def __init__(self) -> None:
        self.after = 0
        self._known = 0
        self._candidate = 0
        self._by: int | None = None
        self._forget_at = monotonic() + FORGET_SECONDS

    @property
    def is_old(self) -> bool:
        return monotonic() > self._forget_at

    def rise(self, ids: Iterable[int], transaction: int, oldest_running: int) -> None:
        """A batch took the lowest ids above `after`: these. It was numbered by this transaction,
        in a snapshot in which all before the other had ended.
        """
        highest = max(ids)
        if self._by is not None and oldest_running > self._by:
            self.after = max(self.after, min(self._candidate, highest))
            self._by = None
        if self._by is None:
            self._candidate, self._by = self._known, transaction
        self._known = max(self._known, highest)
